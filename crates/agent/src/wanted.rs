//! What is wanted of this node at a generation, and how that changes. Pure: no kernel, no clock.

use std::{sync::Arc, time::Duration};

use model::{NetworkInterfaceId, SecurityGroupId};
use policy::{
    Delta, Desired, DesiredInterface, Group,
    intent::{Change, Intent, IntentError},
};
use thiserror::Error;

/// What is wanted of this node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The generation that all of this is of.
    pub generation: u64,
    /// Its interfaces, and the groups that they are in.
    pub desired: Desired,
}

/// What the control plane says.
#[derive(Debug, Clone)]
pub enum Update {
    /// All that is wanted, whatever was before.
    Snapshot(Wanted),
    /// What has changed.
    Delta {
        /// The generation that the change begins from.
        from: u64,
        /// The one that it leads to.
        generation: u64,
        /// The change.
        delta: Delta,
    },
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

/// The changes of rules and memberships, in an order in which each is possible. What no interface is in any more is not
/// among them.
pub(crate) fn changes(delta: &Delta) -> impl Iterator<Item = Change> + '_ {
    let groups = delta.groups.values().map(put_group);
    let interfaces = delta.interfaces.iter().map(|(id, interface)| match interface {
        Some(interface) => put_interface(*id, interface),
        None => Change::RemoveInterface { interface: *id },
    });
    groups.chain(interfaces)
}

/// The policy classes that a node needs.
///
/// # Errors
/// [`IntentError`]: what it is to enforce contradicts itself.
pub(crate) fn intent(desired: &Desired) -> Result<Intent, IntentError> {
    let mut intent = Intent::default();
    let interfaces = desired.interfaces.iter().map(|(id, interface)| put_interface(*id, interface));
    for change in desired.groups.values().map(put_group).chain(interfaces) {
        intent.apply(change)?;
    }
    Ok(intent)
}

/// What is left of groups that no interface is in.
pub(crate) fn forgotten(intent: &Intent, desired: &Desired) -> Vec<SecurityGroupId> {
    intent.groups().map(|(id, _)| id).filter(|id| !desired.groups.contains_key(id)).collect()
}

/// What the dataplane is told about an interface.
pub(crate) fn bindable(id: NetworkInterfaceId, desired: &DesiredInterface) -> dataplane::Interface {
    dataplane::Interface {
        prefixes: desired.allowed_prefixes.to_vec(),
        source_check: desired.source_check,
        adopt: Duration::from_secs(desired.adopt_seconds.into()),
        ..dataplane::Interface::new(id, desired.mac, desired.addresses.iter().copied())
    }
}

fn put_group(group: &Group) -> Change {
    Change::PutGroup { group: group.id, rules: Arc::clone(&group.rules) }
}

fn put_interface(interface: NetworkInterfaceId, desired: &DesiredInterface) -> Change {
    Change::PutInterface { interface, groups: desired.groups.clone() }
}
