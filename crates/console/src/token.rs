//! Random texts that nobody can guess, and seals that nobody else can make.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// How many random bytes a token has.
const TOKEN_BYTES: usize = 32;

/// A new token: 64 hexadecimal digits. None where the system has no randomness to give; then nobody is let in.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0; TOKEN_BYTES];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Some(hex::encode(bytes)),
        Err(error) => {
            tracing::error!(%error, "the system gives no randomness");
            None
        }
    }
}

/// Whether a text has the form of a token. Nothing else is sealed.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == 2 * TOKEN_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The digest under which a token is looked up: the token itself is kept nowhere.
pub(crate) fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (digest(one), digest(other));
    one.iter().zip(other).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

/// Makes and checks seals of texts, with a key of its own that ends with the process.
pub(crate) struct Sealer {
    key: Option<String>,
}

impl Sealer {
    pub(crate) fn new() -> Self {
        Self { key: random() }
    }

    /// The seal of a text; none where there is no key.
    pub(crate) fn seal(&self, text: &str) -> Option<String> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.key.as_ref()?.as_bytes()).ok()?;
        mac.update(text.as_bytes());
        Some(hex::encode(mac.finalize().into_bytes()))
    }

    /// Whether this is the seal of the text.
    pub(crate) fn is_sealed(&self, text: &str, seal: &str) -> bool {
        self.seal(text).is_some_and(|own| same(&own, seal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_seals_hold_for_one_text_of_one_process() {
        assert_ne!(random(), random());
        let (one, other) = (Sealer::new(), Sealer::new());
        let seal = one.seal("a").unwrap();
        assert!(one.is_sealed("a", &seal));
        assert!(!one.is_sealed("b", &seal) && !other.is_sealed("a", &seal) && !one.is_sealed("a", ""));
    }
}
