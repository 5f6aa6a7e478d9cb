//! How often somebody may try to sign in.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use crate::settings::ConsoleSettings;

/// How many addresses are told apart before those that have been quiet are forgotten; where that does not help, addresses share
/// what one of them may.
const REMEMBERED_MAX: usize = 10_000;
/// Among how many shares addresses are spread then. Which address has which share differs from process to process.
const SHARES: u64 = 1_024;

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    One(IpAddr),
    Share(u64),
}

/// The limit in force.
pub(crate) struct Attempts {
    by_address: DefaultKeyedRateLimiter<Counted>,
    shares: RandomState,
}

impl Attempts {
    pub(crate) fn new(settings: &ConsoleSettings) -> Self {
        let rate = NonZeroU32::new(settings.attempts_per_minute).unwrap_or(NonZeroU32::MIN);
        Self { by_address: RateLimiter::keyed(Quota::per_minute(rate)), shares: RandomState::new() }
    }

    /// Counts an attempt, or says how long to wait.
    pub(crate) fn count(&self, address: IpAddr) -> Result<(), Duration> {
        if self.by_address.len() >= REMEMBERED_MAX {
            self.by_address.retain_recent();
            self.by_address.shrink_to_fit();
        }
        let address = network(address);
        let counted = if self.by_address.len() >= REMEMBERED_MAX {
            Counted::Share(self.shares.hash_one(address) % SHARES)
        } else {
            Counted::One(address)
        };
        let denied = |denied: governor::NotUntil<_>| denied.wait_time_from(DefaultClock::default().now());
        self.by_address.check_key(&counted).map_err(denied)
    }
}

/// What is counted: an IPv4 address, or a network of 64 bits, which is what one person has of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tries_too_often_waits_and_others_do_not() {
        let attempts =
            Attempts::new(&ConsoleSettings { attempts_per_minute: 2, ..ConsoleSettings::default() });
        let (one, near, other): (IpAddr, IpAddr, IpAddr) =
            ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap(), "192.0.2.1".parse().unwrap());
        assert!(attempts.count(one).is_ok() && attempts.count(near).is_ok());
        assert!(attempts.count(one).is_err());
        assert!(attempts.count(other).is_ok());
    }

    #[test]
    fn many_addresses_lock_nobody_out_and_are_bounded() {
        let attempts =
            Attempts::new(&ConsoleSettings { attempts_per_minute: 1, ..ConsoleSettings::default() });
        let address = |number: u32| IpAddr::V4((0x0a00_0000 + number).into());
        let most = u32::try_from(REMEMBERED_MAX).unwrap();
        assert!((0..most).all(|number| attempts.count(address(number)).is_ok()));
        let let_in = (most..most + 8).filter(|number| attempts.count(address(*number)).is_ok()).count();
        assert!(let_in > 0, "nobody new was let in");
        assert!(attempts.count(address(most)).is_err(), "a share is bounded");
        assert!(attempts.by_address.len() <= REMEMBERED_MAX + usize::try_from(SHARES).unwrap());
    }
}
