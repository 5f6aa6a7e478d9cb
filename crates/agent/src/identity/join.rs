//! A host becomes a node: it shows a token, and gets a certificate for a key that it made.
//!
//! The host knows nobody yet. The last part of the token is the fingerprint of the authority that vouches for the control
//! plane which made it; the token is sent to nobody else.

use std::{sync::Arc, time::Duration};

use model::{
    NodeId,
    node::{AuthorityFingerprint, TokenText},
    ram::Secret,
};
use protocol::{ALPN, ENROLMENT_BYTES_MAX, node};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use thiserror::Error;
use tonic::Code;

use super::{CredentialError, Identity, NewKey};
use crate::session::{ConnectError, connect};

/// How long a control plane may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// With what a host is to become a node.
#[derive(Debug)]
pub struct JoinOrder<'a> {
    /// Where the control plane listens for nodes: host and port.
    pub server: &'a str,
    /// The token that `CreateNodeToken` answered.
    pub token: &'a Secret,
    /// What the host calls itself.
    pub host_name: &'a str,
    /// The edge site that it is at; empty where it does not know.
    pub region: &'a str,
    /// The version of the agent.
    pub version: &'a str,
}

/// Why a host does not become a node.
#[derive(Debug, Error)]
pub enum JoinError {
    /// The token is none.
    #[error(
        "this is no token: it is the one line that `ravelin api CreateNodeToken` answers as Token, `node-....<64 digits>.<32 digits>`"
    )]
    Token,
    /// The server is not the one that made the token.
    #[error(
        "{server} is not the control plane that made the token, or somebody stands between: its authority is not the one that the token names; nothing was sent to it"
    )]
    OtherAuthority {
        /// The server.
        server: String,
    },
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The control plane refuses.
    #[error("the control plane refuses: {message}")]
    Refused {
        /// Its code.
        code: Code,
        /// Why.
        message: String,
    },
    /// It does not answer in time.
    #[error(
        "the control plane did not answer in {} seconds: try again, and if the token is used by then, ask for another",
        PATIENCE.as_secs()
    )]
    Patience,
    /// What it answers cannot be used.
    #[error(
        "the control plane answers something that cannot be used ({0}): it is of another version, or not a control plane"
    )]
    Answer(String),
    /// No key can be made, or the certificate does not fit.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
}

/// Joins. Nothing is written: the identity is to be kept by who asked for it.
///
/// # Errors
/// [`JoinError`].
pub async fn join(order: &JoinOrder<'_>) -> Result<Identity, JoinError> {
    let token = TokenText::read(order.token.reveal()).ok_or(JoinError::Token)?;
    let key = NewKey::make()?;
    let request = node::JoinRequest {
        token: order.token.reveal().trim().to_owned(),
        certificate_signing_request: key.request()?,
        host_name: order.host_name.to_owned(),
        agent_version: order.version.to_owned(),
        ens_region_id: order.region.to_owned(),
    };
    let answer = tokio::time::timeout(PATIENCE, ask(order.server, token.authority, request)).await;
    let node::JoinResponse { node_id, certificate, authority } =
        answer.unwrap_or(Err(JoinError::Patience))?;
    if AuthorityFingerprint::of(&authority) != token.authority {
        return Err(JoinError::Answer("it names another authority".into()));
    }
    let node: NodeId =
        node_id.parse().map_err(|_| JoinError::Answer(format!("{node_id:?} is no id of a node")))?;
    let credentials = key.certified(certificate, authority)?;
    Ok(Identity { node, server: order.server.to_owned(), credentials, previous: None })
}

async fn ask(
    server: &str,
    authority: AuthorityFingerprint,
    request: node::JoinRequest,
) -> Result<node::JoinResponse, JoinError> {
    let tls = Arc::new(tls_for(authority).map_err(CredentialError::Mismatch)?);
    let (channel, _) = connect(server, tls).await.map_err(|error| unknown(server, error))?;
    let mut client = node::enrolment_client::EnrolmentClient::new(channel)
        .max_decoding_message_size(ENROLMENT_BYTES_MAX)
        .max_encoding_message_size(ENROLMENT_BYTES_MAX);
    let answer = client.join(request).await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| JoinError::Refused { code: status.code(), message: status.message().to_owned() })
}

/// A connection that failed because the server is another one.
fn unknown(server: &str, error: ConnectError) -> JoinError {
    if let ConnectError::Tls { source, .. } = &error {
        let cause = source.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) = cause {
            return JoinError::OtherAuthority { server: server.to_owned() };
        }
    }
    error.into()
}

/// Settings of TLS that trust the authority with this fingerprint alone.
fn tls_for(authority: AuthorityFingerprint) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(FingerprintVerifier { authority, provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// Accepts a server for which an authority vouches that has a certain fingerprint and that the server shows itself. The
/// server's own certificate is checked as ever, against that authority.
#[derive(Debug)]
struct FingerprintVerifier {
    authority: AuthorityFingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for FingerprintVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let is_it = |shown: &&CertificateDer<'_>| AuthorityFingerprint::of(shown) == self.authority;
        let authority = intermediates
            .iter()
            .find(is_it)
            .ok_or(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
