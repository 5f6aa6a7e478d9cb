//! Networks of instances: on one Linux bridge, or each on a link of its own that the host routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dataplane::{Device, Interface};
use model::{NetworkInterfaceId, address::Mac};

use crate::{namespace::Namespace, support::enter_namespace};

/// How instances reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// They are ports of one bridge; the host has an address there.
    Bridge,
    /// Each has a link to the host, which routes.
    Routed,
}

/// The address family of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Shape {
    /// The address of an instance, which is numbered from 1.
    pub fn address(self, number: u8, family: Family) -> IpAddr {
        let (network, host) = if self == Self::Bridge { (0, number) } else { (number, 1) };
        at(network, host, family)
    }

    /// The host's address on the link of an instance.
    pub fn gateway(self, number: u8, family: Family) -> IpAddr {
        at(if self == Self::Bridge { 0 } else { number }, 254, family)
    }

    /// What the device of an instance stands for.
    pub fn interface(self, number: u8) -> Interface {
        let id = NetworkInterfaceId::from_entropy(number.into());
        let addresses = [Family::V4, Family::V6].map(|family| self.address(number, family));
        Interface::new(id, mac(number), addresses)
    }
}

fn at(network: u8, host: u8, family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(10, 0, network, host).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, network.into(), 0, 0, 0, 0, host.into()).into(),
    }
}

/// The MAC of an instance.
pub fn mac(number: u8) -> Mac {
    Mac([0x00, 0x16, 0x3e, 0, 0, number])
}

/// The MAC of the host on the bridge.
pub const BRIDGE_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0xfe]);

/// A host with instances, without enforcement. Its own addresses are there at once, without detection of duplicates. This thread is in the host's namespace.
pub struct Topology {
    pub shape: Shape,
    pub host: Namespace,
    /// Each one's namespace; its device there is `eth0`, and the host's end of it `v` and its number.
    pub instances: Vec<Namespace>,
}

impl Topology {
    pub fn new(shape: Shape, count: u8) -> Self {
        enter_namespace();
        let host = Namespace::current();
        if shape == Shape::Bridge {
            host.batch(&format!(
                "link add br0 address {BRIDGE_MAC} type bridge
                 link set br0 addrgenmode none up
                 addr add fe80::fe/64 dev br0 nodad
                 addr add {}/24 dev br0
                 addr add {}/64 dev br0 nodad",
                shape.gateway(1, Family::V4),
                shape.gateway(1, Family::V6)
            ));
        } else {
            host.set("ipv4/ip_forward", "1");
            host.set("ipv6/conf/all/forwarding", "1");
        }
        let instances = (0..count).map(|_| Namespace::new()).collect();
        let topology = Self { shape, host, instances };
        for number in 1..=count {
            topology.connect(number);
        }
        topology
    }

    /// Instances on a bridge, of which nobody, nor the host, says anything by itself.
    pub fn silent(count: u8) -> Self {
        enter_namespace();
        let host = Namespace::current();
        let instances: Vec<Namespace> = (0..count).map(|_| Namespace::new()).collect();
        for namespace in instances.iter().chain([&host]) {
            namespace.set("ipv6/conf/all/disable_ipv6", "1");
            namespace.set("ipv6/conf/default/disable_ipv6", "1");
        }
        host.batch("link add br0 type bridge mcast_snooping 0\nlink set br0 arp off multicast off up");
        for (namespace, number) in instances.iter().zip(1..) {
            host.batch(&format!(
                "link add v{number} type veth peer name eth0 address {} netns {}
                 link set v{number} master br0 arp off multicast off up",
                mac(number),
                namespace.path()
            ));
            namespace.batch("link set eth0 arp off multicast off up");
        }
        Self { shape: Shape::Bridge, host, instances }
    }

    pub fn namespace(&self, number: u8) -> &Namespace {
        &self.instances[usize::from(number) - 1]
    }

    /// The host's end of an instance's link.
    pub fn device(number: u8) -> Device {
        Device::named(&format!("v{number}")).unwrap()
    }

    /// Makes an instance's link.
    pub fn connect(&self, number: u8) {
        let namespace = self.namespace(number);
        let [v4, v6] = [Family::V4, Family::V6].map(|family| self.shape.address(number, family));
        let [gateway4, gateway6] = [Family::V4, Family::V6].map(|family| self.shape.gateway(number, family));
        let up = match self.shape {
            Shape::Bridge => format!("link set v{number} master br0 up"),
            Shape::Routed => format!(
                "link set v{number} addrgenmode none up
                 addr add fe80::fe/64 dev v{number} nodad
                 addr add {gateway4}/24 dev v{number}
                 addr add {gateway6}/64 dev v{number} nodad"
            ),
        };
        self.host.batch(&format!(
            "link add v{number} type veth peer name eth0 address {} netns {}\n{up}",
            mac(number),
            namespace.path()
        ));
        namespace.batch(&format!(
            "link set lo up
             link set eth0 up
             addr add {v4}/24 dev eth0
             addr add {v6}/64 dev eth0 nodad
             route add default via {gateway4}
             route add default via {gateway6}"
        ));
    }
}
