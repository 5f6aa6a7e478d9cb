//! The certificate of HTTPS, and what TLS speaks.

mod files;
mod generated;

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio_rustls::TlsAcceptor;

use super::{TlsError, TlsSettings};

/// What takes TLS connections: with the own certificate if one is given, else with the generated one.
pub(super) fn acceptor(settings: &TlsSettings, address: IpAddr) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let certified = certified_key(settings, address, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certified_key(
    settings: &TlsSettings,
    address: IpAddr,
    provider: &Arc<CryptoProvider>,
) -> Result<CertifiedKey, TlsError> {
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => files::load(certificate, key, provider),
        (None, None) => {
            let directory = settings.directory.as_deref().ok_or(TlsError::NoDirectory)?;
            let names = generated::names(address, &settings.names);
            generated::load_or_make(directory, &names, SystemTime::now(), provider)
        }
        (Some(_), None) | (None, Some(_)) => Err(TlsError::Half),
    }
}
