//! Answers of nodes to questions.

use control::fleet::{
    ANSWERED_MAX, Answer, Decision, DropPlace, InterfaceCounters, NodeDrop, NodeFlow, RuleCounters, RulePlace,
};
use protocol::{
    Malformed,
    node::{self, answer},
};

use super::field;

/// The most rules of an interface, with what happens where none is about a packet: more than there may be.
const RULES_MAX: usize = 2_048;

/// An answer, and which question it is about.
pub(super) fn answer(message: &node::Answer) -> Result<(u64, Answer), Malformed> {
    let answer = match &message.answer {
        Some(answer::Answer::Flows(flows)) => {
            bounded("flows", flows.flows.len())?;
            let all = flows.flows.iter().map(flow).collect::<Result<_, _>>()?;
            Answer::Flows { flows: all, left_out: flows.left_out }
        }
        Some(answer::Answer::Drops(drops)) => {
            bounded("drops", drops.drops.len())?;
            let all = drops.drops.iter().map(drop_of).collect::<Result<_, _>>()?;
            Answer::Drops {
                drops: all,
                next: DropPlace { process: drops.process, place: drops.next },
                lost: drops.lost,
                restarted: drops.restarted,
                dropped_packets: field::by_reason(drops.dropped_packets.iter())?,
            }
        }
        Some(answer::Answer::Counters(counted)) => Answer::Counters(counters(counted)?),
        Some(answer::Answer::Failed(why)) => Answer::Failed(field::text(why)),
        None => return Err(Malformed::new("answer", "nothing", "an answer that is known")),
    };
    Ok((message.id, answer))
}

fn bounded(name: &'static str, count: usize) -> Result<(), Malformed> {
    let fits = u32::try_from(count).is_ok_and(|count| count <= ANSWERED_MAX);
    if fits { Ok(()) } else { Err(Malformed::new(name, count, "1,000 or fewer")) }
}

fn flow(message: &node::Flow) -> Result<NodeFlow, Malformed> {
    Ok(NodeFlow {
        direction: field::direction(message.direction)?,
        protocol: field::small("protocol", message.protocol, "the number of a protocol")?,
        local_address: field::address("local_address", &message.local_address)?,
        remote_address: field::address("remote_address", &message.remote_address)?,
        local_port: field::port("local_port", message.local_port)?,
        remote_port: field::port("remote_port", message.remote_port)?,
        alive: message.alive,
        rule: place(&message.security_group_id, message.rule)?,
        age: field::span(message.age_ms),
        idle: field::span(message.idle_ms),
        packets_in: message.packets_in,
        bytes_in: message.bytes_in,
        packets_out: message.packets_out,
        bytes_out: message.bytes_out,
        state: field::name("state", &message.state)?,
        decision: decision(message.decision)?,
        rule_text: field::text(&message.rule_text),
    })
}

fn drop_of(message: &node::Drop) -> Result<NodeDrop, Malformed> {
    let source = field::address_or_none("source", &message.source)?;
    let protocol: u8 = field::small("protocol", message.protocol, "the number of a protocol")?;
    Ok(NodeDrop {
        at: field::time("at_ms", message.at_ms)?,
        interface: field::id("network_interface_id", &message.network_interface_id)?,
        direction: field::direction(message.direction)?,
        reason: field::name("reason", &message.reason)?,
        // A packet without addresses is none of IP.
        protocol: source.map(|_| protocol),
        source,
        destination: field::address_or_none("destination", &message.destination)?,
        source_port: field::port("source_port", message.source_port)?,
        destination_port: field::port("destination_port", message.destination_port)?,
        length: message.length,
        rule: place(&message.security_group_id, message.rule)?,
        decision: decision(message.decision)?,
        rule_text: field::text(&message.rule_text),
        ethertype: match message.ethertype {
            0 => None,
            number => Some(field::small("ethertype", number, "an EtherType")?),
        },
    })
}

fn place(group: &str, rule: u32) -> Result<Option<RulePlace>, Malformed> {
    if group.is_empty() {
        return Ok(None);
    }
    Ok(Some(RulePlace { group: field::id("security_group_id", group)?, rule }))
}

/// What decided. A node of another version may know more than is known here, and then it is not known.
fn decision(decision: i32) -> Result<Option<Decision>, Malformed> {
    if decision < 0 {
        return Err(Malformed::new("decision", decision, "what decided"));
    }
    Ok(match node::Decision::try_from(decision) {
        Ok(node::Decision::Rule) => Some(Decision::Rule),
        Ok(node::Decision::Implicit) => Some(Decision::Implicit),
        Ok(node::Decision::Exempt) => Some(Decision::Exempt),
        Ok(node::Decision::Earlier) => Some(Decision::Earlier),
        Ok(node::Decision::Unspecified) | Err(_) => None,
    })
}

fn rule_counters(message: &node::RuleCounters) -> Result<RuleCounters, Malformed> {
    Ok(RuleCounters {
        direction: field::direction(message.direction)?,
        rule: place(&message.security_group_id, message.rule)?,
        rule_text: field::text(&message.rule_text),
        decisions: message.decisions,
        flow_count: message.flow_count,
        packets_in: message.packets_in,
        packets_out: message.packets_out,
        bytes_in: message.bytes_in,
        bytes_out: message.bytes_out,
    })
}

fn counters(message: &node::Counters) -> Result<InterfaceCounters, Malformed> {
    if message.rules.len() > RULES_MAX {
        return Err(Malformed::new("rules", message.rules.len(), "2,048 or fewer"));
    }
    Ok(InterfaceCounters {
        dropped_packets: field::by_reason(message.dropped_packets.iter())?,
        flow_count: message.flow_count,
        packets_in: message.packets_in,
        packets_out: message.packets_out,
        bytes_in: message.bytes_in,
        bytes_out: message.bytes_out,
        rules: message.rules.iter().map(rule_counters).collect::<Result<_, _>>()?,
    })
}
