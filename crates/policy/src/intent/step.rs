//! What a dataplane has to do, one step at a time.

use std::{fmt, sync::Arc};

use model::{NetworkInterfaceId, SecurityGroupId};
use xxhash_rust::xxh3::xxh3_128;

use super::Intent;
use crate::class::{ClassError, PolicyClass};

/// Which class: the set of its groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassKey(Arc<[SecurityGroupId]>);

impl ClassKey {
    /// The class of these groups, in whatever order they are given.
    ///
    /// # Errors
    /// [`ClassError::GroupTwice`].
    pub fn of(groups: &[SecurityGroupId]) -> Result<Self, ClassError> {
        let mut groups: Arc<[SecurityGroupId]> = groups.into();
        Arc::make_mut(&mut groups).sort_unstable();
        match groups.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ClassError::GroupTwice(pair[0])),
            None => Ok(Self(groups)),
        }
    }

    /// A number by which the class is found again where only a number is kept: xxh3-128 of the ids of its groups, ascending
    /// and little-endian.
    pub fn label(&self) -> u128 {
        let bytes: Vec<u8> = self.0.iter().flat_map(|group| group.number().to_le_bytes()).collect();
        xxh3_128(&bytes)
    }

    /// Its groups, ascending.
    pub fn groups(&self) -> &[SecurityGroupId] {
        &self.0
    }
}

impl fmt::Display for ClassKey {
    /// The groups with `+` between them; `none` for the class of no groups.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else { return f.write_str("none") };
        write!(f, "{first}")?;
        rest.iter().try_for_each(|group| write!(f, "+{group}"))
    }
}

/// One step. Each leaves something that can be enforced: a class is loaded before an interface is assigned to it, and
/// unloaded when none is.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The class must be loaded with these rules: it is new, or has others now and is switched.
    Load {
        /// The class.
        key: ClassKey,
        /// Its groups and rules.
        class: PolicyClass,
    },
    /// The class must be in force for the interface, in place of the one before.
    Assign {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The class.
        key: ClassKey,
    },
    /// The interface is not enforced here any more.
    Release {
        /// The interface.
        interface: NetworkInterfaceId,
    },
    /// No interface is in the class any more.
    Unload {
        /// The class.
        key: ClassKey,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { key, class } => write!(f, "load {key} ({} rules)", class.rule_count()),
            Self::Assign { interface, key } => write!(f, "assign {interface} to {key}"),
            Self::Release { interface } => write!(f, "release {interface}"),
            Self::Unload { key } => write!(f, "unload {key}"),
        }
    }
}

/// The steps from one intent to another: the fewest that there are.
pub fn difference(from: &Intent, to: &Intent) -> Vec<Step> {
    let mut steps = Vec::new();
    for (key, class) in to.classes().filter(|(key, class)| from.class(key) != Some(*class)) {
        steps.push(Step::Load { key: key.clone(), class: class.clone() });
    }
    for (interface, key) in to.interfaces().filter(|(interface, key)| from.class_of(*interface) != Some(*key))
    {
        steps.push(Step::Assign { interface, key: key.clone() });
    }
    for (interface, _) in from.interfaces().filter(|(interface, _)| to.class_of(*interface).is_none()) {
        steps.push(Step::Release { interface });
    }
    for (key, _) in from.classes().filter(|(key, _)| to.class(key).is_none()) {
        steps.push(Step::Unload { key: key.clone() });
    }
    steps
}
