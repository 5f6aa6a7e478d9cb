//! Random packets at the edges of rules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use model::{
    address::Prefix,
    rule::{Direction, PortRange, Protocol, Rule},
};

use super::Random;
use crate::{
    class::PolicyClass,
    difference::{AddressSet, Piece, PortSet},
    packet::{Family, Packet, ProtocolKind},
};

/// How often a packet is drawn anew that must be between ordinary addresses.
const TRIES: usize = 16;

/// A packet and the direction in which it goes, drawn at the edges of a rule of the class, or of two.
pub fn packet(random: &mut Random, class: &PolicyClass) -> (Direction, Packet) {
    let rules: Vec<&Rule> = class.groups().iter().flat_map(|group| group.rules.iter()).collect();
    let mut direction = random.one_of(&[Direction::Ingress, Direction::Egress]);
    if rules.is_empty() || random.percent(5) {
        return (direction, anything(random));
    }
    // The two ends are mostly those of one rule, else of two.
    let first = random.one_of(&rules);
    let second = if random.percent(80) { first } else { random.one_of(&rules) };
    if random.percent(90) {
        direction = first.direction;
    }
    let ipv4 = match first.source.is_some() || first.destination.is_some() {
        true if first.ipv6_source.is_none() && first.ipv6_destination.is_none() => random.percent(95),
        true => random.percent(50),
        false if first.ipv6_source.is_some() || first.ipv6_destination.is_some() => random.percent(5),
        false => random.percent(50),
    };
    let (source, destination) = if ipv4 {
        (address(random, first.source.as_ref(), true), address(random, second.destination.as_ref(), true))
    } else {
        (
            address(random, first.ipv6_source.as_ref(), false),
            address(random, second.ipv6_destination.as_ref(), false),
        )
    };
    let ports = (port(random, first.source_ports), port(random, second.ports));
    let protocol = protocol(random, first.protocol);
    (direction, made(protocol, source, destination, ports))
}

/// A packet as [`packet`] draws it, but neither from nor for an address that no single host has (multicast,
/// broadcast, unspecified, loopback, and the block of IPv4 that is reserved).
pub fn unicast_packet(random: &mut Random, class: &PolicyClass) -> (Direction, Packet) {
    for _ in 0..TRIES {
        let (direction, packet) = packet(random, class);
        if is_unicast(packet.source()) && is_unicast(packet.destination()) {
            return (direction, packet);
        }
    }
    let (from, to) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
    (Direction::Ingress, made(6, from, to, (random.port(), random.port())))
}

/// A packet drawn at the edges of a piece, inside and next to it, in its direction.
pub fn packet_near(random: &mut Random, piece: &Piece) -> Packet {
    let protocols: Vec<u8> = piece.protocols().iter().map(number).collect();
    let own = random.one_of(&protocols);
    let protocol = if random.percent(90) { own } else { protocol(random, Protocol::All) };
    let families: Vec<Family> = Family::ALL.into_iter().filter(|family| piece.is_of(*family)).collect();
    let is_ipv4 = random.one_of(&families) == Family::Ipv4;
    let mut end = |set: Option<&AddressSet>| {
        let prefixes: Vec<IpNet> = set.into_iter().flat_map(AddressSet::prefixes).collect();
        let prefix = (!prefixes.is_empty()).then(|| random.one_of(&prefixes));
        address_near(random, prefix, is_ipv4)
    };
    let (remote, local) = (end(piece.remote()), end(piece.local()));
    let (source, destination) = match piece.direction() {
        Direction::Ingress => (remote, local),
        Direction::Egress => (local, remote),
    };
    let mut port = |set: &PortSet| {
        let ranges: Vec<(u16, u16)> = set.ranges().map(|range| (*range.start(), *range.end())).collect();
        let (low, high) = random.one_of(&ranges);
        port_near(random, low, high)
    };
    let ports = (port(piece.source_ports()), port(piece.destination_ports()));
    made(protocol, source, destination, ports)
}

/// A number that packets of the kind have.
fn number(kind: ProtocolKind) -> u8 {
    match kind {
        ProtocolKind::Tcp => 6,
        ProtocolKind::Udp => 17,
        ProtocolKind::Icmp => 1,
        ProtocolKind::Icmpv6 => 58,
        ProtocolKind::Gre => 47,
        ProtocolKind::Other => 132,
    }
}

fn is_unicast(address: IpAddr) -> bool {
    let special = address.is_multicast() || address.is_unspecified() || address.is_loopback();
    let reserved = match address {
        IpAddr::V4(address) => matches!(address.octets()[0], 0 | 240..),
        IpAddr::V6(_) => false,
    };
    !special && !reserved
}

fn anything(random: &mut Random) -> Packet {
    let ipv4 = random.percent(50);
    let (source, destination) = (address(random, None, ipv4), address(random, None, ipv4));
    let protocol = protocol(random, Protocol::All);
    made(protocol, source, destination, (random.port(), random.port()))
}

pub(super) fn made(protocol: u8, source: IpAddr, destination: IpAddr, ports: (u16, u16)) -> Packet {
    match Packet::new(protocol, source, destination, ports) {
        Ok(packet) => packet,
        // Both addresses are drawn for one family.
        Err(mixed) => unreachable!("{mixed}"),
    }
}

/// An address in the prefix, at its edges, or next to it; where there is none, any.
fn address(random: &mut Random, prefix: Option<&Prefix>, ipv4: bool) -> IpAddr {
    address_near(random, prefix.map(Prefix::net), ipv4)
}

#[allow(clippy::cast_possible_truncation, reason = "32 of the bits are wanted")]
fn address_near(random: &mut Random, prefix: Option<IpNet>, ipv4: bool) -> IpAddr {
    let net = prefix.filter(|_| random.percent(95));
    let wide = u128::from(random.number()) << 64 | u128::from(random.number());
    match net {
        Some(IpNet::V4(net)) => {
            let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
            let inside = first | (wide as u32 & (last - first));
            Ipv4Addr::from_bits(random.one_of(&[
                first,
                last,
                inside,
                first.wrapping_sub(1),
                last.wrapping_add(1),
            ]))
            .into()
        }
        Some(IpNet::V6(net)) => {
            let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
            let inside = first | (wide & (last - first));
            not_mapped(random.one_of(&[first, last, inside, first.wrapping_sub(1), last.wrapping_add(1)]))
        }
        None if ipv4 => Ipv4Addr::from_bits(wide as u32).into(),
        None => not_mapped(wide),
    }
}

/// The address; an IPv6 packet with an IPv4-mapped one is malformed, and another one takes its place.
fn not_mapped(bits: u128) -> IpAddr {
    let address = Ipv6Addr::from_bits(bits);
    match address.to_ipv4_mapped() {
        Some(_) => Ipv6Addr::from_bits(bits | 0x2001 << 112).into(),
        None => address.into(),
    }
}

fn port(random: &mut Random, range: PortRange) -> u16 {
    let PortRange::Ports { low, high } = range else { return random.port() };
    port_near(random, low, high)
}

fn port_near(random: &mut Random, low: u16, high: u16) -> u16 {
    let inside = low.saturating_add(random.port() % (high.saturating_sub(low)).max(1));
    random.one_of(&[low, high, inside, low.saturating_sub(1), high.saturating_add(1), 0])
}

fn protocol(random: &mut Random, named: Protocol) -> u8 {
    let own = match named {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Icmp => 1,
        Protocol::Icmpv6 => 58,
        Protocol::Gre => 47,
        Protocol::All => random.one_of(&[6, 17, 1, 58, 47, 50, 132]),
    };
    if random.percent(92) { own } else { random.one_of(&[6, 17, 1, 58, 47, 2, 50, 132, 255]) }
}
