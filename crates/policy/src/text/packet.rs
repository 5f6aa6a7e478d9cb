//! Packets and flows as text.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use model::rule::Direction;

use super::words::{TextError, Words, direction, direction_word, plain_number};
use crate::packet::{Packet, protocol};

/// A flow, by the packet that began it and the way in which that went: seen from one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Ingress: the other end began it; egress: the interface did.
    pub direction: Direction,
    /// The first packet.
    pub first: Packet,
}

/// The names of protocols that have one.
const NAMES: [(&str, u8); 5] = [
    ("tcp", protocol::TCP),
    ("udp", protocol::UDP),
    ("icmp", protocol::ICMP),
    ("icmpv6", protocol::ICMPV6),
    ("gre", protocol::GRE),
];

impl fmt::Display for Packet {
    /// `tcp 10.0.0.1:40000 > 10.0.0.2:443`, `icmp 10.0.0.1 > 10.0.0.2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", NumberText(self.protocol()))?;
        if has_ports(self.protocol()) {
            let source = SocketAddr::new(self.source(), self.source_port());
            let destination = SocketAddr::new(self.destination(), self.destination_port());
            write!(f, " {source} > {destination}")
        } else {
            write!(f, " {} > {}", self.source(), self.destination())
        }
    }
}

/// The number of a protocol, by its name if it has one.
pub(crate) struct NumberText(pub(crate) u8);

impl fmt::Display for NumberText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Packet {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut words = Words::of(text);
        let packet = packet(&mut words)?;
        words.end("nothing more")?;
        Ok(packet)
    }
}

impl fmt::Display for Flow {
    /// `egress tcp 10.0.0.1:40000 > 10.0.0.2:443`: who began it stands first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", direction_word(self.direction), self.first)
    }
}

impl FromStr for Flow {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut words = Words::of(text);
        let flow = Self { direction: direction(&mut words)?, first: packet(&mut words)? };
        words.end("nothing more")?;
        Ok(flow)
    }
}

fn packet(words: &mut Words<'_>) -> Result<Packet, TextError> {
    let expected = "`tcp`, `udp`, `icmp`, `icmpv6`, `gre`, or the number of an IP protocol, 0 to 255";
    let protocol = words.read(expected, |word| {
        let named = NAMES.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
        named.or_else(|| plain_number(word))
    })?;
    let (source, source_port) = end(words, protocol)?;
    words.read("`>` between the two ends", |word| (word == ">").then_some(()))?;
    let family =
        if source.is_ipv4() { "an IPv4 address, as on the left" } else { "an IPv6 address, as on the left" };
    let mixed = words.error(family);
    let (destination, destination_port) = end(words, protocol)?;
    Packet::new(protocol, source, destination, (source_port, destination_port)).map_err(|_| mixed)
}

fn end(words: &mut Words<'_>, protocol: u8) -> Result<(IpAddr, u16), TextError> {
    if has_ports(protocol) {
        words.read("an address and a port, such as `10.0.0.1:443` or `[2001:db8::1]:443`", |word| {
            word.parse::<SocketAddr>().ok().map(|end| (end.ip(), end.port()))
        })
    } else {
        let address =
            words.read("an address without a port: only TCP and UDP have ports", |word| word.parse().ok())?;
        Ok((address, 0))
    }
}

fn has_ports(number: u8) -> bool {
    matches!(number, protocol::TCP | protocol::UDP)
}
