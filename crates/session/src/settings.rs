//! What the operator decides about the listener for nodes, and its bounds.

use serde::{Deserialize, Serialize};

/// The bounds on what nodes, and hosts that want to be nodes, may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// How many connections of nodes may be open. A node has one, and a second one for moments.
    pub connections_max: usize,
    /// How many connections may be open that have not shown the certificate of a node: those that begin, and hosts that
    /// join. Further ones wait to be accepted.
    pub strangers_max: usize,
    /// How many of those may be open from one address; further ones are closed.
    pub strangers_per_address_max: usize,
    /// How long a TLS handshake may take, in seconds.
    pub handshake_seconds_max: u64,
    /// How long a connection may be open on which nothing is asked for, and how long a node may take to say Hello, in
    /// seconds.
    pub idle_seconds_max: u64,
    /// How long a connection without the certificate of a node may be open, in seconds.
    pub stranger_seconds_max: u64,
    /// How often the server asks on a connection whether the other side is still there, in seconds.
    pub keepalive_seconds: u64,
    /// How long the answer to that may take before the connection is closed, in seconds.
    pub keepalive_seconds_max: u64,
    /// How many joins may be tried from one address in a minute (of IPv6: from one /64).
    pub joins_per_minute_per_address: u32,
    /// How many joins may be tried in a minute.
    pub joins_per_minute: u32,
    /// For how many days the certificate of a node is good. Nodes renew it after two thirds of that.
    pub certificate_days: u64,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            connections_max: 8192,
            strangers_max: 512,
            strangers_per_address_max: 64,
            handshake_seconds_max: 10,
            idle_seconds_max: 10,
            stranger_seconds_max: 30,
            keepalive_seconds: 4,
            keepalive_seconds_max: 6,
            joins_per_minute_per_address: 60,
            joins_per_minute: 600,
            certificate_days: 90,
        }
    }
}

/// A setting that is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be from {least} to {most}")]
pub struct OutOfRange {
    /// Its name.
    pub setting: &'static str,
    /// The least that it may be.
    pub least: u64,
    /// The most that it may be.
    pub most: u64,
}

/// A day: nothing waits longer.
const SECONDS_MOST: u64 = 86_400;
/// More connections than one process can have files open.
const CONNECTIONS_MOST: u64 = 1 << 20;
/// Ten years.
const DAYS_MOST: u64 = 3_650;

impl SessionSettings {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let size = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        let all = [
            ("connections_max", size(self.connections_max), CONNECTIONS_MOST),
            ("strangers_max", size(self.strangers_max), CONNECTIONS_MOST),
            ("strangers_per_address_max", size(self.strangers_per_address_max), CONNECTIONS_MOST),
            ("handshake_seconds_max", self.handshake_seconds_max, SECONDS_MOST),
            ("idle_seconds_max", self.idle_seconds_max, SECONDS_MOST),
            ("stranger_seconds_max", self.stranger_seconds_max, SECONDS_MOST),
            ("keepalive_seconds", self.keepalive_seconds, SECONDS_MOST),
            ("keepalive_seconds_max", self.keepalive_seconds_max, SECONDS_MOST),
            ("joins_per_minute_per_address", self.joins_per_minute_per_address.into(), u32::MAX.into()),
            ("joins_per_minute", self.joins_per_minute.into(), u32::MAX.into()),
            ("certificate_days", self.certificate_days, DAYS_MOST),
        ];
        let wrong = all.into_iter().find(|(_, value, most)| !(1..=*most).contains(value));
        wrong.map_or(Ok(()), |(setting, _, most)| Err(OutOfRange { setting, least: 1, most }))
    }

    /// For how many milliseconds the certificate of a node is good.
    pub(crate) fn certificate_ms(&self) -> u64 {
        self.certificate_days * SECONDS_MOST * 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range_and_a_setting_that_is_not_is_named() {
        assert_eq!(SessionSettings::default().check(), Ok(()));
        let none = SessionSettings { idle_seconds_max: 0, ..SessionSettings::default() };
        assert_eq!(none.check().unwrap_err().to_string(), "idle_seconds_max must be from 1 to 86400");
        let long = SessionSettings { certificate_days: 3_651, ..SessionSettings::default() };
        assert_eq!(long.check().unwrap_err().setting, "certificate_days");
    }
}
