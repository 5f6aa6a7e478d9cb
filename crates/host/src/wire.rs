//! How an interface is wired: a pair of devices, one end in the instance's namespace and one in the host's, and what
//! makes packets go through them.
//!
//! Bridged: the host's end is a port of a bridge; the instance has its addresses with the network's prefix length.
//! Routed: the instance has its addresses alone (/32, /128) and sends everything to the host, which is 169.254.1.1 and
//! fe80::1 on every such link, answers for all addresses there, and has one route for each address of the instance.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::address::Mac;
use thiserror::Error;

use crate::{
    Link, NamespaceError, Netlink, NetlinkError,
    departure::{self, Departure},
    in_namespace,
    namespace::{self, set_parameter},
    netlink::{MAIN_TABLE, Pair, Route},
};

/// The host on every routed link.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
/// The same for IPv6.
pub const GATEWAY_IPV6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// Why an interface is not wired.
#[derive(Debug, Error)]
pub enum WireError {
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A device, an address or a route.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

/// What the host's end is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Medium {
    /// A bridge.
    Bridged {
        /// Its name.
        bridge: String,
        /// The length of the network's IPv4 prefix.
        ipv4_length: u8,
        /// The length of the network's IPv6 prefix.
        ipv6_length: u8,
    },
    /// The host's routing table.
    Routed,
}

/// An interface as it is to be wired.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wire {
    /// The instance's namespace.
    pub namespace: String,
    /// The device in it.
    pub inner_device: String,
    /// Its place among the instance's interfaces, from 0.
    pub number: u32,
    /// Its MAC.
    pub mac: Mac,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its link-local address.
    pub link_local: Ipv6Addr,
    /// The host's end.
    pub device: String,
    /// The MAC of that.
    pub device_mac: Mac,
    /// The group of devices that the host's end is in, by which its maker finds it again.
    pub group: u32,
    /// What it is connected to.
    pub medium: Medium,
}

/// Makes the calling thread's namespace one of a lab's host: it forwards, and accepts no configuration from others.
///
/// # Errors
/// [`WireError`].
pub fn prepare_host() -> Result<(), WireError> {
    prepare_ipv6()?;
    for (name, value) in [
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
        ("ipv6/conf/all/forwarding", "1"),
    ] {
        set_parameter(name, value)?;
    }
    let netlink = Netlink::open()?;
    let loopback = netlink.link("lo")?.index;
    netlink.set_up(loopback)?;
    // Without an address of its own the host would not answer for the gateway.
    Ok(netlink.add_address(loopback, IpAddr::V4(GATEWAY), 32)?)
}

/// Makes the calling thread's namespace one of an instance: it answers ARP only for addresses of the asked device.
///
/// # Errors
/// [`WireError`].
pub fn prepare_instance() -> Result<(), WireError> {
    prepare_ipv6()?;
    for (name, value) in [
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
        ("ipv4/conf/all/arp_ignore", "1"),
        ("ipv4/conf/all/arp_announce", "2"),
    ] {
        set_parameter(name, value)?;
    }
    if namespace::has_ipv6() {
        set_parameter("ipv6/conf/default/accept_ra", "0")?;
    }
    let netlink = Netlink::open()?;
    let loopback = netlink.link("lo")?.index;
    Ok(netlink.set_up(loopback)?)
}

/// Addresses are given and can be used at once: nobody is asked whether they have them, and none is made up.
fn prepare_ipv6() -> Result<(), NamespaceError> {
    if !namespace::has_ipv6() {
        return Ok(());
    }
    for which in ["all", "default"] {
        set_parameter(&format!("ipv6/conf/{which}/disable_ipv6"), "0")?;
        set_parameter(&format!("ipv6/conf/{which}/accept_dad"), "0")?;
    }
    // 1: no link-local address of its own making.
    set_parameter("ipv6/conf/default/addr_gen_mode", "1")
}

impl Wire {
    /// Makes the pair of devices, switched off. The calling thread is in the host's namespace, as for all that follows.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn make(&self, netlink: &Netlink) -> Result<Link, WireError> {
        use std::os::fd::AsFd;
        in_namespace(&self.namespace, || self.remove_stale())??;
        let namespace = namespace::open(&self.namespace)?;
        netlink.add_pair(&Pair {
            name: &self.device,
            mac: self.device_mac,
            group: self.group,
            peer_name: &self.inner_device,
            peer_mac: self.mac,
            peer_namespace: namespace.as_fd(),
        })?;
        Ok(netlink.link(&self.device)?)
    }

    /// Removes what an interface that stood here before has left: its routing rules, and its device where the other end
    /// was in a host that is gone.
    fn remove_stale(&self) -> Result<(), NetlinkError> {
        let netlink = Netlink::open()?;
        departure::forget(&netlink, self.number)?;
        match netlink.link(&self.inner_device) {
            Ok(link) => netlink.remove_link(link.index),
            Err(NetlinkError::NoDevice { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Switches both ends on, and gives them what they need. What guards the device is in place before.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn connect(&self, netlink: &Netlink, link: &Link) -> Result<(), WireError> {
        in_namespace(&self.namespace, || self.connect_inner())??;
        match &self.medium {
            Medium::Bridged { bridge, .. } => {
                let bridge = netlink.link(bridge)?.index;
                netlink.set_master(link.index, bridge)?;
                netlink.set_up(link.index)?;
            }
            Medium::Routed => self.connect_routed(netlink, link.index)?,
        }
        Ok(())
    }

    fn connect_inner(&self) -> Result<(), WireError> {
        let netlink = Netlink::open()?;
        let index = netlink.link(&self.inner_device)?.index;
        netlink.set_up(index)?;
        netlink.add_address(index, IpAddr::V6(self.link_local), 64)?;
        for address in &self.addresses {
            netlink.add_address(index, *address, self.length(*address))?;
        }
        if self.medium == Medium::Routed {
            let departure = Departure {
                device: index,
                number: self.number,
                addresses: &self.addresses,
                on_link: &[],
                gateways: &[IpAddr::V4(GATEWAY), IpAddr::V6(GATEWAY_IPV6)],
            };
            departure.make(&netlink)?;
        }
        Ok(())
    }

    fn length(&self, address: IpAddr) -> u8 {
        match (&self.medium, address) {
            (Medium::Bridged { ipv4_length, .. }, IpAddr::V4(_)) => *ipv4_length,
            (Medium::Bridged { ipv6_length, .. }, IpAddr::V6(_)) => *ipv6_length,
            (Medium::Routed, IpAddr::V4(_)) => 32,
            (Medium::Routed, IpAddr::V6(_)) => 128,
        }
    }

    fn connect_routed(&self, netlink: &Netlink, device: u32) -> Result<(), WireError> {
        let name = &self.device;
        set_parameter(&format!("ipv4/conf/{name}/proxy_arp"), "1")?;
        set_parameter(&format!("ipv4/neigh/{name}/proxy_delay"), "0")?;
        netlink.set_up(device)?;
        netlink.add_address(device, IpAddr::V6(GATEWAY_IPV6), 64)?;
        for address in &self.addresses {
            let to = (*address, self.length(*address));
            netlink.add_route(&Route { to, gateway: None, device, metric: 0, table: MAIN_TABLE })?;
        }
        Ok(())
    }
}
