//! Updates and outcomes as messages of the protocol.

use std::{collections::BTreeMap, net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use model::{NetworkInterfaceId, SecurityGroupId, address::Mac, rule::Rule};
use protocol::{Malformed, node, rule};

use crate::{
    device::DeviceSelector,
    outcome::Outcome,
    wanted::{Delta, Update, UpdateError, Wanted, WantedInterface},
};

/// The most problems that are told of one update.
const PROBLEMS_MAX: usize = 100;
/// The longest name of a device (IFNAMSIZ without its end).
const DEVICE_NAME_BYTES_MAX: usize = 15;

/// The update of a snapshot.
///
/// # Errors
/// [`Malformed`].
pub fn snapshot(message: &node::Snapshot) -> Result<Update, Malformed> {
    let mut interfaces = BTreeMap::new();
    for interface in &message.interfaces {
        let wanted = interface_from(interface)?;
        if interfaces.insert(wanted.interface.id, wanted).is_some() {
            let id = &interface.network_interface_id;
            return Err(Malformed::new("network_interface_id", id, "in the snapshot once"));
        }
    }
    let groups = groups_from(&message.groups)?.into_iter().collect();
    Ok(Update::Snapshot(Wanted { generation: message.generation, groups, interfaces }))
}

/// The update of a change.
///
/// # Errors
/// [`Malformed`].
pub fn delta(message: &node::Delta) -> Result<Update, Malformed> {
    if message.generation <= message.from_generation {
        return Err(Malformed::new(
            "generation",
            message.generation,
            "after the one that the change begins from",
        ));
    }
    let interfaces = message.interfaces.iter().map(interface_from).collect::<Result<_, _>>()?;
    Ok(Update::Delta(Delta {
        from: message.from_generation,
        generation: message.generation,
        put_groups: groups_from(&message.groups)?,
        put_interfaces: interfaces,
        removed_interfaces: ids("removed_interfaces", &message.removed_interfaces)?,
        removed_groups: ids("removed_groups", &message.removed_groups)?,
    }))
}

/// What is wanted, as a snapshot.
pub fn to_snapshot(wanted: &Wanted) -> node::Snapshot {
    let group = |(id, rules): (&SecurityGroupId, &Arc<[Rule]>)| node::Group {
        security_group_id: id.to_string(),
        rules: rules.iter().map(rule::to_message).collect(),
    };
    node::Snapshot {
        generation: wanted.generation,
        groups: wanted.groups.iter().map(group).collect(),
        interfaces: wanted.interfaces.values().map(interface_to).collect(),
    }
}

/// What became of an update, and how long that took.
pub fn outcome(outcome: &Outcome, took: Duration) -> node::from_node::Message {
    let generation = outcome.generation;
    if outcome.confirmed() {
        return node::from_node::Message::Confirmed(node::Confirmed {
            generation,
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            absent_interfaces: outcome.absent.iter().map(ToString::to_string).collect(),
        });
    }
    let problems = outcome.problems.iter().take(PROBLEMS_MAX).map(|problem| node::Problem {
        network_interface_id: problem.interface.to_string(),
        message: problem.kind.to_string(),
    });
    node::from_node::Message::NotInForce(node::NotInForce {
        generation,
        problems: problems.collect(),
        problem_count: outcome.problems.len() as u64,
    })
}

/// Why an update of this generation is not obeyed.
pub fn refusal(generation: u64, kept_generation: u64, error: &UpdateError) -> node::Refused {
    let reason = match error {
        UpdateError::Gap { .. } => node::refused::Reason::Gap,
        UpdateError::Regressed { .. } => node::refused::Reason::Regressed,
        UpdateError::Contradiction { .. } => node::refused::Reason::Invalid,
    };
    node::Refused { generation, kept_generation, reason: reason.into(), message: error.to_string() }
}

/// A group and its rules.
type GroupRules = (SecurityGroupId, Arc<[Rule]>);

fn groups_from(groups: &[node::Group]) -> Result<Vec<GroupRules>, Malformed> {
    let group = |group: &node::Group| {
        let rules = group.rules.iter().map(rule::from_message).collect::<Result<_, _>>()?;
        Ok((id("security_group_id", &group.security_group_id)?, rules))
    };
    groups.iter().map(group).collect()
}

fn interface_to(wanted: &WantedInterface) -> node::Interface {
    let interface = &wanted.interface;
    node::Interface {
        network_interface_id: interface.id.to_string(),
        mac: interface.mac.0.to_vec(),
        addresses: interface.addresses.iter().map(ToString::to_string).collect(),
        allowed_prefixes: interface.prefixes.iter().map(ToString::to_string).collect(),
        source_check: interface.source_check,
        flows_max: interface.flows_max,
        adopt_ms: u64::try_from(interface.adopt.as_millis()).unwrap_or(u64::MAX),
        security_group_ids: wanted.groups.iter().map(ToString::to_string).collect(),
        device: match &wanted.device {
            DeviceSelector::Name(name) => name.to_string(),
            DeviceSelector::Alias => String::new(),
        },
    }
}

fn interface_from(message: &node::Interface) -> Result<WantedInterface, Malformed> {
    let mac = <[u8; 6]>::try_from(&message.mac[..])
        .map_err(|_| Malformed::new("mac", format!("{:02x?}", message.mac), "six bytes"))?;
    let id: NetworkInterfaceId = id("network_interface_id", &message.network_interface_id)?;
    let addresses: Vec<IpAddr> = texts("addresses", &message.addresses, "an IP address")?;
    let interface = dataplane::Interface {
        prefixes: texts("allowed_prefixes", &message.allowed_prefixes, "a prefix")?,
        source_check: message.source_check,
        flows_max: message.flows_max,
        adopt: Duration::from_millis(message.adopt_ms),
        ..dataplane::Interface::new(id, Mac(mac), addresses)
    };
    Ok(WantedInterface {
        interface,
        groups: ids("security_group_ids", &message.security_group_ids)?.into(),
        device: device_from(&message.device)?,
    })
}

fn device_from(name: &str) -> Result<DeviceSelector, Malformed> {
    if name.is_empty() {
        return Ok(DeviceSelector::Alias);
    }
    let odd = |letter: char| letter == '/' || letter.is_whitespace() || letter.is_control();
    if name.len() > DEVICE_NAME_BYTES_MAX || name.contains(odd) {
        return Err(Malformed::new("device", name, "a name that a device can have"));
    }
    Ok(DeviceSelector::Name(name.into()))
}

fn id<T: FromStr>(field: &'static str, text: &str) -> Result<T, Malformed> {
    text.parse().map_err(|_| Malformed::new(field, text, "an id of its kind"))
}

fn ids<T: FromStr>(field: &'static str, texts: &[String]) -> Result<Vec<T>, Malformed> {
    texts.iter().map(|text| id(field, text)).collect()
}

fn texts<T: FromStr>(field: &'static str, of: &[String], wanted: &'static str) -> Result<Vec<T>, Malformed> {
    of.iter().map(|text| text.parse().map_err(|_| Malformed::new(field, text, wanted))).collect()
}

#[cfg(test)]
mod tests {
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
                mac: vec![2, 0, 0, 0, 0, 1],
                addresses: vec!["10.0.0.1".into(), "2001:db8::1".into()],
                allowed_prefixes: vec!["10.1.0.0/16".into()],
                source_check: true,
                flows_max: 1000,
                adopt_ms: 5,
                security_group_ids: vec![SecurityGroupId::from_number(1).to_string()],
                device: "vnet0".into(),
            }],
        }
    }

    #[test]
    fn a_snapshot_is_what_it_was_made_of() {
        let mut by_alias = message();
        by_alias.interfaces[0].device.clear();
        for message in [message(), by_alias] {
            let Ok(Update::Snapshot(wanted)) = snapshot(&message) else { panic!("{message:?}") };
            assert_eq!(to_snapshot(&wanted), message);
        }
    }

    #[test]
    fn fields_that_say_nothing_sensible_are_refused_by_name() {
        let refused = |change: &dyn Fn(&mut node::Snapshot)| {
            let mut wrong = message();
            change(&mut wrong);
            snapshot(&wrong).unwrap_err().field
        };
        assert_eq!(refused(&|of| of.groups[0].security_group_id = "sg-".into()), "security_group_id");
        assert_eq!(refused(&|of| of.groups[0].rules[0].priority = 0), "priority");
        assert_eq!(refused(&|of| of.interfaces[0].network_interface_id.clear()), "network_interface_id");
        assert_eq!(refused(&|of| of.interfaces.push(of.interfaces[0].clone())), "network_interface_id");
        assert_eq!(refused(&|of| of.interfaces[0].mac = vec![1; 7]), "mac");
        assert_eq!(refused(&|of| of.interfaces[0].addresses[0] = "10.0.0.0/8".into()), "addresses");
        assert_eq!(refused(&|of| of.interfaces[0].allowed_prefixes[0] = "x".into()), "allowed_prefixes");
        assert_eq!(
            refused(&|of| of.interfaces[0].security_group_ids[0] = "i-1".into()),
            "security_group_ids"
        );
        for device in ["a/b", "a b", "sixteen-letters-", "a\0"] {
            assert_eq!(refused(&|of| of.interfaces[0].device = device.into()), "device");
        }
        let backwards = node::Delta { from_generation: 5, generation: 5, ..node::Delta::default() };
        assert_eq!(delta(&backwards).unwrap_err().field, "generation");
    }
}
