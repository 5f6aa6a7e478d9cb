//! What one node is to enforce, as the control plane tells it and the node keeps it: its interfaces, the groups that they
//! are in, and on a lab node the instances that it is to run. A [`Delta`] takes it from what it was before a change to what
//! it is after it.

mod instance;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;
use model::{InstanceId, NetworkId, NetworkInterfaceId, SecurityGroupId, address::Mac, node::Device};

pub use self::instance::{DesiredInstance, DesiredInstanceInterface, WantedState};
use crate::class::Group;

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
    /// About how many bytes of memory it takes beside itself.
    fn bytes(&self) -> usize {
        size_of_val(&*self.addresses) + size_of_val(&*self.allowed_prefixes) + size_of_val(&*self.groups)
    }
}

/// What a node is to enforce.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// The interfaces that are bound to it.
    pub interfaces: BTreeMap<NetworkInterfaceId, DesiredInterface>,
    /// The groups that they are in, and no other.
    pub groups: BTreeMap<SecurityGroupId, Group>,
    /// The instances that it is to run, to stop or to remove, and no other.
    pub instances: BTreeMap<InstanceId, DesiredInstance>,
}

impl Desired {
    /// Every group that an interface is in.
    pub fn needed_groups(&self) -> BTreeSet<SecurityGroupId> {
        self.interfaces.values().flat_map(|interface| interface.groups.iter().copied()).collect()
    }

    /// Takes this to what it is after a change.
    pub fn apply(&mut self, delta: &Delta) {
        apply(&mut self.interfaces, &delta.interfaces);
        apply(&mut self.instances, &delta.instances);
        self.groups.extend(delta.groups.iter().map(|(id, group)| (*id, group.clone())));
        let needed = self.needed_groups();
        self.groups.retain(|id, _| needed.contains(id));
    }
}

fn apply<K: Ord + Copy, V: Clone>(held: &mut BTreeMap<K, V>, changed: &BTreeMap<K, Option<V>>) {
    for (key, wanted) in changed {
        match wanted {
            Some(wanted) => held.insert(*key, wanted.clone()),
            None => held.remove(key),
        };
    }
}

/// What changes in what one node is to enforce. Groups that no interface of the node is in any more are not named: the
/// node forgets them by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// Interfaces that come or change; none: the interface goes.
    pub interfaces: BTreeMap<NetworkInterfaceId, Option<DesiredInterface>>,
    /// Groups that have other rules, or that an interface came into. The node may have some of these already.
    pub groups: BTreeMap<SecurityGroupId, Group>,
    /// Instances that come or change; none: the instance is not the node's any more.
    pub instances: BTreeMap<InstanceId, Option<DesiredInstance>>,
}

impl Delta {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.interfaces.is_empty() && self.groups.is_empty() && self.instances.is_empty()
    }

    /// Makes one change of this and the one that follows it: it leads to the same as both, one after the other.
    pub fn merge(&mut self, later: Delta) {
        self.interfaces.extend(later.interfaces);
        self.groups.extend(later.groups);
        self.instances.extend(later.instances);
    }

    /// About how many bytes it takes in memory. Rules count for each change that has them, also where they are shared.
    pub fn bytes(&self) -> usize {
        let interfaces = self.interfaces.values().map(|wanted| {
            let wanted = wanted.as_ref().map_or(0, DesiredInterface::bytes);
            size_of::<(NetworkInterfaceId, Option<DesiredInterface>)>() + wanted
        });
        let group = |group: &Group| size_of::<(SecurityGroupId, Group)>() + size_of_val(&*group.rules);
        let instances = self.instances.values().map(|wanted| {
            let wanted = wanted.as_ref().map_or(0, DesiredInstance::bytes);
            size_of::<(InstanceId, Option<DesiredInstance>)>() + wanted
        });
        let groups = self.groups.values().map(group);
        interfaces.chain(groups).chain(instances).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interface(groups: &[u128]) -> DesiredInterface {
        DesiredInterface {
            device: Device::Aliased,
            adopt_seconds: 0,
            network: NetworkId::from_entropy(1),
            mac: Mac([2; 6]),
            addresses: ["10.0.0.2".parse().unwrap()].into(),
            allowed_prefixes: [].into(),
            source_check: true,
            groups: groups.iter().map(|number| SecurityGroupId::from_entropy(*number)).collect(),
        }
    }

    fn delta(interfaces: &[(u128, Option<&[u128]>)], groups: &[u128]) -> Delta {
        let wanted = |(id, groups): &(u128, Option<&[u128]>)| {
            (NetworkInterfaceId::from_entropy(*id), groups.map(interface))
        };
        let group = |number: &u128| {
            let id = SecurityGroupId::from_entropy(*number);
            (id, Group { id, rules: [].into() })
        };
        Delta {
            interfaces: interfaces.iter().map(wanted).collect(),
            groups: groups.iter().map(group).collect(),
            ..Delta::default()
        }
    }

    #[test]
    fn groups_are_forgotten_with_the_last_interface_that_is_in_them() {
        let mut desired = Desired::default();
        desired.apply(&delta(&[(1, Some(&[1, 2])), (2, Some(&[2]))], &[1, 2, 3]));
        assert_eq!(desired.groups.len(), 2, "what nobody is in is not kept");
        desired.apply(&delta(&[(1, Some(&[]))], &[]));
        assert_eq!(desired.groups.keys().copied().collect::<Vec<_>>(), [SecurityGroupId::from_entropy(2)]);
        desired.apply(&delta(&[(2, None)], &[]));
        assert_eq!((desired.interfaces.len(), desired.groups.len()), (1, 0));
    }

    #[test]
    fn instances_come_change_and_go_and_others_stay() {
        let (one, other) = (InstanceId::from_entropy(1), InstanceId::from_entropy(2));
        let instance = |wanted| DesiredInstance {
            host_name: "a".into(),
            wanted,
            boots: 1,
            images: 1,
            interfaces: [].into(),
        };
        let mut desired = Desired::default();
        let mut apply = |changed: &[(InstanceId, Option<WantedState>)]| {
            let instances = changed.iter().map(|(id, wanted)| (*id, wanted.map(instance))).collect();
            desired.apply(&Delta { instances, ..Delta::default() });
            desired.instances.iter().map(|(id, of)| (*id, of.wanted)).collect::<Vec<_>>()
        };
        let running = Some(WantedState::Running);
        assert_eq!(apply(&[(one, running), (other, running)]).len(), 2);
        let stopped = apply(&[(one, Some(WantedState::Stopped))]);
        assert_eq!(stopped, [(one, WantedState::Stopped), (other, WantedState::Running)]);
        assert_eq!(apply(&[(one, None)]), [(other, WantedState::Running)]);
    }

    #[test]
    fn an_empty_delta_takes_no_memory_and_each_part_some() {
        assert!(Delta::default().is_empty());
        assert_eq!(Delta::default().bytes(), 0);
        let (one, two) = (delta(&[(1, None)], &[]), delta(&[(1, None), (2, Some(&[1]))], &[1]));
        assert!(!one.is_empty() && one.bytes() > 0 && two.bytes() > 2 * one.bytes());
    }

    /// A delta as a node gets it: an interface comes with the groups that it is in.
    fn any_delta() -> impl Strategy<Value = Delta> {
        let groups = || prop::collection::btree_set(0u128..4, 0..4);
        let interfaces = prop::collection::vec((0u128..4, prop::option::of(groups())), 0..4);
        let instances = prop::collection::btree_map(0u128..3, prop::option::of(0u64..3), 0..3);
        (interfaces, groups(), 0usize..3, instances).prop_map(
            |(interfaces, mut changed, rules, instances)| {
                let interfaces: Vec<(u128, Option<Vec<u128>>)> = interfaces
                    .into_iter()
                    .map(|(id, groups)| (id, groups.map(|groups| groups.into_iter().collect())))
                    .collect();
                changed.extend(interfaces.iter().filter_map(|(_, groups)| groups.as_ref()).flatten());
                let wanted: Vec<(u128, Option<&[u128]>)> =
                    interfaces.iter().map(|(id, groups)| (*id, groups.as_deref())).collect();
                let mut delta = delta(&wanted, &changed.into_iter().collect::<Vec<_>>());
                let rule = crate::text::parse_rule("ingress accept tcp from 10.0.0.0/8").unwrap();
                let rules = vec![rule; rules];
                delta.groups.values_mut().for_each(|group| group.rules = rules.as_slice().into());
                let instance = |boots| DesiredInstance {
                    host_name: "a".into(),
                    wanted: WantedState::Running,
                    boots,
                    images: 0,
                    interfaces: [].into(),
                };
                let instances = instances.into_iter();
                delta.instances = instances
                    .map(|(id, boots)| (InstanceId::from_entropy(id), boots.map(instance)))
                    .collect();
                delta
            },
        )
    }

    proptest! {
        #[test]
        fn merged_changes_lead_to_the_same_as_one_after_the_other(
            deltas in prop::collection::vec(any_delta(), 0..6),
            before in 0usize..6,
        ) {
            let mut one_by_one = Desired::default();
            let (first, rest) = deltas.split_at(before.min(deltas.len()));
            first.iter().for_each(|delta| one_by_one.apply(delta));
            let mut at_once = one_by_one.clone();
            let mut merged = Delta::default();
            for delta in rest {
                one_by_one.apply(delta);
                merged.merge(delta.clone());
            }
            at_once.apply(&merged);
            prop_assert_eq!(at_once, one_by_one);
        }
    }
}
