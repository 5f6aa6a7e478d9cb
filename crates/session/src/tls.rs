//! TLS for nodes: the listener's certificate, and whose certificates are taken.
//!
//! Whoever has no certificate may connect too: a host that joins has none yet. A certificate is taken if the authority
//! signed it and it has not expired by the control plane's clock; whether it is one of a node is asked of the state, by its
//! fingerprint, each time something is asked for.

use std::{fmt, sync::Arc, time::Duration};

use control::{Clock, Control};
use model::{
    UnixMillis,
    node::{AuthorityFingerprint, NodeAuthority},
};
use parking_lot::Mutex;
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring},
    server::{
        NoServerSessionStorage, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio_rustls::TlsAcceptor;

use crate::authority::{AuthorityError, ServerCertificate, Signer};

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The authority does not sign.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// TLS cannot be set up with what it signed.
    #[error("TLS for nodes cannot be set up")]
    Tls(#[source] rustls::Error),
    /// Nodes' certificates cannot be verified.
    #[error("the certificates of nodes cannot be verified")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
}

/// What the listener proves itself with, whom it believes, and who signs.
pub(crate) struct Credentials {
    authority: Arc<NodeAuthority>,
    pub(crate) fingerprint: AuthorityFingerprint,
    pub(crate) signer: Signer,
    pub(crate) acceptor: TlsAcceptor,
    /// From when on they should be made anew.
    renew_at: UnixMillis,
}

impl Credentials {
    fn make(
        authority: Arc<NodeAuthority>,
        clock: &Arc<dyn Clock>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, CredentialsError> {
        let now = clock.now();
        let signer = Signer::of(&authority)?;
        let ServerCertificate { certificate, key, renew_at } = signer.server(now)?;
        let previous = authority.previous_at(now);
        let mut chain = vec![certificate, signer.certificate.clone()];
        let mut roots = RootCertStore::empty();
        roots.add(signer.certificate.clone()).map_err(CredentialsError::Tls)?;
        if let Some(previous) = previous {
            chain.push(CertificateDer::from(previous.cross_certificate.to_vec()));
            let root = CertificateDer::from(previous.certificate.to_vec());
            roots.add(root).map_err(CredentialsError::Tls)?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .allow_unauthenticated()
            .build()
            .map_err(CredentialsError::Verifier)?;
        let verifier = Arc::new(NodeVerifier { inner: verifier, clock: Arc::clone(clock) });
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(CredentialsError::Tls)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(CredentialsError::Tls)?;
        config.alpn_protocols = vec![protocol::ALPN.to_vec()];
        // A session that is taken up again would bring a certificate that is not looked at again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let renew_at = previous.map_or(renew_at, |previous| renew_at.min(previous.until));
        let fingerprint = authority.fingerprint();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { authority, fingerprint, signer, acceptor, renew_at })
    }
}

/// The credentials in force. They follow the authority in the state, and are made anew long before they expire.
pub(crate) struct Keeper {
    control: Control,
    clock: Arc<dyn Clock>,
    provider: Arc<CryptoProvider>,
    present: Mutex<Arc<Credentials>>,
}

impl Keeper {
    pub(crate) async fn new(control: Control, clock: Arc<dyn Clock>) -> Result<Self, CredentialsError> {
        let authority = control.read(|state| state.node_authority().cloned()).await;
        let authority =
            authority.map_err(AuthorityError::Unreadable)?.value.ok_or(AuthorityError::Missing)?;
        let provider = Arc::new(ring::default_provider());
        let present = Credentials::make(authority, &clock, &provider)?;
        Ok(Self { control, clock, provider, present: Mutex::new(Arc::new(present)) })
    }

    /// The credentials in force. Where new ones are due and cannot be made, the present ones are better than none.
    pub(crate) async fn credentials(&self) -> Arc<Credentials> {
        let authority = self.control.read(|state| state.node_authority().cloned()).await;
        let authority = authority.ok().and_then(|read| read.value);
        let mut present = self.present.lock();
        let authority = authority.unwrap_or_else(|| Arc::clone(&present.authority));
        if authority == present.authority && self.clock.now() < present.renew_at {
            return Arc::clone(&present);
        }
        match Credentials::make(authority, &self.clock, &self.provider) {
            Ok(made) => {
                tracing::info!(authority = %made.fingerprint, "made a new certificate of the listener for nodes");
                *present = Arc::new(made);
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no new certificate for nodes");
            }
        }
        Arc::clone(&present)
    }
}

/// Takes the certificates that the authority signed, by the clock of the control plane.
struct NodeVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for NodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeVerifier").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for NodeVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _system_now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let milliseconds = u64::try_from(self.clock.now().0).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(Duration::from_millis(milliseconds));
        self.inner.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
