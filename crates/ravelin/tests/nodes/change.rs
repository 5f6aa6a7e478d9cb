//! A change whose answer was waited for, and what it did to flows.

use std::time::SystemTime;

use traffic::{Flow, Seen};

use crate::common::{Answer, Client};

/// For how many seconds an answer waits at most. Only a failure takes that long.
const WAIT: &str = "30";

/// A change, and when it was answered.
pub(crate) struct Changed {
    /// The generation that it made.
    pub(crate) generation: u64,
    /// When its answer was there.
    pub(crate) answered: SystemTime,
}

/// Makes a change, and waits until it is in force.
pub(crate) fn enforce(client: &Client, action: &str, parameters: &[(&str, &str)]) -> Changed {
    let answer = waiting(client, action, parameters, WAIT);
    let answered = SystemTime::now();
    assert_eq!(answer.code(), "", "{action}: {:?}", answer.body);
    Changed { generation: answer.generation.expect("a change has a generation"), answered }
}

/// Makes a change, and waits for so many seconds at most.
pub(crate) fn waiting(client: &Client, action: &str, parameters: &[(&str, &str)], seconds: &str) -> Answer {
    client.v1_with(action, &[], parameters, &[("x-ravelin-wait", seconds)])
}

/// As [`waiting`]; none where no answer comes: the server may be gone.
pub(crate) fn try_waiting(
    client: &Client,
    action: &str,
    parameters: &[(&str, &str)],
    seconds: &str,
) -> Option<Answer> {
    client.try_v1_with(action, parameters, &[("x-ravelin-wait", seconds)])
}

/// Nothing of a flow arrives, at either end, that was sent or delivered after the answer. The flow goes on sending meanwhile.
pub(crate) fn is_cut(what: &str, flow: Flow, changed: &Changed) {
    let then = flow.seen();
    let (limit, patience) = (then.sent + 300, std::time::Duration::from_secs(2));
    // A connection that was cut sends into its own buffer.
    let seen = flow.wait(patience, |seen| seen.sent >= limit);
    assert!(seen.sent > then.sent, "{what}: it goes on sending");
    for (end, tally) in [("there", &seen.there), ("back", &seen.back)] {
        let last = tally.last.unwrap_or_else(|| panic!("{what}: nothing ever came {end}"));
        assert!(last.number < then.sent, "{what}, {end}: {last:?} was sent after the answer: {then:?}");
        assert!(last.at <= changed.answered, "{what}, {end}: {last:?} came after the answer");
    }
}

/// A flow goes on, and has lost nothing.
pub(crate) fn goes_on(what: &str, flow: &Flow) {
    let enough = flow.seen().back.received + 300;
    let seen = flow.wait(std::time::Duration::from_secs(30), |seen| seen.back.received >= enough);
    assert!(seen.back.received >= enough, "{what} stands still: {seen:?}");
    assert_eq!(missing(&seen), 0, "{what} has lost something: {seen:?}");
}

fn missing(seen: &Seen) -> u64 {
    seen.there.missing() + seen.back.missing()
}
