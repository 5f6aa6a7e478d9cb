//! Bindings of network interfaces to devices of nodes, and what such interfaces may be.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ipnet::IpNet;

use super::{Plan, interface, node};
use crate::{
    account::AccountId,
    change::Changes,
    context::Context,
    id::{NetworkInterfaceId, NodeId},
    instance::InstanceStatus,
    interface::{InterfaceStatus, NetworkInterface},
    node::{Binding, Device, Enforcement, Hosting, NodeStatus},
    refusal::{Kind, Refusal},
    state::State,
};

/// What an interface is to be bound to.
pub(super) struct Wish<'a> {
    pub(super) node: NodeId,
    pub(super) device: &'a Device,
    pub(super) adopt_seconds: u32,
}

pub(super) fn bind(
    state: &State,
    account: AccountId,
    id: NetworkInterfaceId,
    wish: &Wish<'_>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let interface = interface::find(state, account, id)?;
    let node = node::find(state, account, wish.node)?;
    check_staying(state, interface)?;
    check_own(state, interface)?;
    if node.status == NodeStatus::Gone {
        return Err(Refusal::NodeStatus(node.status));
    }
    let region = state.vswitches().get(&interface.vswitch).map(|vswitch| &vswitch.region);
    if region != Some(&node.region) {
        let reason = format!("{} is at {}, and {id} is not", node.id, node.region);
        return Err(Refusal::unfit("NodeId", reason));
    }
    if let Some(bound) = state.bindings().get(&id) {
        return Err(Refusal::InterfaceBound { interface: id, node: bound.node });
    }
    if let Device::Named(name) = wish.device
        && let Some(other) = state.bound_at(node.id, name)
    {
        let (node, device) = (node.id, name.clone());
        return Err(Refusal::DeviceBound { node, device, interface: other.interface });
    }
    let limit = context.limits.interfaces_per_node;
    if state.bound_count(node.id) >= limit {
        return Err(Refusal::Limit { kind: Kind::InterfaceOfNode, limit });
    }
    let mut changes = Changes::default();
    changes.create(Binding {
        interface: id,
        account,
        serial: state.next_serial(),
        node: node.id,
        device: wish.device.clone(),
        adopt_seconds: wish.adopt_seconds,
        created_at: context.now,
    });
    Ok(Plan::done(changes))
}

/// The refusal of a binding of what is about to go, or to be taken from its instance.
fn check_staying(state: &State, interface: &NetworkInterface) -> Result<(), Refusal> {
    if matches!(interface.status, InterfaceStatus::Detaching | InterfaceStatus::Deleting) {
        return Err(Refusal::InterfaceStatus(interface.status));
    }
    let instance = interface.instance.and_then(|instance| state.instances().get(&instance));
    match instance.map(|instance| instance.status) {
        Some(InstanceStatus::Releasing) => Err(Refusal::InstanceStatus(InstanceStatus::Releasing)),
        _ => Ok(()),
    }
}

/// The refusal of a change of what a lab node does by itself.
fn check_own(state: &State, interface: &NetworkInterface) -> Result<(), Refusal> {
    match hosting(state, interface) {
        Some(of) => {
            let (interface, instance, node) = (interface.id, of.instance, of.node);
            Err(Refusal::InterfaceHosted { interface, instance, node })
        }
        None => Ok(()),
    }
}

/// What hosts the instance of an interface, where a lab node does.
pub(super) fn hosting<'a>(state: &'a State, interface: &NetworkInterface) -> Option<&'a Arc<Hosting>> {
    interface.instance.and_then(|instance| state.hostings().get(&instance))
}

pub(super) fn unbind(state: &State, account: AccountId, id: NetworkInterfaceId) -> Result<Plan, Refusal> {
    let interface = interface::find(state, account, id)?;
    let binding = state.bindings().get(&id).ok_or(Refusal::InterfaceNotBound(id))?;
    check_own(state, interface)?;
    let mut changes = Changes::default();
    changes.remove(Arc::clone(binding));
    Ok(Plan::done(changes))
}

/// Ends the binding of an interface, where there is one.
pub(super) fn end(state: &State, id: NetworkInterfaceId, changes: &mut Changes) {
    if let Some(binding) = state.bindings().get(&id) {
        changes.remove(Arc::clone(binding));
    }
}

pub(super) fn modify_enforcement(
    state: &State,
    account: AccountId,
    id: NetworkInterfaceId,
    source_check: Option<bool>,
    allowed_prefixes: Option<&[IpNet]>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    interface::find(state, account, id)?;
    let before = state.enforcements().get(&id);
    let mut after = before.map_or_else(
        || Enforcement {
            interface: id,
            account,
            serial: state.next_serial(),
            source_check: true,
            allowed_prefixes: [].into(),
        },
        |before| Enforcement::clone(before),
    );
    after.source_check = source_check.unwrap_or(after.source_check);
    if let Some(wanted) = allowed_prefixes {
        after.allowed_prefixes = prefixes(wanted)?;
    }
    let limit = context.limits.allowed_prefixes_per_interface;
    if allowed_prefixes.is_some() && after.allowed_prefixes.len() > limit {
        return Err(Refusal::Limit { kind: Kind::PrefixOfInterface, limit });
    }
    let nothing = after.source_check && after.allowed_prefixes.is_empty();
    let mut changes = Changes::default();
    match before {
        Some(before) if nothing => changes.remove(Arc::clone(before)),
        Some(before) if **before != after => changes.update(Arc::clone(before), after),
        None if !nothing => changes.create(after),
        _ => {}
    }
    Ok(Plan::done(changes))
}

/// The prefixes as they are kept: without what stands behind their length, in order, none of them twice.
fn prefixes(wanted: &[IpNet]) -> Result<Box<[IpNet]>, Refusal> {
    let mut kept: Vec<IpNet> = wanted.iter().map(IpNet::trunc).collect();
    kept.sort_unstable();
    kept.dedup();
    let mapped = |prefix: &&IpNet| match prefix {
        IpNet::V4(_) => false,
        // A packet never carries such an address: what is meant is IPv4.
        IpNet::V6(prefix) => prefix.prefix_len() >= 96 && prefix.network().to_ipv4_mapped().is_some(),
    };
    match kept.iter().find(mapped) {
        Some(mapped) => Err(Refusal::unfit("AllowedPrefixes", format!("{mapped} is IPv4; write it as such"))),
        None => Ok(kept.into()),
    }
}
