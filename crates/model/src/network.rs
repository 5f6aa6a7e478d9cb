//! Networks and vSwitches: the address space of one account at one edge site.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::{
    account::AccountId,
    context::UnixMillis,
    id::{NetworkId, VSwitchId},
    site::Symbol,
    tag::Tags,
};

/// A network: a private IPv4 block at one edge site, cut into vSwitches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Network {
    /// Its id.
    pub id: NetworkId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// The edge site (`EnsRegionId`).
    pub region: Symbol,
    /// The IPv4 block.
    pub cidr: Ipv4Net,
    /// The IPv6 block, where IPv6 is on.
    pub ipv6_cidr: Option<Ipv6Net>,
    /// The provider that the IPv6 block was asked from (`Ipv6Isp`), or empty.
    pub ipv6_isp: Box<str>,
    /// Up to 128 characters, or empty.
    pub name: Box<str>,
    /// Up to 256 characters, or empty.
    pub description: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// Its tags.
    pub tags: Tags,
    /// Whether it was made for instances that named no vSwitch: the account's default at this site.
    pub default: bool,
}

/// A vSwitch: a part of a network from which interfaces get their addresses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VSwitch {
    /// Its id.
    pub id: VSwitchId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// The network that it is a part of.
    pub network: NetworkId,
    /// The edge site (`EnsRegionId`), that of its network.
    pub region: Symbol,
    /// The IPv4 block, /16 to /29.
    pub cidr: Ipv4Net,
    /// The IPv6 block (/64), where IPv6 is on.
    pub ipv6_cidr: Option<Ipv6Net>,
    /// Up to 128 characters, or empty.
    pub name: Box<str>,
    /// Up to 256 characters, or empty.
    pub description: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// Its tags.
    pub tags: Tags,
}

impl VSwitch {
    /// The gateway: the first address of the block.
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cidr.network()) + 1)
    }

    /// The IPv6 gateway, where IPv6 is on: the first address of the block behind its own.
    pub fn ipv6_gateway(&self) -> Option<Ipv6Addr> {
        self.ipv6_cidr.map(|cidr| Ipv6Addr::from(u128::from(cidr.network()) + 1))
    }

    /// Whether interfaces may have the address: in the block, and neither the network's own, the gateway's nor the
    /// broadcast address.
    pub fn may_assign(&self, address: Ipv4Addr) -> bool {
        self.cidr.contains(&address)
            && address != self.cidr.network()
            && address != self.gateway()
            && address != self.cidr.broadcast()
    }
}
