//! Network interfaces (ENIs).

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::{
    account::AccountId,
    address::Mac,
    context::UnixMillis,
    id::{InstanceId, NetworkInterfaceId, SecurityGroupId, VSwitchId},
};

/// Where an interface stands (the vendor's reference, DescribeNetworkInterfaces).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InterfaceStatus {
    /// Not attached.
    Available,
    /// Being attached to an instance.
    Attaching,
    /// Attached.
    InUse,
    /// Being detached.
    Detaching,
    /// Being deleted.
    Deleting,
}

impl InterfaceStatus {
    /// The name that the API gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Attaching => "Attaching",
            Self::InUse => "InUse",
            Self::Detaching => "Detaching",
            Self::Deleting => "Deleting",
        }
    }
}

/// A network interface.
///
/// The primary interface of an instance lives and dies with it and is what `InstanceId` stands for in
/// `JoinSecurityGroup` and `LeaveSecurityGroup`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// Its id.
    pub id: NetworkInterfaceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// The vSwitch that its addresses are from.
    pub vswitch: VSwitchId,
    /// The instance that it is attached to, is being attached to or detached from.
    pub instance: Option<InstanceId>,
    /// Whether it is the primary interface of its instance.
    pub primary: bool,
    /// Where it stands.
    pub status: InterfaceStatus,
    /// When a passing status ends.
    pub due_at: Option<UnixMillis>,
    /// Its first IPv4 address.
    pub address: Ipv4Addr,
    /// Further IPv4 addresses.
    pub secondary_addresses: Box<[Ipv4Addr]>,
    /// IPv6 addresses.
    pub ipv6_addresses: Box<[Ipv6Addr]>,
    /// Its MAC address.
    pub mac: Mac,
    /// Up to 128 characters, or empty.
    pub name: Box<str>,
    /// Up to 256 characters, or empty.
    pub description: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// The groups that it is a member of, the newest membership first.
    pub groups: Box<[SecurityGroupId]>,
}

impl NetworkInterface {
    /// Every IPv4 address, the first one first.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        std::iter::once(self.address).chain(self.secondary_addresses.iter().copied())
    }
}
