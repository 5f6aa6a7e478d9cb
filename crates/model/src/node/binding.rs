//! What stands for a network interface on a node, and what it may be there.

use std::{fmt, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    account::AccountId,
    context::UnixMillis,
    id::{NetworkInterfaceId, NodeId},
};

/// The name of a network device: 1 to 15 visible ASCII characters, no `/` or `:` among them, and not `.` or `..`. The
/// kernel (`dev_valid_name`) takes other bytes too, which nobody could read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceName(Box<str>);

/// The text cannot be the name of a network device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a name of a network device: 1 to 15 visible ASCII characters without `/` and `:`, not `.` or `..`"
)]
pub struct InvalidDeviceName;

impl DeviceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceName {
    type Err = InvalidDeviceName;

    fn from_str(text: &str) -> Result<Self, InvalidDeviceName> {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b':';
        let good = (1..=15).contains(&text.len()) && text != "." && text != ".." && text.bytes().all(plain);
        if good { Ok(Self(text.into())) } else { Err(InvalidDeviceName) }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which device of a node stands for an interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Device {
    /// The one of this name.
    Named(DeviceName),
    /// The one whose alias is `ravelin:` and the id of the interface.
    Aliased,
}

/// A network interface is enforced by a node, at a device. Ends when the interface is detached, deleted or released
/// with its instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The interface.
    pub interface: NetworkInterfaceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// The node.
    pub node: NodeId,
    /// The device.
    pub device: Device,
    /// For how many seconds, from when the device is bound, TCP flows that run already are taken over where a rule
    /// permits them in either direction.
    pub adopt_seconds: u32,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// What a network interface may be beside its own addresses. An interface without one is checked, and may be nothing
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforcement {
    /// The interface.
    pub interface: NetworkInterfaceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// Whether the addresses that it sends from and receives for are checked.
    pub source_check: bool,
    /// Prefixes that it may use beside its own addresses: none twice, in order.
    pub allowed_prefixes: Box<[IpNet]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_kernel_takes_and_people_can_read() {
        for good in ["a", "vnet0", "tap1234567890ab", "eth0.100", "...", "-"] {
            assert_eq!(good.parse::<DeviceName>().map(|name| name.to_string()).as_deref(), Ok(good));
        }
        for bad in
            ["", ".", "..", "tap1234567890abc", "a/b", "a:1", "a b", "a\tb", "a\nb", "a\u{1}", "\u{e9}"]
        {
            assert_eq!(bad.parse::<DeviceName>(), Err(InvalidDeviceName), "{bad:?}");
        }
    }
}
