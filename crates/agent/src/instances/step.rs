//! What is done to this host for instances, one thing at a time.

use std::fmt;

use host::netlink::{Address, NoTransit};
use model::{InstanceId, NetworkId};

/// One thing that is done. Whatever comes to an end between two of them, what is missing is found by looking again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The processes in an instance's namespace are ended.
    EndProcesses {
        /// The instance.
        instance: InstanceId,
    },
    /// A device of the node's namespace is removed, and with it the other end of its pair.
    RemoveDevice {
        /// Its index.
        index: u32,
        /// Its name.
        name: String,
    },
    /// An instance's namespace is removed, or what was left of it.
    RemoveNamespace {
        /// The instance.
        instance: InstanceId,
    },
    /// A bridge is made, switched off.
    MakeBridge {
        /// Its network.
        network: NetworkId,
    },
    /// A routing rule is removed, since its bridge is gone.
    RemoveRule(NoTransit),
    /// An address is taken from a bridge.
    RemoveAddress {
        /// The network of the bridge.
        network: NetworkId,
        /// The address.
        address: Address,
    },
    /// A bridge gets what it needs, and is switched on.
    SetUpBridge {
        /// Its network.
        network: NetworkId,
    },
    /// An instance's namespace is made.
    MakeNamespace {
        /// The instance.
        instance: InstanceId,
    },
    /// The devices of an interface are made, switched off.
    MakeDevices {
        /// The instance.
        instance: InstanceId,
        /// The place of the interface among those of the instance.
        number: u32,
    },
    /// The instance's end gets its addresses and routes, and is switched on.
    Configure {
        /// The instance.
        instance: InstanceId,
        /// The place of the interface among those of the instance.
        number: u32,
    },
    /// The host's end becomes a port of its bridge, and is named, so that it can be bound.
    Offer {
        /// The instance.
        instance: InstanceId,
        /// The place of the interface among those of the instance.
        number: u32,
    },
    /// The host's end, which is bound, is switched on.
    SwitchOn {
        /// The instance.
        instance: InstanceId,
        /// The place of the interface among those of the instance.
        number: u32,
        /// The index of the device that is bound.
        index: u32,
    },
    /// A bridge is removed.
    RemoveBridge {
        /// Its index.
        index: u32,
        /// Its name.
        name: String,
    },
}

impl Step {
    /// The instance that it is for, where it is for one alone.
    pub fn instance(&self) -> Option<InstanceId> {
        match self {
            Self::EndProcesses { instance }
            | Self::RemoveNamespace { instance }
            | Self::MakeNamespace { instance }
            | Self::MakeDevices { instance, .. }
            | Self::Configure { instance, .. }
            | Self::Offer { instance, .. }
            | Self::SwitchOn { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    /// The network that it is for, where it is for one.
    pub fn network(&self) -> Option<NetworkId> {
        match self {
            Self::MakeBridge { network }
            | Self::RemoveAddress { network, .. }
            | Self::SetUpBridge { network } => Some(*network),
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndProcesses { instance } => write!(f, "end the processes of {instance}"),
            Self::RemoveDevice { name, .. } => write!(f, "remove the device {name}"),
            Self::RemoveNamespace { instance } => write!(f, "remove the namespace of {instance}"),
            Self::MakeBridge { network } => write!(f, "make the bridge of {network}"),
            Self::RemoveRule(rule) => write!(f, "remove a routing rule for {}", rule.device),
            Self::RemoveAddress { network, address } => {
                write!(f, "take the address {} from the bridge of {network}", address.address)
            }
            Self::SetUpBridge { network } => write!(f, "set up the bridge of {network}"),
            Self::MakeNamespace { instance } => write!(f, "make the namespace of {instance}"),
            Self::MakeDevices { instance, number } => write!(f, "make eth{number} of {instance}"),
            Self::Configure { instance, number } => write!(f, "configure eth{number} of {instance}"),
            Self::Offer { instance, number } => write!(f, "name the device of eth{number} of {instance}"),
            Self::SwitchOn { instance, number, .. } => write!(f, "switch on eth{number} of {instance}"),
            Self::RemoveBridge { name, .. } => write!(f, "remove the bridge {name}"),
        }
    }
}
