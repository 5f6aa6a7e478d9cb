//! When what happened around a change, in milliseconds from when it was asked for. Pure.

use std::time::SystemTime;

use serde_json::{Value, json};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    name: &'static str,
    what: String,
    at: SystemTime,
}

/// What happened around a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeLine {
    asked: SystemTime,
    moments: Vec<Moment>,
}

impl TimeLine {
    /// Begins when the change was asked for.
    pub(super) fn begin(asked: SystemTime, what: impl Into<String>) -> Self {
        Self { asked, moments: vec![Moment { name: "asked", what: what.into(), at: asked }] }
    }

    /// Adds what happened, in any order.
    pub(super) fn add(&mut self, name: &'static str, at: SystemTime, what: impl Into<String>) {
        self.moments.push(Moment { name, what: what.into(), at });
        // What happened at the same time stays in the order in which it was told.
        self.moments.sort_by_key(|moment| moment.at);
    }

    /// Milliseconds from when the change was asked for; less than 0 for what was before.
    pub(super) fn milliseconds(&self, at: SystemTime) -> f64 {
        match at.duration_since(self.asked) {
            Ok(after) => after.as_secs_f64() * 1_000.0,
            Err(before) => -before.duration().as_secs_f64() * 1_000.0,
        }
    }

    /// The heads of its columns.
    pub(super) const COLUMNS: [&'static str; 3] = ["ms", "moment", "what"];

    /// For people, the earliest first.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let row = |moment: &Moment| {
            let time = format!("{:>8.3}", self.milliseconds(moment.at));
            vec![time, moment.name.to_owned(), moment.what.clone()]
        };
        self.moments.iter().map(row).collect()
    }

    /// For programs, the earliest first.
    pub(super) fn as_json(&self) -> Value {
        let object = |moment: &Moment| {
            let milliseconds = (self.milliseconds(moment.at) * 1_000.0).round() / 1_000.0;
            json!({ "milliseconds": milliseconds, "moment": moment.name, "what": moment.what })
        };
        self.moments.iter().map(object).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_told_in_the_order_in_which_they_were() {
        let asked = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let mut line = TimeLine::begin(asked, "the call");
        line.add("confirmed", asked + Duration::from_micros(2_345), "read back");
        line.add("last packet", asked + Duration::from_micros(1_000), "of a flow");
        line.add("also last", asked + Duration::from_micros(1_000), "of another");
        line.add("before", asked - Duration::from_micros(500), "early");
        let told: Vec<String> = line.rows().iter().map(|row| row.join("|")).collect();
        assert_eq!(
            told,
            [
                "  -0.500|before|early",
                "   0.000|asked|the call",
                "   1.000|last packet|of a flow",
                "   1.000|also last|of another",
                "   2.345|confirmed|read back",
            ]
        );
        assert_eq!(
            line.as_json()[4],
            json!({ "milliseconds": 2.345, "moment": "confirmed", "what": "read back" })
        );
    }
}
