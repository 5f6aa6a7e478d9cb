//! One-time tokens with which a host becomes a node.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{AuthorityFingerprint, Digest};
use crate::{
    context::{Entropy, UnixMillis},
    id::NodeId,
    ram::Secret,
};

/// A token, as it is kept: what it was is not known here any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeToken {
    /// The SHA-256 of its secret.
    pub digest: Digest,
    /// From when on it is not good any more.
    pub expires_at: UnixMillis,
    /// When it was used.
    pub used_at: Option<UnixMillis>,
}

/// The text of a token: `<node id>.<64 hexadecimal digits>.<32 hexadecimal digits>`, which are the node that it is for, its
/// secret, and the fingerprint of the authority that the host may trust. So the text is all that a host needs to join a
/// control plane that it can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenText {
    /// The node that it is for.
    pub node: NodeId,
    /// The SHA-256 of the secret, as it is written.
    pub digest: Digest,
    /// The authority that vouches for the control plane which made it.
    pub authority: AuthorityFingerprint,
}

impl TokenText {
    /// Reads a token; none: it does not look like one.
    pub fn read(text: &str) -> Option<Self> {
        let (node, rest) = text.trim().split_once('.')?;
        let (secret, authority) = rest.split_once('.')?;
        let plain =
            secret.len() == 64 && secret.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let node = node.parse().ok().filter(|_| plain)?;
        Some(Self { node, digest: digest(secret), authority: authority.parse().ok()? })
    }

    /// A new token for a node, and its text, of which nothing is kept. Takes two draws.
    pub(crate) fn make(
        node: NodeId,
        authority: AuthorityFingerprint,
        entropy: &mut dyn Entropy,
    ) -> (Self, Secret) {
        let halves = [entropy.next(), entropy.next()];
        let secret = halves.iter().fold(String::with_capacity(64), |mut text, half| {
            // Writing to a string has no way to fail.
            let _ = write!(text, "{half:032x}");
            text
        });
        let text = Secret::new(format!("{node}.{secret}.{authority}"));
        (Self { node, digest: digest(&secret), authority }, text)
    }
}

fn digest(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_reads_back_as_what_is_kept_of_it(id: u128, halves: [u128; 2], authority: [u8; 16]) {
            let mut draws = halves.into_iter();
            let mut entropy = || draws.next().expect("two draws are enough");
            let authority = AuthorityFingerprint(authority);
            let (made, text) = TokenText::make(NodeId::from_entropy(id), authority, &mut entropy);
            prop_assert_eq!(TokenText::read(text.reveal()), Some(made));
            prop_assert_eq!(TokenText::read(&format!(" {}\n", text.reveal())), Some(made));
            prop_assert!(!text.reveal().contains(&made.digest.to_string()));
        }

        #[test]
        fn any_other_text_is_no_token(text in "(node-[0-9a-z]{25})?[.]?[0-9a-fA-F.]{0,70}[.]?[0-9a-fA-F.]{0,34}") {
            if let Some(read) = TokenText::read(&text) {
                let begins = text.starts_with(&format!("{}.", read.node));
                prop_assert!(begins && text.len() == 128);
                let ends = text.ends_with(&format!(".{}", read.authority));
                prop_assert!(ends);
            }
        }
    }
}
