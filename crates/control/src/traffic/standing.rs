//! Whether what is decided for an interface is in force on its node.

use model::{EntityKey, NodeId};

use super::Own;
use crate::{
    activity::Touched,
    control::Control,
    fleet::{Delay, EnforcementState, NodeStanding, Progress},
};

/// Whether what is decided for an interface is in force.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The interface is bound to no node: nothing filters its packets.
    NotBound,
    /// Its node has confirmed everything that concerns it.
    Confirmed {
        /// The node.
        node: NodeId,
        /// The newest generation that it has confirmed.
        generation: u64,
    },
    /// Its node has confirmed everything that concerns it, and its device is not there: nothing is enforced before it is.
    Absent {
        /// The node.
        node: NodeId,
        /// The newest generation that it has confirmed.
        generation: u64,
    },
    /// Its node has not confirmed the last change that concerns it.
    Pending {
        /// The node.
        node: NodeId,
        /// The change; none: it is older than history.
        generation: Option<u64>,
        /// The newest generation that the node has confirmed, where there is one.
        confirmed: Option<u64>,
        /// Why it has not.
        delay: Delay,
    },
    /// It is about the past: what was in force then is not kept.
    Past,
}

/// Whether what is decided for an interface up to a generation is in force.
pub(super) fn standing(control: &Control, own: &Own, generation: u64) -> Standing {
    let Some(node) = own.node else { return Standing::NotBound };
    let id = own.interface.id;
    let keys = [EntityKey::Interface(id), EntityKey::Binding(id), EntityKey::Enforcement(id)];
    let groups = own.groups.iter().map(|group| EntityKey::SecurityGroup(group.id));
    let touched: Vec<Touched> = keys.into_iter().chain(groups).map(Touched::Entity).collect();
    let last = control.core().activity.last_touched(&touched, generation);
    let standing = control.standing(node);
    let confirmed = standing.confirmed_generation;
    // What concerns a node and is not confirmed is counted: where nothing is, everything is in force.
    let is_newer = |confirmed| last.is_some_and(|last| confirmed >= last) || standing.generations_behind == 0;
    match confirmed.filter(|confirmed| is_newer(*confirmed)) {
        Some(generation) => confirmed_at(own, node, generation, &standing),
        None => one_change(control, own, node, last, &standing),
    }
}

/// The node has confirmed it: with a device or without.
fn confirmed_at(own: &Own, node: NodeId, generation: u64, standing: &NodeStanding) -> Standing {
    match standing.absent.contains(&own.interface.id) {
        true => Standing::Absent { node, generation },
        false => Standing::Confirmed { node, generation },
    }
}

/// The node has not confirmed everything: whether it has confirmed this one.
fn one_change(
    control: &Control,
    own: &Own,
    node: NodeId,
    last: Option<u64>,
    standing: &NodeStanding,
) -> Standing {
    let confirmed = standing.confirmed_generation;
    let receipt = last.and_then(|last| control.enforcement(last));
    let known = receipt.filter(|receipt| receipt.state != EnforcementState::Unknown);
    let progress = known.and_then(|receipt| receipt.nodes.into_iter().find(|own| own.node == node));
    let delay = match progress.map(|own| own.progress) {
        Some(Progress::Confirmed { .. }) => {
            return confirmed_at(own, node, confirmed.or(last).unwrap_or(0), standing);
        }
        Some(Progress::Behind(delay)) => delay,
        Some(Progress::Deleted) | None => standing.delay(),
    };
    Standing::Pending { node, generation: last, confirmed, delay }
}
