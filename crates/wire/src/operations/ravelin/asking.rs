//! What operations have in common that ask the node of a network interface.

use std::collections::BTreeMap;

use control::fleet::{Decision, NodeStanding, Question, RulePlace};
use model::{NetworkInterfaceId, rule::Direction};

use crate::catalogue::prelude::*;

/// `MaxResults`, where a node lists something.
pub(super) const MAX_RESULTS: Parameter = Parameter::optional(
    "MaxResults",
    Kind::Integer { min: 1, max: 1_000 },
    "The most that are listed; 100 where it is not given.",
    "100",
);

/// How many are listed.
pub(super) fn most(arguments: &Arguments) -> u32 {
    u32::try_from(arguments.count("MaxResults", 100)).unwrap_or(100)
}

/// What the node is asked that a network interface of the caller is bound to.
///
/// # Errors
/// The caller has no such network interface, or it is bound to no node.
pub(super) fn inquiry(
    call: &Call<'_>,
    state: &State,
    question: impl FnOnce(NetworkInterfaceId) -> Question,
) -> Result<Inquiry, Fault> {
    let id: NetworkInterfaceId = call.arguments.required_id("NetworkInterfaceId");
    let interface = state.interfaces().of(call.account, &id);
    let interface = interface.ok_or_else(|| Fault::of(&code::INTERFACE_NOT_FOUND))?.id;
    let node = state.bindings().get(&interface).and_then(|binding| state.nodes().get(&binding.node));
    let node = node.ok_or_else(|| {
        let why = format!("network interface {interface} is not bound to a node");
        Fault::with(&code::INTERFACE_NOT_BOUND, &why)
    })?;
    Ok(Inquiry { interface, node: node.id, node_name: node.name.clone(), question: question(interface) })
}

/// The beginning of every such answer: about what, who says so, and what is in force there.
pub(super) fn head(inquiry: &Inquiry, standing: &NodeStanding) -> Answer {
    let mut answer = Answer::new();
    answer.insert("NetworkInterfaceId".into(), json!(inquiry.interface.to_string()));
    answer.insert("NodeId".into(), json!(inquiry.node.to_string()));
    answer.insert("NodeName".into(), json!(inquiry.node_name));
    if let Some(generation) = standing.confirmed_generation {
        answer.insert("ConfirmedGeneration".into(), json!(generation));
    }
    answer
}

/// Adds packets that were dropped, by reason, the most frequent one first.
pub(super) fn put_dropped(answer: &mut Answer, dropped: &BTreeMap<Box<str>, u64>) {
    let mut counts: Vec<_> = dropped.iter().collect();
    counts.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), *reason));
    let shown: Vec<Value> =
        counts.into_iter().map(|(reason, count)| json!({ "Reason": reason, "Count": count })).collect();
    let all = dropped.values().fold(0u64, |sum, count| sum.saturating_add(*count));
    answer.insert("DroppedPacketCount".into(), json!(all));
    answer.insert("DroppedPackets".into(), json!({ "DroppedPacket": shown }));
}

/// Adds what decided, and the rule where one did.
pub(super) fn put_decision(
    shown: &mut Answer,
    decision: Option<Decision>,
    (rule, text): (Option<RulePlace>, &str),
) {
    if let Some(decision) = decision {
        shown.insert("DecidedBy".into(), json!(word(decision)));
    }
    if let Some(place) = rule {
        shown.insert("SecurityGroupId".into(), json!(place.group.to_string()));
        shown.insert("Rule".into(), json!(text));
    }
}

/// What decided, in one word.
pub(super) fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Rule => "Rule",
        Decision::Implicit => "NoRule",
        Decision::Exempt => "Exempt",
        Decision::Earlier => "EarlierRules",
    }
}

/// A direction, in the word that rules have for it.
pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}
