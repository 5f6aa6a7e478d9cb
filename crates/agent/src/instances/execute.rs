//! Steps, carried out. The calling thread is in the node's own namespace.

use std::{net::IpAddr, os::fd::AsFd, path::Path};

use host::{
    Link, NamespaceError, Netlink, NetlinkError,
    departure::Departure,
    in_namespace,
    namespace::{self, set_parameter},
    netlink::{Address, Pair},
    wire::{WireError, prepare_instance},
};
use model::{InstanceId, NetworkId, NodeId};

use super::{
    difference,
    names::{self, Mark},
    step::Step,
    target::{Port, Target},
};
use crate::device::alias_of;

/// Why a step could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// Devices, addresses, routes or rules.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// What it is about is not wanted any more.
    #[error("it is not wanted any more")]
    Unwanted,
    /// The device that was bound is another one by now.
    #[error("the device {0} was made anew meanwhile")]
    MadeAnew(String),
}

impl From<WireError> for StepError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Namespace(error) => Self::Namespace(error),
            WireError::Netlink(error) => Self::Netlink(error),
        }
    }
}

/// What steps are carried out with.
pub struct Execution<'a> {
    /// This node.
    pub node: NodeId,
    /// What has to be there.
    pub target: &'a Target,
    /// The node's own namespace.
    pub netlink: &'a Netlink,
}

impl Execution<'_> {
    /// Carries out a step. Ending processes is done elsewhere, for many instances at once.
    ///
    /// # Errors
    /// [`StepError`].
    pub fn run(&self, step: &Step) -> Result<(), StepError> {
        match step {
            Step::EndProcesses { .. } => Ok(()),
            Step::RemoveDevice { index, .. } | Step::RemoveBridge { index, .. } => {
                Ok(self.netlink.remove_link(*index)?)
            }
            Step::RemoveNamespace { instance } => Ok(namespace::remove(&names::namespace(*instance))?),
            Step::MakeBridge { network } => {
                let (name, mac) = (names::bridge(*network), names::bridge_mac(*network));
                Ok(self.netlink.add_bridge(&name, mac, names::DEVICE_GROUP)?)
            }
            Step::RemoveRule(rule) => Ok(self.netlink.remove_no_transit(rule)?),
            Step::RemoveAddress { address, .. } => Ok(self.netlink.remove_address(address)?),
            Step::SetUpBridge { network } => self.set_up_bridge(*network),
            Step::MakeNamespace { instance } => self.make_namespace(*instance),
            Step::MakeDevices { instance, number } => {
                self.make_devices(*instance, self.port(*instance, *number)?)
            }
            Step::Configure { instance, number } => {
                let port = self.port(*instance, *number)?;
                in_namespace(&names::namespace(*instance), || configure(port))?
            }
            Step::Offer { instance, number } => self.offer(self.port(*instance, *number)?),
            Step::SwitchOn { instance, number, index } => {
                let link = self.netlink.link(&self.port(*instance, *number)?.device())?;
                if link.index != *index {
                    return Err(StepError::MadeAnew(link.name));
                }
                Ok(self.netlink.set_up(*index)?)
            }
        }
    }

    fn port(&self, instance: InstanceId, number: u32) -> Result<&Port, StepError> {
        self.target.port(instance, number).ok_or(StepError::Unwanted)
    }

    /// Nothing is forwarded from a bridge before it is switched on. The alias says that all of it is done.
    fn set_up_bridge(&self, network: NetworkId) -> Result<(), StepError> {
        let gateways = self.target.bridges.get(&network).ok_or(StepError::Unwanted)?;
        let link = self.netlink.link(&names::bridge(network))?;
        restrain(&link.name)?;
        for rule in difference::rules(&link.name, namespace::has_ipv6()) {
            self.netlink.add_no_transit(&rule)?;
        }
        for gateway in gateways {
            self.netlink.add_address(link.index, gateway.addr(), gateway.prefix_len())?;
        }
        self.netlink.set_up(link.index)?;
        Ok(self.netlink.set_alias(link.index, &names::bridge_alias(network))?)
    }

    fn make_namespace(&self, instance: InstanceId) -> Result<(), StepError> {
        let machine = self.target.machines.get(&instance).ok_or(StepError::Unwanted)?;
        let mark = Mark { node: self.node, boots: machine.boots, images: machine.images };
        let (name, owner) = (names::namespace(instance), self.node.to_string());
        namespace::create_for(&name, &owner, || {
            prepare_instance()?;
            let netlink = Netlink::open()?;
            let loopback = netlink.link("lo")?.index;
            Ok(netlink.set_alias(loopback, &mark.to_string())?)
        })
    }

    fn make_devices(&self, instance: InstanceId, port: &Port) -> Result<(), StepError> {
        let namespace = namespace::open(&names::namespace(instance))?;
        Ok(self.netlink.add_pair(&Pair {
            name: &port.device(),
            mac: names::device_mac(port.interface),
            group: names::DEVICE_GROUP,
            peer_name: &port.inner_device(),
            peer_mac: port.mac,
            peer_namespace: namespace.as_fd(),
        })?)
    }

    /// The alias, by which the device is found and bound, comes last.
    fn offer(&self, port: &Port) -> Result<(), StepError> {
        let link = self.netlink.link(&port.device())?;
        let bridge = self.netlink.link(&names::bridge(port.network))?;
        // The host itself says nothing through it.
        set_where_there_is(&format!("ipv6/conf/{}/disable_ipv6", link.name), "1")?;
        self.netlink.set_master(link.index, bridge.index)?;
        Ok(self.netlink.set_alias(link.index, &alias_of(port.interface))?)
    }
}

/// A bridge accepts no configuration from instances, and answers for its own addresses alone.
fn restrain(bridge: &str) -> Result<(), NamespaceError> {
    for (parameter, value) in [("rp_filter", "0"), ("accept_redirects", "0"), ("arp_ignore", "1")] {
        set_parameter(&format!("ipv4/conf/{bridge}/{parameter}"), value)?;
    }
    for (parameter, value) in [
        ("disable_ipv6", "0"),
        ("accept_ra", "0"),
        ("accept_dad", "0"),
        ("accept_redirects", "0"),
        // No link-local address, which would be the same on each of several bridges that are joined.
        ("addr_gen_mode", "1"),
    ] {
        set_where_there_is(&format!("ipv6/conf/{bridge}/{parameter}"), value)?;
    }
    Ok(())
}

/// Sets a parameter where the kernel has it.
fn set_where_there_is(name: &str, value: &str) -> Result<(), NamespaceError> {
    if Path::new("/proc/sys/net").join(name).exists() { set_parameter(name, value) } else { Ok(()) }
}

/// The calling thread is in the instance's namespace.
fn configure(port: &Port) -> Result<(), StepError> {
    let netlink = Netlink::open()?;
    let link = netlink.link(&port.inner_device())?;
    netlink.set_up(link.index)?;
    let mut wanted: Vec<(IpAddr, u8)> =
        port.addresses.iter().map(|address| (address.addr(), address.prefix_len())).collect();
    if namespace::has_ipv6() {
        let own = dataplane::Interface::new(port.interface, port.mac, []);
        wanted.push((IpAddr::V6(own.link_local()), 64));
    }
    remove_others(&netlink, &link, &wanted)?;
    for (address, length) in &wanted {
        netlink.add_address(link.index, *address, *length)?;
    }
    let addresses: Vec<IpAddr> = port.addresses.iter().map(ipnet::IpNet::addr).collect();
    let on_link: Vec<(IpAddr, u8)> =
        port.blocks.iter().map(|block| (block.network(), block.prefix_len())).collect();
    let departure = Departure {
        device: link.index,
        number: port.number,
        addresses: &addresses,
        on_link: &on_link,
        gateways: &port.gateways,
    };
    departure.make(&netlink)?;
    Ok(netlink.set_alias(link.index, &port.inner_alias())?)
}

/// Addresses that were given here and are not wanted any more. What somebody in the instance added stays.
fn remove_others(netlink: &Netlink, link: &Link, wanted: &[(IpAddr, u8)]) -> Result<(), NetlinkError> {
    let other = |own: &Address| {
        own.device == link.index && own.marked && !wanted.contains(&(own.address, own.length))
    };
    netlink.addresses()?.iter().filter(|own| other(own)).try_for_each(|own| netlink.remove_address(own))
}
