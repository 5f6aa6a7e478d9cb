//! Who says to have sent a request, and the proof of it: the two signature versions of RPC requests.
//!
//! Verification is over what was sent, decoded and encoded again, and compares in constant time. The proof
//! covers the request, not the time: [`Credentials::check_time`] and the nonce ledger refuse what was
//! recorded and sent again. Must not know who holds which key: the secret is an argument and is kept nowhere.

mod authorization;
pub mod client;
pub mod v1;
pub mod v3;

use hmac::Mac;
use hmac::digest::KeyInit;

use super::error::{CommonParameter, ProtocolError};
use super::request::{Dialect, Envelope};
use super::timestamp;

/// How far a time stamp may be from the server's time, either way, in seconds.
pub const TIME_TOLERANCE_SECONDS: i64 = 15 * 60;

/// The longest nonce, in bytes; clients send 32 or 36.
pub const NONCE_BYTES_MAX: usize = 128;

/// The longest security token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Which signature version a request follows, with what only that version has.
#[derive(Clone, Debug)]
pub enum Scheme<'a> {
    /// RPC signature 1.0: parameters alone are signed.
    V1 {
        /// The hash under the HMAC.
        digest: v1::Digest,
        /// The signature as sent, in base64.
        signature: &'a str,
    },
    /// ACS3: the method, path, query, headers and the body's digest are signed.
    V3 {
        /// The names of the signed headers, ascending.
        signed_headers: Vec<&'a str>,
        /// The body's SHA-256 as sent, in hexadecimal.
        content_digest: &'a str,
        /// The signature as sent, in hexadecimal.
        signature: &'a str,
    },
}

/// What a request says about its sender; nothing of it is proven before [`Credentials::verify`].
#[derive(Clone)]
pub struct Credentials<'a> {
    /// The access key that is said to have signed.
    pub access_key_id: &'a str,
    /// The security token of a temporary key. It is signed, but whether it is valid is for its issuer to say.
    pub security_token: Option<&'a str>,
    /// What makes the request unique, at most [`NONCE_BYTES_MAX`] bytes.
    pub nonce: &'a str,
    /// How the request is signed.
    pub scheme: Scheme<'a>,
    timestamp: &'a str,
    envelope: &'a Envelope<'a>,
}

impl std::fmt::Debug for Credentials<'_> {
    /// Without the signature and the token, which are as good as a password while they last.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("Credentials");
        debug.field("access_key_id", &self.access_key_id).field("nonce", &self.nonce);
        debug.field("timestamp", &self.timestamp).finish_non_exhaustive()
    }
}

impl<'a> Credentials<'a> {
    pub(super) fn read(envelope: &'a Envelope<'a>) -> Result<Self, ProtocolError> {
        if envelope.pairs.get("SignatureType") == Some("BEARERTOKEN") {
            return Err(ProtocolError::UnsupportedSignatureMethod);
        }
        let (access_key_id, scheme) = match envelope.dialect {
            Dialect::V1 => v1::read(&envelope.pairs)?,
            Dialect::V3 => v3::read(&envelope.request)?,
        };
        let nonce = envelope.common("SignatureNonce", "x-acs-signature-nonce")?;
        let nonce = nonce.ok_or(ProtocolError::Missing(CommonParameter::SignatureNonce))?;
        if nonce.len() > NONCE_BYTES_MAX {
            return Err(ProtocolError::LongNonce { bytes_max: NONCE_BYTES_MAX });
        }
        let timestamp = envelope.common("Timestamp", "x-acs-date")?;
        let timestamp = timestamp.ok_or(ProtocolError::Missing(CommonParameter::Timestamp))?;
        let security_token = envelope.common("SecurityToken", "x-acs-security-token")?;
        match security_token {
            Some(token) if token.len() > TOKEN_BYTES_MAX => return Err(ProtocolError::MalformedToken),
            None if access_key_id.starts_with("STS.") => {
                return Err(ProtocolError::Missing(CommonParameter::SecurityToken));
            }
            _ => {}
        }
        Ok(Self { access_key_id, security_token, nonce, scheme, timestamp, envelope })
    }

    /// The time stamp of the request, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// `MalformedTimestamp`.
    pub fn timestamp(&self) -> Result<i64, ProtocolError> {
        timestamp::parse(self.timestamp).ok_or(ProtocolError::MalformedTimestamp)
    }

    /// The time stamp of the request, if it is within [`TIME_TOLERANCE_SECONDS`] of now (seconds since the
    /// Unix epoch).
    ///
    /// # Errors
    /// `MalformedTimestamp`, `ExpiredTimestamp`.
    pub fn check_time(&self, now_unix_seconds: i64) -> Result<i64, ProtocolError> {
        let timestamp = self.timestamp()?;
        let distance_seconds = now_unix_seconds.abs_diff(timestamp);
        if distance_seconds > TIME_TOLERANCE_SECONDS.unsigned_abs() {
            return Err(ProtocolError::ExpiredTimestamp);
        }
        Ok(timestamp)
    }

    /// Proves that whoever signed the request holds this secret, and that it arrived as it was signed.
    ///
    /// # Errors
    /// `SignatureMismatch` with what the server signed, `BodyMismatch` where only the body differs from its
    /// signed digest.
    pub fn verify(&self, secret: &[u8]) -> Result<(), ProtocolError> {
        let request = &self.envelope.request;
        match &self.scheme {
            Scheme::V1 { digest, signature } => {
                v1::verify(request.method.as_str(), &self.envelope.pairs, *digest, signature, secret)
            }
            Scheme::V3 { signed_headers, content_digest, signature } => {
                let pairs = &self.envelope.pairs;
                v3::verify(request, pairs, signed_headers, content_digest, signature, secret)
            }
        }
    }
}

/// The HMAC of a text, not yet finished: finish it with a constant-time comparison or into bytes.
fn authenticate<M: Mac + KeyInit>(key: &[u8], text: &[&[u8]]) -> M {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in text {
        mac.update(part);
    }
    mac
}
