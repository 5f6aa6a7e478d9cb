//! What a node proves itself with: a key that never leaves it, the certificate that an authority gave it for that key, and
//! that authority, which is all that it trusts.

use std::sync::Arc;

use model::{UnixMillis, ram::Secret};
use protocol::ALPN;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::{ClientConfig, RootCertStore, client::ClientConfig as Config, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use thiserror::Error;

/// Why a key or a certificate cannot be used.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// No key or request can be made.
    #[error("no key can be made for this node")]
    Key(#[source] rcgen::Error),
    /// The certificate is none.
    #[error("what was given as a certificate is none: {0}")]
    Certificate(String),
    /// The parts do not fit together.
    #[error("the certificate cannot be used with the key of this node")]
    Mismatch(#[source] rustls::Error),
}

/// A key for which there is no certificate yet.
pub struct NewKey(KeyPair);

impl NewKey {
    /// Makes one.
    ///
    /// # Errors
    /// [`CredentialError::Key`].
    pub fn make() -> Result<Self, CredentialError> {
        KeyPair::generate().map(Self).map_err(CredentialError::Key)
    }

    /// What asks an authority for a certificate: PKCS #10 in DER. Whose it will be the authority knows.
    ///
    /// # Errors
    /// [`CredentialError::Key`].
    pub fn request(&self) -> Result<Vec<u8>, CredentialError> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        let request = parameters.serialize_request(&self.0).map_err(CredentialError::Key)?;
        Ok(request.der().to_vec())
    }

    /// The key with the certificate that an authority has given for it.
    ///
    /// # Errors
    /// The certificate is for another key, or none.
    pub fn certified(self, certificate: Vec<u8>, authority: Vec<u8>) -> Result<Credentials, CredentialError> {
        let key = Secret::new(self.0.serialize_pem());
        Credentials::new(key, certificate, authority)
    }
}

/// Key, certificate and authority.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// PKCS #8 in PEM.
    key: Secret,
    /// DER.
    certificate: Vec<u8>,
    /// DER.
    authority: Vec<u8>,
    validity: Validity,
}

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: UnixMillis,
    /// From when on it is not good any more.
    pub until: UnixMillis,
}

impl Validity {
    /// When it is time for another one: at two thirds.
    pub fn renewal(self) -> UnixMillis {
        let life = self.until.0.saturating_sub(self.from.0).max(0);
        UnixMillis(self.from.0.saturating_add(life / 3 * 2))
    }
}

impl Credentials {
    /// Puts them together.
    ///
    /// # Errors
    /// They do not belong together.
    pub fn new(key: Secret, certificate: Vec<u8>, authority: Vec<u8>) -> Result<Self, CredentialError> {
        let validity = validity(&certificate)?;
        let credentials = Self { key, certificate, authority, validity };
        credentials.tls()?;
        Ok(credentials)
    }

    /// The key: PKCS #8 in PEM.
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// The certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The authority's certificate, in DER.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// From when to when the certificate is good.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Settings of TLS that show the certificate, and trust the authority alone.
    ///
    /// # Errors
    /// Certificate and key do not belong together.
    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>, CredentialError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.clone())).map_err(CredentialError::Mismatch)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.reveal().as_bytes())
            .map_err(|error| CredentialError::Certificate(error.to_string()))?;
        let chain = vec![CertificateDer::from(self.certificate.clone())];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = Config::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(CredentialError::Mismatch)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key);
        let mut config = config.map_err(CredentialError::Mismatch)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Arc::new(config))
    }
}

fn validity(certificate: &[u8]) -> Result<Validity, CredentialError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| CredentialError::Certificate(error.to_string()))?;
    let moment = |time: x509_parser::time::ASN1Time| UnixMillis(time.timestamp().saturating_mul(1000));
    let validity = parsed.validity();
    Ok(Validity { from: moment(validity.not_before), until: moment(validity.not_after) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_renewed_at_two_thirds_of_its_life() {
        let validity = Validity { from: UnixMillis(3_000), until: UnixMillis(9_000) };
        assert_eq!(validity.renewal(), UnixMillis(7_000));
    }
}
