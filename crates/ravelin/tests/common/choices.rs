//! Choices of tests that are made at random: from a seed that is printed, so that a run can be had again.

/// A small generator of numbers for choices.
#[derive(Debug, Clone)]
pub(crate) struct Choices(u64);

impl Choices {
    /// The choices of a seed.
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below a bound, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    /// A place in a list of this length, which is not 0.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        let place = self.below(u64::try_from(length).expect("lengths fit"));
        usize::try_from(place).expect("it is below the length")
    }

    /// Whether something that happens once in so many times happens.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// The seed of this run, which is printed: the one of the environment variable `RAVELIN_SEED`, or any.
#[allow(clippy::print_stdout, reason = "who reads of a failure needs the seed")]
pub(crate) fn seed() -> u64 {
    let any = || u64::from_str_radix(&super::nonce()[..15], 16).expect("a nonce is a number");
    let seed = setting("RAVELIN_SEED").unwrap_or_else(any);
    println!("RAVELIN_SEED={seed}");
    seed
}

/// The number in an environment variable; none: it is not set.
pub(crate) fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| unreachable!("{name}={text}: {error}")))
}
