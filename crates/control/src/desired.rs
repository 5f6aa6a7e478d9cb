//! What a node is to enforce, and to run, from the state alone.

use std::net::IpAddr;

use ipnet::IpNet;
use model::{
    NetworkInterfaceId, NodeId, SecurityGroupId, State,
    instance::{Instance, InstanceStatus, Next},
    interface::NetworkInterface,
    node::{Binding, Hosting},
    security_group::SecurityGroup,
};
use policy::{
    Group,
    desired::{Desired, DesiredInstance, DesiredInstanceInterface, DesiredInterface, WantedState},
};

/// What a node is to enforce and to run in this state; nothing, if it does not exist.
pub fn desired(state: &State, node: NodeId) -> Desired {
    let bound = state.bound_to(node);
    let interfaces = bound.filter_map(|binding| Some((binding.interface, interface(state, binding)?)));
    let instances = state.hosted_by(node).filter_map(|of| Some((of.instance, instance(state, of)?)));
    let (interfaces, instances) = (interfaces.collect(), instances.collect());
    let mut desired = Desired { interfaces, instances, ..Desired::default() };
    let needed = desired.needed_groups();
    desired.groups = needed.into_iter().filter_map(|id| Some((id, group(state, id)?))).collect();
    desired
}

/// What is to be enforced for the interface of a binding; none: it is not there, which never is so in a state.
pub(crate) fn interface(state: &State, binding: &Binding) -> Option<DesiredInterface> {
    let interface = state.interfaces().get(&binding.interface)?;
    let enforcement = state.enforcements().get(&binding.interface);
    let mut groups = interface.groups.clone();
    groups.sort_unstable();
    Some(DesiredInterface {
        device: binding.device.clone(),
        adopt_seconds: binding.adopt_seconds,
        network: state.vswitches().get(&interface.vswitch)?.network,
        mac: interface.mac,
        addresses: addresses(interface),
        allowed_prefixes: enforcement.map_or_else(Box::default, |own| own.allowed_prefixes.clone()),
        source_check: enforcement.is_none_or(|own| own.source_check),
        groups,
    })
}

fn addresses(interface: &NetworkInterface) -> Box<[IpAddr]> {
    let ipv4 = interface.addresses().map(IpAddr::V4);
    ipv4.chain(interface.ipv6_addresses.iter().copied().map(IpAddr::V6)).collect()
}

/// What a node is to run; none: the instance is not there, which never is so in a state.
pub(crate) fn instance(state: &State, hosting: &Hosting) -> Option<DesiredInstance> {
    let instance = state.instances().get(&hosting.instance)?;
    let bound = instance.interfaces().filter(|interface| state.bindings().get(interface).is_some());
    Some(DesiredInstance {
        host_name: host_name(instance),
        wanted: wanted(instance, hosting),
        boots: hosting.boots,
        images: hosting.images,
        interfaces: bound.filter_map(|interface| inside(state, interface)).collect(),
    })
}

/// What an instance calls itself.
pub(crate) fn host_name(instance: &Instance) -> Box<str> {
    instance.host_name.clone().unwrap_or_else(|| instance.id.to_string().into())
}

/// How an instance is to be on its node: on a journey as at its end, and an expired one stopped.
pub(crate) fn wanted(instance: &Instance, hosting: &Hosting) -> WantedState {
    let destination = instance.passage.map(|passage| passage.journey.destination());
    match destination.unwrap_or(Next::Stable(instance.status)) {
        _ if hosting.leaving => WantedState::Gone,
        Next::Gone => WantedState::Gone,
        Next::Stable(InstanceStatus::Running) | Next::Passing(InstanceStatus::Running) => {
            WantedState::Running
        }
        Next::Stable(_) | Next::Passing(_) => WantedState::Stopped,
    }
}

/// An interface as its instance has it. Only what is of the families that it has addresses of is told, so that a vSwitch
/// that gets another one concerns nobody.
fn inside(state: &State, id: NetworkInterfaceId) -> Option<DesiredInstanceInterface> {
    let interface = state.interfaces().get(&id)?;
    let vswitch = state.vswitches().get(&interface.vswitch)?;
    let network = state.networks().get(&vswitch.network)?;
    let ipv6 = vswitch.ipv6_cidr.filter(|_| !interface.ipv6_addresses.is_empty());
    let with = |address, length| IpNet::new(address, length).ok();
    let ipv4 = interface.addresses().filter_map(|of| with(of.into(), vswitch.cidr.prefix_len()));
    let also = interface.ipv6_addresses.iter().filter_map(|of| with((*of).into(), ipv6?.prefix_len()));
    let gateway = vswitch.ipv6_gateway().filter(|_| ipv6.is_some());
    let block = network.ipv6_cidr.filter(|_| ipv6.is_some());
    Some(DesiredInstanceInterface {
        id,
        network: network.id,
        blocks: [IpNet::V4(network.cidr)].into_iter().chain(block.map(IpNet::V6)).collect(),
        mac: interface.mac,
        addresses: ipv4.chain(also).collect(),
        gateways: [IpAddr::V4(vswitch.gateway())].into_iter().chain(gateway.map(IpAddr::V6)).collect(),
    })
}

pub(crate) fn group(state: &State, id: SecurityGroupId) -> Option<Group> {
    state.groups().get(&id).map(|group| rules_of(group))
}

pub(crate) fn rules_of(group: &SecurityGroup) -> Group {
    Group { id: group.id, rules: group.rules.as_slice().into() }
}
