//! What a node is to enforce and to run, and how that changes, as messages.

use std::{collections::BTreeMap, str::FromStr};

use model::{
    NetworkInterfaceId, SecurityGroupId,
    address::Mac,
    node::{Device, DeviceName},
};
use policy::{Delta, Desired, DesiredInterface, Group};

use crate::{
    Malformed,
    instance::{instance_from, instance_to},
    node, rule,
};

/// All that a node is to enforce at a generation, as a message.
pub fn to_snapshot(generation: u64, desired: &Desired) -> node::Snapshot {
    node::Snapshot {
        generation,
        groups: desired.groups.values().map(group_to).collect(),
        interfaces: desired.interfaces.iter().map(|(id, interface)| interface_to(*id, interface)).collect(),
        instances: desired.instances.iter().map(|(id, instance)| instance_to(*id, instance)).collect(),
        ..node::Snapshot::default()
    }
}

/// What a node is to enforce, from a message.
///
/// # Errors
/// [`Malformed`].
pub fn from_snapshot(message: &node::Snapshot) -> Result<Desired, Malformed> {
    let interfaces = unique("network_interface_id", message.interfaces.iter().map(interface_from))?;
    let instances = unique("instance_id", message.instances.iter().map(instance_from))?;
    Ok(Desired { interfaces, groups: groups_from(&message.groups)?, instances })
}

/// What changes from one generation to another, as a message.
pub fn to_delta(from_generation: u64, generation: u64, delta: &Delta) -> node::Delta {
    node::Delta {
        from_generation,
        generation,
        groups: delta.groups.values().map(group_to).collect(),
        interfaces: put(&delta.interfaces, interface_to),
        removed_interfaces: removed(&delta.interfaces),
        instances: put(&delta.instances, instance_to),
        removed_instances: removed(&delta.instances),
        ..node::Delta::default()
    }
}

/// What changes, from a message.
///
/// # Errors
/// [`Malformed`].
pub fn from_delta(message: &node::Delta) -> Result<Delta, Malformed> {
    if message.generation <= message.from_generation {
        let wanted = "after the one that the change begins from";
        return Err(Malformed::new("generation", message.generation, wanted));
    }
    let put = message.interfaces.iter().map(|interface| some(interface_from(interface)));
    let removed = message.removed_interfaces.iter().map(|text| Ok((id("removed_interfaces", text)?, None)));
    let interfaces = unique("network_interface_id", put.chain(removed))?;
    let put = message.instances.iter().map(|instance| some(instance_from(instance)));
    let removed = message.removed_instances.iter().map(|text| Ok((id("removed_instances", text)?, None)));
    let instances = unique("instance_id", put.chain(removed))?;
    Ok(Delta { interfaces, groups: groups_from(&message.groups)?, instances })
}

/// What comes or changes.
fn put<K: Copy, V, M>(changed: &BTreeMap<K, Option<V>>, to: impl Fn(K, &V) -> M) -> Vec<M> {
    changed.iter().filter_map(|(id, value)| Some(to(*id, value.as_ref()?))).collect()
}

/// What goes.
fn removed<K: ToString, V>(changed: &BTreeMap<K, Option<V>>) -> Vec<String> {
    changed.iter().filter(|(_, value)| value.is_none()).map(|(id, _)| id.to_string()).collect()
}

fn some<K, V>(read: Result<(K, V), Malformed>) -> Result<(K, Option<V>), Malformed> {
    read.map(|(id, value)| (id, Some(value)))
}

fn group_to(group: &Group) -> node::Group {
    let rules = group.rules.iter().map(rule::to_message).collect();
    node::Group { security_group_id: group.id.to_string(), rules }
}

fn groups_from(groups: &[node::Group]) -> Result<BTreeMap<SecurityGroupId, Group>, Malformed> {
    let group = |group: &node::Group| {
        let id = id("security_group_id", &group.security_group_id)?;
        let rules = group.rules.iter().map(rule::from_message).collect::<Result<_, _>>()?;
        Ok((id, Group { id, rules }))
    };
    unique("security_group_id", groups.iter().map(group))
}

fn interface_to(id: NetworkInterfaceId, interface: &DesiredInterface) -> node::Interface {
    node::Interface {
        network_interface_id: id.to_string(),
        network_id: interface.network.to_string(),
        mac: interface.mac.0.to_vec(),
        addresses: interface.addresses.iter().map(ToString::to_string).collect(),
        allowed_prefixes: interface.allowed_prefixes.iter().map(ToString::to_string).collect(),
        source_check: interface.source_check,
        adopt_seconds: interface.adopt_seconds,
        security_group_ids: interface.groups.iter().map(ToString::to_string).collect(),
        device: match &interface.device {
            Device::Named(name) => name.to_string(),
            Device::Aliased => String::new(),
        },
    }
}

fn interface_from(message: &node::Interface) -> Result<(NetworkInterfaceId, DesiredInterface), Malformed> {
    let groups = message.security_group_ids.iter().map(|text| id("security_group_ids", text));
    let interface = DesiredInterface {
        device: device_from(&message.device)?,
        adopt_seconds: message.adopt_seconds,
        network: id("network_id", &message.network_id)?,
        mac: mac(&message.mac)?,
        addresses: texts("addresses", &message.addresses, "an IP address")?,
        allowed_prefixes: texts("allowed_prefixes", &message.allowed_prefixes, "a prefix")?,
        source_check: message.source_check,
        groups: groups.collect::<Result<_, _>>()?,
    };
    Ok((id("network_interface_id", &message.network_interface_id)?, interface))
}

fn device_from(name: &str) -> Result<Device, Malformed> {
    if name.is_empty() {
        return Ok(Device::Aliased);
    }
    let name = name.parse::<DeviceName>();
    name.map(Device::Named).map_err(|error| Malformed::new("device", error, "a name that a device can have"))
}

pub(crate) fn mac(bytes: &[u8]) -> Result<Mac, Malformed> {
    let mac = <[u8; 6]>::try_from(bytes);
    mac.map(Mac).map_err(|_| Malformed::new("mac", format!("{bytes:02x?}"), "six bytes"))
}

pub(crate) fn id<T: FromStr>(field: &'static str, text: &str) -> Result<T, Malformed> {
    text.parse().map_err(|_| Malformed::new(field, text, "an id of its kind"))
}

pub(crate) fn texts<T: FromStr>(
    field: &'static str,
    of: &[String],
    wanted: &'static str,
) -> Result<Box<[T]>, Malformed> {
    of.iter().map(|text| text.parse().map_err(|_| Malformed::new(field, text, wanted))).collect()
}

/// Those that have ids of their own, by id.
fn unique<K: Ord + ToString + Copy, V>(
    field: &'static str,
    of: impl Iterator<Item = Result<(K, V), Malformed>>,
) -> Result<BTreeMap<K, V>, Malformed> {
    let mut found = BTreeMap::new();
    for one in of {
        let (id, value) = one?;
        if found.insert(id, value).is_some() {
            return Err(Malformed::new(field, id.to_string(), "in the message once"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use model::{InstanceId, NetworkId};

    use super::*;

    fn message() -> node::Snapshot {
        node::Snapshot {
            generation: 9,
            groups: vec![node::Group {
                security_group_id: SecurityGroupId::from_number(1).to_string(),
                rules: vec![node::Rule {
                    direction: node::rule::Direction::Ingress.into(),
                    protocol: node::rule::Protocol::All.into(),
                    policy: node::rule::Policy::Accept.into(),
                    priority: 1,
                    source: "10.0.0.0/8".into(),
                    ..node::Rule::default()
                }],
            }],
            interfaces: vec![node::Interface {
                network_interface_id: NetworkInterfaceId::from_number(2).to_string(),
                network_id: NetworkId::from_number(3).to_string(),
                mac: vec![2, 0, 0, 0, 0, 1],
                addresses: vec!["10.0.0.1".into(), "2001:db8::1".into()],
                allowed_prefixes: vec!["10.1.0.0/16".into()],
                source_check: true,
                adopt_seconds: 5,
                security_group_ids: vec![SecurityGroupId::from_number(1).to_string()],
                device: "vnet0".into(),
            }],
            instances: vec![node::Instance {
                instance_id: InstanceId::from_number(5).to_string(),
                host_name: "web".into(),
                wanted: node::instance::Wanted::Stopped.into(),
                boots: 2,
                images: 1,
                ..node::Instance::default()
            }],
            ..node::Snapshot::default()
        }
    }

    #[test]
    fn a_snapshot_and_a_change_are_what_they_were_made_of() {
        let mut by_alias = message();
        by_alias.interfaces[0].device.clear();
        for message in [message(), by_alias] {
            let desired = from_snapshot(&message).unwrap();
            assert_eq!(to_snapshot(message.generation, &desired), message);
            let change = node::Delta {
                run: 0,
                from_generation: 8,
                generation: 9,
                groups: message.groups,
                interfaces: message.interfaces,
                removed_interfaces: vec![NetworkInterfaceId::from_number(4).to_string()],
                instances: message.instances,
                removed_instances: vec![InstanceId::from_number(6).to_string()],
            };
            assert_eq!(to_delta(8, 9, &from_delta(&change).unwrap()), change);
        }
    }

    #[test]
    fn fields_that_say_nothing_sensible_are_refused_by_name() {
        let refused = |change: &dyn Fn(&mut node::Snapshot)| {
            let mut wrong = message();
            change(&mut wrong);
            from_snapshot(&wrong).unwrap_err().field
        };
        assert_eq!(refused(&|of| of.groups[0].security_group_id = "sg-".into()), "security_group_id");
        assert_eq!(refused(&|of| of.groups.push(of.groups[0].clone())), "security_group_id");
        assert_eq!(refused(&|of| of.groups[0].rules[0].priority = 0), "priority");
        assert_eq!(refused(&|of| of.interfaces[0].network_interface_id.clear()), "network_interface_id");
        assert_eq!(refused(&|of| of.interfaces.push(of.interfaces[0].clone())), "network_interface_id");
        assert_eq!(refused(&|of| of.interfaces[0].network_id = "i-1".into()), "network_id");
        assert_eq!(refused(&|of| of.interfaces[0].mac = vec![1; 7]), "mac");
        assert_eq!(refused(&|of| of.interfaces[0].addresses[0] = "10.0.0.0/8".into()), "addresses");
        assert_eq!(refused(&|of| of.interfaces[0].allowed_prefixes[0] = "x".into()), "allowed_prefixes");
        assert_eq!(
            refused(&|of| of.interfaces[0].security_group_ids[0] = "i-1".into()),
            "security_group_ids"
        );
        assert_eq!(refused(&|of| of.interfaces[0].device = "a/b".into()), "device");
        assert_eq!(refused(&|of| of.instances.push(of.instances[0].clone())), "instance_id");
        let backwards = node::Delta { from_generation: 5, generation: 5, ..node::Delta::default() };
        assert_eq!(from_delta(&backwards).unwrap_err().field, "generation");
        let mut twice =
            node::Delta { generation: 1, interfaces: message().interfaces, ..node::Delta::default() };
        twice.removed_interfaces = vec![twice.interfaces[0].network_interface_id.clone()];
        assert_eq!(from_delta(&twice).unwrap_err().field, "network_interface_id");
    }
}
