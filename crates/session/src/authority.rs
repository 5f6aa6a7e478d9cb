//! The authority of nodes: how it is made, what it signs, and how another one takes its place.
//!
//! Keys are of P-256, which every implementation of TLS takes. The authority's certificate has no date on which it
//! expires: that would cut off a whole fleet at a moment that nobody chose. It is replaced when its operator says so.

use std::time::Duration;

use control::{Control, Failure, Submission};
use model::{
    Actor, Command, NodeId, UnixMillis,
    node::{AuthorityFingerprint, Digest, NodeAuthority, NodeCommand, PreviousAuthority},
    ram::Secret,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::fingerprint;

const DAY_MS: u64 = 86_400_000;
/// Certificates are valid from somewhat before they were made: clocks differ.
const BACKDATED: Duration = Duration::from_millis(DAY_MS);
/// For how long the listener's own certificate is valid.
const SERVER_VALID_MS: u64 = 7 * DAY_MS;
/// How long before that it is made anew.
const SERVER_RENEWED_BEFORE_MS: u64 = 5 * DAY_MS;

/// Why there is no authority, or it does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// There is no randomness.
    #[error("the system gives no random numbers")]
    Randomness(#[source] getrandom::Error),
    /// A certificate could not be made, or what is kept of the authority cannot be used.
    #[error("a certificate of the authority of nodes cannot be made or used")]
    Certificate(#[source] rcgen::Error),
    /// The state cannot be read.
    #[error("the authority of nodes cannot be read")]
    Unreadable(#[source] control::Unavailable),
    /// It could not be kept.
    #[error("the authority of nodes cannot be kept")]
    Unkept(#[source] Failure),
    /// There is none.
    #[error("there is no authority of nodes; `ravelin serve --node-listen ADDRESS:PORT` makes one")]
    Missing,
}

/// A new authority.
struct Made {
    certificate: Box<[u8]>,
    key: Secret,
    pair: KeyPair,
    parameters: CertificateParams,
}

/// Makes an authority where there is none, and keeps it in the state: backups have it.
///
/// # Errors
/// [`AuthorityError`].
pub async fn establish(control: &Control, now: UnixMillis) -> Result<(), AuthorityError> {
    let there = control.read(|state| state.node_authority().is_some()).await;
    if there.map_err(AuthorityError::Unreadable)?.value {
        return Ok(());
    }
    let Made { certificate, key, .. } = make(now)?;
    tracing::info!(fingerprint = %AuthorityFingerprint::of(&certificate), "made the authority of nodes");
    let command = NodeCommand::EstablishAuthority { certificate, key };
    let kept = control.submit(submission(command, "EstablishNodeAuthority")).await;
    kept.map(|_| ()).map_err(AuthorityError::Unkept)
}

/// Puts a new authority in place of the present one. Nodes that joined under the present one are served for `overlap`, in
/// which each of them learns of the new one when it renews its certificate; with none they have to join again. Tokens that
/// were not used are void. For threads that have no runtime.
///
/// # Errors
/// [`AuthorityError`].
pub fn replace_blocking(
    control: &Control,
    now: UnixMillis,
    overlap: Option<Duration>,
) -> Result<AuthorityFingerprint, AuthorityError> {
    let present = control.read_blocking(|state| state.node_authority().cloned());
    let present = present.map_err(AuthorityError::Unreadable)?.value.ok_or(AuthorityError::Missing)?;
    let made = make(now)?;
    let previous = overlap.map(|overlap| made.crossed(&present, now, overlap)).transpose()?;
    let fingerprint = AuthorityFingerprint::of(&made.certificate);
    let command = NodeCommand::ReplaceAuthority {
        present: present.fingerprint(),
        certificate: made.certificate,
        key: made.key,
        previous,
    };
    let kept = control.submit_blocking(submission(command, "ReplaceNodeAuthority"));
    kept.map(|_| fingerprint).map_err(AuthorityError::Unkept)
}

fn submission(command: NodeCommand, operation: &'static str) -> Submission {
    Submission {
        actor: Actor::Operator,
        command: Command::Node(command),
        operation,
        request_id: "operator".into(),
        source: None,
        nonce: None,
    }
}

fn make(now: UnixMillis) -> Result<Made, AuthorityError> {
    let pair = KeyPair::generate().map_err(AuthorityError::Certificate)?;
    let mut parameters = parameters(now)?;
    // Without a date that means anything (RFC 5280, 4.1.2.5).
    parameters.not_after = date_time_ymd(9999, 12, 31);
    parameters.distinguished_name = authority_name(&pair);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let certificate = parameters.self_signed(&pair).map_err(AuthorityError::Certificate)?;
    let key = Secret::new(pair.serialize_pem());
    Ok(Made { certificate: certificate.der().as_ref().into(), key, pair, parameters })
}

/// Two authorities have two names: whoever looks for the issuer of a certificate finds the right one at once.
fn authority_name(pair: &KeyPair) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    let key = AuthorityFingerprint::of(&pair.subject_public_key_info());
    name.push(DnType::CommonName, format!("Ravelin authority of nodes {key}"));
    name
}

/// What all certificates have.
fn parameters(now: UnixMillis) -> Result<CertificateParams, AuthorityError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(AuthorityError::Randomness)?;
    // A positive number.
    serial[0] = serial[0] & 0x7f | 0x01;
    let mut parameters = CertificateParams::default();
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = date_time_ymd(1970, 1, 1) + since_1970(now).saturating_sub(BACKDATED);
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn expire(parameters: &mut CertificateParams, at: UnixMillis) {
    parameters.not_after = date_time_ymd(1970, 1, 1) + since_1970(at);
}

/// Whole seconds, of the years that a certificate can name.
fn since_1970(at: UnixMillis) -> Duration {
    Duration::from_secs(u64::try_from(at.seconds()).unwrap_or(0).min(SECONDS_MOST))
}

/// The end of the year 9998.
const SECONDS_MOST: u64 = 253_370_764_799;

impl Made {
    /// How the one that this takes over from goes on being trusted.
    fn crossed(
        &self,
        present: &NodeAuthority,
        now: UnixMillis,
        overlap: Duration,
    ) -> Result<PreviousAuthority, AuthorityError> {
        let signer = Signer::of(present)?;
        let until = now.plus(u64::try_from(overlap.as_millis()).unwrap_or(u64::MAX));
        let mut parameters = self.parameters.clone();
        expire(&mut parameters, until);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let crossed =
            parameters.signed_by(&self.pair, &signer.issuer).map_err(AuthorityError::Certificate)?;
        Ok(PreviousAuthority {
            certificate: present.certificate.clone(),
            cross_certificate: crossed.der().as_ref().into(),
            until,
        })
    }
}

/// A certificate that was made for a node.
pub(crate) struct Issued {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) fingerprint: Digest,
    pub(crate) expires_at: UnixMillis,
}

/// The listener's own certificate.
pub(crate) struct ServerCertificate {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// From when on it should be made anew.
    pub(crate) renew_at: UnixMillis,
}

/// An authority as it signs.
pub(crate) struct Signer {
    pub(crate) certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Signer {
    /// The authority that is kept.
    pub(crate) fn of(authority: &NodeAuthority) -> Result<Self, AuthorityError> {
        let certificate = CertificateDer::from(authority.certificate.to_vec());
        let pair = KeyPair::from_pem(authority.key.reveal()).map_err(AuthorityError::Certificate)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, pair).map_err(AuthorityError::Certificate)?;
        Ok(Self { certificate, issuer })
    }

    /// A certificate for the node that has this key.
    pub(crate) fn node(
        &self,
        node: NodeId,
        key: &impl PublicKeyData,
        now: UnixMillis,
        valid_ms: u64,
    ) -> Result<Issued, AuthorityError> {
        // Whole seconds, so that the state and the certificate mean the same moment.
        let expires_at = UnixMillis(now.plus(valid_ms).seconds().saturating_mul(1_000));
        let mut parameters = leaf(now, &node.to_string())?;
        expire(&mut parameters, expires_at);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let made = parameters.signed_by(key, &self.issuer).map_err(AuthorityError::Certificate)?;
        let certificate = made.der().clone();
        Ok(Issued { fingerprint: fingerprint(&certificate), certificate, expires_at })
    }

    /// A certificate for the listener, with a new key.
    pub(crate) fn server(&self, now: UnixMillis) -> Result<ServerCertificate, AuthorityError> {
        let pair = KeyPair::generate().map_err(AuthorityError::Certificate)?;
        let mut parameters = leaf(now, protocol::SERVER_NAME)?;
        expire(&mut parameters, now.plus(SERVER_VALID_MS));
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let name = protocol::SERVER_NAME.try_into().map_err(AuthorityError::Certificate)?;
        parameters.subject_alt_names = vec![rcgen::SanType::DnsName(name)];
        let made = parameters.signed_by(&pair, &self.issuer).map_err(AuthorityError::Certificate)?;
        Ok(ServerCertificate {
            certificate: made.der().clone(),
            key: PrivatePkcs8KeyDer::from(pair.serialize_der()).into(),
            renew_at: now.plus(SERVER_VALID_MS - SERVER_RENEWED_BEFORE_MS),
        })
    }
}

fn leaf(now: UnixMillis, name: &str) -> Result<CertificateParams, AuthorityError> {
    let mut parameters = parameters(now)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(parameters)
}
