//! What a change means for nodes, before it is known whether it will be on disk. Pure.

use std::collections::BTreeMap;

use model::{
    Change, Entity, NodeId, Outcome, Plan, State,
    node::{Digest, Node},
};

use super::Staged;
use crate::concern::concern;

/// What a change means for nodes; none: nothing. `after` is the state in which the change is made, and nothing that
/// follows it.
pub(crate) fn stage(plan: &Plan, after: &State, generation: u64) -> Option<Staged> {
    let changes = &plan.changes;
    let was_there = |change: &Change| matches!(change.before, Some(Entity::Binding(_) | Entity::Hosting(_)));
    let nothing_there =
        after.bindings().is_empty() && after.hostings().is_empty() && !changes.0.iter().any(was_there);
    let deltas = if nothing_there { BTreeMap::new() } else { concern(changes, after) };
    let nodes: Vec<_> = changes.0.iter().filter_map(node).collect();
    let readmitted = match plan.outcome {
        Outcome::NodeReadmitted(node) => Some(node),
        _ => None,
    };
    let nothing = deltas.is_empty() && nodes.is_empty() && readmitted.is_none();
    if nothing { None } else { Some(Staged { generation, deltas, nodes, readmitted }) }
}

/// A node that a change changes or deletes, and the certificates that have not been revoked.
fn node(change: &Change) -> Option<(NodeId, Option<Vec<Digest>>)> {
    let Some(Entity::Node(before)) = &change.before else { return None };
    let certificates = |node: &Node| {
        let good = node.certificates.iter().filter(|own| own.revoked_at.is_none());
        good.map(|own| own.fingerprint).collect()
    };
    let after = match &change.after {
        Some(Entity::Node(after)) => Some(certificates(after)),
        _ => None,
    };
    Some((before.id, after))
}
