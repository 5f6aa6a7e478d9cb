//! Security-group rules (ENS: permissions), as one value for both dialects of the wire.
//!
//! ENS has no rule id: a rule is its content (docs/decisions.md, decision 16). [`Rule::same_as`] says what makes two
//! rules the same one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{address::Prefix, context::UnixMillis};

/// Which way a packet goes, seen from the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// To the interface.
    Ingress,
    /// From the interface.
    Egress,
}

/// What a rule applies to. `Gre` exists in the old dialect of requests only, `Icmpv6` in the new one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP (for IPv4).
    Icmp,
    /// ICMPv6.
    Icmpv6,
    /// GRE.
    Gre,
    /// Every protocol.
    All,
}

impl Protocol {
    /// Whether the protocol has ports; where it has none, the port range is `-1/-1`.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }
}

/// What a rule does with a packet that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Policy {
    /// Lets it pass.
    Accept,
    /// Drops it and sends nothing back.
    Drop,
}

/// An inclusive range of ports, 1 to 65535, or all of them for protocols without ports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PortRange {
    /// `-1/-1`: the protocol has no ports.
    None,
    /// `low/high` with `1 <= low <= high`.
    Ports {
        /// The first port.
        low: u16,
        /// The last port.
        high: u16,
    },
}

impl PortRange {
    /// Every port: `1/65535`.
    pub const EVERY: Self = Self::Ports { low: 1, high: u16::MAX };

    /// Reads `low/high` for a protocol with ports, `-1/-1` for one without.
    pub fn parse(text: &str, protocol: Protocol) -> Option<Self> {
        if !protocol.has_ports() {
            return (text == "-1/-1").then_some(Self::None);
        }
        let (low, high) = text.split_once('/')?;
        let (low, high) = (port(low)?, port(high)?);
        (low <= high).then_some(Self::Ports { low, high })
    }

    /// The range that stands where none was given.
    pub fn default_for(protocol: Protocol) -> Self {
        if protocol.has_ports() { Self::EVERY } else { Self::None }
    }
}

/// A port in plain decimal, 1 to 65535: no sign, no leading zero.
fn port(text: &str) -> Option<u16> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("-1/-1"),
            Self::Ports { low, high } => write!(f, "{low}/{high}"),
        }
    }
}

impl fmt::Debug for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One rule of a security group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rule {
    /// Which way the packets go.
    pub direction: Direction,
    /// The protocol.
    pub protocol: Protocol,
    /// Accept or drop.
    pub policy: Policy,
    /// 1 to 100; the smaller number decides first.
    pub priority: u8,
    /// Destination ports.
    pub ports: PortRange,
    /// Source ports.
    pub source_ports: PortRange,
    /// IPv4 source.
    pub source: Option<Prefix>,
    /// IPv4 destination.
    pub destination: Option<Prefix>,
    /// IPv6 source.
    pub ipv6_source: Option<Prefix>,
    /// IPv6 destination.
    pub ipv6_destination: Option<Prefix>,
    /// What people wrote about it; not part of its identity.
    pub description: Option<Box<str>>,
    /// When it was added.
    pub created_at: UnixMillis,
}

impl Rule {
    /// Whether both are one rule: everything is equal but description and time of creation.
    pub fn same_as(&self, other: &Self) -> bool {
        self.direction == other.direction
            && self.protocol == other.protocol
            && self.policy == other.policy
            && self.priority == other.priority
            && self.ports == other.ports
            && self.source_ports == other.source_ports
            && self.source == other.source
            && self.destination == other.destination
            && self.ipv6_source == other.ipv6_source
            && self.ipv6_destination == other.ipv6_destination
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_ranges_are_read_strictly() {
        let read = |text| PortRange::parse(text, Protocol::Tcp);
        assert_eq!(read("80/80"), Some(PortRange::Ports { low: 80, high: 80 }));
        assert_eq!(read("1/65535"), Some(PortRange::EVERY));
        for text in
            ["200/1", "0/1", "1/65536", "-1/-1", "80", "80/", "/80", "080/80", "+1/2", "1/2/3", "", " 1/2"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(PortRange::parse("-1/-1", Protocol::Icmp), Some(PortRange::None));
        assert_eq!(PortRange::parse("1/65535", Protocol::All), None);
    }
}
