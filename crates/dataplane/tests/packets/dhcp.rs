//! DHCP passes without rules as far as a client needs it, and carries nothing else past them.

use std::net::IpAddr;

use dataplane::{Binding, Dataplane, Reason};
use model::address::Mac;

use crate::{
    link::Link,
    support::{address, frame, may_test_the_kernel, wait_until},
    topology::{
        Family::{self, V4, V6},
        Shape::Bridge,
        Topology, mac,
    },
    world::World,
};

/// A client, and a server in the same network that is no bound instance.
const CLIENT: u8 = 1;
const SERVER: u8 = 2;
const EVERYBODY: Mac = Mac([0xff; 6]);
const SERVERS: Mac = Mac([0x33, 0x33, 0, 1, 0, 2]);

struct Scene {
    world: World,
    client: Link,
    server: Link,
    markers: u16,
}

impl Scene {
    /// Nothing is permitted to the client but what marks the end of what arrives.
    fn new() -> Self {
        let mut world = World::silent(2);
        world.groups(
            CLIENT,
            &[&["ingress accept udp to port 9", "egress accept udp to port 9", "egress drop priority=2 all"]],
        );
        let server = world.instance(SERVER);
        world.host.unbind(server.binding).unwrap();
        world.host.release(&Topology::device(SERVER)).unwrap();
        let (client, server) = (Link::of(&world, CLIENT), Link::of(&world, SERVER));
        Self { world, client, server, markers: 0 }
    }

    fn binding(&self) -> Binding {
        self.world.instance(CLIENT).binding
    }

    /// Whether what one of the two sends arrives at the other.
    fn arrives(&mut self, from: u8, bytes: &[u8]) -> bool {
        self.markers += 1;
        let (sender, receiver, to) = if from == CLIENT {
            (&self.client, &self.server, SERVER)
        } else {
            (&self.server, &self.client, CLIENT)
        };
        let payload = frame::udp(9, 9, &self.markers.to_be_bytes());
        let marker = frame::ip(Bridge.address(from, V4), Bridge.address(to, V4), frame::UDP, &payload);
        let marker = frame::ethernet(mac(from), mac(to), &marker);
        sender.send(bytes);
        sender.send(&marker);
        let arrived = receiver.receive_until(&marker);
        assert!(arrived.iter().all(|frame| frame == bytes), "{arrived:02x?}");
        arrived.len() == 1
    }
}

fn own(number: u8, family: Family) -> IpAddr {
    match family {
        V4 => Bridge.address(number, V4),
        V6 => Bridge.interface(number).link_local().into(),
    }
}

fn ports(family: Family) -> (u16, u16) {
    if family == V4 { (68, 67) } else { (546, 547) }
}

/// What the client says.
fn said(family: Family, to: Mac, source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let (client, server) = ports(family);
    let packet = frame::ip(source, destination, frame::UDP, &frame::udp(client, server, &[1; 240]));
    frame::ethernet(mac(CLIENT), to, &packet)
}

/// What the server answers.
fn answered(family: Family, to: Mac, destination: IpAddr) -> Vec<u8> {
    let (client, server) = ports(family);
    let source = own(SERVER, family);
    let packet = frame::ip(source, destination, frame::UDP, &frame::udp(server, client, &[2; 240]));
    frame::ethernet(mac(SERVER), to, &packet)
}

#[test]
fn dhcp_passes_as_far_as_a_client_needs_it_and_is_no_way_past_the_rules() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let broadcast = address("255.255.255.255");
    let servers = address("ff02::1:2");
    for (family, everybody, group) in [(V4, EVERYBODY, broadcast), (V6, SERVERS, servers)] {
        let (client, server) = (own(CLIENT, family), own(SERVER, family));
        let to_one = said(family, mac(SERVER), client, server);
        let answer = answered(family, mac(CLIENT), client);
        assert!(!scene.arrives(CLIENT, &to_one), "{family:?} to one host is for the rules");
        assert!(!scene.arrives(SERVER, &answer), "{family:?} an answer to nothing");
        // A request of the other family asks for nothing of this one.
        let nobody = if family == V4 { address("0.0.0.0") } else { client };
        assert!(scene.arrives(CLIENT, &said(family, everybody, nobody, group)), "{family:?} request");
        assert!(scene.arrives(SERVER, &answer), "{family:?} answer to one");
        assert!(scene.arrives(SERVER, &answer), "{family:?} another server's");
        assert!(!scene.arrives(CLIENT, &to_one), "{family:?} nor is it afterwards");
    }
    let to_all = answered(V4, EVERYBODY, broadcast);
    assert!(scene.arrives(SERVER, &to_all), "a server's broadcast");
    // Nobody's address is for requests to everybody alone.
    let nobody = said(V4, mac(SERVER), address("0.0.0.0"), own(SERVER, V4));
    assert!(!scene.arrives(CLIENT, &nobody));
    let drops = scene.world.drops(CLIENT);
    assert_eq!(drops.of(Reason::SpoofedAddress), 1, "{drops:?}");
    assert_eq!((drops.of(Reason::Rule), drops.of(Reason::Implicit)), (4, 2), "{drops:?}");
    let ports: Vec<u16> = scene
        .world
        .host
        .flows(scene.binding(), 9)
        .unwrap()
        .iter()
        .map(|flow| flow.tuple.local_port)
        .collect();
    assert!(ports.iter().all(|port| *port == 9), "services are no flows: {ports:?}");
}

#[test]
fn a_request_is_answered_for_some_seconds_and_by_a_flow_where_the_rules_permit_it() {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new();
    let (client, server) = (own(CLIENT, V4), own(SERVER, V4));
    let answer = answered(V4, mac(CLIENT), client);
    let request = said(V4, EVERYBODY, address("0.0.0.0"), address("255.255.255.255"));
    assert!(scene.arrives(CLIENT, &request));
    assert!(scene.arrives(SERVER, &answer));
    wait_until("the request is too old", || !scene.arrives(SERVER, &answer));
    // A renewal is a flow like any other.
    scene.world.groups(CLIENT, &[&["ingress accept udp to port 9"]]);
    assert!(scene.arrives(CLIENT, &said(V4, mac(SERVER), client, server)));
    assert!(scene.arrives(SERVER, &answer));
}
