//! Flow control: how many requests a caller may send.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use serde::{Deserialize, Serialize};

use crate::catalogue::Operation;

/// How many requests a caller may send in a second. Zero is: as many as it likes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowSettings {
    /// Requests of all operations, by access key.
    pub requests_per_second: u32,
    /// Requests of single operations, by access key: `DescribeInstances = 100`.
    pub operations: BTreeMap<String, u32>,
}

/// How many callers are told apart before those that have been quiet are forgotten.
const CALLERS_REMEMBERED: usize = 10_000;

/// What a limit is counted by.
type ByCaller = DefaultKeyedRateLimiter<Box<str>>;

/// The limits in force.
pub(super) struct Flow {
    all: Option<ByCaller>,
    single: BTreeMap<String, ByCaller>,
}

impl Flow {
    pub(super) fn new(settings: &FlowSettings) -> Self {
        let limiter =
            |rate: u32| NonZeroU32::new(rate).map(|rate| RateLimiter::keyed(Quota::per_second(rate)));
        let single = settings.operations.iter();
        Self {
            all: limiter(settings.requests_per_second),
            single: single.filter_map(|(name, rate)| Some((name.clone(), limiter(*rate)?))).collect(),
        }
    }

    /// Counts a request, or says how long the caller has to wait.
    pub(super) fn check(&self, access_key: &str, operation: &Operation) -> Result<(), Duration> {
        if self.all.is_none() && self.single.is_empty() {
            return Ok(());
        }
        let key: Box<str> = access_key.into();
        for limiter in [self.single.get(operation.name), self.all.as_ref()].into_iter().flatten() {
            if limiter.len() > CALLERS_REMEMBERED {
                limiter.retain_recent();
            }
            limiter.check_key(&key).map_err(|denied| denied.wait_time_from(DefaultClock::default().now()))?;
        }
        Ok(())
    }
}
