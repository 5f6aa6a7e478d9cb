//! Why a node has not confirmed a change, in words.

use control::fleet::{Delay, RefusalReason};

/// The one word for it.
pub(crate) fn word(delay: &Delay) -> &'static str {
    match delay {
        Delay::NeverConnected => "NeverConnected",
        Delay::NotConnected { .. } => "NotConnected",
        Delay::NotInForce(_) => "NotInForce",
        Delay::Refused(_) => "Refused",
        Delay::Regressed { .. } => "Regressed",
        Delay::NotAnswered => "NotAnswered",
        Delay::NotTold => "NotTold",
    }
}

/// Why a node refuses an update, in one word.
pub(crate) fn reason(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Gap => "Gap",
        RefusalReason::Regressed => "Regressed",
        RefusalReason::Invalid => "Invalid",
    }
}

/// A sentence without its end, and what to do where somebody has to.
pub(crate) fn text(delay: &Delay) -> String {
    match delay {
        Delay::NeverConnected => {
            "it has not connected since the server began to run; see that its agent runs and reaches the server"
                .into()
        }
        Delay::NotConnected { since } => {
            let since = since.to_text();
            format!("it is not connected since {since}; see that its agent runs and reaches the server")
        }
        Delay::NotInForce(of) => match (&of.problems[..], of.problem_count) {
            ([], _) => "it is not in force everywhere there".into(),
            ([first, ..], 0 | 1) => format!("network interface {}: {}", first.interface, first.message),
            ([first, ..], count) => {
                format!("network interface {}: {}; and {} more", first.interface, first.message, count - 1)
            }
        },
        Delay::Refused(of) => {
            format!("it refuses generation {} and keeps {}: {}", of.generation, of.kept_generation, of.message)
        }
        Delay::Regressed { generation } => {
            format!(
                "it holds generation {generation}, which this server never gave or has lost, and keeps what it enforces; ReadmitNode lets it follow this server again"
            )
        }
        Delay::NotAnswered => "it was told, and has not answered yet".into(),
        Delay::NotTold => "it has not been told yet: it is busy with what it was told before".into(),
    }
}

#[cfg(test)]
mod tests {
    use control::fleet::{NodeProblem, NotInForce, Refused};
    use model::{NetworkInterfaceId, UnixMillis};

    use super::*;
    use crate::catalogue::{Product, find};

    #[test]
    fn every_delay_is_explained_and_named() {
        let problem = |number| NodeProblem {
            interface: NetworkInterfaceId::from_number(number),
            message: "the device is not there".into(),
        };
        let not_in_force = |problems: Vec<NodeProblem>| {
            let problem_count = problems.len() as u64;
            Delay::NotInForce(NotInForce { generation: 3, problems, problem_count }.into())
        };
        let refused = Refused {
            generation: 4,
            kept_generation: 3,
            reason: RefusalReason::Invalid,
            message: "a group is missing".into(),
        };
        for (delay, expected) in [
            (Delay::NeverConnected, "has not connected"),
            (Delay::NotConnected { since: UnixMillis(0) }, "since 1970-01-01T00:00:00Z"),
            (not_in_force(vec![]), "not in force everywhere"),
            (not_in_force(vec![problem(1)]), ": the device is not there"),
            (not_in_force(vec![problem(1), problem(2)]), "; and 1 more"),
            (Delay::Refused(refused.into()), "refuses generation 4 and keeps 3: a group is missing"),
            (Delay::Regressed { generation: 9 }, "holds generation 9"),
            (Delay::NotAnswered, "has not answered"),
            (Delay::NotTold, "has not been told"),
        ] {
            assert!(text(&delay).contains(expected), "{}", text(&delay));
            let operation = find(Product::Ravelin, "DescribeEnforcement").unwrap();
            assert!(operation.description.contains(word(&delay)), "{}", word(&delay));
        }
    }
}
