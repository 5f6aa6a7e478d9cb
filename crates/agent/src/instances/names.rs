//! Names of what is made for instances, and the marks by which it is found again. They follow from ids, so that whoever
//! made something knows it, whatever happened to the process that did.

use std::{fmt, str::FromStr};

use model::{InstanceId, NetworkId, NetworkInterfaceId, NodeId, address::Mac};

/// The group of every device that is made in the node's own namespace: by it they are told from those of others.
pub const DEVICE_GROUP: u32 = 0x7261_7669;
/// What the names of namespaces begin with; the id of the instance follows.
const NAMESPACE: &str = "ravelin-";
/// What the names of bridges begin with.
pub const BRIDGE: &str = "rv-";
/// What the names of the host's ends of interfaces begin with.
pub const DEVICE: &str = "ve-";
/// How much of an id fits into the name of a device behind that: 62 bits of its 128.
const DIGITS: usize = 12;

/// The namespace of an instance.
pub fn namespace(instance: InstanceId) -> String {
    format!("{NAMESPACE}{instance}")
}

/// Whose namespace it is by its name; none: no instance's.
pub fn instance_of(namespace: &str) -> Option<InstanceId> {
    namespace.strip_prefix(NAMESPACE)?.parse().ok()
}

/// The bridge of a network: `rv-` and the last twelve characters of the network's id.
pub fn bridge(network: NetworkId) -> String {
    shortened(BRIDGE, &network.to_string())
}

/// What is written on a bridge when it is set up.
pub fn bridge_alias(network: NetworkId) -> String {
    format!("ravelin:{network}")
}

/// The MAC of a network's bridge, the same on each node: joined bridges are one gateway.
pub fn bridge_mac(network: NetworkId) -> Mac {
    let [a, b, c, d, ..] = network.number().to_le_bytes();
    Mac([0x02, 0x17, a, b, c, d])
}

/// The host's end of an interface: `ve-` and the last twelve characters of the interface's id.
pub fn device(interface: NetworkInterfaceId) -> String {
    shortened(DEVICE, &interface.to_string())
}

/// The MAC of the host's end, which nobody ever sees.
pub fn device_mac(interface: NetworkInterfaceId) -> Mac {
    let [a, b, c, d, ..] = interface.number().to_le_bytes();
    Mac([0xfe, 0x17, a, b, c, d])
}

/// The instance's end.
pub fn inner_device(number: u32) -> String {
    format!("eth{number}")
}

fn shortened(prefix: &str, id: &str) -> String {
    format!("{prefix}{}", id.get(id.len().saturating_sub(DIGITS)..).unwrap_or(id))
}

/// What is written on the loopback device of an instance's namespace: who made it, and of which start and image it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The node that made it.
    pub node: NodeId,
    /// The number of the start.
    pub boots: u64,
    /// The number of the image.
    pub images: u64,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ravelin:{} boots {} images {}", self.node, self.boots, self.images)
    }
}

/// The text is no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no mark of an instance's namespace")]
pub struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let words: Vec<&str> = text.strip_prefix("ravelin:").ok_or(NoMark)?.split(' ').collect();
        let [node, "boots", boots, "images", images] = words[..] else { return Err(NoMark) };
        Ok(Self {
            node: node.parse().map_err(|_| NoMark)?,
            boots: boots.parse().map_err(|_| NoMark)?,
            images: images.parse().map_err(|_| NoMark)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_fit_and_end_as_their_ids_do() {
        for number in [0, 7, u128::MAX] {
            let (network, interface) =
                (NetworkId::from_entropy(number), NetworkInterfaceId::from_entropy(number));
            for (name, id) in
                [(bridge(network), network.to_string()), (device(interface), interface.to_string())]
            {
                assert_eq!(name.len(), 15, "{name}");
                assert!(id.ends_with(&name[3..]), "{name} of {id}");
            }
            let instance = InstanceId::from_entropy(number);
            assert_eq!(instance_of(&namespace(instance)), Some(instance));
        }
        for other in ["ravelin-shop", "ravelin-shop-web", "ravelin-i-", "i-5", ""] {
            assert_eq!(instance_of(other), None, "{other}");
        }
    }

    #[test]
    fn marks_are_read_as_they_were_written() {
        let mark = Mark { node: NodeId::from_entropy(9), boots: 3, images: u64::MAX };
        let text = mark.to_string();
        assert_eq!(text.parse(), Ok(mark));
        for other in ["", "ravelin:", "ravelin:node-1 boots 1 images 1", &text[1..], &format!("{text} ")] {
            assert_eq!(other.parse::<Mark>(), Err(NoMark), "{other}");
        }
    }
}
