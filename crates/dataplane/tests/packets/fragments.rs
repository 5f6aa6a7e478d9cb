//! Fragments: those of what is admitted pass, those that hide what is not do not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use dataplane::Reason;

use crate::{
    link::Link,
    support::{frame, may_test_the_kernel, wait_until},
    topology::{
        Family::{V4, V6},
        Shape::Bridge,
        mac,
    },
    world::World,
};

const MORE: u16 = 0x2000;

/// The first instance sends to the second one, which accepts UDP and TCP to port 5000.
struct Scene {
    world: World,
    from: Link,
    to: Link,
    markers: u16,
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

/// A fragment of a datagram of its own, by its id; the offset is in bytes.
fn fragment(id: u16, protocol: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let bits = (offset / 8) | if more { MORE } else { 0 };
    let mut packet = frame::ipv4(address(1), address(2), protocol, bits, payload);
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet[10..12].fill(0);
    let sum = frame::checksum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    frame::ethernet(mac(1), mac(2), &packet)
}

impl Scene {
    fn new() -> Self {
        let mut world = World::silent(2);
        // The host does not put together what it bridges.
        world.topology.host.set("bridge/bridge-nf-call-iptables", "0");
        world.groups(1, &[]);
        world.groups(2, &[&["ingress accept udp to port 5000", "ingress accept tcp to port 5000"]]);
        let (from, to) = (Link::of(&world, 1), Link::of(&world, 2));
        Self { world, from, to, markers: 0 }
    }

    /// Sends frames. Gives those that arrive.
    fn send(&mut self, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        for frame in frames {
            self.from.send(frame);
        }
        self.markers += 1;
        let payload = frame::udp(1, 5000, &self.markers.to_be_bytes());
        let packet = frame::ip(address(1).into(), address(2).into(), frame::UDP, &payload);
        let marker = frame::ethernet(mac(1), mac(2), &packet);
        self.from.send(&marker);
        self.to.receive_until(&marker)
    }
}

#[test]
fn a_large_datagram_passes_in_fragments_and_is_cut_with_its_flow() {
    if !may_test_the_kernel() {
        return;
    }
    let mut world = World::new(Bridge, 2);
    world.groups(1, &[]);
    for family in [V4, V6] {
        let (client, server) = (Bridge.address(1, family), Bridge.address(2, family));
        let at = SocketAddr::new(server, 5000);
        let receiver = world.namespace(2).within(|| UdpSocket::bind(at).unwrap());
        receiver.set_nonblocking(true).unwrap();
        let sender = world.namespace(1).within(|| UdpSocket::bind(SocketAddr::new(client, 4000)).unwrap());
        let mut buffer = [0; 9000];
        let mut receives = |what: &str| {
            let mut length = 0;
            wait_until(what, || {
                length = receiver.recv(&mut buffer).unwrap_or(0);
                length > 0
            });
            length
        };
        world.groups(2, &[&["ingress accept udp to port 5000"]]);
        for size in [1473, 4000, 8000] {
            sender.send_to(&vec![7; size], at).unwrap();
            assert_eq!(receives("a large datagram arrives"), size);
        }
        world.groups(2, &[]);
        sender.send_to(&[7; 8000], at).unwrap();
        wait_until("all its fragments are dropped", || {
            let drops = world.drops(2);
            drops.of(Reason::DeadFlow) + drops.of(Reason::Fragment) >= if family == V4 { 6 } else { 12 }
        });
        world.groups(2, &[&["ingress accept udp to port 5000"]]);
        sender.send_to(&[7; 1500], at).unwrap();
        assert_eq!(receives("it lives again"), 1500);
    }
}

#[test]
fn what_a_tiny_first_fragment_hides_does_not_pass() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let tcp = frame::tcp(1000, 22, frame::SYN);
    // Ports alone, the flags in the second one; and the same of what would be accepted.
    let mut frames = Vec::new();
    for (id, header) in [(1, &tcp), (2, &frame::tcp(1000, 5000, frame::SYN))] {
        frames.push(fragment(id, frame::TCP, 0, true, &header[..8]));
        frames.push(fragment(id, frame::TCP, 0, true, &header[..16]));
        frames.push(fragment(id, frame::TCP, 8, false, &header[8..]));
    }
    frames.push(fragment(3, frame::UDP, 0, true, &[]));
    assert_eq!(scene.send(&frames), Vec::<Vec<u8>>::new());
    scene.world.assert_drops(1, &[(Reason::Fragment, 7)]);
}

#[test]
fn a_fragment_that_overlaps_a_header_does_not_pass() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    // A header of an accepted port; then what would make another one of it where the second fragment wins.
    let header = [&frame::tcp(1000, 5000, frame::SYN)[..], &[0; 4]].concat();
    let first = fragment(1, frame::TCP, 0, true, &header);
    let passed = scene.send(&[
        first.clone(),
        fragment(1, frame::TCP, 8, true, &[0xff; 16]),
        fragment(1, frame::TCP, 16, false, &[0xff; 16]),
    ]);
    assert_eq!(passed, [first]);
    scene.world.assert_drops(1, &[(Reason::Fragment, 2)]);

    // Another first fragment of the same datagram, for a port that is not accepted.
    let udp = |port: u16| [&frame::udp(1000, port, &[0; 56])[..]].concat();
    let first = fragment(2, frame::UDP, 0, true, &udp(5000));
    let last = fragment(2, frame::UDP, 64, false, &[1; 16]);
    let passed = scene.send(&[first.clone(), fragment(2, frame::UDP, 0, true, &udp(22)), last.clone()]);
    assert_eq!(passed, [first, last.clone()]);
    assert_eq!(scene.world.drops(2).of(Reason::Implicit), 1);
}

#[test]
fn a_fragment_whose_first_one_was_not_admitted_does_not_pass() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let denied = [&frame::udp(1000, 22, &[0; 56])[..]].concat();
    let frames = [
        // Its first one is not accepted by the receiver; of the other one there is no first.
        fragment(1, frame::UDP, 0, true, &denied),
        fragment(1, frame::UDP, 64, false, &[1; 16]),
        fragment(2, frame::UDP, 64, false, &[1; 16]),
        fragment(2, frame::TCP, 64, false, &[1; 16]),
    ];
    assert_eq!(scene.send(&frames), Vec::<Vec<u8>>::new());
    assert_eq!(scene.world.drops(2).of(Reason::Implicit), 1);
    let fragments = scene.world.drops(1).of(Reason::Fragment) + scene.world.drops(2).of(Reason::Fragment);
    assert_eq!(fragments, 3);

    // With IPv6: a first fragment that is too short, and a later one of no first.
    let fragment = |offset: u16, more: bool, payload: &[u8]| {
        let header = [17, 0, 0, 0, 0, 0, 0, 9];
        let mut body = [&header[..], payload].concat();
        body[2..4].copy_from_slice(&(offset | u16::from(more)).to_be_bytes());
        let [from, to]: [IpAddr; 2] = [1, 2].map(|number| Bridge.address(number, V6));
        frame::ethernet(mac(1), mac(2), &frame::ip(from, to, 44, &body))
    };
    let before = scene.world.drops(1).of(Reason::Fragment);
    let frames = [fragment(0, true, &[0; 4]), fragment(64, false, &[0; 16])];
    assert_eq!(scene.send(&frames), Vec::<Vec<u8>>::new());
    assert_eq!(scene.world.drops(1).of(Reason::Fragment), before + 2);
}
