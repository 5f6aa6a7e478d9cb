//! What a host has to enforce: its interfaces, the groups that they are in, and so the policy classes that must be loaded.
//!
//! A change of a group or an interface gives the steps that a dataplane has to take, and no others; what they lead to is
//! always what [`Intent::recompute`] finds from groups and interfaces alone. A change that cannot be enforced is refused
//! and leaves everything as it was.

mod step;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{NetworkInterfaceId, SecurityGroupId, rule::Rule};
use thiserror::Error;

pub use self::step::{ClassKey, Step, difference};
use crate::class::{ClassError, Group, PolicyClass, same_rules};

/// A change of what has to be enforced.
#[derive(Debug, Clone)]
pub enum Change {
    /// A group is new or has other rules.
    PutGroup {
        /// The group.
        group: SecurityGroupId,
        /// Its rules, in the order in which they were added.
        rules: Arc<[Rule]>,
    },
    /// A group is gone. No interface may be in it any more.
    RemoveGroup {
        /// The group.
        group: SecurityGroupId,
    },
    /// An interface is new or is in other groups.
    PutInterface {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The groups that it is in, in any order.
        groups: Box<[SecurityGroupId]>,
    },
    /// An interface is gone.
    RemoveInterface {
        /// The interface.
        interface: NetworkInterfaceId,
    },
}

/// Why a change cannot be enforced. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IntentError {
    /// An interface is to be in a group that is not here.
    #[error("{interface} is to be in {group}, whose rules are not known; put the group first")]
    UnknownGroup {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The group.
        group: SecurityGroupId,
    },
    /// A group that is to go is not here.
    #[error("{0} is not known, and cannot be removed")]
    NoSuchGroup(SecurityGroupId),
    /// An interface that is to go is not here.
    #[error("{0} is not known, and cannot be removed")]
    NoSuchInterface(NetworkInterfaceId),
    /// A group that is to go has members.
    #[error("{group} still has {interface} in it; take its interfaces out first")]
    GroupInUse {
        /// The group.
        group: SecurityGroupId,
        /// One of its members.
        interface: NetworkInterfaceId,
    },
    /// The groups of an interface are no class.
    #[error("the groups of a network interface cannot be enforced together")]
    Class(#[from] ClassError),
}

/// What a host has to enforce.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Intent {
    groups: BTreeMap<SecurityGroupId, HeldGroup>,
    interfaces: BTreeMap<NetworkInterfaceId, ClassKey>,
    classes: BTreeMap<ClassKey, HeldClass>,
}

#[derive(Debug, Clone, PartialEq)]
struct HeldGroup {
    rules: HeldRules,
    /// The classes that it is part of.
    classes: BTreeSet<ClassKey>,
}

/// Rules; equal if they say the same in the same order.
#[derive(Debug, Clone)]
struct HeldRules(Arc<[Rule]>);

impl PartialEq for HeldRules {
    fn eq(&self, other: &Self) -> bool {
        same_rules(&self.0, &other.0)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct HeldClass {
    class: PolicyClass,
    members: BTreeSet<NetworkInterfaceId>,
}

impl Intent {
    /// Changes it, and gives the steps that a dataplane has to take: classes that are new or have other rules, then
    /// interfaces, then classes that nothing uses any more.
    ///
    /// # Errors
    /// [`IntentError`].
    pub fn apply(&mut self, change: Change) -> Result<Vec<Step>, IntentError> {
        match change {
            Change::PutGroup { group, rules } => self.put_group(group, rules),
            Change::RemoveGroup { group } => self.remove_group(group),
            Change::PutInterface { interface, groups } => self.put_interface(interface, &groups),
            Change::RemoveInterface { interface } => self.remove_interface(interface),
        }
    }

    /// The classes that must be loaded, in order.
    pub fn classes(&self) -> impl Iterator<Item = (&ClassKey, &PolicyClass)> {
        self.classes.iter().map(|(key, held)| (key, &held.class))
    }

    /// A class that must be loaded.
    pub fn class(&self, key: &ClassKey) -> Option<&PolicyClass> {
        self.classes.get(key).map(|held| &held.class)
    }

    /// The interfaces, in order, each with the class that must be in force for it.
    pub fn interfaces(&self) -> impl Iterator<Item = (NetworkInterfaceId, &ClassKey)> {
        self.interfaces.iter().map(|(interface, key)| (*interface, key))
    }

    /// The class that must be in force for an interface.
    pub fn class_of(&self, interface: NetworkInterfaceId) -> Option<&ClassKey> {
        self.interfaces.get(&interface)
    }

    /// The groups, in order, with their rules.
    pub fn groups(&self) -> impl Iterator<Item = (SecurityGroupId, &Arc<[Rule]>)> {
        self.groups.iter().map(|(group, held)| (*group, &held.rules.0))
    }

    /// The same, computed from nothing but groups and interfaces.
    ///
    /// # Errors
    /// [`IntentError`]: groups or interfaces are held that no change can have led to.
    pub fn recompute(&self) -> Result<Self, IntentError> {
        let mut computed = Self::default();
        for (group, held) in &self.groups {
            let held = HeldGroup { rules: held.rules.clone(), classes: BTreeSet::new() };
            computed.groups.insert(*group, held);
        }
        for (interface, key) in &self.interfaces {
            let class = computed.class_of_groups(*interface, key)?;
            let held = HeldClass { class, members: BTreeSet::new() };
            computed.classes.entry(key.clone()).or_insert(held).members.insert(*interface);
            computed.interfaces.insert(*interface, key.clone());
            for group in key.groups() {
                computed.groups.entry(*group).and_modify(|held| {
                    held.classes.insert(key.clone());
                });
            }
        }
        Ok(computed)
    }

    fn put_group(&mut self, group: SecurityGroupId, rules: Arc<[Rule]>) -> Result<Vec<Step>, IntentError> {
        let rules = HeldRules(rules);
        let Some(before) = self.groups.get(&group) else {
            self.groups.insert(group, HeldGroup { rules, classes: BTreeSet::new() });
            return Ok(Vec::new());
        };
        if before.rules == rules {
            return Ok(Vec::new());
        }
        let changed: Result<Vec<_>, ClassError> = before
            .classes
            .iter()
            .map(|key| {
                let held = self.classes.get(key).map_or(&[][..], |held| held.class.groups());
                let groups = held.iter().cloned().map(|own| match own.id == group {
                    true => Group { id: group, rules: Arc::clone(&rules.0) },
                    false => own,
                });
                Ok((key.clone(), PolicyClass::new(groups)?))
            })
            .collect();
        let mut steps = Vec::new();
        for (key, class) in changed? {
            if let Some(held) = self.classes.get_mut(&key) {
                held.class = class.clone();
            }
            steps.push(Step::Load { key, class });
        }
        if let Some(held) = self.groups.get_mut(&group) {
            held.rules = rules;
        }
        Ok(steps)
    }

    fn remove_group(&mut self, group: SecurityGroupId) -> Result<Vec<Step>, IntentError> {
        let held = self.groups.get(&group).ok_or(IntentError::NoSuchGroup(group))?;
        let used = held.classes.first().and_then(|key| self.classes.get(key));
        if let Some(interface) = used.and_then(|class| class.members.first().copied()) {
            return Err(IntentError::GroupInUse { group, interface });
        }
        self.groups.remove(&group);
        Ok(Vec::new())
    }

    fn put_interface(
        &mut self,
        interface: NetworkInterfaceId,
        groups: &[SecurityGroupId],
    ) -> Result<Vec<Step>, IntentError> {
        let key = ClassKey::of(groups)?;
        let before = self.interfaces.get(&interface).cloned();
        if before.as_ref() == Some(&key) {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        match self.classes.get_mut(&key) {
            Some(held) => {
                held.members.insert(interface);
            }
            None => steps.push(self.load(interface, &key)?),
        }
        self.interfaces.insert(interface, key.clone());
        steps.push(Step::Assign { interface, key });
        steps.extend(before.and_then(|key| self.leave(interface, key)));
        Ok(steps)
    }

    fn remove_interface(&mut self, interface: NetworkInterfaceId) -> Result<Vec<Step>, IntentError> {
        let key = self.interfaces.remove(&interface).ok_or(IntentError::NoSuchInterface(interface))?;
        let mut steps = vec![Step::Release { interface }];
        steps.extend(self.leave(interface, key));
        Ok(steps)
    }

    /// Makes the class that `interface` is the first one of.
    fn load(&mut self, interface: NetworkInterfaceId, key: &ClassKey) -> Result<Step, IntentError> {
        let class = self.class_of_groups(interface, key)?;
        for group in key.groups() {
            if let Some(held) = self.groups.get_mut(group) {
                held.classes.insert(key.clone());
            }
        }
        let members = BTreeSet::from([interface]);
        self.classes.insert(key.clone(), HeldClass { class: class.clone(), members });
        Ok(Step::Load { key: key.clone(), class })
    }

    /// Takes an interface out of a class; the last one takes the class with it.
    fn leave(&mut self, interface: NetworkInterfaceId, key: ClassKey) -> Option<Step> {
        let held = self.classes.get_mut(&key)?;
        held.members.remove(&interface);
        if !held.members.is_empty() {
            return None;
        }
        self.classes.remove(&key);
        for group in key.groups() {
            if let Some(held) = self.groups.get_mut(group) {
                held.classes.remove(&key);
            }
        }
        Some(Step::Unload { key })
    }

    /// The class of these groups, as far as all of them are here.
    fn class_of_groups(
        &self,
        interface: NetworkInterfaceId,
        key: &ClassKey,
    ) -> Result<PolicyClass, IntentError> {
        let groups: Result<Vec<Group>, IntentError> = key
            .groups()
            .iter()
            .map(|group| {
                let held = self.groups.get(group);
                let held = held.ok_or(IntentError::UnknownGroup { interface, group: *group })?;
                Ok(Group { id: *group, rules: Arc::clone(&held.rules.0) })
            })
            .collect();
        Ok(PolicyClass::new(groups?)?)
    }
}
