//! Network interfaces: those that people make, attach and detach. Primary ones come and go with their instances.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc};

use super::{Plan, Serials, binding, hosting, instance, network, security_group};
use crate::{
    account::AccountId,
    address::Mac,
    change::Changes,
    command::{InterfaceCommand as Command, Outcome},
    context::Context,
    id::{InstanceId, NetworkInterfaceId, SecurityGroupId, VSwitchId},
    instance::{Instance, InstanceStatus},
    interface::{InterfaceStatus, NetworkInterface},
    refusal::{Kind, Refusal},
    state::State,
};

pub(super) fn plan(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    match command {
        Command::Create { vswitch, groups, name, description } => {
            create(state, account, *vswitch, groups, (name, description), context)
        }
        Command::Delete { interfaces } => delete(state, account, interfaces, context),
        Command::Attach { interface, instance } => attach(state, account, *interface, *instance, context),
        Command::Detach { interface } => detach(state, account, *interface, context),
        Command::Modify { interface, name, description } => {
            let before = find(state, account, *interface)?;
            let mut after = NetworkInterface::clone(before);
            after.name = name.clone().unwrap_or(after.name);
            after.description = description.clone().unwrap_or(after.description);
            Ok(replaced(before, after))
        }
        Command::AssignAddress { interface, vswitch } => {
            assign_address(state, account, *interface, *vswitch, context)
        }
        Command::UnassignAddresses { interface, addresses } => {
            unassign_addresses(state, account, *interface, addresses)
        }
    }
}

/// The interface, if it is the account's.
pub(super) fn find(
    state: &State,
    account: AccountId,
    id: NetworkInterfaceId,
) -> Result<&Arc<NetworkInterface>, Refusal> {
    state.interfaces().of(account, &id).ok_or(Refusal::InterfaceNotFound)
}

fn replaced(before: &Arc<NetworkInterface>, after: NetworkInterface) -> Plan {
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Plan::done(changes)
}

fn create(
    state: &State,
    account: AccountId,
    vswitch: VSwitchId,
    groups: &[SecurityGroupId],
    (name, description): (&str, &str),
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    for group in groups {
        security_group::find(state, account, *group)?;
    }
    let vswitch = network::find_vswitch(state, account, vswitch)?;
    check_groups(state, groups, context)?;
    let address = free_address(state, vswitch.id)?;
    let id = NetworkInterfaceId::from_entropy(context.entropy.next());
    let mut changes = Changes::default();
    changes.create(NetworkInterface {
        id,
        account,
        serial: state.next_serial(),
        vswitch: vswitch.id,
        instance: None,
        primary: false,
        status: InterfaceStatus::Available,
        due_at: None,
        address,
        secondary_addresses: [].into(),
        ipv6_addresses: [].into(),
        mac: Mac::in_network(vswitch.network, address),
        name: name.into(),
        description: description.into(),
        created_at: context.now,
        // The last one given is the newest membership, and the newest stands first.
        groups: groups.iter().rev().copied().collect(),
    });
    Ok(Plan { changes, outcome: Outcome::Interface(id) })
}

fn check_groups(state: &State, groups: &[SecurityGroupId], context: &Context<'_>) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = groups.iter().find(|group| !seen.insert(**group)) {
        return Err(Refusal::unfit("SecurityGroupIds", format!("{twice} stands in the list twice")));
    }
    let limit = context.limits.groups_per_interface;
    if groups.len() > limit {
        return Err(Refusal::Limit { kind: Kind::GroupOfInterface, limit });
    }
    let limit = context.limits.interfaces_per_group;
    if groups.iter().any(|group| state.member_count(*group) >= limit) {
        return Err(Refusal::Limit { kind: Kind::InterfaceOfGroup, limit });
    }
    security_group::check_rules(state, groups, None, context.limits)
}

/// The lowest free address of a vSwitch.
fn free_address(state: &State, vswitch: VSwitchId) -> Result<Ipv4Addr, Refusal> {
    let lowest = state.pool(vswitch).and_then(|pool| pool.lowest_free(1, &[]).first().copied());
    lowest.ok_or_else(|| Refusal::unfit("VSwitchId", format!("{vswitch} has no free address")))
}

/// Deletes interfaces, all or none; one that is named twice counts once. Their memberships and bindings end at once.
fn delete(
    state: &State,
    account: AccountId,
    interfaces: &[NetworkInterfaceId],
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let interfaces: BTreeSet<NetworkInterfaceId> = interfaces.iter().copied().collect();
    let found: Result<Vec<_>, _> = interfaces.iter().map(|id| find(state, account, *id)).collect();
    let mut changes = Changes::default();
    for before in found? {
        if before.primary {
            return Err(Refusal::InterfacePrimary);
        }
        if before.status != InterfaceStatus::Available {
            return Err(Refusal::InterfaceStatus(before.status));
        }
        let mut after = NetworkInterface::clone(before);
        after.status = InterfaceStatus::Deleting;
        after.due_at = Some(context.now.plus(context.timing.deleting_ms));
        after.groups = [].into();
        changes.update(Arc::clone(before), after);
        binding::end(state, before.id, &mut changes);
    }
    Ok(Plan::done(changes))
}

/// The refusal of a change of attachment, unless the interface has this status and the instance is `Stopped`.
fn check_attachment(
    interface: &NetworkInterface,
    status: InterfaceStatus,
    instance: &Instance,
) -> Result<(), Refusal> {
    if interface.status != status {
        return Err(Refusal::InterfaceStatus(interface.status));
    }
    if instance.status != InstanceStatus::Stopped {
        return Err(Refusal::InstanceStatus(instance.status));
    }
    Ok(())
}

fn attach(
    state: &State,
    account: AccountId,
    id: NetworkInterfaceId,
    instance: InstanceId,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let before = find(state, account, id)?;
    let holder = instance::find(state, account, instance)?;
    if before.primary {
        return Err(Refusal::InterfacePrimary);
    }
    check_attachment(before, InterfaceStatus::Available, holder)?;
    let place = |interface: &NetworkInterface| {
        let vswitch = state.vswitches().get(&interface.vswitch)?;
        Some((vswitch.network, vswitch.region.clone()))
    };
    let primary = state.interfaces().get(&holder.primary_interface);
    if place(before) != primary.and_then(|primary| place(primary)) {
        return Err(Refusal::unfit(
            "NetworkInterfaceId",
            format!("{id} is not in the network of {instance}"),
        ));
    }
    let limit = context.limits.interfaces_per_instance;
    if holder.interfaces().count() >= limit {
        return Err(Refusal::Limit { kind: Kind::InterfaceOfInstance, limit });
    }
    let mut after = NetworkInterface::clone(before);
    after.status = InterfaceStatus::Attaching;
    after.due_at = Some(context.now.plus(context.timing.attaching_ms));
    after.instance = Some(instance);
    let mut holder_after = Instance::clone(holder);
    holder_after.secondary_interfaces = holder.secondary_interfaces.iter().copied().chain([id]).collect();
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    changes.update(Arc::clone(holder), holder_after);
    bind_to_host(state, before, instance, &mut changes, context)?;
    Ok(Plan::done(changes))
}

/// An interface that comes to an instance is bound to the lab node that hosts the instance, where one does.
fn bind_to_host(
    state: &State,
    interface: &NetworkInterface,
    instance: InstanceId,
    changes: &mut Changes,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let Some(host) = state.hostings().get(&instance) else { return Ok(()) };
    if let Some(bound) = state.bindings().get(&interface.id) {
        return Err(Refusal::InterfaceBound { interface: interface.id, node: bound.node });
    }
    let limit = context.limits.interfaces_per_node;
    if state.bound_count(host.node) >= limit {
        return Err(Refusal::Limit { kind: Kind::InterfaceOfNode, limit });
    }
    let interface = (interface.id, interface.account);
    let serial = Serials::after(state).next();
    changes.create(hosting::binding(interface, serial, host.node, context.now));
    Ok(())
}

/// Begins to detach; the interface stays in the list of its instance until the clock ends it. Its binding ends at once.
fn detach(
    state: &State,
    account: AccountId,
    id: NetworkInterfaceId,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let before = find(state, account, id)?;
    if before.primary {
        return Err(Refusal::InterfacePrimary);
    }
    let holder = before.instance.and_then(|instance| state.instances().get(&instance));
    let holder = holder.ok_or(Refusal::InterfaceStatus(before.status))?;
    check_attachment(before, InterfaceStatus::InUse, holder)?;
    let mut after = NetworkInterface::clone(before);
    after.status = InterfaceStatus::Detaching;
    after.due_at = Some(context.now.plus(context.timing.detaching_ms));
    let mut plan = replaced(before, after);
    binding::end(state, id, &mut plan.changes);
    Ok(plan)
}

/// The refusal of a change of addresses of what is about to go.
fn check_staying(state: &State, interface: &NetworkInterface) -> Result<(), Refusal> {
    if interface.status == InterfaceStatus::Deleting {
        return Err(Refusal::InterfaceStatus(interface.status));
    }
    let instance = interface.instance.and_then(|id| state.instances().get(&id));
    match instance {
        Some(instance) if instance.status == InstanceStatus::Releasing => {
            Err(Refusal::InstanceStatus(instance.status))
        }
        _ => Ok(()),
    }
}

fn assign_address(
    state: &State,
    account: AccountId,
    id: NetworkInterfaceId,
    vswitch: Option<VSwitchId>,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let before = find(state, account, id)?;
    if let Some(vswitch) = vswitch {
        network::find_vswitch(state, account, vswitch)?;
        if vswitch != before.vswitch {
            let reason = format!("{id} is in {}, not in {vswitch}", before.vswitch);
            return Err(Refusal::unfit("VSwitchId", reason));
        }
    }
    check_staying(state, before)?;
    let limit = context.limits.addresses_per_interface;
    if before.addresses().count() >= limit {
        return Err(Refusal::Limit { kind: Kind::AddressOfInterface, limit });
    }
    let address = free_address(state, before.vswitch)?;
    let mut after = NetworkInterface::clone(before);
    after.secondary_addresses = before.secondary_addresses.iter().copied().chain([address]).collect();
    Ok(Plan { outcome: Outcome::Address(id, address), ..replaced(before, after) })
}

fn unassign_addresses(
    state: &State,
    account: AccountId,
    id: NetworkInterfaceId,
    addresses: &[Ipv4Addr],
) -> Result<Plan, Refusal> {
    let before = find(state, account, id)?;
    check_staying(state, before)?;
    if let Some(other) = addresses.iter().find(|address| !before.secondary_addresses.contains(address)) {
        let reason = format!("{other} is not a secondary address of {id}");
        return Err(Refusal::unfit("PrivateIpAddress", reason));
    }
    let mut after = NetworkInterface::clone(before);
    let remaining = before.secondary_addresses.iter().copied().filter(|address| !addresses.contains(address));
    after.secondary_addresses = remaining.collect();
    Ok(replaced(before, after))
}
