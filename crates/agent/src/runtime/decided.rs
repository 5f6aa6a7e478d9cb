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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dataplane::{Binding, Flow, FlowState, Tuple};
    use model::SecurityGroupId;
    use policy::{Group, PolicyClass, text::parse_rule};

    use super::*;

    fn in_force() -> RulesInForce {
        let rules = ["egress drop udp", "ingress accept tcp to port 443", "ingress drop priority=2 tcp"];
        let rules = rules.iter().map(|text| parse_rule(text).unwrap()).collect();
        let class = PolicyClass::new([Group { id: SecurityGroupId::from_number(7), rules }]).unwrap();
        RulesInForce { stamp: Stamp(5), rules: Arc::new(Rules::of(&class)) }
    }

    fn flow(stamp: u64, rule: RulePlace) -> Flow {
        let address = [10, 0, 0, 1].into();
        Flow {
            binding: Binding(1),
            tuple: Tuple {
                protocol: 6,
                local: address,
                local_port: 443,
                remote: address,
                remote_port: 1,
                icmp_type: 0,
            },
            begun: Direction::Ingress,
            age: Duration::ZERO,
            idle: Duration::ZERO,
            state: FlowState::TcpEstablished,
            alive: true,
            stamp: Stamp(stamp),
            rule,
            packets_local: 0,
            bytes_local: 0,
            packets_remote: 0,
            bytes_remote: 0,
        }
    }

    #[test]
    fn what_decided_is_named_by_the_rules_that_did() {
        let in_force = in_force();
        let decided = |place| {
            let decided = Decided::of_flow(Some(&in_force), &flow(5, place));
            (decided.decision, decided.rule, decided.text)
        };
        let accepts = "ingress accept tcp to port 443".to_owned();
        assert_eq!(decided(RulePlace::Rule(0)), (node::Decision::Rule, 1, accepts));
        let drops = "ingress drop priority=2 tcp".to_owned();
        assert_eq!(decided(RulePlace::Rule(1)), (node::Decision::Rule, 2, drops));
        assert_eq!(decided(RulePlace::Implicit), (node::Decision::Implicit, 0, String::new()));
        assert_eq!(decided(RulePlace::Exempt), (node::Decision::Exempt, 0, String::new()));
        let group = Decided::under(&in_force.rules, Direction::Egress, RulePlace::Rule(0)).group;
        assert_eq!(group, SecurityGroupId::from_number(7).to_string());
        assert_eq!(word(in_force.rules.implicit(Direction::Ingress)), "drop");
        assert_eq!(word(in_force.rules.implicit(Direction::Egress)), "accept");
    }

    /// A place in rules that are not in force any more would name another rule.
    #[test]
    fn what_earlier_rules_decided_is_not_guessed() {
        let earlier = Decided { decision: node::Decision::Earlier, ..Decided::default() };
        assert_eq!(Decided::of_flow(Some(&in_force()), &flow(4, RulePlace::Rule(0))), earlier);
        assert_eq!(Decided::of_flow(None, &flow(5, RulePlace::Rule(0))), earlier);
    }
}
