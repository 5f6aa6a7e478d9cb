//! What there has to be on this host for the instances that are wanted. Pure.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    net::IpAddr,
};

use ipnet::IpNet;
use model::{InstanceId, NetworkId, NetworkInterfaceId, address::Mac};
use policy::{DesiredInstance, DesiredInstanceInterface, WantedState};
use xxhash_rust::xxh3::Xxh3Default;

use super::names;

/// What there has to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    /// Instances, also those of which nothing is to be there.
    pub machines: BTreeMap<InstanceId, Machine>,
    /// The bridges of the networks that running and stopped instances are in, with the gateways of the vSwitches that these
    /// are in: with the length of their prefix, in order.
    pub bridges: BTreeMap<NetworkId, Vec<IpNet>>,
}

/// An instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// How it is to be.
    pub wanted: WantedState,
    /// The number of its start.
    pub boots: u64,
    /// The number of its image.
    pub images: u64,
    /// Its interfaces; that at place `n` is `ethn`.
    pub ports: Vec<Port>,
}

/// An interface of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Port {
    /// Which one.
    pub interface: NetworkInterfaceId,
    /// Its place among the instance's interfaces, from 0.
    pub number: u32,
    /// Its network.
    pub network: NetworkId,
    /// Its MAC.
    pub mac: Mac,
    /// Its addresses with the length of their prefix.
    pub addresses: Vec<IpNet>,
    /// The blocks of its network, all of which are on the link.
    pub blocks: Vec<IpNet>,
    /// Its gateways.
    pub gateways: Vec<IpAddr>,
}

impl Target {
    /// What there has to be for these instances.
    pub fn of(instances: &BTreeMap<InstanceId, DesiredInstance>) -> Self {
        let mut target = Self::default();
        for (id, instance) in instances {
            if instance.wanted != WantedState::Gone {
                instance.interfaces.iter().for_each(|interface| target.add_bridge(interface));
            }
            target.machines.insert(*id, Machine::of(instance));
        }
        target
    }

    fn add_bridge(&mut self, interface: &DesiredInstanceInterface) {
        let bridge = self.bridges.entry(interface.network).or_default();
        for gateway in &interface.gateways {
            let own = interface.addresses.iter().find(|own| own.addr().is_ipv4() == gateway.is_ipv4());
            bridge.extend(own.and_then(|own| IpNet::new(*gateway, own.prefix_len()).ok()));
        }
        bridge.sort_unstable();
        bridge.dedup();
    }

    /// Whether an instance is to run, and the port of this number is one of its.
    pub fn port(&self, instance: InstanceId, number: u32) -> Option<&Port> {
        let machine = self.machines.get(&instance).filter(|machine| machine.runs())?;
        machine.ports.get(number as usize)
    }

    /// The ports of all instances that are to run.
    pub fn running_ports(&self) -> impl Iterator<Item = &Port> {
        self.machines.values().filter(|machine| machine.runs()).flat_map(|machine| &machine.ports)
    }
}

impl Machine {
    fn of(instance: &DesiredInstance) -> Self {
        let ports = (0..).zip(&instance.interfaces).map(|(number, interface)| Port {
            interface: interface.id,
            number,
            network: interface.network,
            mac: interface.mac,
            addresses: interface.addresses.to_vec(),
            blocks: interface.blocks.to_vec(),
            gateways: interface.gateways.to_vec(),
        });
        Self {
            wanted: instance.wanted,
            boots: instance.boots,
            images: instance.images,
            ports: ports.collect(),
        }
    }

    /// Whether it is to run.
    pub fn runs(&self) -> bool {
        self.wanted == WantedState::Running
    }
}

impl Port {
    /// The host's end.
    pub fn device(&self) -> String {
        names::device(self.interface)
    }

    /// The instance's end.
    pub fn inner_device(&self) -> String {
        names::inner_device(self.number)
    }

    /// What is written on the instance's end when it is configured: it differs where anything about the port does.
    pub fn inner_alias(&self) -> String {
        let mut hasher = Xxh3Default::new();
        self.hash(&mut hasher);
        format!("ravelin:{:016x}", hasher.finish())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An interface of the network with this number, in the vSwitch 10.0.`vswitch`.0/24.
    pub(crate) fn interface(number: u128, network: u128, vswitch: u8) -> DesiredInstanceInterface {
        let host = u8::try_from(number % 250 + 2).unwrap();
        DesiredInstanceInterface {
            id: NetworkInterfaceId::from_entropy(number),
            network: NetworkId::from_entropy(network),
            blocks: ["10.0.0.0/16".parse().unwrap()].into(),
            mac: Mac([2, 0, 0, 0, vswitch, host]),
            addresses: [format!("10.0.{vswitch}.{host}/24").parse().unwrap()].into(),
            gateways: [IpAddr::from([10, 0, vswitch, 1])].into(),
        }
    }

    /// An instance with these interfaces.
    pub(crate) fn instance(
        wanted: WantedState,
        (boots, images): (u64, u64),
        interfaces: &[DesiredInstanceInterface],
    ) -> DesiredInstance {
        DesiredInstance { host_name: "a".into(), wanted, boots, images, interfaces: interfaces.into() }
    }

    #[test]
    fn a_network_has_one_bridge_with_the_gateways_of_all_its_vswitches_here() {
        let running = instance(WantedState::Running, (1, 1), &[interface(1, 1, 0), interface(2, 1, 1)]);
        let stopped = instance(WantedState::Stopped, (1, 1), &[interface(3, 2, 7)]);
        let gone = instance(WantedState::Gone, (1, 1), &[interface(4, 3, 0)]);
        let instances = [running, stopped, gone];
        let ids = (1..).map(InstanceId::from_entropy);
        let target = Target::of(&ids.zip(instances).collect());
        let gateways = |network| {
            let bridge = target.bridges.get(&NetworkId::from_entropy(network));
            bridge.map(|gateways| gateways.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(gateways(1), Some(vec!["10.0.0.1/24".into(), "10.0.1.1/24".into()]));
        assert_eq!(gateways(2), Some(vec!["10.0.7.1/24".into()]));
        assert_eq!(gateways(3), None, "nothing of it is here any more");
        assert_eq!(target.running_ports().count(), 2);
        assert!(target.port(InstanceId::from_entropy(2), 0).is_none(), "it does not run");
    }

    #[test]
    fn an_alias_differs_where_anything_about_the_port_does() {
        let port = |change: &dyn Fn(&mut DesiredInstanceInterface)| {
            let mut interface = interface(1, 1, 0);
            change(&mut interface);
            let machine = Machine::of(&instance(WantedState::Running, (1, 1), &[interface]));
            machine.ports[0].inner_alias()
        };
        let same = port(&|_| {});
        assert_eq!(same, port(&|_| {}));
        assert_ne!(same, port(&|of| of.mac.0[5] += 1));
        assert_ne!(same, port(&|of| of.addresses = ["10.0.0.9/24".parse().unwrap()].into()));
        assert_ne!(same, port(&|of| of.gateways = [].into()));
    }
}
