//! What is bound: devices, and the interfaces that they stand for.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use ipnet::IpNet;
use model::{NetworkInterfaceId, address::Mac};

/// A network device of this network namespace: a tap, or the host's end of a veth.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its index, which is what a binding holds to. A device that is made anew has another one.
    pub ifindex: u32,
    /// Its name, for people; checked when it is bound.
    pub name: Box<str>,
}

/// What an interface may be, as its host enforces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The interface that the device stands for.
    pub id: NetworkInterfaceId,
    /// Its MAC. The link-local address that goes with it (EUI-64, RFC 4291, appendix A) is its own as well.
    pub mac: Mac,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Prefixes from which it may send and for which it may receive, beside its addresses.
    pub prefixes: Vec<IpNet>,
    /// Whether addresses are checked: source and destination, the sender of ARP, the target of a neighbour advertisement.
    /// Off for an interface that forwards for others. MACs, and that it is neither router nor DHCP server of the link, are
    /// checked all the same.
    pub source_check: bool,
    /// The most flows that it may have at a time.
    pub flows_max: u32,
    /// For how long TCP flows may begin in the middle, from now on: for interfaces whose flows were running before. It
    /// begins when a device is bound; another configuration may only end it earlier.
    pub adopt: Duration,
}

impl Interface {
    /// The flows of an interface where nothing else is said.
    pub const FLOWS_MAX_DEFAULT: u32 = 65_536;

    /// An interface with these addresses, its sources checked, and the default share of flows.
    pub fn new(id: NetworkInterfaceId, mac: Mac, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self {
            id,
            mac,
            addresses: addresses.into_iter().collect(),
            prefixes: Vec::new(),
            source_check: true,
            flows_max: Self::FLOWS_MAX_DEFAULT,
            adopt: Duration::ZERO,
        }
    }

    /// The link-local address of its MAC.
    pub fn link_local(&self) -> Ipv6Addr {
        link_local(self.mac)
    }
}

/// `fe80::` with the modified EUI-64 of the MAC (RFC 4291, appendix A).
pub(crate) fn link_local(mac: Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0.map(u16::from);
    Ipv6Addr::new(0xfe80, 0, 0, 0, (a ^ 2) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f)
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($number:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

numbers! {
    /// A device that stands for an interface. Its number is never used again.
    Binding(u32);
    /// A policy class of this dataplane: a place for plans. Its number may be used again after it is removed.
    ClassId(u32);
    /// A generation of the control plane: which change a plan follows from.
    Generation(u64);
    /// One switch of one class. Equal stamps mean equal rules; no stamp is ever used again, by no class.
    Stamp(u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_local_address_follows_from_the_mac() {
        let mac = Mac([0x00, 0x16, 0x3e, 0x01, 0x02, 0x03]);
        assert_eq!(link_local(mac), "fe80::216:3eff:fe01:203".parse::<Ipv6Addr>().unwrap());
    }
}
