//! Instances that lab nodes really run: which node takes one, and how what a node reports ends its passing states.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Plan, draft::Draft};
use crate::{
    account::AccountId,
    change::Changes,
    context::{Context, Limits, UnixMillis},
    id::{InstanceId, NetworkInterfaceId, NodeId},
    instance::{InstanceStatus, Journey, Next},
    node::{Arrival, Binding, Device, Hosting, InstanceReport, Node, NodeStatus},
    refusal::{Kind, Refusal},
    state::State,
};

/// The lab nodes that take instances of an account at an edge site: the one with the fewest instances first, of those
/// with as many the oldest.
pub(super) struct Hosts {
    by_load: BTreeSet<(usize, u64, NodeId)>,
    /// How many more interfaces may be bound to each.
    room: BTreeMap<NodeId, usize>,
    limit: usize,
}

impl Hosts {
    /// Those that are `Ready` now.
    pub(super) fn at(state: &State, account: AccountId, region: &str, limits: &Limits) -> Self {
        let limit = limits.interfaces_per_node;
        let mut hosts = Self { by_load: BTreeSet::new(), room: BTreeMap::new(), limit };
        let own = |node: &&Arc<Node>| node.account == account && node.lab && node.status == NodeStatus::Ready;
        for node in state.nodes_in(region).filter(own) {
            hosts.by_load.insert((state.hosted_count(node.id), node.serial, node.id));
            hosts.room.insert(node.id, limit.saturating_sub(state.bound_count(node.id)));
        }
        hosts
    }

    /// The node that takes one more instance, with so many interfaces. None: there is no lab node at all.
    ///
    /// # Errors
    /// There are lab nodes, and none has room for it.
    pub(super) fn take(&mut self, interfaces: usize) -> Result<Option<NodeId>, Refusal> {
        if self.by_load.is_empty() {
            return Ok(None);
        }
        let fits = |(_, _, node): &&(usize, u64, NodeId)| self.room.get(node) >= Some(&interfaces);
        let full = Refusal::Limit { kind: Kind::InterfaceOfNode, limit: self.limit };
        let chosen = *self.by_load.iter().find(fits).ok_or(full)?;
        let (load, serial, node) = chosen;
        self.by_load.remove(&chosen);
        self.by_load.insert((load + 1, serial, node));
        if let Some(room) = self.room.get_mut(&node) {
            *room -= interfaces;
        }
        Ok(Some(node))
    }
}

/// An instance that is new on its node.
pub(super) fn begun(instance: InstanceId, account: AccountId, serial: u64, node: NodeId) -> Hosting {
    Hosting { instance, account, serial, node, boots: 1, images: 1, leaving: false }
}

/// The binding of an interface of an instance to the node that hosts it.
pub(super) fn binding(
    (interface, account): (NetworkInterfaceId, AccountId),
    serial: u64,
    node: NodeId,
    now: UnixMillis,
) -> Binding {
    Binding { interface, account, serial, node, device: Device::Aliased, adopt_seconds: 0, created_at: now }
}

/// A journey begins: counts it, where a node hosts the instance.
pub(super) fn begin(state: &State, instance: InstanceId, journey: Journey, changes: &mut Changes) {
    if let Some(before) = state.hostings().get(&instance) {
        let mut after = Hosting::clone(before);
        after.begin(journey);
        if after != **before {
            changes.update(Arc::clone(before), after);
        }
    }
}

/// Ends what a node says has ended. Of several reports of one instance the first that ends something counts.
pub(super) fn report(
    state: &State,
    node: &Node,
    reports: &[InstanceReport],
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    if node.status != NodeStatus::Ready {
        return Err(Refusal::NodeStatus(node.status));
    }
    let mut draft = Draft::new(state);
    let mut ended = BTreeSet::new();
    let mut others = None;
    for report in reports {
        let id = report.instance;
        let Some(arrival) = report.ends(state, node.id).filter(|_| ended.insert(id)) else { continue };
        match arrival {
            Arrival::Stable(status) => {
                if let Some(instance) = draft.instance_mut(id) {
                    instance.status = status;
                    instance.passage = None;
                }
            }
            Arrival::Left => {
                let others = others.get_or_insert_with(|| {
                    let mut hosts = Hosts::at(state, node.account, node.region.as_str(), context.limits);
                    hosts.by_load.retain(|(_, _, other)| *other != node.id);
                    hosts
                });
                arrive_elsewhere(&mut draft, id, others);
            }
            Arrival::Gone => {
                if let Some(primary) = draft.instance(id).map(|instance| instance.primary_interface) {
                    draft.remove_interface(primary);
                }
                draft.remove_instance(id);
                draft.remove_hosting(id);
            }
        }
    }
    Ok(Plan::done(draft.finish()))
}

/// An instance that has left its node goes to another one, with what is bound for it. Where there is none with room for
/// it, the one that it left takes it again.
fn arrive_elsewhere(draft: &mut Draft<'_>, id: InstanceId, others: &mut Hosts) {
    let Some(instance) = draft.instance(id) else { return };
    let destination = instance.passage.map(|passage| passage.journey.destination());
    let bound: Vec<NetworkInterfaceId> =
        instance.interfaces().filter(|interface| draft.is_bound(*interface)).collect();
    let chosen = others.take(bound.len()).ok().flatten();
    let Some(hosting) = draft.hosting_mut(id) else { return };
    hosting.leaving = false;
    hosting.boots += u64::from(destination == Some(Next::Stable(InstanceStatus::Running)));
    if let Some(node) = chosen {
        hosting.node = node;
        bound.into_iter().for_each(|interface| draft.bind_elsewhere(interface, node));
    }
}
