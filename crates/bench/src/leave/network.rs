//! The network of a fleet on one machine: a namespace with a bridge for the control plane and whoever calls it, one for
//! each node with an uplink to it, and in that a pair of devices for each interface.
//!
//! Devices are made before anything is measured; nothing is measured of making them.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::AsFd as _,
    time::Duration,
};

use agent::device::alias_of;
use anyhow::Context as _;
use host::{Netlink, netlink::Pair};
use model::{NetworkInterfaceId, address::Mac};
use traffic::{Client, Protocol, Server};

use super::namespace::{Namespace, aside};

/// Where the control plane is, for nodes (RFC 2544: addresses of benchmarks).
pub const CONTROL_PLANE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const FLEET_LENGTH: u8 = 16;
const BRIDGE: &str = "fleet";
const UPLINK: &str = "uplink";
/// The bridge of a node's instances.
const INSTANCES: &str = "instances";

/// A network interface as the control plane has made it.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Its id.
    pub id: NetworkInterfaceId,
    /// Its MAC.
    pub mac: Mac,
    /// Its address.
    pub address: Ipv4Addr,
}

/// Makes the calling thread's namespace that of the control plane.
///
/// # Errors
/// The kernel refuses.
pub fn prepare_control_plane() -> anyhow::Result<()> {
    let netlink = Netlink::open()?;
    netlink.add_bridge(BRIDGE, Mac([2, 0x7f, 0, 0, 0, 1]), 0)?;
    let bridge = netlink.link(BRIDGE)?.index;
    netlink.set_up(bridge)?;
    Ok(netlink.add_address(bridge, CONTROL_PLANE.into(), FLEET_LENGTH)?)
}

/// The host of a node.
#[derive(Debug)]
pub struct Host {
    /// Its namespace.
    pub namespace: Namespace,
    /// How many devices it has, bridges and uplinks not counted.
    devices: u32,
}

/// An instance: an interface whose other end is in a namespace of its own.
#[derive(Debug)]
pub struct Instance {
    namespace: Namespace,
    address: Ipv4Addr,
}

impl Instance {
    /// The two ends of a flow from this instance to a port of another one.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn flow_to(&self, other: &Self, port: u16) -> anyhow::Result<(Client, Server)> {
        let address = SocketAddr::from((other.address, port));
        let server = other.namespace.within(|| Ok(Server::listen(Protocol::Udp, address)?))?;
        // UDP: nobody is asked.
        let connect = || Ok(Client::connect(Protocol::Udp, address, Duration::ZERO)?);
        Ok((self.namespace.within(connect)?, server))
    }
}

impl Host {
    /// Makes one, with a way to the control plane. The number is its own among all, below 250. The calling thread is in
    /// the namespace of the control plane.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(number: u8) -> anyhow::Result<Self> {
        let namespace = Namespace::new()?;
        aside(|| {
            let (netlink, name) = (Netlink::open()?, format!("node{number}"));
            netlink.add_pair(&Pair {
                name: &name,
                mac: Mac([2, 0x7f, 0, 0, 1, number]),
                group: 0,
                peer_name: UPLINK,
                peer_mac: Mac([2, 0x7f, 0, 0, 2, number]),
                peer_namespace: namespace.as_fd(),
            })?;
            let port = netlink.link(&name)?.index;
            netlink.set_master(port, netlink.link(BRIDGE)?.index)?;
            Ok(netlink.set_up(port)?)
        })?;
        namespace.within(|| {
            let netlink = Netlink::open()?;
            let uplink = netlink.link(UPLINK)?.index;
            netlink.set_up(uplink)?;
            let [first, second, ..] = CONTROL_PLANE.octets();
            let own = Ipv4Addr::new(first, second, 1, number);
            netlink.add_address(uplink, own.into(), FLEET_LENGTH)?;
            netlink.add_bridge(INSTANCES, Mac([2, 0x7f, 0, 0, 3, number]), 0)?;
            Ok(netlink.set_up(netlink.link(INSTANCES)?.index)?)
        })?;
        Ok(Self { namespace, devices: 0 })
    }

    /// Makes a device for each of these interfaces, from which no packet ever comes: both its ends are here.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn add_devices(&mut self, interfaces: &[Interface]) -> anyhow::Result<()> {
        let first = self.devices;
        self.devices += u32::try_from(interfaces.len())?;
        let namespace = &self.namespace;
        namespace.within(|| {
            let netlink = Netlink::open()?;
            for (number, interface) in (first..).zip(interfaces) {
                add_device(&netlink, interface, number, &format!("p{number}"), namespace)?;
            }
            Ok(())
        })
    }

    /// Makes an instance with an interface, beside the others on the host's bridge.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn add_instance(&mut self, interface: &Interface) -> anyhow::Result<Instance> {
        /// The length of the prefix of the network that all instances are in.
        const LENGTH: u8 = 8;
        let instance = Instance { namespace: Namespace::new()?, address: interface.address };
        let number = self.devices;
        self.devices += 1;
        self.namespace.within(|| {
            let netlink = Netlink::open()?;
            let device = add_device(&netlink, interface, number, "eth0", &instance.namespace)?;
            netlink.set_master(device, netlink.link(INSTANCES)?.index)?;
            Ok(netlink.set_up(device)?)
        })?;
        instance.namespace.within(|| {
            let netlink = Netlink::open()?;
            let device = netlink.link("eth0")?.index;
            netlink.set_up(device)?;
            Ok(netlink.add_address(device, IpAddr::V4(interface.address), LENGTH)?)
        })?;
        Ok(instance)
    }

    /// Bytes that have come over the uplink: all that the control plane has sent to this node, with what keeps the
    /// connection.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn bytes_received(&self) -> anyhow::Result<u64> {
        let text = self.namespace.within(|| Ok(fs::read_to_string("/proc/thread-self/net/dev")?))?;
        received(&text, UPLINK).context("the uplink of a node is not listed in /proc/net/dev")
    }
}

/// Makes the host's end of an interface's device and the other one; gives the index of the first.
fn add_device(
    netlink: &Netlink,
    interface: &Interface,
    number: u32,
    peer_name: &str,
    peer_namespace: &Namespace,
) -> anyhow::Result<u32> {
    let name = format!("d{number}");
    let [_, high, low_high, low] = number.to_be_bytes();
    netlink.add_pair(&Pair {
        name: &name,
        mac: Mac([2, 0x7f, 1, high, low_high, low]),
        group: 0,
        peer_name,
        peer_mac: interface.mac,
        peer_namespace: peer_namespace.as_fd(),
    })?;
    let index = netlink.link(&name)?.index;
    netlink.set_alias(index, &alias_of(interface.id))?;
    Ok(index)
}

/// The bytes that a device has received, from the text of `/proc/net/dev`.
fn received(text: &str, device: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(device)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use nix::unistd::Uid;
    use traffic::Bundle;

    use super::*;

    #[test]
    fn flows_go_between_instances_and_nodes_reach_the_control_plane() {
        if !Uid::effective().is_root() {
            println!("skipped: only root can make network namespaces");
            return;
        }
        let interface = |number: u8| Interface {
            id: NetworkInterfaceId::from_entropy(number.into()),
            mac: Mac([2, 0, 0, 0, 0, number]),
            address: Ipv4Addr::new(10, 0, 0, number),
        };
        let arrives = Namespace::new().unwrap().within(|| {
            prepare_control_plane()?;
            let server = std::net::TcpListener::bind((CONTROL_PLANE, 0))?;
            let mut host = Host::new(7)?;
            host.add_devices(&[interface(1), interface(2)])?;
            let [from, to] = [host.add_instance(&interface(3))?, host.add_instance(&interface(4))?];
            let flow = from.flow_to(&to, 7_000)?;
            let flows = Bundle::begin(vec![flow], Duration::from_millis(1))?;
            let to = server.local_addr()?;
            host.namespace.within(|| Ok(std::net::TcpStream::connect(to)?))?;
            assert!(host.bytes_received()? > 0);
            let aliases = host.namespace.within(|| Ok(Netlink::open()?.links()?))?;
            for number in 1..=4 {
                let alias = alias_of(interface(number).id);
                assert_eq!(aliases.iter().filter(|link| link.alias == alias).count(), 1);
            }
            Ok(flows.flows_after(SystemTime::now(), Duration::from_secs(60)))
        });
        assert!(arrives.unwrap());
    }

    #[test]
    fn the_bytes_of_a_device_are_the_first_number_of_its_line() {
        let text = "Inter-|   Receive          |  Transmit\n face |bytes    packets\n    lo:     100       1\n\
                    uplink2: 5 6\nuplink: 1234567      89    0\n";
        assert_eq!(received(text, "uplink"), Some(1_234_567));
        assert_eq!(received(text, "lo"), Some(100));
        assert_eq!(received(text, "eth0"), None);
    }
}
