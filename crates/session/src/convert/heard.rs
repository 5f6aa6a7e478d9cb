//! What nodes say.

use std::time::Duration;

use control::fleet::{Heard, KEPT_MAX, NodeProblem, NodeReport, RefusalReason};
use model::UnixMillis;
use protocol::{
    Malformed,
    instance::from_states,
    node::{self, from_node::Message},
};

use super::{answer, field};

/// The most interfaces or instances in one message: more than a node may have.
const NAMED_MAX: usize = 20_000;

/// What a node says.
#[derive(Debug, PartialEq)]
pub(crate) enum Spoken {
    /// The first message.
    Hello { generation: u64, run: u64, booted_at: Option<UnixMillis>, agent_version: Box<str> },
    /// Every other one.
    Heard(Heard),
}

/// What a message says.
pub(crate) fn spoken(message: node::FromNode) -> Result<Spoken, Malformed> {
    let heard = match message.message {
        Some(Message::Hello(hello)) => {
            return Ok(Spoken::Hello {
                generation: hello.generation,
                run: hello.run,
                booted_at: field::time_or_none("booted_at_ms", hello.booted_at_ms)?,
                agent_version: field::short_text(&hello.agent_version),
            });
        }
        Some(Message::Confirmed(confirmed)) => {
            bounded("absent_interfaces", confirmed.absent_interfaces.len())?;
            let absent = confirmed.absent_interfaces.iter().map(|id| field::id("absent_interfaces", id));
            Heard::Confirmed {
                generation: confirmed.generation,
                took: Duration::from_micros(confirmed.took_us),
                switched: (confirmed.switched_us > 0).then(|| Duration::from_micros(confirmed.switched_us)),
                absent: absent.collect::<Result<_, _>>()?,
            }
        }
        Some(Message::NotInForce(told)) => not_in_force(&told)?,
        Some(Message::Refused(refused)) => refused_update(&refused)?,
        Some(Message::InstanceStates(states)) => {
            bounded("states", states.states.len())?;
            Heard::InstanceStates(from_states(&states)?)
        }
        Some(Message::Answer(told)) => {
            let (id, answer) = answer::answer(&told)?;
            Heard::Answer { id, answer }
        }
        Some(Message::Report(told)) => Heard::Report(report(&told)?),
        None => return Err(Malformed::new("message", "nothing", "a message that is known")),
    };
    Ok(Spoken::Heard(heard))
}

fn bounded(name: &'static str, count: usize) -> Result<(), Malformed> {
    if count <= NAMED_MAX { Ok(()) } else { Err(Malformed::new(name, count, "20,000 or fewer")) }
}

fn not_in_force(message: &node::NotInForce) -> Result<Heard, Malformed> {
    if message.problems.len() > KEPT_MAX {
        return Err(Malformed::new("problems", message.problems.len(), "the first 100 or fewer"));
    }
    let problem = |problem: &node::Problem| {
        Ok(NodeProblem {
            interface: field::id("network_interface_id", &problem.network_interface_id)?,
            message: field::text(&problem.message),
        })
    };
    Ok(Heard::NotInForce {
        generation: message.generation,
        problems: message.problems.iter().map(problem).collect::<Result<_, _>>()?,
        problem_count: message.problem_count,
    })
}

fn refused_update(message: &node::Refused) -> Result<Heard, Malformed> {
    let reason = match message.reason() {
        node::refused::Reason::Gap => RefusalReason::Gap,
        node::refused::Reason::Regressed => RefusalReason::Regressed,
        node::refused::Reason::Invalid => RefusalReason::Invalid,
        node::refused::Reason::Unspecified => {
            return Err(Malformed::new("reason", message.reason, "a reason that is known"));
        }
    };
    Ok(Heard::Refused {
        generation: message.generation,
        kept_generation: message.kept_generation,
        reason,
        message: field::text(&message.message),
    })
}

fn report(message: &node::Report) -> Result<NodeReport, Malformed> {
    Ok(NodeReport {
        drift_found: message.drift_found,
        drift_repaired: message.drift_repaired,
        audited_at: field::time_or_none("audited_at_ms", message.audited_at_ms)?,
        interface_count: message.interface_count,
        absent_count: message.absent_count,
        guarded_count: message.guarded_count,
        flow_count: message.flow_count,
        dropped_packets: field::by_reason(message.dropped_packets.iter())?,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
