//! What a node is to enforce, from the state alone.

use std::net::IpAddr;

use model::{
    NodeId, SecurityGroupId, State, interface::NetworkInterface, node::Binding, security_group::SecurityGroup,
};
use policy::{
    Group,
    desired::{Desired, DesiredInterface},
};

/// What a node is to enforce in this state; nothing, if it does not exist.
pub fn desired(state: &State, node: NodeId) -> Desired {
    let bound = state.bound_to(node);
    let interfaces = bound.filter_map(|binding| Some((binding.interface, interface(state, binding)?)));
    let mut desired = Desired { interfaces: interfaces.collect(), ..Desired::default() };
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

pub(crate) fn group(state: &State, id: SecurityGroupId) -> Option<Group> {
    state.groups().get(&id).map(|group| rules_of(group))
}

pub(crate) fn rules_of(group: &SecurityGroup) -> Group {
    Group { id: group.id, rules: group.rules.as_slice().into() }
}
