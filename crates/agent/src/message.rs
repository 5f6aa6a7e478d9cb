//! What became of updates, as messages of the protocol.

use std::time::Duration;

use protocol::{TEXT_MAX, node};

use crate::{
    enforcer::chain,
    outcome::{Outcome, Problem},
    wanted::UpdateError,
};

/// The most problems that are told of one update.
const PROBLEMS_MAX: usize = 100;

/// How long an update took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Took {
    /// From its arrival to when it was in force, read back and on disk.
    pub confirmed: Duration,
    /// From its arrival to the last store that put it in force; none: nothing had to be stored.
    pub switched: Option<Duration>,
}

/// That everything up to a generation is in force.
pub fn confirmed(outcome: &Outcome, took: Took) -> node::Confirmed {
    node::Confirmed {
        generation: outcome.generation,
        took_us: microseconds(took.confirmed),
        absent_interfaces: outcome.absent.iter().map(ToString::to_string).collect(),
        switched_us: took.switched.map_or(0, microseconds),
    }
}

/// That something up to a generation is not in force, or would not outlive a reboot.
pub fn not_in_force(generation: u64, problems: &[Problem]) -> node::NotInForce {
    let told = problems.iter().take(PROBLEMS_MAX).map(|problem| node::Problem {
        network_interface_id: problem.interface.to_string(),
        message: short(&problem.kind.to_string()),
    });
    // Where no interface is wanted there is none to name, and it is not in force all the same.
    let problem_count = problems.len().max(1) as u64;
    node::NotInForce { generation, problems: told.collect(), problem_count }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// Why an update of this generation is not obeyed.
pub fn refusal(generation: u64, kept_generation: u64, error: &UpdateError) -> node::Refused {
    let reason = match error {
        UpdateError::Gap { .. } => node::refused::Reason::Gap,
        UpdateError::Regressed { .. } => node::refused::Reason::Regressed,
        UpdateError::Contradiction { .. } => node::refused::Reason::Invalid,
    };
    node::Refused { generation, kept_generation, reason: reason.into(), message: short(&chain(error)) }
}

#[cfg(test)]
mod tests {
    use model::NetworkInterfaceId;

    use super::*;
    use crate::ProblemKind;

    #[test]
    fn problems_are_bounded_and_counted() {
        let problem = |number| Problem {
            interface: NetworkInterfaceId::from_number(number),
            kind: ProblemKind::ReadBack("it has another class".repeat(50)),
        };
        let problems: Vec<Problem> = (1..=150).map(problem).collect();
        let message = not_in_force(7, &problems);
        assert_eq!((message.generation, message.problems.len(), message.problem_count), (7, 100, 150));
        assert!(message.problems.iter().all(|problem| problem.message.chars().count() == TEXT_MAX));
        assert_eq!(not_in_force(7, &[]).problem_count, 1);
    }

    #[test]
    fn a_confirmation_says_how_long_it_took() {
        let outcome = Outcome { generation: 7, problems: Vec::new(), absent: Vec::new() };
        let took = Took { confirmed: Duration::from_millis(2), switched: Some(Duration::from_micros(90)) };
        let message = confirmed(&outcome, took);
        assert_eq!((message.generation, message.took_us, message.switched_us), (7, 2000, 90));
        assert_eq!(confirmed(&outcome, Took::default()).switched_us, 0);
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
