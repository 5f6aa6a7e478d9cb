//! The instances that a lab node is to run.

use std::net::IpAddr;

use ipnet::IpNet;
use model::{NetworkId, NetworkInterfaceId, address::Mac};

/// How an instance is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedState {
    /// It runs.
    Running,
    /// It does not run.
    Stopped,
    /// It is not there at all, and the node is to say so.
    Gone,
}

/// An instance that a lab node is to run, to stop or to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredInstance {
    /// What it calls itself.
    pub host_name: Box<str>,
    /// How it is to be.
    pub wanted: WantedState,
    /// How often it was started: what runs with another number is started anew.
    pub boots: u64,
    /// How often it was made anew: what was made with another number is made anew.
    pub images: u64,
    /// Its interfaces, the primary one first.
    pub interfaces: Box<[DesiredInstanceInterface]>,
}

impl DesiredInstance {
    /// About how many bytes it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.host_name.len() + self.interfaces.iter().map(DesiredInstanceInterface::bytes).sum::<usize>()
    }
}

impl DesiredInstanceInterface {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.blocks)
            + size_of_val(&*self.addresses)
            + size_of_val(&*self.gateways)
    }
}

/// An interface as its instance has it. What it may send and receive is said by [`super::DesiredInterface`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredInstanceInterface {
    /// Which one.
    pub id: NetworkInterfaceId,
    /// The network that it is in.
    pub network: NetworkId,
    /// The network's blocks, one of each family that it has addresses of.
    pub blocks: Box<[IpNet]>,
    /// Its MAC.
    pub mac: Mac,
    /// Its addresses with the length of its vSwitch's prefix, the first one first.
    pub addresses: Box<[IpNet]>,
    /// The gateways of its vSwitch, one of each family that it has addresses of.
    pub gateways: Box<[IpAddr]>,
}
