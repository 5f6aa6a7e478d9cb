//! Whether what is decided for an interface is in force on its node.

use model::{EntityKey, NodeId};

use super::Own;
use crate::{
    activity::Touched,
    control::Control,
    fleet::{BindingState, Delay, EnforcementState, Progress},
};

/// Whether what is decided for an interface is in force.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The interface is bound to no node: nothing filters its packets.
    NotBound,
    /// It is bound to a node.
    Bound {
        /// The node.
        node: NodeId,
        /// How the last change that concerns the interface stands there.
        state: BindingState,
        /// That change; none: it is older than history.
        change: Option<u64>,
        /// The newest generation that the node has confirmed, where there is one.
        confirmed: Option<u64>,
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
    let change = control.core().activity.last_touched(&touched, generation);
    let standing = control.standing(node);
    let state = match standing.binding(own.node_status, id, change) {
        BindingState::Pending(delay) => {
            let own_delay = change.and_then(|change| delay_of(control, node, change));
            BindingState::Pending(own_delay.unwrap_or(delay))
        }
        state => state,
    };
    Standing::Bound { node, state, change, confirmed: standing.confirmed_generation }
}

/// Why a node has not confirmed this very change; none: it has, or that is not kept.
fn delay_of(control: &Control, node: NodeId, change: u64) -> Option<Delay> {
    let receipt = control.enforcement(change).filter(|own| own.state != EnforcementState::Unknown)?;
    let own = receipt.nodes.into_iter().find(|own| own.node == node)?;
    match own.progress {
        Progress::Behind(delay) => Some(delay),
        Progress::Confirmed { .. } | Progress::Deleted => None,
    }
}
