//! What rules see of a packet.

use std::{fmt, net::IpAddr};

use model::rule::Protocol;
use thiserror::Error;

/// The numbers of the protocols that rules name (IANA, Assigned Internet Protocol Numbers).
pub mod protocol {
    /// ICMP, for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// GRE.
    pub const GRE: u8 = 47;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    Ipv4 = 0,
    /// IPv6.
    Ipv6 = 1,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }

    /// The family whose addresses packets of a protocol (an IP protocol number) have; none: either may be.
    pub fn of_protocol(protocol: u8) -> Option<Self> {
        match protocol {
            protocol::ICMP => Some(Self::Ipv4),
            protocol::ICMPV6 => Some(Self::Ipv6),
            _ => None,
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Ipv4 => Self::Ipv6,
            Self::Ipv6 => Self::Ipv4,
        }
    }

    /// The bits of an address.
    pub fn bits(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// The addresses of a packet are of two families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the source and the destination of a packet are both IPv4 or both IPv6")]
pub struct MixedFamilies;

/// What rules see of a packet. Both addresses are of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Packet {
    protocol: u8,
    source: IpAddr,
    destination: IpAddr,
    source_port: u16,
    destination_port: u16,
}

impl Packet {
    /// A packet of `protocol` (an IP protocol number). The ports, source first, count for TCP and UDP alone; for other
    /// protocols they are taken as 0.
    ///
    /// # Errors
    /// [`MixedFamilies`].
    pub fn new(
        protocol: u8,
        source: IpAddr,
        destination: IpAddr,
        ports: (u16, u16),
    ) -> Result<Self, MixedFamilies> {
        if source.is_ipv4() != destination.is_ipv4() {
            return Err(MixedFamilies);
        }
        let has_ports = matches!(protocol, protocol::TCP | protocol::UDP);
        let (source_port, destination_port) = if has_ports { ports } else { (0, 0) };
        Ok(Self { protocol, source, destination, source_port, destination_port })
    }

    /// Its IP protocol number.
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// The family of its addresses.
    pub fn family(&self) -> Family {
        Family::of(self.source)
    }

    /// Whom it is from.
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// Whom it is for.
    pub fn destination(&self) -> IpAddr {
        self.destination
    }

    /// The port it is from; 0 where the protocol has none.
    pub fn source_port(&self) -> u16 {
        self.source_port
    }

    /// The port it is for; 0 where the protocol has none.
    pub fn destination_port(&self) -> u16 {
        self.destination_port
    }

    /// The packet that answers it.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}

/// The protocols that rules tell apart. Their numbers are `enum protocol_kind` of the dataplane's `layout.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolKind {
    /// TCP.
    Tcp = 0,
    /// UDP.
    Udp = 1,
    /// ICMP over IPv4.
    Icmp = 2,
    /// ICMPv6 over IPv6.
    Icmpv6 = 3,
    /// GRE.
    Gre = 4,
    /// Everything else; ICMP over IPv6 and ICMPv6 over IPv4 too.
    Other = 5,
}

impl ProtocolKind {
    /// All of them, each at the place that is its number.
    pub const ALL: [Self; 6] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Icmpv6, Self::Gre, Self::Other];

    /// The kind of a packet.
    pub fn of(packet: &Packet) -> Self {
        match (packet.protocol, packet.source.is_ipv4()) {
            (protocol::TCP, _) => Self::Tcp,
            (protocol::UDP, _) => Self::Udp,
            (protocol::ICMP, true) => Self::Icmp,
            (protocol::ICMPV6, false) => Self::Icmpv6,
            (protocol::GRE, _) => Self::Gre,
            _ => Self::Other,
        }
    }

    /// Whether packets of the kind have ports.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }

    /// Whether a rule that names this protocol is about packets of the kind.
    pub fn is_of(self, named: Protocol) -> bool {
        match named {
            Protocol::All => true,
            Protocol::Tcp => self == Self::Tcp,
            Protocol::Udp => self == Self::Udp,
            Protocol::Icmp => self == Self::Icmp,
            Protocol::Icmpv6 => self == Self::Icmpv6,
            Protocol::Gre => self == Self::Gre,
        }
    }
}

impl fmt::Display for ProtocolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Icmpv6 => "icmpv6",
            Self::Gre => "gre",
            Self::Other => "other",
        })
    }
}
