//! What decided about a packet or a flow, in the words of the protocol. Pure.

use std::sync::Arc;

use dataplane::{RulePlace, Stamp};
use model::rule::{Direction, Policy};
use protocol::node;

use crate::enforcer::{NamedRule, Rules};

/// The rules that an interface is under, and the switch that put them in force.
#[derive(Debug, Clone)]
pub(crate) struct RulesInForce {
    pub(crate) stamp: Stamp,
    pub(crate) rules: Arc<Rules>,
}

/// What decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) decision: node::Decision,
    /// The group of the rule; empty where none decided.
    pub(crate) group: String,
    /// Its place in the group.
    pub(crate) rule: u32,
    pub(crate) text: String,
}

impl Decided {
    /// What decided under these rules.
    pub(crate) fn under(rules: &Rules, direction: Direction, place: RulePlace) -> Self {
        let decision = match place {
            RulePlace::Rule(_) => node::Decision::Rule,
            RulePlace::Implicit => node::Decision::Implicit,
            RulePlace::Exempt => node::Decision::Exempt,
        };
        let Some(NamedRule { group, position, text }) = rules.find(direction, place) else {
            return Self { decision, ..Self::default() };
        };
        let rule = u32::try_from(*position).unwrap_or(u32::MAX);
        Self { decision, group: group.to_string(), rule, text: text.to_string() }
    }

    /// What decided about a flow that was judged last under the rules of this stamp.
    pub(crate) fn of_flow(in_force: Option<&RulesInForce>, flow: &dataplane::Flow) -> Self {
        match in_force.filter(|in_force| in_force.stamp == flow.stamp) {
            Some(in_force) => Self::under(&in_force.rules, flow.begun, flow.rule),
            None => Self { decision: node::Decision::Earlier, ..Self::default() },
        }
    }
}

/// A policy as a word.
pub(crate) fn word(policy: Policy) -> &'static str {
    match policy {
        Policy::Accept => "accept",
        Policy::Drop => "drop",
    }
}

/// A direction, in the protocol.
pub(crate) fn direction(direction: Direction) -> i32 {
    match direction {
        Direction::Ingress => node::rule::Direction::Ingress.into(),
        Direction::Egress => node::rule::Direction::Egress.into(),
    }
}
