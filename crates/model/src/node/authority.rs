//! The authority of nodes: who vouches to the control plane for its nodes, and to nodes for their control plane.
//!
//! What certificates say is not known here: they are bytes with a fingerprint.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Digest;
use crate::{context::UnixMillis, ram::Secret};

/// The first half of the SHA-256 of an authority's certificate (DER): what a token says of whom its host may trust.
/// Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AuthorityFingerprint(pub [u8; 16]);

impl AuthorityFingerprint {
    /// The digits that it is written as.
    pub const DIGITS: usize = 32;

    /// The fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        let Digest(digest) = Digest::of(certificate);
        let mut half = [0; 16];
        half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(half)
    }
}

impl fmt::Display for AuthorityFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuthorityFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no fingerprint of an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the fingerprint of an authority: 32 digits of 0 to 9 and a to f")]
pub struct InvalidFingerprint;

impl FromStr for AuthorityFingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != Self::DIGITS || !text.bytes().all(plain) {
            return Err(InvalidFingerprint);
        }
        u128::from_str_radix(text, 16)
            .map(|number| Self(number.to_be_bytes()))
            .map_err(|_| InvalidFingerprint)
    }
}

/// Signs the certificates of nodes and of the control plane's listener for them. There is one at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAuthority {
    /// Its certificate (DER), signed by itself.
    pub certificate: Box<[u8]>,
    /// Its private key: PKCS #8 in PEM.
    pub key: Secret,
    /// When it was made.
    pub created_at: UnixMillis,
    /// The one that it took over from, while nodes may still trust that one alone.
    pub previous: Option<PreviousAuthority>,
}

/// An authority that another one took over from. It signs nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousAuthority {
    /// Its certificate (DER): nodes that it signed for are still listened to.
    pub certificate: Box<[u8]>,
    /// A certificate (DER) of the present authority's key that the previous one signed: with it those who trust the
    /// previous one trust the present one.
    pub cross_certificate: Box<[u8]>,
    /// Until when this holds: then every certificate that it signed has expired.
    pub until: UnixMillis,
}

impl NodeAuthority {
    /// What tokens say of it.
    pub fn fingerprint(&self) -> AuthorityFingerprint {
        AuthorityFingerprint::of(&self.certificate)
    }

    /// The previous authority, if it still counts at this time.
    pub fn previous_at(&self, now: UnixMillis) -> Option<&PreviousAuthority> {
        self.previous.as_ref().filter(|previous| now < previous.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_first_half_of_the_digest() {
        // The SHA-256 of nothing is e3b0c44298fc1c149afbf4c8996fb924...
        let fingerprint = AuthorityFingerprint::of(b"");
        assert_eq!(fingerprint.to_string(), "e3b0c44298fc1c149afbf4c8996fb924");
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for bad in [
            "",
            "e3b0c44298fc1c149afbf4c8996fb92",
            "E3B0C44298FC1C149AFBF4C8996FB924",
            "+3b0c44298fc1c149afbf4c8996fb924",
        ] {
            assert_eq!(bad.parse::<AuthorityFingerprint>(), Err(InvalidFingerprint), "{bad}");
        }
    }

    #[test]
    fn a_previous_authority_counts_until_its_time_and_no_key_is_printed() {
        let authority = NodeAuthority {
            certificate: [1].into(),
            key: Secret::new("the key"),
            created_at: UnixMillis(0),
            previous: Some(PreviousAuthority {
                certificate: [2].into(),
                cross_certificate: [3].into(),
                until: UnixMillis(10),
            }),
        };
        assert!(authority.previous_at(UnixMillis(9)).is_some());
        assert!(authority.previous_at(UnixMillis(10)).is_none());
        assert!(!format!("{authority:?}").contains("the key"));
    }
}
