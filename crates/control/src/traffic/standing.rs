//! Whether what is decided for an interface is in force on its node.

use model::{EntityKey, NodeId};

use super::Own;
use crate::{
    activity::Touched,
    control::Control,
    fleet::{BindingState, NodeReceipt, Progress},
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

/// The most changes that are passed over because they do not concern the node.
const PASSED_OVER_MAX: usize = 100;

/// Whether what is decided for an interface up to a generation is in force.
pub(super) fn standing(control: &Control, own: &Own, generation: u64) -> Standing {
    let Some(node) = own.node else { return Standing::NotBound };
    let id = own.interface.id;
    let (change, receipt) = last_change(control, node, own, generation);
    let standing = control.standing(node);
    // A change that is older than history came before its oldest record.
    let oldest = || control.core().activity.oldest().map(|(oldest, _)| oldest.saturating_sub(1));
    let state = match standing.binding(own.node_status, id, change.or_else(oldest)) {
        BindingState::Pending(delay) => match receipt {
            NodeReceipt::Concerned(Progress::Confirmed { .. }) => {
                let beside = change.and_then(|change| standing.binding_beside(id, change));
                beside.unwrap_or(BindingState::Pending(delay))
            }
            NodeReceipt::Concerned(Progress::Behind(delay)) => BindingState::Pending(delay),
            _ => BindingState::Pending(delay),
        },
        state => state,
    };
    Standing::Bound { node, state, change, confirmed: standing.confirmed_generation }
}

/// The last change up to a generation of what decides for an interface that concerns its node, and what is known of it
/// there. Not every change does: a group that gets another name is enforced as before.
fn last_change(control: &Control, node: NodeId, own: &Own, generation: u64) -> (Option<u64>, NodeReceipt) {
    let id = own.interface.id;
    let keys = [EntityKey::Interface(id), EntityKey::Binding(id), EntityKey::Enforcement(id)];
    let groups = own.groups.iter().map(|group| EntityKey::SecurityGroup(group.id));
    let touched: Vec<Touched> = keys.into_iter().chain(groups).map(Touched::Entity).collect();
    let mut until = generation;
    for _ in 0..PASSED_OVER_MAX {
        let Some(change) = control.core().activity.last_touched(&touched, until) else {
            return (None, NodeReceipt::Unknown);
        };
        match (control.receipt_of(change, node), change.checked_sub(1)) {
            (NodeReceipt::Unconcerned, Some(before)) => until = before,
            (receipt, _) => return (Some(change), receipt),
        }
    }
    // There may be one before: whoever has this one has that, too.
    (Some(until), NodeReceipt::Unknown)
}
