//! What is wanted of this node at a generation, and how that changes. Pure: no kernel, no clock.

use std::{collections::BTreeMap, sync::Arc};

use model::{NetworkInterfaceId, SecurityGroupId, rule::Rule};
use policy::intent::{Change, Intent, IntentError};
use thiserror::Error;

use crate::device::DeviceSelector;

/// An interface that this node is to enforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedInterface {
    /// Its id, MAC, addresses and the like.
    pub interface: dataplane::Interface,
    /// The groups that it is in.
    pub groups: Box<[SecurityGroupId]>,
    /// Its device.
    pub device: DeviceSelector,
}

/// What is wanted of this node: the groups that its interfaces are in with their rules, and the interfaces.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The generation that all of this is of.
    pub generation: u64,
    /// Rules by group, in the order in which they were added.
    pub groups: BTreeMap<SecurityGroupId, Arc<[Rule]>>,
    /// Interfaces.
    pub interfaces: BTreeMap<NetworkInterfaceId, WantedInterface>,
}

/// What has changed from one generation to another.
#[derive(Debug, Clone, Default)]
pub struct Delta {
    /// The generation that it begins from.
    pub from: u64,
    /// The one that it leads to.
    pub generation: u64,
    /// Groups that are new here or have other rules.
    pub put_groups: Vec<(SecurityGroupId, Arc<[Rule]>)>,
    /// Interfaces that are new here or otherwise than before.
    pub put_interfaces: Vec<WantedInterface>,
    /// Interfaces that are not here any more.
    pub removed_interfaces: Vec<NetworkInterfaceId>,
    /// Groups that no interface here is in any more.
    pub removed_groups: Vec<SecurityGroupId>,
}

/// What the control plane says.
#[derive(Debug, Clone)]
pub enum Update {
    /// All that is wanted, whatever was before.
    Snapshot(Wanted),
    /// What has changed.
    Delta(Delta),
}

/// Why an update is not obeyed. What was wanted before still is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpdateError {
    /// The control plane has fallen back behind what this node confirmed: it was restored from an older backup, or it is
    /// another one.
    #[error(
        "the control plane is at generation {offered}, and this node has confirmed {confirmed}: it was restored from an older backup or is another one; what was confirmed stays in force"
    )]
    Regressed {
        /// The newest generation that this node has confirmed.
        confirmed: u64,
        /// What was offered.
        offered: u64,
    },
    /// The change begins from another generation than the one that is wanted now: something is missing in between.
    #[error("a change from generation {from} does not fit to generation {has}; a snapshot is needed")]
    Gap {
        /// The generation that is wanted now.
        has: u64,
        /// What the change begins from.
        from: u64,
    },
    /// It contradicts itself.
    #[error("the update of generation {generation} contradicts itself")]
    Contradiction {
        /// Its generation.
        generation: u64,
        /// How.
        #[source]
        source: IntentError,
    },
}

impl Delta {
    /// The changes of rules and memberships, in an order in which each is possible.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let groups = self.put_groups.iter();
        let groups =
            groups.map(|(group, rules)| Change::PutGroup { group: *group, rules: Arc::clone(rules) });
        let interfaces = self.put_interfaces.iter().map(WantedInterface::change);
        let removed = self.removed_interfaces.iter();
        let removed = removed.map(|interface| Change::RemoveInterface { interface: *interface });
        let gone = self.removed_groups.iter().map(|group| Change::RemoveGroup { group: *group });
        groups.chain(interfaces).chain(removed).chain(gone)
    }
}

impl WantedInterface {
    fn change(&self) -> Change {
        Change::PutInterface { interface: self.interface.id, groups: self.groups.clone() }
    }
}

impl Wanted {
    /// The policy classes that it needs.
    ///
    /// # Errors
    /// [`IntentError`]: it contradicts itself.
    pub fn intent(&self) -> Result<Intent, IntentError> {
        let mut intent = Intent::default();
        for (group, rules) in &self.groups {
            intent.apply(Change::PutGroup { group: *group, rules: Arc::clone(rules) })?;
        }
        for interface in self.interfaces.values() {
            intent.apply(interface.change())?;
        }
        Ok(intent)
    }

    /// Carries out a change that is known to be possible.
    pub(crate) fn apply(&mut self, delta: &Delta) {
        self.generation = delta.generation;
        self.groups.extend(delta.put_groups.iter().cloned());
        self.interfaces.extend(delta.put_interfaces.iter().map(|put| (put.interface.id, put.clone())));
        delta.removed_interfaces.iter().for_each(|interface| drop(self.interfaces.remove(interface)));
        delta.removed_groups.iter().for_each(|group| drop(self.groups.remove(group)));
    }
}
