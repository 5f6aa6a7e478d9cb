//! The order in which the rules of a class decide, and the place of each.

use std::fmt;

use model::{
    SecurityGroupId,
    rule::{Direction, Policy, Rule},
};

use crate::{class::PolicyClass, evaluate::Decider, text::RuleText};

/// A rule, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct PlacedRule<'a> {
    /// The group that it is in.
    pub group: SecurityGroupId,
    /// Its place among the group's rules, from 0.
    pub position: usize,
    /// The rule.
    pub rule: &'a Rule,
}

impl PlacedRule<'_> {
    /// The rule as what decides a packet.
    pub fn decider(&self) -> Decider {
        Decider::Rule { group: self.group, position: self.position }
    }

    /// Its place among the group's rules as people count, from 1.
    pub fn number(&self) -> usize {
        self.position.saturating_add(1)
    }

    /// What decides first of two: the smaller priority number, then a rule that drops.
    pub(crate) fn rank(rule: &Rule) -> (u8, bool) {
        (rule.priority, rule.policy == Policy::Accept)
    }
}

impl fmt::Display for PlacedRule<'_> {
    /// `rule 1 of sg-... (ingress accept tcp to port 443)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} of {} ({})", self.number(), self.group, RuleText(self.rule))
    }
}

/// The rules of one direction in deciding order: by priority, drop before accept, then by group and position.
pub fn in_order(class: &PolicyClass, direction: Direction) -> Vec<PlacedRule<'_>> {
    let mut ordered = Vec::with_capacity(class.rule_count());
    for group in class.groups() {
        let own = group.rules.iter().enumerate().filter(|(_, rule)| rule.direction == direction);
        ordered.extend(own.map(|(position, rule)| PlacedRule { group: group.id, position, rule }));
    }
    // Stable, and the groups come by id: what is equal stays in the order of group and position.
    ordered.sort_by_key(|placed| PlacedRule::rank(placed.rule));
    ordered
}
