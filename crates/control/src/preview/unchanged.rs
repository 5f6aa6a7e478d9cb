//! Why a change would change no decision. Pure.

use std::{collections::BTreeSet, fmt, sync::Arc};

use model::{SecurityGroupId, rule::Rule, security_group::SecurityGroup};
use policy::{findings::is_about_nothing, text::RuleText};

use super::concerned::ConcernedClass;

/// Why every packet would be decided as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchanged {
    /// The group that would be joined or left has no rules.
    NoRules {
        /// The group.
        group: SecurityGroupId,
    },
    /// The rules that would be there, or would not be there any more, are about no packet.
    AboutNothing {
        /// The first, as text.
        rule: String,
        /// How many others.
        others: usize,
    },
    /// What other rules decide, and what is so without any, is the same.
    SameDecisions,
}

impl Unchanged {
    /// Why, by what is otherwise for these classes.
    pub(super) fn of(classes: &[ConcernedClass]) -> Self {
        let mut empty = BTreeSet::new();
        let mut rules: Vec<&Rule> = Vec::new();
        // Classes have groups in common, which are looked at once.
        let mut seen = BTreeSet::new();
        for class in classes {
            for [one, other] in [[&class.before, &class.after], [&class.after, &class.before]] {
                for group in one {
                    let counterpart = other.iter().find(|other| other.id == group.id);
                    let address = |of: &Arc<SecurityGroup>| Arc::as_ptr(of).addr();
                    if !seen.insert((address(group), counterpart.map(address))) {
                        continue;
                    }
                    if counterpart.is_none() && group.rules.is_empty() {
                        empty.insert(group.id);
                    }
                    rules.extend(without(group, counterpart));
                }
            }
        }
        let mut distinct: Vec<&Rule> = Vec::new();
        for rule in rules {
            if !is_about_nothing(rule) {
                return Self::SameDecisions;
            }
            if !distinct.iter().any(|known| known.same_as(rule)) {
                distinct.push(rule);
            }
        }
        match (distinct.split_first(), empty.first()) {
            (Some((rule, others)), _) => {
                Self::AboutNothing { rule: RuleText(rule).to_string(), others: others.len() }
            }
            (None, Some(group)) => Self::NoRules { group: *group },
            (None, None) => Self::SameDecisions,
        }
    }
}

/// The rules of a group that the group as it was, or would be, has not.
fn without<'a>(
    group: &'a Arc<SecurityGroup>,
    counterpart: Option<&'a Arc<SecurityGroup>>,
) -> impl Iterator<Item = &'a Rule> {
    let is_elsewhere = move |rule: &Rule| {
        counterpart.is_some_and(|other| other.rules.iter().any(|known| known.same_as(rule)))
    };
    let is_the_same = counterpart.is_some_and(|other| Arc::ptr_eq(group, other));
    let rules = if is_the_same { &[] } else { group.rules.as_slice() };
    rules.iter().filter(move |rule| !is_elsewhere(rule))
}

impl fmt::Display for Unchanged {
    /// The part of a sentence that says why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRules { group } => write!(f, "the security group {group} has no rules"),
            Self::AboutNothing { rule, others: 0 } => {
                write!(f, "the rule `{rule}` is about no packet, because ICMP is of IPv4 and ICMPv6 of IPv6")
            }
            Self::AboutNothing { rule, others } => write!(
                f,
                "the rule `{rule}` and {others} more are about no packet, because ICMP is of IPv4 and ICMPv6 of IPv6"
            ),
            Self::SameDecisions => {
                f.write_str("other rules decide the same, or what holds where no rule is about a packet does")
            }
        }
    }
}
