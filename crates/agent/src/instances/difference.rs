//! What has to be done, from what is there to what has to be there. Pure.
//!
//! The order is: what goes, bridges, what comes. A device is switched on as the last thing, where the agent says that it
//! is bound; a device that is on already stays so.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use host::{Link, namespace, netlink::NoTransit};
use ipnet::IpNet;
use model::{InstanceId, NetworkId, NetworkInterfaceId, NodeId};

use super::{
    names::{self, Mark},
    observed::{Found, InnerDevice, Observed},
    step::Step,
    target::{Machine, Port, Target},
};
use crate::device::alias_of;

/// The place of the rules by which nothing is forwarded that comes in through a bridge: what an operator puts before them
/// counts.
pub const RULE_PRIORITY: u32 = 1_000;

/// What there is to compare.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// This node.
    pub node: NodeId,
    /// What has to be there.
    pub target: &'a Target,
    /// What is there.
    pub observed: &'a Observed,
    /// The indexes of the devices of interfaces that are enforced.
    pub in_force: &'a BTreeMap<NetworkInterfaceId, u32>,
    /// Whether the kernel has IPv6.
    pub has_ipv6: bool,
}

/// What has to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// In this order.
    pub steps: Vec<Step>,
    /// Instances for which nothing can be done, and why.
    pub refused: BTreeMap<InstanceId, String>,
}

/// The rules about a bridge: networks do not reach each other, whatever the host forwards otherwise.
pub fn rules(bridge: &str, has_ipv6: bool) -> Vec<NoTransit> {
    let families = if has_ipv6 { &[true, false][..] } else { &[true] };
    let rule = |ipv4| NoTransit { device: bridge.to_owned(), ipv4, priority: RULE_PRIORITY, marked: true };
    families.iter().map(|ipv4| rule(*ipv4)).collect()
}

impl Comparison<'_> {
    /// What has to be done.
    pub fn difference(&self) -> Difference {
        let mut difference = Difference::default();
        let leaving = self.leaving(&mut difference);
        let steps = &mut difference.steps;
        steps.extend(leaving.iter().map(|instance| Step::EndProcesses { instance: *instance }));
        self.stray_devices(&leaving, steps);
        steps.extend(self.removed(&leaving));
        self.bridges(steps);
        for (instance, machine) in self.target.machines.iter().filter(|(_, machine)| machine.runs()) {
            if !difference.refused.contains_key(instance) {
                self.machine(*instance, machine, leaving.contains(instance), &mut difference.steps);
            }
        }
        self.stray_bridges(&mut difference.steps);
        difference
    }

    /// Instances of this node that are there and are not to be, or not as they are.
    fn leaving(&self, difference: &mut Difference) -> BTreeSet<InstanceId> {
        let mut leaving = BTreeSet::new();
        for (instance, found) in &self.observed.machines {
            let machine = self.target.machines.get(instance);
            if let (Found::Unseen(why), Some(_)) = (found, machine) {
                let why = format!("cannot look into its network namespace: {why}");
                difference.refused.insert(*instance, why);
            }
            if let (Found::Remains(owner), Some(machine)) = (found, machine)
                && !is_left_of(owner, self.node)
                && machine.runs()
            {
                let path = namespace::path(&names::namespace(*instance));
                let why = format!("{} says that it is {owner}'s: remove it", path.display());
                difference.refused.insert(*instance, why);
            }
            let Found::Namespace { mark, .. } = found else { continue };
            match mark.filter(|mark| mark.node == self.node) {
                Some(mark) if machine.is_none_or(|machine| !self.is_of(machine, mark)) => {
                    leaving.insert(*instance);
                }
                Some(_) => {}
                None if machine.is_some() => {
                    let name = names::namespace(*instance);
                    let why =
                        format!("the network namespace {name} is not one that this node made: remove it");
                    difference.refused.insert(*instance, why);
                }
                None => {}
            }
        }
        leaving
    }

    fn is_of(&self, machine: &Machine, mark: Mark) -> bool {
        let wanted = Mark { node: self.node, boots: machine.boots, images: machine.images };
        machine.runs() && mark == wanted
    }

    /// Namespaces that go, and files of ours that never became one.
    fn removed(&self, leaving: &BTreeSet<InstanceId>) -> impl Iterator<Item = Step> {
        let own = self.node.to_string();
        let remains = self.observed.machines.iter().filter(move |(instance, found)| match found {
            Found::Remains(owner) => {
                let wanted = self.target.machines.get(instance);
                *owner == own && !wanted.is_some_and(Machine::runs)
            }
            _ => false,
        });
        let gone = leaving.iter().copied().chain(remains.map(|(instance, _)| *instance));
        gone.collect::<Vec<_>>().into_iter().map(|instance| Step::RemoveNamespace { instance })
    }

    /// Devices that belong to no interface that runs, or whose other end is not what it should be.
    fn stray_devices(&self, leaving: &BTreeSet<InstanceId>, steps: &mut Vec<Step>) {
        let mut kept = BTreeSet::new();
        for (instance, machine) in self.target.machines.iter().filter(|(_, machine)| machine.runs()) {
            let found = self.observed.machines.get(instance).filter(|_| !leaving.contains(instance));
            let good = |port: &&Port| match found {
                Some(Found::Namespace { devices, .. }) => inner(devices, port).is_some(),
                Some(Found::Unlooked | Found::Unseen(_)) => true,
                _ => false,
            };
            kept.extend(machine.ports.iter().filter(good).map(Port::device));
        }
        let ends = self.observed.own_links().filter(|link| link.name.starts_with(names::DEVICE));
        let stray = ends.filter(|link| !kept.contains(&link.name));
        steps.extend(stray.map(|link| Step::RemoveDevice { index: link.index, name: link.name.clone() }));
    }

    fn bridges(&self, steps: &mut Vec<Step>) {
        for (network, gateways) in &self.target.bridges {
            let (network, name) = (*network, names::bridge(*network));
            let Some(link) = self.observed.own_links().find(|link| link.name == name) else {
                steps.extend([Step::MakeBridge { network }, Step::SetUpBridge { network }]);
                continue;
            };
            let is_there = |rule: &NoTransit| self.observed.rules.iter().any(|found| found.does_as(rule));
            let ruled = rules(&name, self.has_ipv6).iter().all(is_there);
            let own = self.observed.addresses.iter().filter(|address| address.device == link.index);
            let nets = own.filter_map(|own| Some((own, IpNet::new(own.address, own.length).ok()?)));
            let unwanted = nets.clone().filter(|(own, net)| own.marked && !gateways.contains(net));
            steps.extend(unwanted.map(|(own, _)| Step::RemoveAddress { network, address: *own }));
            let has = |gateway: &IpNet| nets.clone().any(|(_, net)| net == *gateway);
            if !(ruled && is_set_up(link, network) && gateways.iter().all(has)) {
                steps.push(Step::SetUpBridge { network });
            }
        }
    }

    fn machine(&self, instance: InstanceId, machine: &Machine, anew: bool, steps: &mut Vec<Step>) {
        let found = self.observed.machines.get(&instance).filter(|_| !anew);
        let devices = match found {
            Some(Found::Unlooked | Found::Unseen(_)) => None,
            Some(Found::Namespace { devices, .. }) => Some(&devices[..]),
            Some(Found::Remains(_)) | None => {
                steps.push(Step::MakeNamespace { instance });
                Some(&[][..])
            }
        };
        for port in &machine.ports {
            self.port(instance, port, devices, steps);
        }
    }

    /// `devices` are those in the namespace; none: they are as they should be.
    fn port(
        &self,
        instance: InstanceId,
        port: &Port,
        devices: Option<&[InnerDevice]>,
        steps: &mut Vec<Step>,
    ) {
        let number = port.number;
        let own = |link: &&Link| link.name == port.device();
        let inside = devices.map(|devices| inner(devices, port));
        let pair = match inside {
            Some(None) => None,
            _ => self.observed.own_links().find(own),
        };
        let Some(link) = pair else {
            let made = [
                Step::MakeDevices { instance, number },
                Step::Configure { instance, number },
                Step::Offer { instance, number },
            ];
            return steps.extend(made);
        };
        let configured = |inner: &InnerDevice| inner.link.alias == port.inner_alias();
        if inside.flatten().is_some_and(|inner| !configured(inner)) {
            steps.push(Step::Configure { instance, number });
        }
        let bridge = self.observed.link(&names::bridge(port.network)).map(|bridge| bridge.index);
        if link.alias != alias_of(port.interface) || bridge.is_none() || link.master != bridge {
            steps.push(Step::Offer { instance, number });
        } else if !link.up && self.in_force.get(&port.interface) == Some(&link.index) {
            steps.push(Step::SwitchOn { instance, number, index: link.index });
        }
    }

    /// Bridges of networks of which nothing is here any more, and rules about bridges that are gone.
    fn stray_bridges(&self, steps: &mut Vec<Step>) {
        let kept: BTreeSet<String> =
            self.target.bridges.keys().map(|network| names::bridge(*network)).collect();
        let stray_rule = |rule: &&NoTransit| is_ours(rule) && !kept.contains(&rule.device);
        steps.extend(self.observed.rules.iter().filter(stray_rule).cloned().map(Step::RemoveRule));
        let bridges = self.observed.own_links().filter(|link| link.name.starts_with(names::BRIDGE));
        let stray = bridges.filter(|link| !kept.contains(&link.name));
        steps.extend(stray.map(|link| Step::RemoveBridge { index: link.index, name: link.name.clone() }));
    }
}

fn is_set_up(bridge: &Link, network: NetworkId) -> bool {
    bridge.up && bridge.alias == names::bridge_alias(network)
}

fn is_ours(rule: &NoTransit) -> bool {
    rule.marked && rule.device.starts_with(names::BRIDGE) && rule.priority == RULE_PRIORITY
}

/// Whether this node may make its namespace in place of a file that says whose it is; one that says nothing was left by
/// somebody who was killed while the file was made.
fn is_left_of(owner: &str, node: NodeId) -> bool {
    owner.is_empty() || owner == node.to_string()
}

/// The instance's end of a port, where it is that. Another one with its name is none.
fn inner<'a>(devices: &'a [InnerDevice], port: &Port) -> Option<&'a InnerDevice> {
    let name = port.inner_device();
    devices.iter().find(|device| device.link.name == name && device.link.mac == Some(port.mac))
}
