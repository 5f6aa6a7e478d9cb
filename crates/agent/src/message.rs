//! What became of updates, as messages of the protocol.

use std::time::Duration;

use protocol::node;

use crate::{outcome::Outcome, wanted::UpdateError};

/// The most problems that are told of one update.
const PROBLEMS_MAX: usize = 100;

/// What became of an update, and how long that took.
pub fn outcome(outcome: &Outcome, took: Duration) -> node::from_node::Message {
    let generation = outcome.generation;
    if outcome.confirmed() {
        return node::from_node::Message::Confirmed(node::Confirmed {
            generation,
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            absent_interfaces: outcome.absent.iter().map(ToString::to_string).collect(),
        });
    }
    let problems = outcome.problems.iter().take(PROBLEMS_MAX).map(|problem| node::Problem {
        network_interface_id: problem.interface.to_string(),
        message: problem.kind.to_string(),
    });
    node::from_node::Message::NotInForce(node::NotInForce {
        generation,
        problems: problems.collect(),
        problem_count: outcome.problems.len() as u64,
    })
}

/// Why an update of this generation is not obeyed.
pub fn refusal(generation: u64, kept_generation: u64, error: &UpdateError) -> node::Refused {
    let reason = match error {
        UpdateError::Gap { .. } => node::refused::Reason::Gap,
        UpdateError::Regressed { .. } => node::refused::Reason::Regressed,
        UpdateError::Contradiction { .. } => node::refused::Reason::Invalid,
    };
    node::Refused { generation, kept_generation, reason: reason.into(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use model::NetworkInterfaceId;
    use node::from_node::Message;

    use super::*;
    use crate::{Problem, ProblemKind};

    #[test]
    fn problems_are_bounded_and_counted() {
        let problem = |number| Problem {
            interface: NetworkInterfaceId::from_number(number),
            kind: ProblemKind::ReadBack("it has another class".into()),
        };
        let mut told =
            Outcome { generation: 7, problems: (1..=150).map(problem).collect(), absent: Vec::new() };
        let Message::NotInForce(message) = super::outcome(&told, Duration::ZERO) else { panic!("{told:?}") };
        assert_eq!((message.generation, message.problems.len(), message.problem_count), (7, 100, 150));
        told.problems.clear();
        let Message::Confirmed(message) = super::outcome(&told, Duration::from_millis(2)) else {
            panic!("{told:?}")
        };
        assert_eq!((message.generation, message.took_us), (7, 2000));
    }

    #[test]
    fn a_refusal_says_what_stays_in_force() {
        let gap = refusal(9, 5, &UpdateError::Gap { has: 5, from: 8 });
        assert_eq!((gap.generation, gap.kept_generation), (9, 5));
        assert_eq!(gap.reason(), node::refused::Reason::Gap);
        let regressed = refusal(4, 5, &UpdateError::Regressed { confirmed: 5, offered: 4 });
        assert_eq!(regressed.reason(), node::refused::Reason::Regressed);
    }
}
