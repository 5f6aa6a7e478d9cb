//! Numbers of packets: exact, and larger than any number of the language.

use std::{fmt, iter::Sum};

/// 64 bits each: there are fewer than 2^290 packets.
const WORDS: usize = 5;

/// How many packets: exact. A packet is what rules see of one, so that two with the same addresses, protocol and ports are
/// one.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(
    /// The most significant word first, so that the order of arrays is that of numbers.
    [u64; WORDS],
);

impl Count {
    /// None.
    pub const ZERO: Self = Self([0; WORDS]);
    /// One.
    pub const ONE: Self = Self([0, 0, 0, 0, 1]);

    /// How many numbers there are from the first to the last.
    pub(super) fn of_range(first: u128, last: u128) -> Self {
        match last.checked_sub(first) {
            Some(steps) => Self::from(steps).plus(Self::ONE),
            None => Self::ZERO,
        }
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let mut sum = [0; WORDS];
        let mut carry = false;
        for place in (0..WORDS).rev() {
            let (half, over) = self.0[place].overflowing_add(other.0[place]);
            let (whole, over_again) = half.overflowing_add(u64::from(carry));
            sum[place] = whole;
            carry = over || over_again;
        }
        Self(sum)
    }

    /// The number before this one; none is before none.
    #[must_use]
    pub fn less_one(self) -> Self {
        let mut words = self.0;
        if self == Self::ZERO {
            return self;
        }
        for word in words.iter_mut().rev() {
            let (less, borrowed) = word.overflowing_sub(1);
            *word = less;
            if !borrowed {
                break;
            }
        }
        Self(words)
    }

    /// The product.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the lower and the upper word are wanted")]
    pub(super) fn times(self, other: Self) -> Self {
        let mut product = [0; WORDS];
        for (low, factor) in self.0.iter().rev().enumerate() {
            let mut carry = 0u128;
            for (high, other) in other.0.iter().rev().enumerate().take(WORDS - low) {
                let place = WORDS - 1 - low - high;
                let sum = u128::from(*factor) * u128::from(*other) + u128::from(product[place]) + carry;
                product[place] = sum as u64;
                carry = sum >> 64;
            }
        }
        Self(product)
    }

    /// The number, where it is no larger than this.
    pub fn as_u128(self) -> Option<u128> {
        match self.0 {
            [0, 0, 0, high, low] => Some(u128::from(high) << 64 | u128::from(low)),
            _ => None,
        }
    }

    /// The largest `n` of which 2^n is no more than the number; 0 for none.
    pub fn log2(self) -> usize {
        let significant = self.0.iter().position(|word| *word != 0);
        significant.map_or(0, |place| (WORDS - place) * 64 - 1 - self.0[place].leading_zeros() as usize)
    }
}

impl From<u128> for Count {
    #[allow(clippy::cast_possible_truncation, reason = "the lower and the upper word are wanted")]
    fn from(number: u128) -> Self {
        Self([0, 0, 0, (number >> 64) as u64, number as u64])
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Count {
    /// All digits up to 2^48, which has 15; above, the power of two: `about 2^64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_u128().filter(|number| *number < 1 << 48) {
            Some(number) => write!(f, "{number}"),
            None => write!(f, "about 2^{}", self.log2()),
        }
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_carry() {
        let all = Count::of_range(0, u128::MAX);
        assert_eq!((all.as_u128(), all.log2()), (None, 128));
        assert_eq!(all.less_one().as_u128(), Some(u128::MAX));
        let pairs = all.times(all);
        assert_eq!((pairs.log2(), pairs.less_one().log2()), (256, 255));
        assert_eq!(pairs.less_one().plus(Count::ONE), pairs);
        let ports = Count::of_range(0, 65_535);
        assert_eq!(pairs.times(ports).times(ports).log2(), 288);
        let odd = Count::from(0xffff_ffff_ffff_ffff_u128);
        assert_eq!(odd.times(odd).as_u128(), Some(0xffff_ffff_ffff_fffe_0000_0000_0000_0001));
        assert_eq!(Count::of_range(3, 2), Count::ZERO);
        assert_eq!(Count::ZERO.less_one(), Count::ZERO);
        assert!(Count::from(1 << 100) > Count::from(u128::from(u64::MAX)) && pairs > all);
    }

    #[test]
    fn small_numbers_are_written_out() {
        assert_eq!(Count::from(65_536).to_string(), "65536");
        assert_eq!(Count::of_range(0, u128::MAX).plus(Count::ONE).to_string(), "about 2^128");
    }
}
