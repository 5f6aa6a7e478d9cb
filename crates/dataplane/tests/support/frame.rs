//! Builds frames.

use std::net::{IpAddr, Ipv4Addr};

use model::{address::Mac, rule::Direction};
use policy::Packet;

use super::{MAC, PEER_MAC};

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP: u8 = 1;
pub const ICMPV6: u8 = 58;

/// A frame that an interface with [`MAC`] sends (egress) or is sent (ingress).
pub fn frame(
    direction: Direction,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: &[u8],
) -> Vec<u8> {
    let (from, to) = match direction {
        Direction::Egress => (MAC, PEER_MAC),
        Direction::Ingress => (PEER_MAC, MAC),
    };
    ethernet(from, to, &ip(source, destination, protocol, payload))
}

/// Ethernet around an IP packet, by its version.
pub fn ethernet(from: Mac, to: Mac, packet: &[u8]) -> Vec<u8> {
    let ethertype: u16 = if packet.first().is_some_and(|byte| byte >> 4 == 6) { 0x86dd } else { 0x0800 };
    ethernet_of(from, to, ethertype, packet)
}

pub fn ethernet_of(from: Mac, to: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&to.0[..], &from.0, &ethertype.to_be_bytes(), payload].concat()
}

/// An IP packet.
pub fn ip(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4(source, destination, protocol, 0, payload),
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let hops = if protocol == ICMPV6 { 255 } else { 64 };
            let head = [0x60, 0, 0, 0];
            [
                &head[..],
                &length.to_be_bytes(),
                &[protocol, hops],
                &source.octets(),
                &destination.octets(),
                payload,
            ]
            .concat()
        }
        _ => panic!("addresses of two families"),
    }
}

/// An IPv4 packet with flags and offset of a fragment as they stand in its header.
pub fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap();
    let mut head = [
        &[0x45, 0][..],
        &length.to_be_bytes(),
        &[0x12, 0x34],
        &fragment.to_be_bytes(),
        &[64, protocol, 0, 0],
        &source.octets(),
        &destination.octets(),
    ]
    .concat();
    let sum = checksum(&head);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    [&head[..], payload].concat()
}

/// An ARP packet: operation, sender, target (RFC 826).
pub fn arp(to: Mac, operation: u16, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Vec<u8> {
    let packet = [
        &[0, 1, 8, 0, 6, 4][..],
        &operation.to_be_bytes(),
        &sender.0.0,
        &sender.1.octets(),
        &target.0.0,
        &target.1.octets(),
    ]
    .concat();
    ethernet_of(sender.0, to, 0x0806, &packet)
}

pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

pub fn tcp(source: u16, destination: u16, flags: u8) -> Vec<u8> {
    let mut header = vec![0; 20];
    header[..2].copy_from_slice(&source.to_be_bytes());
    header[2..4].copy_from_slice(&destination.to_be_bytes());
    header[12] = 5 << 4;
    header[13] = flags;
    header
}

pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    [&source.to_be_bytes()[..], &destination.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

/// An echo request or reply of either family.
pub fn echo(kind: u8, identifier: u16) -> Vec<u8> {
    let [a, b] = identifier.to_be_bytes();
    vec![kind, 0, 0, 0, a, b, 0, 1]
}

/// What the transport of a first packet of a flow holds.
pub fn transport(packet: &Packet, identifier: u16) -> Vec<u8> {
    match (packet.protocol(), packet.source().is_ipv4()) {
        (TCP, _) => tcp(packet.source_port(), packet.destination_port(), SYN),
        (UDP, _) => udp(packet.source_port(), packet.destination_port(), b"hello"),
        (ICMP, true) => echo(8, identifier),
        (ICMPV6, false) => echo(128, identifier),
        _ => vec![0; 24],
    }
}

/// The frame of a packet as an interface with [`MAC`] sends it or is sent it.
pub fn frame_of(direction: Direction, packet: &Packet, identifier: u16) -> Vec<u8> {
    let payload = transport(packet, identifier);
    frame(direction, packet.source(), packet.destination(), packet.protocol(), &payload)
}
