//! Policy classes: the distinct sets of groups that interfaces are in.

use std::sync::Arc;

use model::{SecurityGroupId, rule::Rule};
use thiserror::Error;

/// The most rules of a class, all its groups and both directions together. A rule that names prefixes of both families
/// counts as two, because it takes as much of the tables as two.
pub const RULES_MAX: usize = 1024;

/// Why groups are not a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClassError {
    /// There are more than [`RULES_MAX`] rules.
    #[error("the groups have {rules} rules together; at most {RULES_MAX} can be enforced for one interface")]
    TooManyRules {
        /// How many there are.
        rules: usize,
    },
    /// A group is there twice.
    #[error("the security group {0} is given twice")]
    GroupTwice(SecurityGroupId),
}

/// A group and its rules, in the order in which they were added. Two are equal if the rules say the same in the same order.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its id.
    pub id: SecurityGroupId,
    /// Its rules.
    pub rules: Arc<[Rule]>,
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && same_rules(&self.rules, &other.rules)
    }
}

/// Whether the rules say the same in the same order.
pub fn same_rules(one: &[Rule], other: &[Rule]) -> bool {
    let say_the_same = || one.iter().zip(other).all(|(one, other)| one.same_as(other));
    std::ptr::eq(one, other) || one.len() == other.len() && say_the_same()
}

/// A set of groups, with their rules. Interfaces that are in the same groups share one; an interface in no group has
/// the class of no groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyClass {
    groups: Box<[Group]>,
}

impl PolicyClass {
    /// The class of these groups, in whatever order they are given.
    ///
    /// # Errors
    /// [`ClassError`].
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Result<Self, ClassError> {
        let mut groups: Vec<Group> = groups.into_iter().collect();
        groups.sort_by_key(|group| group.id);
        if let Some(pair) = groups.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(ClassError::GroupTwice(pair[0].id));
        }
        let rules = groups.iter().flat_map(|group| group.rules.iter()).map(weight).sum();
        if rules > RULES_MAX {
            return Err(ClassError::TooManyRules { rules });
        }
        Ok(Self { groups: groups.into() })
    }

    /// Its groups, by id.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// One of its groups.
    pub fn group(&self, id: SecurityGroupId) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The class of an interface that leaves a group; the same where it is not in it.
    #[must_use]
    pub fn without_group(&self, id: SecurityGroupId) -> Self {
        Self { groups: self.groups.iter().filter(|group| group.id != id).cloned().collect() }
    }

    /// The class of an interface that joins a group.
    ///
    /// # Errors
    /// [`ClassError`]: it is in the group already, or its rules are too many then.
    pub fn with_group(&self, group: Group) -> Result<Self, ClassError> {
        Self::new(self.groups.iter().cloned().chain([group]))
    }

    /// The class after a group got other rules; the same where the interface is not in it.
    ///
    /// # Errors
    /// [`ClassError::TooManyRules`].
    pub fn with_rules(&self, id: SecurityGroupId, rules: Arc<[Rule]>) -> Result<Self, ClassError> {
        let changed = |group: &Group| match group.id == id {
            true => Group { id, rules: Arc::clone(&rules) },
            false => group.clone(),
        };
        Self::new(self.groups.iter().map(changed))
    }

    /// How many rules they have together.
    pub fn rule_count(&self) -> usize {
        self.groups.iter().map(|group| group.rules.len()).sum()
    }
}

/// As how many rules a rule counts, where [`RULES_MAX`] bounds them.
pub fn weight(rule: &Rule) -> usize {
    let ipv4 = rule.source.is_some() || rule.destination.is_some();
    let ipv6 = rule.ipv6_source.is_some() || rule.ipv6_destination.is_some();
    if ipv4 && ipv6 { 2 } else { 1 }
}
