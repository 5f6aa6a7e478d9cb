//! Fields of messages that nodes send.

use std::{collections::BTreeMap, net::IpAddr, str::FromStr, time::Duration};

use model::{UnixMillis, rule::Direction};
pub(super) use protocol::text;
use protocol::{Malformed, node};

/// The longest name of a reason or of a state, in characters.
const NAME_MAX: usize = 64;
/// The most reasons for which packets are dropped.
const REASONS_MAX: usize = 100;

/// An id, as `eni-...`.
pub(super) fn id<T: FromStr>(field: &'static str, text: &str) -> Result<T, Malformed> {
    text.parse().map_err(|_| Malformed::new(field, text, "an id of its kind"))
}

/// A text for people that is no longer than a name.
pub(super) fn short_text(text: &str) -> Box<str> {
    protocol::text(text).chars().take(NAME_MAX).collect()
}

/// A name that programs know.
pub(super) fn name(field: &'static str, text: &str) -> Result<Box<str>, Malformed> {
    if text.len() <= NAME_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.into())
    } else {
        Err(Malformed::new(field, text, "a name of up to 64 visible ASCII characters"))
    }
}

/// Numbers by the names of reasons.
pub(super) fn by_reason<'a>(
    counts: impl ExactSizeIterator<Item = (&'a String, &'a u64)>,
) -> Result<BTreeMap<Box<str>, u64>, Malformed> {
    if counts.len() > REASONS_MAX {
        return Err(Malformed::new("dropped_packets", counts.len(), "at most 100 reasons"));
    }
    counts.map(|(reason, count)| Ok((name("dropped_packets", reason)?, *count))).collect()
}

/// A number that has fewer bits than it has in the message.
pub(super) fn small<T: TryFrom<u32>>(
    field: &'static str,
    number: u32,
    wanted: &'static str,
) -> Result<T, Malformed> {
    number.try_into().map_err(|_| Malformed::new(field, number, wanted))
}

pub(super) fn port(field: &'static str, port: u32) -> Result<u16, Malformed> {
    small(field, port, "a port")
}

pub(super) fn address(field: &'static str, text: &str) -> Result<IpAddr, Malformed> {
    text.parse().map_err(|_| Malformed::new(field, text, "an IP address"))
}

/// An address that may be absent.
pub(super) fn address_or_none(field: &'static str, text: &str) -> Result<Option<IpAddr>, Malformed> {
    if text.is_empty() { Ok(None) } else { address(field, text).map(Some) }
}

pub(super) fn direction(direction: i32) -> Result<Direction, Malformed> {
    match node::rule::Direction::try_from(direction) {
        Ok(node::rule::Direction::Ingress) => Ok(Direction::Ingress),
        Ok(node::rule::Direction::Egress) => Ok(Direction::Egress),
        _ => Err(Malformed::new("direction", direction, "a direction that is known")),
    }
}

/// A time in milliseconds since 1970.
pub(super) fn time(field: &'static str, at_ms: u64) -> Result<UnixMillis, Malformed> {
    i64::try_from(at_ms).map(UnixMillis).map_err(|_| Malformed::new(field, at_ms, "a time"))
}

/// A time that may be absent: 0.
pub(super) fn time_or_none(field: &'static str, at_ms: u64) -> Result<Option<UnixMillis>, Malformed> {
    if at_ms == 0 { Ok(None) } else { time(field, at_ms).map(Some) }
}

/// Milliseconds.
pub(super) fn span(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
