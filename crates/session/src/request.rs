//! Requests for certificates (PKCS #10). Only the public key is taken from one: what the certificate says is decided here.

use protocol::CERTIFICATE_REQUEST_BYTES_MAX;
use rcgen::{
    CertificateSigningRequestParams, Error, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKey, PublicKeyData,
};
use rustls_pki_types::CertificateSigningRequestDer;

/// Why a request for a certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestFault {
    #[error("the request for a certificate has more than {CERTIFICATE_REQUEST_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the request for a certificate is not one of PKCS #10 in DER without extensions")]
    Malformed,
    #[error("the request for a certificate is not signed by the key that it names")]
    Signature,
    #[error("the key in the request for a certificate is neither of P-256 nor of Ed25519")]
    Key,
}

/// The public key of a request that is signed by it.
pub(crate) fn public_key(request: &[u8]) -> Result<PublicKey, RequestFault> {
    if request.len() > CERTIFICATE_REQUEST_BYTES_MAX {
        return Err(RequestFault::TooLarge);
    }
    let read = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request));
    let key = read.map(|read| read.public_key).map_err(|error| match error {
        Error::InvalidCertificationRequestSignature => RequestFault::Signature,
        Error::UnsupportedSignatureAlgorithm => RequestFault::Key,
        _ => RequestFault::Malformed,
    })?;
    // The algorithm is that of the signature; that the key is one of it is seen by its form: an uncompressed point.
    let bytes = key.der_bytes();
    let p256 = key.algorithm() == &PKCS_ECDSA_P256_SHA256 && bytes.len() == 65 && bytes.first() == Some(&4);
    let ed25519 = key.algorithm() == &PKCS_ED25519 && bytes.len() == 32;
    if p256 || ed25519 { Ok(key) } else { Err(RequestFault::Key) }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384};

    use super::*;

    fn request(algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
        let pair = KeyPair::generate_for(algorithm).unwrap();
        let request = CertificateParams::default().serialize_request(&pair).unwrap();
        request.der().to_vec()
    }

    #[test]
    fn keys_of_two_kinds_are_taken() {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
            assert_eq!(public_key(&request(algorithm)).unwrap().algorithm(), algorithm);
        }
        assert_eq!(public_key(&request(&PKCS_ECDSA_P384_SHA384)), Err(RequestFault::Key));
    }

    #[test]
    fn a_request_that_is_damaged_anywhere_is_refused_or_says_the_same() {
        let good = request(&PKCS_ECDSA_P256_SHA256);
        let key = public_key(&good);
        for place in 0..good.len() {
            let mut damaged = good.clone();
            damaged[place] ^= 1;
            // There are bits that mean nothing; no other key can be had by one.
            let read = public_key(&damaged);
            assert!(read.is_err() || read == key, "byte {place}: {read:?}");
        }
        for end in 0..good.len() {
            assert!(public_key(&good[..end]).is_err());
        }
        let large = vec![0; CERTIFICATE_REQUEST_BYTES_MAX + 1];
        assert_eq!(public_key(&large), Err(RequestFault::TooLarge));
        assert_eq!(public_key(b""), Err(RequestFault::Malformed));
    }

    #[test]
    fn another_ones_key_cannot_be_asked_for() {
        // Two requests of the same length; the signature of one under the content of the other.
        let (one, other) = (request(&PKCS_ED25519), request(&PKCS_ED25519));
        let signature = one.len() - 64;
        let mixed = [&one[..signature], &other[signature..]].concat();
        assert_eq!(public_key(&mixed), Err(RequestFault::Signature));
    }
}
