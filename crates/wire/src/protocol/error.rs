//! Why a request is refused before any operation looks at it: one variant a cause, no wire codes.
//!
//! [`super::fault`] holds the codes, HTTP statuses and messages.

use super::nonces::NonceRefusal;
use super::query::QueryError;

/// A common parameter that every request must carry, in whichever form its signature version gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonParameter {
    /// `Action`, or the header `x-acs-action`.
    Action,
    /// `Version`, or the header `x-acs-version`.
    Version,
    /// `AccessKeyId`, or `Credential` in the header `Authorization`.
    AccessKeyId,
    /// `Signature`, or the field of that name in the header `Authorization`.
    Signature,
    /// `SignatureMethod` (V1 alone).
    SignatureMethod,
    /// `SignatureVersion` (V1 alone).
    SignatureVersion,
    /// `SignatureNonce`, or the header `x-acs-signature-nonce`.
    SignatureNonce,
    /// `Timestamp`, or the header `x-acs-date`.
    Timestamp,
    /// `SecurityToken`, or the header `x-acs-security-token`: mandatory for temporary keys.
    SecurityToken,
}

/// What is wrong with the form of a signature, as opposed to its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFlaw {
    /// The header `Authorization` is not `<algorithm> Credential=...,SignedHeaders=...,Signature=...`.
    #[error("The Authorization header is not well formed.")]
    Authorization,
    /// `SignatureVersion` is not `1.0`.
    #[error("The SignatureVersion must be 1.0.")]
    Version,
    /// `SignedHeaders` is not a list of lower-case names in ascending order, each once.
    #[error("The SignedHeaders must be lower-case names in ascending order without repetition.")]
    HeaderList,
    /// A header that must be signed is not.
    #[error("The header {0} must be signed.")]
    Unsigned(String),
    /// A header that is said to be signed is not in the request.
    #[error("The signed header {0} is not in the request.")]
    Absent(String),
    /// A header that may stand once stands several times.
    #[error("The header {0} is given more than once.")]
    Repeated(String),
    /// A header that the protocol reads holds other than visible ASCII.
    #[error("The header {0} is not well formed.")]
    Unreadable(String),
    /// `x-acs-accesskey-id` differs from the `Credential`.
    #[error("The header x-acs-accesskey-id differs from the Credential.")]
    AccessKey,
}

/// The text that the server signed, for the answer to a caller whose signature differs.
///
/// It holds what the caller sent, which may include passwords and tokens: it goes into that answer and
/// nowhere else, so its debug form is only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Calculation(String);

impl Calculation {
    /// The longest text that is given back whole, in bytes; the rest of a longer one is cut off.
    pub const BYTES_MAX: usize = 32 * 1024;

    pub(crate) fn new(mut text: String) -> Self {
        if text.len() > Self::BYTES_MAX {
            text.truncate(text.floor_char_boundary(Self::BYTES_MAX));
        }
        Self(text)
    }

    /// The text; not for logs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Calculation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Calculation({} bytes)", self.0.len())
    }
}

/// Why a request is refused before any operation looks at it.
///
/// Some causes are found by the caller of this module (an unknown access key, a full ledger, a limit); they
/// stand here so that every refusal of the protocol has one type and one table of codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Neither GET nor POST.
    #[error("the HTTP method is neither GET nor POST")]
    UnsupportedMethod,
    /// The query string or the form body cannot be decoded.
    #[error("the parameters cannot be decoded")]
    Query(#[from] QueryError),
    /// `Format` is neither JSON nor XML.
    #[error("the Format is neither JSON nor XML")]
    UnknownFormat,
    /// A common parameter is missing or empty.
    #[error("the common parameter {0:?} is missing")]
    Missing(CommonParameter),
    /// No operation has this name.
    #[error("there is no such operation")]
    UnknownAction,
    /// The API has no such version.
    #[error("there is no such version")]
    UnknownVersion,
    /// No access key has this id.
    #[error("there is no such access key")]
    UnknownAccessKey,
    /// The access key is switched off.
    #[error("the access key is inactive")]
    InactiveAccessKey,
    /// The time stamp is not `YYYY-MM-DDThh:mm:ssZ`.
    #[error("the time stamp is not well formed")]
    MalformedTimestamp,
    /// The time stamp is too far from the server's time, either way.
    #[error("the time stamp is too far from now")]
    ExpiredTimestamp,
    /// The signature's form is wrong.
    #[error("the signature is not well formed")]
    MalformedSignature(#[source] SignatureFlaw),
    /// The signature method is none that the protocol knows.
    #[error("the signature method is unknown")]
    UnknownSignatureMethod,
    /// The signature method is one of the protocol's that this server does not offer.
    #[error("the signature method is not supported")]
    UnsupportedSignatureMethod,
    /// The signature is not the one the server calculates.
    #[error("the signature does not match")]
    SignatureMismatch(Calculation),
    /// The body is not the one whose digest was signed.
    #[error("the body does not match its signed digest")]
    BodyMismatch,
    /// The nonce is longer than the bound.
    #[error("the nonce is longer than {bytes_max} bytes")]
    LongNonce {
        /// The bound, in bytes.
        bytes_max: usize,
    },
    /// The nonce was used within the window.
    #[error("the nonce was used already")]
    NonceUsed,
    /// No further nonce can be remembered, so none is accepted.
    #[error("no further nonce can be remembered")]
    NonceLedgerFull,
    /// The security token is none that this server issued.
    #[error("the security token is malformed")]
    MalformedToken,
}

impl From<NonceRefusal> for ProtocolError {
    fn from(refusal: NonceRefusal) -> Self {
        match refusal {
            NonceRefusal::Used => Self::NonceUsed,
            NonceRefusal::Full => Self::NonceLedgerFull,
        }
    }
}
