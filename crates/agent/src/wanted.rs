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
    /// The run of the control plane that made it, as it was told; 0: it was not told.
    pub run: u64,
    /// Its interfaces, and the groups that they are in.
    pub desired: Desired,
}

/// What the control plane says.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// All that is wanted, whatever was before.
    Snapshot {
        /// It.
        wanted: Wanted,
        /// Whether it is obeyed although this node has confirmed a newer generation: an operator has said so.
        obey_regression: bool,
    },
    /// What has changed.
    Delta {
        /// The generation that the change begins from.
        from: u64,
        /// The one that it leads to.
        generation: u64,
        /// The run of the control plane that made that.
        run: u64,
        /// The change.
        delta: Delta,
    },
    /// Nothing has changed for this node up to a generation.
    Current {
        /// That generation.
        generation: u64,
        /// The run of the control plane that made it.
        run: u64,
    },
}

impl Update {
    /// All that is wanted, where that is no step back.
    pub fn snapshot(wanted: Wanted) -> Self {
        Self::Snapshot { wanted, obey_regression: false }
    }

    /// The generation that it leads to.
    pub fn generation(&self) -> u64 {
        match self {
            Self::Snapshot { wanted, .. } => wanted.generation,
            Self::Delta { generation, .. } | Self::Current { generation, .. } => *generation,
        }
    }

    /// Makes one update of this and the one that follows it, where one leads to the same as both: so that a node that is
    /// slow does the work once.
    ///
    /// # Errors
    /// Both, as they were: the later one does not follow from this one, and has to be judged by itself.
    pub fn merge(self, later: Self) -> Result<Self, Box<(Self, Self)>> {
        use Update::{Current, Delta, Snapshot};
        match (self, later) {
            (
                Delta { from, generation: through, mut delta, .. },
                Delta { from: next, generation, run, delta: more },
            ) if through == next => {
                delta.merge(more);
                Ok(Delta { from, generation, run, delta })
            }
            (Delta { from, generation: through, delta, .. }, Current { generation, run })
                if through <= generation =>
            {
                Ok(Delta { from, generation, run, delta })
            }
            (Snapshot { mut wanted, obey_regression }, Delta { from, generation, run, delta })
                if wanted.generation == from =>
            {
                wanted.desired.apply(&delta);
                (wanted.generation, wanted.run) = (generation, run);
                Ok(Snapshot { wanted, obey_regression })
            }
            (Snapshot { mut wanted, obey_regression }, Current { generation, run })
                if wanted.generation <= generation =>
            {
                (wanted.generation, wanted.run) = (generation, run);
                Ok(Snapshot { wanted, obey_regression })
            }
            (Snapshot { obey_regression: before, wanted: old }, Snapshot { wanted, obey_regression })
                if old.generation <= wanted.generation =>
            {
                Ok(Snapshot { wanted, obey_regression: before || obey_regression })
            }
            (earlier, Snapshot { wanted, obey_regression }) if earlier.generation() <= wanted.generation => {
                Ok(Snapshot { wanted, obey_regression })
            }
            (Current { generation: before, .. }, Current { generation, run }) if before <= generation => {
                Ok(Current { generation, run })
            }
            apart => Err(Box::new(apart)),
        }
    }
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
/// among them, and neither is the end of an interface that is not there: of one that came and went in between, a change
/// that was made of several says the end alone.
pub(crate) fn changes(delta: &Delta, intent: &Intent) -> Vec<Change> {
    let groups = delta.groups.values().map(put_group);
    let interfaces = delta.interfaces.iter().filter_map(|(id, interface)| match interface {
        Some(interface) => Some(put_interface(*id, interface)),
        None => intent.class_of(*id).map(|_| Change::RemoveInterface { interface: *id }),
    });
    groups.chain(interfaces).collect()
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
