//! How often something may be tried: joins, so that tokens cannot be guessed and the writer is not flooded, and renewals.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use model::NodeId;

use crate::settings::SessionSettings;

/// How many addresses or nodes are told apart before those that have been quiet are forgotten; where that does not help
/// nobody new may try.
const REMEMBERED_MAX: usize = 10_000;
/// How often a node may renew its certificate. It has to every two months.
const RENEWALS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(5);

/// The limits in force.
pub(crate) struct Attempts {
    joins: DefaultDirectRateLimiter,
    joins_by_address: DefaultKeyedRateLimiter<IpAddr>,
    renewals: DefaultKeyedRateLimiter<NodeId>,
}

impl Attempts {
    pub(crate) fn new(settings: &SessionSettings) -> Self {
        let rate = |rate: u32| Quota::per_minute(NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN));
        Self {
            joins: RateLimiter::direct(rate(settings.joins_per_minute)),
            joins_by_address: RateLimiter::keyed(rate(settings.joins_per_minute_per_address)),
            renewals: RateLimiter::keyed(Quota::per_minute(RENEWALS_PER_MINUTE)),
        }
    }

    /// Counts a join, or says how long its host has to wait. An address that tries too often takes nothing from others.
    pub(crate) fn join(&self, address: IpAddr) -> Result<(), Duration> {
        check(&self.joins_by_address, &address)?;
        self.joins.check().map_err(|denied| denied.wait_time_from(DefaultClock::default().now()))
    }

    /// Counts a renewal, or says how long its node has to wait.
    pub(crate) fn renewal(&self, node: NodeId) -> Result<(), Duration> {
        check(&self.renewals, &node)
    }
}

fn check<K: Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Duration> {
    if limiter.len() >= REMEMBERED_MAX {
        limiter.retain_recent();
        limiter.shrink_to_fit();
    }
    if limiter.len() >= REMEMBERED_MAX {
        return Err(Duration::from_secs(60));
    }
    limiter.check_key(key).map_err(|denied| denied.wait_time_from(DefaultClock::default().now()))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(number))
    }

    #[test]
    fn an_address_that_tries_too_often_waits_alone() {
        let settings = SessionSettings {
            joins_per_minute_per_address: 2,
            joins_per_minute: 5,
            ..SessionSettings::default()
        };
        let attempts = Attempts::new(&settings);
        assert_eq!((0..2).filter(|_| attempts.join(address(1)).is_ok()).count(), 2);
        for _ in 0..100 {
            let wait = attempts.join(address(1)).unwrap_err();
            assert!(wait <= Duration::from_secs(60), "{wait:?}");
        }
        assert_eq!(attempts.join(address(2)), Ok(()));
        assert_eq!(attempts.join(address(3)), Ok(()));
        assert_eq!(attempts.join(address(4)), Ok(()));
        assert!(attempts.join(address(5)).is_err(), "all together have tried too often");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let settings = SessionSettings { joins_per_minute: u32::MAX, ..SessionSettings::default() };
        let attempts = Attempts::new(&settings);
        let many = u32::try_from(REMEMBERED_MAX).unwrap() * 2;
        for number in 0..many {
            let _ = attempts.join(address(number));
        }
        assert!(attempts.joins_by_address.len() <= REMEMBERED_MAX);
    }
}
