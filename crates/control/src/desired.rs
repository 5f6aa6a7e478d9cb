//! What a node is to enforce: a function of the state alone.
//!
//! A [`Delta`] takes what a node was to enforce before a change to what it is to enforce after it, and is found from the
//! change without looking at the rest ([`crate::concern`]); tests compare the two after each step.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use ipnet::IpNet;
use model::{
    NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, State,
    address::Mac,
    interface::NetworkInterface,
    node::{Binding, Device, Enforcement},
    rule::Rule,
    security_group::SecurityGroup,
};

/// What a node is to enforce for one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredInterface {
    /// The device that stands for it.
    pub device: Device,
    /// For how many seconds, from when the device is bound, running flows are taken over.
    pub adopt_seconds: u32,
    /// The network that it is in: addresses are unique in it alone.
    pub network: NetworkId,
    /// Its MAC.
    pub mac: Mac,
    /// Its addresses, of both families, the first one first.
    pub addresses: Box<[IpAddr]>,
    /// Prefixes that it may use beside them.
    pub allowed_prefixes: Box<[IpNet]>,
    /// Whether its addresses are checked.
    pub source_check: bool,
    /// The groups that it is in, by id.
    pub groups: Box<[SecurityGroupId]>,
}

impl DesiredInterface {
    /// What is to be enforced for the interface of a binding; none: it is not there, which never is so in a state.
    pub fn of(state: &State, binding: &Binding) -> Option<Self> {
        let interface = state.interfaces().get(&binding.interface)?;
        let enforcement = state.enforcements().get(&binding.interface).map(|own| &**own);
        let mut groups = interface.groups.clone();
        groups.sort_unstable();
        Some(Self {
            device: binding.device.clone(),
            adopt_seconds: binding.adopt_seconds,
            network: state.vswitches().get(&interface.vswitch)?.network,
            mac: interface.mac,
            addresses: addresses(interface),
            allowed_prefixes: enforcement.map_or_else(Box::default, |own| own.allowed_prefixes.clone()),
            source_check: enforcement.is_none_or(|own: &Enforcement| own.source_check),
            groups,
        })
    }
}

pub(crate) fn addresses(interface: &NetworkInterface) -> Box<[IpAddr]> {
    let ipv4 = interface.addresses().map(IpAddr::V4);
    ipv4.chain(interface.ipv6_addresses.iter().copied().map(IpAddr::V6)).collect()
}

/// A group whose rules a node needs. Equal to another one if its rules say the same in the same order.
#[derive(Debug, Clone)]
pub struct DesiredGroup(pub Arc<SecurityGroup>);

impl PartialEq for DesiredGroup {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
            && (Arc::ptr_eq(&self.0, &other.0) || same_rules(&self.0.rules, &other.0.rules))
    }
}

/// Whether the rules say the same in the same order.
pub(crate) fn same_rules(one: &[Rule], other: &[Rule]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.same_as(other))
}

/// What a node is to enforce.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// The interfaces that are bound to it.
    pub interfaces: BTreeMap<NetworkInterfaceId, DesiredInterface>,
    /// The groups that they are in, and no other.
    pub groups: BTreeMap<SecurityGroupId, DesiredGroup>,
}

impl Desired {
    /// What a node is to enforce in this state; nothing, if it does not exist.
    pub fn of(state: &State, node: NodeId) -> Self {
        let bound = state.bound_to(node);
        let wanted =
            |binding: &Arc<Binding>| Some((binding.interface, DesiredInterface::of(state, binding)?));
        let interfaces: BTreeMap<_, _> = bound.filter_map(wanted).collect();
        let groups = needed(&interfaces).into_iter().filter_map(|id| Some((id, group(state, id)?))).collect();
        Self { interfaces, groups }
    }

    /// Takes this to what it is after a change.
    pub fn apply(&mut self, delta: &Delta) {
        for (id, wanted) in &delta.interfaces {
            match wanted {
                Some(wanted) => self.interfaces.insert(*id, wanted.clone()),
                None => self.interfaces.remove(id),
            };
        }
        self.groups.extend(delta.groups.iter().map(|(id, group)| (*id, group.clone())));
        let needed = needed(&self.interfaces);
        self.groups.retain(|id, _| needed.contains(id));
    }
}

fn needed(interfaces: &BTreeMap<NetworkInterfaceId, DesiredInterface>) -> BTreeSet<SecurityGroupId> {
    interfaces.values().flat_map(|interface| interface.groups.iter().copied()).collect()
}

pub(crate) fn group(state: &State, id: SecurityGroupId) -> Option<DesiredGroup> {
    state.groups().get(&id).cloned().map(DesiredGroup)
}

/// What changes in what one node is to enforce. Groups that no interface of the node is in any more are not named: the
/// node forgets them by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// Interfaces that come or change; none: the interface goes.
    pub interfaces: BTreeMap<NetworkInterfaceId, Option<DesiredInterface>>,
    /// Groups that have other rules, or that an interface came into. The node may have some of these already.
    pub groups: BTreeMap<SecurityGroupId, DesiredGroup>,
}
