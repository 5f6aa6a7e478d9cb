//! When a change was durable, switched in and confirmed, from what DescribeEnforcement says of it. Pure.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use wire::catalogue::value_at;

/// When a change of one node was durable, in force and confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    /// When it was on disk.
    pub(super) durable: SystemTime,
    /// When, at the latest, the last word was stored that put it in force; none: nothing had to be.
    pub(super) switched: Option<SystemTime>,
    /// When the server heard that it was read back.
    pub(super) confirmed: SystemTime,
}

impl Receipt {
    /// Reads the answer about a change that was asked for and answered at these times; none: it concerned no node, is not
    /// confirmed, or cannot have happened between the two.
    ///
    /// The answer has durations in microseconds and the moment at which all begins in whole milliseconds. That moment is
    /// taken as late as it can be, so that what happened is not told as earlier than it was.
    pub(super) fn read(answer: &Value, asked: SystemTime, answered: SystemTime) -> Option<Self> {
        let number = |path: &str| value_at(answer, path).first().and_then(|value| value.as_u64());
        let microseconds = |name: &str| number(&format!("Nodes.Node[].{name}")).map(Duration::from_micros);
        let durable_ms = number("DurableUnixMilliseconds")?;
        let after = microseconds("ConfirmedAfterMicroseconds")?;
        let latest = SystemTime::UNIX_EPOCH + Duration::from_millis(durable_ms + 1);
        let durable = latest.min(answered - after);
        if durable < asked {
            return None;
        }
        let confirmed = durable + after;
        // The node's own clock begins when the change reaches it, and ends when it confirms.
        let rest = microseconds("TookMicroseconds").zip(microseconds("SwitchedMicroseconds"));
        let switched = rest.map(|(took, switched)| confirmed - took.saturating_sub(switched));
        Some(Self { durable, switched, confirmed })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(microseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000) + Duration::from_micros(microseconds)
    }

    fn answer(node: &Value) -> Value {
        json!({ "DurableUnixMilliseconds": 1_000_001, "Nodes": { "Node": [node] } })
    }

    #[test]
    fn moments_follow_from_durations_and_lie_between_question_and_answer() {
        let node = json!({
            "ConfirmedAfterMicroseconds": 2_000, "TookMicroseconds": 1_500, "SwitchedMicroseconds": 900,
        });
        let expected = Receipt { durable: at(1_700), switched: Some(at(3_100)), confirmed: at(3_700) };
        assert_eq!(Receipt::read(&answer(&node), at(500), at(3_700)), Some(expected));
        // Where the answer came late, the millisecond ends before.
        let late = Receipt::read(&answer(&node), at(500), at(9_000)).unwrap();
        assert_eq!((late.durable, late.confirmed), (at(2_000), at(4_000)));
        let none = json!({ "ConfirmedAfterMicroseconds": 2_000, "TookMicroseconds": 1_500 });
        assert_eq!(Receipt::read(&answer(&none), at(500), at(3_700)).unwrap().switched, None);
    }

    #[test]
    fn what_is_not_confirmed_has_no_moments() {
        assert_eq!(Receipt::read(&answer(&json!({ "Reason": "NotConnected" })), at(0), at(9_000)), None);
        assert_eq!(Receipt::read(&json!({ "Nodes": { "Node": [] } }), at(0), at(9_000)), None);
    }

    #[test]
    fn what_cannot_have_happened_between_question_and_answer_is_no_receipt() {
        let node = json!({ "ConfirmedAfterMicroseconds": 2_000 });
        assert!(Receipt::read(&answer(&node), at(1_000), at(3_000)).is_some());
        assert_eq!(Receipt::read(&answer(&node), at(1_001), at(3_000)), None, "it took longer than the call");
        assert_eq!(
            Receipt::read(&answer(&node), at(2_001), at(9_000)),
            None,
            "it was on disk before the call"
        );
    }
}
