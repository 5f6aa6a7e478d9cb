//! Resource ids: a prefix that names the kind, and 25 base-36 digits.
//!
//! ENS ids look like `i-5vn4n3y4laeb2ii9zxxltlvzi`: 25 digits, the first of which is `5`. They are kept as one
//! 128-bit number, so that a million of them cost sixteen bytes each wherever they are indexed.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Serialize};

/// A kind of resource: what the prefix of an id says.
pub trait Kind {
    /// The prefix with its dash, such as `sg-`.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $id:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        #[doc = concat!("The id of a ", stringify!($kind), ", such as `", $prefix, "5vn4n3y4laeb2ii9zxxltlvzi`.")]
        pub type $id = Id<$kind>;
    )*};
}

kinds! {
    /// Names security groups.
    SecurityGroupKind, SecurityGroupId, "sg-";
    /// Names instances.
    InstanceKind, InstanceId, "i-";
    /// Names network interfaces (ENIs).
    NetworkInterfaceKind, NetworkInterfaceId, "eni-";
    /// Names networks.
    NetworkKind, NetworkId, "n-";
    /// Names vSwitches.
    VSwitchKind, VSwitchId, "vsw-";
    /// Names disks.
    DiskKind, DiskId, "d-";
    /// Names nodes.
    NodeKind, NodeId, "node-";
}

const DIGITS: usize = 25;
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// 36^24: the weight of the first digit.
const FIRST_DIGIT: u128 = 36u128.pow(24);

/// Digits that one 64-bit word holds: dividing 128 bits costs ten times as much.
const WORD_DIGITS: usize = 12;
const WORD: u128 = 36u128.pow(12);

/// Two digits at a time: half as many divisions.
const PAIRS: [[u8; 2]; 36 * 36] = pairs();

const fn pairs() -> [[u8; 2]; 36 * 36] {
    let mut pairs = [[0; 2]; 36 * 36];
    let mut value = 0;
    while value < pairs.len() {
        pairs[value] = [ALPHABET[value / 36], ALPHABET[value % 36]];
        value += 1;
    }
    pairs
}

/// Quotient and remainder. The remainder is not divided for: that would cost as much as the quotient.
const fn split(number: u128) -> (u128, u128) {
    let quotient = number / WORD;
    (quotient, number - quotient * WORD)
}

/// Writes the last digits of a number: an even number of them.
fn write_digits(digits: &mut [u8], mut number: u64) {
    for pair in digits.rchunks_exact_mut(2) {
        // The remainder is below 36 * 36.
        #[allow(clippy::cast_possible_truncation)]
        let value = (number % (36 * 36)) as usize;
        pair.copy_from_slice(&PAIRS[value]);
        number /= 36 * 36;
    }
}

/// The id of one resource of kind `K`.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Id<K>(u128, #[serde(skip)] PhantomData<fn() -> K>);

impl<K> Id<K> {
    /// An id from 128 bits of entropy; it begins with the digit 5, as those of ENS do.
    pub fn from_entropy(entropy: u128) -> Self {
        Self(5 * FIRST_DIGIT + entropy % FIRST_DIGIT, PhantomData)
    }

    /// The number behind the id: the key under which a store may file it.
    pub fn number(self) -> u128 {
        self.0
    }

    /// The id with this number, as [`Id::number`] gave it.
    pub fn from_number(number: u128) -> Self {
        Self(number, PhantomData)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One that is too large for its digits would be written without its front.
        let (high, low) = split(self.0);
        let (first, middle) = split(high);
        let mut digits = [b'0'; DIGITS];
        let (front, back) = digits.split_at_mut(1 + WORD_DIGITS);
        // Remainders fit a word, and what is left is one digit.
        #[allow(clippy::cast_possible_truncation)]
        {
            front[0] = ALPHABET[(first % 36) as usize];
            write_digits(&mut front[1..], middle as u64);
            write_digits(back, low as u64);
        }
        f.write_str(K::PREFIX)?;
        f.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id that this service could have given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this service")]
pub struct UnknownId;

impl<K: Kind> FromStr for Id<K> {
    type Err = UnknownId;

    fn from_str(text: &str) -> Result<Self, UnknownId> {
        let digits = text.strip_prefix(K::PREFIX).ok_or(UnknownId)?;
        if digits.len() != DIGITS {
            return Err(UnknownId);
        }
        let mut number = 0u128;
        for byte in digits.bytes() {
            let value = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'z' => byte - b'a' + 10,
                _ => return Err(UnknownId),
            };
            number =
                number.checked_mul(36).and_then(|n| n.checked_add(u128::from(value))).ok_or(UnknownId)?;
        }
        Ok(Self(number, PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back_as_it_was_written(entropy: u128) {
            let id = InstanceId::from_entropy(entropy);
            let text = id.to_string();
            prop_assert_eq!(text.len(), 27);
            prop_assert!(text.starts_with("i-5"));
            prop_assert_eq!(text.parse::<InstanceId>(), Ok(id));
            prop_assert_eq!(text.parse::<SecurityGroupId>(), Err(UnknownId));
        }

        #[test]
        fn a_number_is_written_as_its_last_digits(number: u128) {
            let mut digits = String::new();
            let mut rest = number;
            for _ in 0..25 {
                digits.insert(0, char::from_digit((rest % 36) as u32, 36).unwrap());
                rest /= 36;
            }
            prop_assert_eq!(InstanceId::from_number(number).to_string(), format!("i-{digits}"));
        }

        #[test]
        fn any_other_text_is_no_id(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<InstanceId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
