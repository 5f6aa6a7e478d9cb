//! How long to wait before the next try. Pure but for its randomness, which is given.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(20);

/// Waits that double, up to a bound. Each is cut at random, by half at most, so that the nodes of a control plane that
/// comes back do not all come at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// How long to wait now; `random` is any number.
    pub(crate) fn wait(&mut self, random: u64) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        let half = whole / 2;
        let cut = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
        whole - Duration::from_micros(random % (cut + 1))
    }

    /// What was tried has lasted: the next wait is a first one.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_cut_by_half_at_most() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..10).map(|_| backoff.wait(0)).collect();
        assert_eq!(waits[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(waits[9], LONGEST);
        for random in [1, 12_345, u64::MAX - 7, u64::MAX] {
            let wait = backoff.wait(random);
            assert!(wait >= LONGEST / 2 && wait <= LONGEST, "{wait:?}");
        }
        backoff.reset();
        assert_eq!(backoff.wait(0), FIRST);
    }
}
