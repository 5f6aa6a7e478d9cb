//! Every packet that a few rules can tell apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::{
    address::Prefix,
    rule::{PortRange, Rule},
};

use super::packets::made;
use crate::packet::{Family, Packet};

/// The numbers of protocols without ports, one of each kind, and of ICMP over the other family.
const WITHOUT_PORTS: [u8; 4] = [1, 47, 50, 58];
const WITH_PORTS: [u8; 2] = [6, 17];

/// All packets of a family, as far as these rules can tell them apart: between the edges of all rules nothing changes, so
/// one packet is made for each value at an edge and next to it. Few rules have many such packets.
pub fn every_packet(rules: &[&Rule], family: Family, mut each: impl FnMut(Packet)) {
    let (ipv4, ipv6): (Ends, Ends) = (
        (|rule| &rule.source, |rule| &rule.destination),
        (|rule| &rule.ipv6_source, |rule| &rule.ipv6_destination),
    );
    let (source, destination) = if family == Family::Ipv4 { ipv4 } else { ipv6 };
    let (sources, destinations) = (addresses(rules, family, source), addresses(rules, family, destination));
    let (from, to) = (ports(rules, |rule| rule.source_ports), ports(rules, |rule| rule.ports));
    for (source, destination) in product(&sources, &destinations) {
        let mut packet = |protocol, ports| each(made(protocol, source, destination, ports));
        WITHOUT_PORTS.into_iter().for_each(|protocol| packet(protocol, (0, 0)));
        for ports in product(&from, &to) {
            WITH_PORTS.into_iter().for_each(|protocol| packet(protocol, ports));
        }
    }
}

/// What rules name as source and as destination.
type Ends = (fn(&Rule) -> &Option<Prefix>, fn(&Rule) -> &Option<Prefix>);

fn addresses(rules: &[&Rule], family: Family, end: fn(&Rule) -> &Option<Prefix>) -> Vec<IpAddr> {
    let range = |prefix: &Prefix| (bits(prefix.net().network()), bits(prefix.net().broadcast()));
    let ranges = rules.iter().filter_map(|rule| end(rule).as_ref()).map(range);
    let edges = edges(ranges, u128::MAX >> (128 - family.bits()));
    edges.into_iter().map(|bits| address(family, bits)).collect()
}

fn ports(rules: &[&Rule], named: fn(&Rule) -> PortRange) -> Vec<u16> {
    let range = |rule: &&Rule| match named(rule) {
        PortRange::Ports { low, high } => Some((low.into(), high.into())),
        PortRange::None => None,
    };
    let edges = edges(rules.iter().filter_map(range), u16::MAX.into());
    edges.into_iter().map(|port| u16::try_from(port).unwrap_or(u16::MAX)).collect()
}

/// The values at each side of every edge.
fn edges(ranges: impl Iterator<Item = (u128, u128)>, most: u128) -> Vec<u128> {
    let around = |(first, last): (u128, u128)| {
        [Some(first), first.checked_sub(1), Some(last), last.checked_add(1)].into_iter().flatten()
    };
    let mut edges: Vec<u128> =
        ranges.flat_map(around).chain([0, most]).filter(|value| *value <= most).collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn address(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::Ipv4 => Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).into(),
        Family::Ipv6 => Ipv6Addr::from_bits(bits).into(),
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn product<'a, T: Copy>(one: &'a [T], other: &'a [T]) -> impl Iterator<Item = (T, T)> + 'a {
    one.iter().flat_map(|a| other.iter().map(|b| (*a, *b)))
}
