//! What a lab is: networks, groups and instances, as its file says, checked completely.
//!
//! A [`Definition`] that exists is sound: every name that is mentioned is there, every address lies in its network and is
//! nobody else's, and every set of groups can be enforced. It knows nothing of what runs on this host.

mod problem;
mod raw;
mod validate;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::{Ipv4Net, Ipv6Net};
use model::{NetworkInterfaceId, SecurityGroupId, address::Mac, rule::Rule};

pub use self::problem::{DefinitionError, Problem};

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The most networks of a lab.
pub const NETWORKS_MAX: usize = 64;
/// The most groups of a lab.
pub const GROUPS_MAX: usize = 1_000;
/// The most instances of a lab.
pub const INSTANCES_MAX: usize = 1_000;
/// The most interfaces of an instance.
pub const INTERFACES_MAX: usize = 16;
/// The most interfaces of a lab: as many as its dataplane has room for.
pub const LAB_INTERFACES_MAX: usize = 4_096;
/// The most addresses of an interface, both families together.
pub const ADDRESSES_MAX: usize = 32;

/// How the interfaces of a network reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Through a Linux bridge: they share one link.
    Bridged,
    /// Through the host's routing table: each has a link of its own.
    Routed,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name in the file.
    pub name: String,
    /// Bridged or routed.
    pub kind: NetworkKind,
    /// Where IPv4 addresses are from.
    pub ipv4: Ipv4Net,
    /// Where IPv6 addresses are from.
    pub ipv6: Option<Ipv6Net>,
}

/// A security group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name in the file.
    pub name: String,
    /// Its id, which follows from the names of lab and group.
    pub id: SecurityGroupId,
    /// Its rules, in the file's order.
    pub rules: Arc<[Rule]>,
}

/// An instance: a network namespace with interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its name in the file.
    pub name: String,
    /// Its interfaces: eth0, eth1 and so on.
    pub interfaces: Vec<Interface>,
}

/// An interface of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its id, which follows from the names of lab and instance and its number.
    pub id: NetworkInterfaceId,
    /// Whose it is.
    pub instance: String,
    /// Its place among the instance's interfaces, from 0: 1 is eth1.
    pub number: usize,
    /// The name of its network.
    pub network: String,
    /// Its IPv4 addresses, at least one.
    pub ipv4: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// The names of its groups, in alphabetical order.
    pub groups: Vec<String>,
    /// Whether its source addresses are checked.
    pub source_check: bool,
    /// Its MAC, which follows from its network and its first address.
    pub mac: Mac,
}

impl Interface {
    /// Every address of it, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let ipv4 = self.ipv4.iter().copied().map(IpAddr::V4);
        ipv4.chain(self.ipv6.iter().copied().map(IpAddr::V6))
    }

    /// The IPv6 address of its link alone, fe80::/64 with the EUI-64 of its MAC (RFC 4291, appendix A).
    pub fn link_local(&self) -> Ipv6Addr {
        link_local(self.mac)
    }
}

/// The link-local address that follows from a MAC (RFC 4291, appendix A).
pub fn link_local(mac: Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

/// A lab, as its file says.
#[derive(Debug, Clone)]
pub struct Definition {
    name: String,
    networks: Vec<Network>,
    groups: Vec<Group>,
    instances: Vec<Instance>,
    text: String,
}

impl Definition {
    /// Reads a lab's file.
    ///
    /// # Errors
    /// [`DefinitionError`], with everything that is wrong and the line where it is.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        validate::definition(text)
    }

    /// Reads a lab's file as it lies on a disk.
    ///
    /// # Errors
    /// As [`Self::parse`]; it is no text.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, DefinitionError> {
        raw::check_length(bytes.len())?;
        Self::parse(&raw::text(bytes)?)
    }

    /// The lab's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its networks, by name.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Its groups, by name.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Its instances, by name.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The file as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The network of this name.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// Every interface, by instance and number.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.instances.iter().flat_map(|instance| &instance.interfaces)
    }

    /// The same lab under another name; so that several of one file run beside each other.
    ///
    /// # Errors
    /// [`DefinitionError`]: the name is none of a lab.
    pub fn renamed(&self, name: &str) -> Result<Self, DefinitionError> {
        validate::renamed(&self.text, name)
    }
}

#[cfg(test)]
mod tests;
