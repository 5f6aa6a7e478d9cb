//! Certificates as text (RFC 7468).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::CredentialError;

/// The length of a line, in characters.
const LINE: usize = 64;

/// A certificate in DER as text.
pub(super) fn certificate(der: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in encoded.as_bytes().chunks(LINE) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// The certificate of a text, in DER.
pub(super) fn read_certificate(text: &str) -> Result<Vec<u8>, CredentialError> {
    let read = CertificateDer::from_pem_slice(text.as_bytes());
    read.map(|der| der.to_vec()).map_err(|error| CredentialError::Certificate(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [1, 47, 48, 49, 500] {
            let der: Vec<u8> = (0..length).map(|byte: u32| byte.to_le_bytes()[0]).collect();
            let text = certificate(&der);
            assert!(text.lines().all(|line| line.len() <= LINE), "{text}");
            assert_eq!(read_certificate(&text).unwrap(), der);
        }
    }
}
