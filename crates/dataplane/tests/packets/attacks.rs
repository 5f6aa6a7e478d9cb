//! An instance that says it is somebody else, or something else.
//!
//! A quiet world: every frame is made here, so that what is dropped is counted to the last one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use dataplane::Reason;
use model::address::Mac;

use crate::{
    conversation::{Carrier::Udp, Conversation},
    link::Link,
    support::{frame, may_test_the_kernel},
    topology::{
        Family::{self, V4, V6},
        Shape::Bridge,
        mac,
    },
    world::World,
};

const EVERYBODY: Mac = Mac([0xff; 6]);
/// The attacker, its victim, and the neighbour that it says it is.
const ATTACKER: u8 = 1;
const VICTIM: u8 = 2;
const NEIGHBOUR: u8 = 3;
const PORT: u16 = 5000;

/// A bridge with an attacker, a victim that accepts all UDP to a port, and a neighbour.
struct Scene {
    world: World,
    attacker: Link,
    victim: Link,
    markers: u16,
}

fn own(number: u8, family: Family) -> IpAddr {
    Bridge.address(number, family)
}

fn v4(number: u8) -> Ipv4Addr {
    match own(number, V4) {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => unreachable!("it is asked for IPv4"),
    }
}

fn v6(number: u8) -> Ipv6Addr {
    match own(number, V6) {
        IpAddr::V6(address) => address,
        IpAddr::V4(_) => unreachable!("it is asked for IPv6"),
    }
}

fn datagram(from: u16, payload: &[u8]) -> Vec<u8> {
    frame::udp(from, PORT, payload)
}

impl Scene {
    fn new() -> Self {
        Self::of(World::silent(3))
    }

    fn of(mut world: World) -> Self {
        for number in [ATTACKER, NEIGHBOUR] {
            world.groups(number, &[&["ingress accept all"]]);
        }
        world.groups(VICTIM, &[&["ingress accept udp to port 5000"]]);
        let (attacker, victim) = (Link::of(&world, ATTACKER), Link::of(&world, VICTIM));
        Self { world, attacker, victim, markers: 0 }
    }

    fn reasons(&self) -> Vec<(Reason, u64)> {
        self.world.drops(ATTACKER).iter().collect()
    }

    /// Sends frames that are all dropped for one reason at the attacker's own interface, and none that arrives.
    #[track_caller]
    fn assert_dropped(&mut self, reason: Reason, frames: &[Vec<u8>]) {
        let before = self.world.drops(ATTACKER);
        for frame in frames {
            self.attacker.send(frame);
        }
        let arrived = self.arrived();
        assert!(arrived.is_empty(), "{reason:?}: {arrived:02x?} arrived");
        let after = self.world.drops(ATTACKER);
        let sent = u64::try_from(frames.len()).unwrap();
        assert_eq!(after.of(reason), before.of(reason) + sent, "{reason:?}: {:?}", self.reasons());
        assert_eq!(after.total(), before.total() + sent, "{reason:?}: {:?}", self.reasons());
    }

    /// What the victim has been sent by the attacker, to now.
    fn arrived(&mut self) -> Vec<Vec<u8>> {
        self.markers += 1;
        let payload = datagram(PORT, &self.markers.to_be_bytes());
        let packet = frame::ip(own(ATTACKER, V4), own(VICTIM, V4), frame::UDP, &payload);
        let marker = frame::ethernet(mac(ATTACKER), mac(VICTIM), &packet);
        self.attacker.send(&marker);
        self.victim.receive_until(&marker)
    }
}

/// UDP of somebody.
fn udp(sender: Mac, source: IpAddr, family: Family) -> Vec<u8> {
    frame::ethernet(
        sender,
        mac(VICTIM),
        &frame::ip(source, own(VICTIM, family), frame::UDP, &datagram(40, b"spoofed")),
    )
}

#[test]
fn nobody_sends_from_an_address_or_mac_that_is_not_its_own() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let addresses =
        ["10.0.0.3", "10.0.0.2", "10.0.0.254", "0.0.0.0", "127.0.0.1", "255.255.255.255", "8.8.8.8"];
    let spoofed = addresses.map(|source| udp(mac(ATTACKER), source.parse().unwrap(), V4));
    scene.assert_dropped(Reason::SpoofedAddress, &spoofed);
    let addresses = ["2001:db8::3", "2001:db8::2", "::1", "::", "fe80::3", "2001:db9::1"];
    let spoofed = addresses.map(|source| udp(mac(ATTACKER), source.parse().unwrap(), V6));
    scene.assert_dropped(Reason::SpoofedAddress, &spoofed);
    let macs = [mac(NEIGHBOUR), mac(VICTIM), EVERYBODY, Mac([0; 6]), Mac([0x01, 0, 0x5e, 0, 0, 1])];
    let spoofed: Vec<Vec<u8>> = macs
        .into_iter()
        .flat_map(|sender| [V4, V6].map(|family| udp(sender, own(ATTACKER, family), family)))
        .collect();
    scene.assert_dropped(Reason::SpoofedMac, &spoofed);
    let malformed = [
        udp(mac(ATTACKER), "224.0.0.1".parse().unwrap(), V4),
        udp(mac(ATTACKER), "ff02::1".parse().unwrap(), V6),
        udp(mac(ATTACKER), "::ffff:10.0.0.1".parse().unwrap(), V6),
    ];
    scene.assert_dropped(Reason::Invalid, &malformed);
}

#[test]
fn nobody_answers_for_another_ones_address() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let victim = (mac(VICTIM), v4(VICTIM));
    let arp = |sender: Mac, address: Ipv4Addr| {
        [1, 2].map(|operation| frame::arp(mac(VICTIM), operation, (sender, address), victim))
    };
    let mut spoofed = arp(mac(ATTACKER), v4(NEIGHBOUR)).to_vec();
    spoofed.extend(arp(mac(ATTACKER), Ipv4Addr::new(10, 0, 0, 254)));
    // The sender's own MAC around somebody else's, and gratuitous.
    spoofed.extend(arp(mac(NEIGHBOUR), v4(NEIGHBOUR)).map(|mut frame| {
        frame[6..12].copy_from_slice(&mac(ATTACKER).0);
        frame
    }));
    let neighbour = (mac(ATTACKER), v4(NEIGHBOUR));
    spoofed.push(frame::arp(EVERYBODY, 1, neighbour, (Mac([0; 6]), v4(NEIGHBOUR))));
    scene.assert_dropped(Reason::SpoofedArp, &spoofed);
    let mac_too = arp(mac(NEIGHBOUR), v4(NEIGHBOUR));
    scene.assert_dropped(Reason::SpoofedMac, &mac_too);
    // Its own is its own to say, and a probe has no address.
    let probe = frame::arp(mac(VICTIM), 1, (mac(ATTACKER), Ipv4Addr::UNSPECIFIED), victim);
    let answer = frame::arp(mac(VICTIM), 2, (mac(ATTACKER), v4(ATTACKER)), victim);
    scene.attacker.send(&probe);
    scene.attacker.send(&answer);
    assert_eq!(scene.arrived(), [probe, answer]);
}

/// A message of ICMPv6 with its checksum.
fn icmpv6(source: Ipv6Addr, destination: Ipv6Addr, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = [&[kind, 0, 0, 0][..], body].concat();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let pseudo = [&source.octets()[..], &destination.octets(), &length, &[0, 0, 0, 58], &message].concat();
    let sum = frame::checksum(&pseudo);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let packet = frame::ip(source.into(), destination.into(), frame::ICMPV6, &message);
    frame::ethernet(mac(ATTACKER), mac(VICTIM), &packet)
}

/// An advertisement that a target has the attacker's MAC (RFC 4861, section 4.4).
fn advertisement(source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let body = [&[0x60, 0, 0, 0][..], &target.octets(), &[2, 1], &mac(ATTACKER).0].concat();
    icmpv6(source, v6(VICTIM), 136, &body)
}

#[test]
fn nobody_advertises_another_ones_ipv6_address_or_a_router() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let own = v6(ATTACKER);
    let link_local = Bridge.interface(ATTACKER).link_local();
    let targets = [v6(NEIGHBOUR), v6(VICTIM), "2001:db8::fe".parse().unwrap(), "fe80::fe".parse().unwrap()];
    let spoofed: Vec<Vec<u8>> = targets
        .iter()
        .flat_map(|target| [own, link_local].map(|from| advertisement(from, *target)))
        .collect();
    scene.assert_dropped(Reason::SpoofedNd, &spoofed);
    scene.assert_dropped(Reason::SpoofedAddress, &[advertisement(v6(NEIGHBOUR), v6(NEIGHBOUR))]);

    let router = icmpv6(link_local, v6(VICTIM), 134, &[64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    let redirect =
        icmpv6(link_local, v6(VICTIM), 137, &[&[0; 4][..], &own.octets(), &v6(NEIGHBOUR).octets()].concat());
    scene.assert_dropped(Reason::RogueRouter, &[router, redirect]);

    let right = advertisement(own, own);
    scene.attacker.send(&right);
    assert_eq!(scene.arrived(), [right]);
}

#[test]
fn nobody_is_a_dhcp_server_or_speaks_otherwise_than_ip() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let server = |family: Family, from: u16, to: u16| {
        let (source, destination) = (own(ATTACKER, family), own(VICTIM, family));
        let packet = frame::ip(source, destination, frame::UDP, &frame::udp(from, to, &[0; 240]));
        frame::ethernet(mac(ATTACKER), mac(VICTIM), &packet)
    };
    scene.assert_dropped(Reason::RogueDhcp, &[server(V4, 67, 68), server(V6, 547, 546)]);
    let of_type = |ethertype: u16| {
        frame::ethernet_of(
            mac(ATTACKER),
            mac(VICTIM),
            ethertype,
            &udp(mac(ATTACKER), own(ATTACKER, V4), V4)[14..],
        )
    };
    scene.assert_dropped(Reason::Ethertype, &[0x88cc, 0x8847, 0x8863, 0x88f7, 0x0600, 46].map(of_type));
    let tag = |ethertype: u16| {
        let inner = [&[0, 5][..], &udp(mac(ATTACKER), own(ATTACKER, V4), V4)[12..]].concat();
        frame::ethernet_of(mac(ATTACKER), mac(VICTIM), ethertype, &inner)
    };
    scene.assert_dropped(Reason::Vlan, &[0x8100, 0x88a8, 0x9100].map(tag));
    // IP of one version in the type of the other.
    let mut wrong = udp(mac(ATTACKER), own(ATTACKER, V4), V4);
    wrong[12..14].copy_from_slice(&[0x86, 0xdd]);
    scene.assert_dropped(Reason::Invalid, &[wrong]);
}

#[test]
fn nobody_sends_into_a_neighbours_flow() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::of(World::new(Bridge, 3));
    let victim = SocketAddr::new(own(VICTIM, V4), PORT);
    scene.world.groups(VICTIM, &[&["ingress accept udp from 10.0.0.3 to port 5000"]]);
    let flow = Conversation::through(&scene.world, Udp, NEIGHBOUR, victim, (VICTIM, victim));
    flow.wait_both_ways();
    let tuple = scene.world.host_flow(VICTIM);
    let inject = |sender: Mac, source: IpAddr, to: u8, ports: (u16, u16)| {
        let payload = frame::udp(ports.0, ports.1, b"injected");
        frame::ethernet(sender, mac(to), &frame::ip(source, own(to, V4), frame::UDP, &payload))
    };
    // As the neighbour to the victim, and as the victim to the neighbour; with its MAC and with the attacker's own.
    let (neighbour, server) = (own(NEIGHBOUR, V4), own(VICTIM, V4));
    let frames = |sender: &dyn Fn(u8) -> Mac| {
        vec![
            inject(sender(NEIGHBOUR), neighbour, VICTIM, (tuple.remote_port, PORT)),
            inject(sender(VICTIM), server, NEIGHBOUR, (PORT, tuple.remote_port)),
        ]
    };
    let all = [
        (Reason::SpoofedAddress, frames(&|_| mac(ATTACKER))),
        (Reason::SpoofedMac, frames(&mac)),
        // As itself, with the flow's ports: that is another flow, which the victim does not accept.
        (Reason::Implicit, vec![inject(mac(ATTACKER), own(ATTACKER, V4), VICTIM, (tuple.remote_port, PORT))]),
    ];
    for (reason, frames) in &all {
        let at = if *reason == Reason::Implicit { VICTIM } else { ATTACKER };
        let before = scene.world.drops(at).of(*reason);
        frames.iter().for_each(|frame| scene.attacker.send(frame));
        let wanted = before + frames.len() as u64;
        crate::support::wait_until("it is dropped", || scene.world.drops(at).of(*reason) == wanted);
    }
    flow.wait_both_ways();
    while let Some(frame) = scene.victim.receive() {
        assert!(!frame.ends_with(b"injected"), "{frame:02x?} arrived");
    }
    flow.assert_lossless();
}

#[test]
fn who_is_pinged_does_not_ping_back_with_the_same_identifier() {
    if !may_test_the_kernel() {
        return;
    }
    // The attacker answers pings of the victim, which accepts none itself.
    let mut scene = Scene::new();
    let echo = |from: u8, to: u8, family: Family, request: bool| {
        let (protocol, kind) = match (family, request) {
            (V4, true) => (frame::ICMP, 8),
            (V4, false) => (frame::ICMP, 0),
            (V6, true) => (frame::ICMPV6, 128),
            (V6, false) => (frame::ICMPV6, 129),
        };
        let packet = frame::ip(own(from, family), own(to, family), protocol, &frame::echo(kind, 77));
        frame::ethernet(mac(from), mac(to), &packet)
    };
    for family in [V4, V6] {
        let ping = echo(VICTIM, ATTACKER, family, true);
        scene.victim.send(&ping);
        scene.attacker.receive_until(&ping);
        let answer = echo(ATTACKER, VICTIM, family, false);
        scene.attacker.send(&echo(ATTACKER, VICTIM, family, true));
        scene.attacker.send(&answer);
        assert_eq!(scene.arrived(), [answer]);
    }
    scene.world.assert_drops(VICTIM, &[(Reason::Implicit, 2)]);
}
