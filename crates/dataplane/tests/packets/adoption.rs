//! TCP connections that ran before their interface was bound, and are taken over.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use dataplane::{Dataplane, Flow, Generation, Reason};
use model::rule::Direction;

use crate::{
    link::Link,
    support::{Host, frame, may_test_the_kernel, wait_until},
    topology::{Family::V4, Shape::Bridge, Topology, mac},
    world::{Groups, Instance, World, options, plan},
};

/// The instance that is bound while its connections run, and the one at their other end, which is not bound.
const PEER: u8 = 1;
const OWN: u8 = 2;

/// Two instances, of which one is bound when connections run already.
struct Scene {
    host: Host,
    _topology: Topology,
    instance: Instance,
    generation: u64,
}

impl Scene {
    /// Binds the instance's device and adopts what runs there.
    fn adopting(topology: Topology, groups: Groups) -> Self {
        let mut host = Host::new(options());
        let mut interface = Bridge.interface(OWN);
        interface.adopt = Duration::from_secs(3600);
        let binding = host.bind(&Topology::device(OWN), &interface).unwrap();
        let class = host.create_class(OWN.into()).unwrap();
        let mut scene =
            Self { host, _topology: topology, instance: Instance { binding, class }, generation: 0 };
        scene.groups(groups);
        scene.host.assign(binding, Some(class)).unwrap();
        scene
    }

    fn groups(&mut self, groups: Groups) {
        self.generation += 1;
        self.host.switch(self.instance.class, Generation(self.generation), &plan(groups)).unwrap();
    }

    fn drops(&self, reason: Reason) -> u64 {
        self.host.drops(Some(self.instance.binding)).unwrap().of(reason)
    }

    /// The flows of TCP.
    fn flows(&self) -> Vec<Flow> {
        let mut flows = self.host.flows(self.instance.binding, 100).unwrap();
        flows.retain(|flow| flow.tuple.protocol == frame::TCP);
        flows
    }

    fn flow(&self) -> Flow {
        let flows = self.flows();
        assert_eq!(flows.len(), 1, "{flows:?}");
        flows[0].clone()
    }

    /// Asserts that nothing of what both ends go on to send arrives. Each retransmits, and is waited for until that is
    /// dropped, too.
    fn assert_cut(&self, ends: [&TcpStream; 2]) {
        for mut end in ends {
            end.write_all(b"after").unwrap();
        }
        let before = self.drops(Reason::DeadFlow);
        wait_until("packets are dropped", || self.drops(Reason::DeadFlow) >= before + 3);
        for mut end in ends {
            let read = end.read(&mut [0; 16]).map_err(|error| error.kind());
            assert_eq!(read, Err(ErrorKind::WouldBlock));
        }
        assert!(!self.flow().alive, "{:?}", self.flow());
    }
}

/// A connection from one instance to a port of another. Neither end waits.
fn connect(topology: &Topology, client: u8, server: u8, port: u16) -> [TcpStream; 2] {
    let at = SocketAddr::new(Bridge.address(server, V4), port);
    let listener = topology.namespace(server).within(|| TcpListener::bind(at).unwrap());
    let client = topology.namespace(client).within(|| TcpStream::connect(at).unwrap());
    let (server, _) = listener.accept().unwrap();
    for end in [&client, &server] {
        end.set_nodelay(true).unwrap();
        end.set_nonblocking(true).unwrap();
    }
    [client, server]
}

fn wait_for(mut end: &TcpStream, text: &[u8]) {
    let mut found = Vec::new();
    wait_until("it arrives", || {
        let mut buffer = [0; 16];
        if let Ok(length) = end.read(&mut buffer) {
            found.extend_from_slice(&buffer[..length]);
        }
        found.len() >= text.len()
    });
    assert_eq!(found, text);
}

#[test]
fn a_connection_to_the_instance_is_cut_with_its_rule_whoever_was_heard_first() {
    if !may_test_the_kernel() {
        return;
    }
    for server_speaks_first in [true, false] {
        let topology = Topology::new(Bridge, 2);
        let [client, server] = connect(&topology, PEER, OWN, 22);
        let mut scene = Scene::adopting(topology, &[&["ingress accept tcp to port 22"]]);
        let (mut first, second) = if server_speaks_first { (&server, &client) } else { (&client, &server) };
        first.write_all(b"before").unwrap();
        wait_for(second, b"before");
        assert_eq!(scene.flow().begun, Direction::Ingress);
        scene.groups(&[]);
        scene.assert_cut([&client, &server]);
    }
}

#[test]
fn what_the_instance_began_goes_on_once_it_sends_of_it() {
    if !may_test_the_kernel() {
        return;
    }
    for peer_speaks_first in [true, false] {
        let topology = Topology::new(Bridge, 2);
        let [client, server] = connect(&topology, OWN, PEER, 80);
        let mut scene = Scene::adopting(topology, &[&["ingress accept tcp to port 22"]]);
        if peer_speaks_first {
            (&server).write_all(b"early").unwrap();
            wait_until("its packet is dropped", || scene.drops(Reason::Implicit) > 0);
            assert_eq!(scene.flows(), []);
        }
        (&client).write_all(b"own").unwrap();
        wait_for(&server, b"own");
        if peer_speaks_first {
            wait_for(&client, b"early");
        }
        assert_eq!(scene.flow().begun, Direction::Egress);
        scene.groups(&[]);
        (&server).write_all(b"later").unwrap();
        wait_for(&client, b"later");
        scene.groups(&[&["egress drop all"]]);
        scene.assert_cut([&client, &server]);
    }
}

/// Whoever is not permitted cannot say that what it sends belongs to something: the instance must have sent of it.
#[test]
fn packets_of_no_connection_do_not_pass_while_running_ones_are_adopted() {
    if !may_test_the_kernel() {
        return;
    }
    let mut world = World::silent(2);
    world.groups(PEER, &[&["ingress accept all"]]);
    world.groups(OWN, &[&["ingress accept tcp to port 22"]]);
    let [peer, own] = [PEER, OWN].map(|number| world.instance(number));
    world.host.unbind(own.binding).unwrap();
    let mut interface = Bridge.interface(OWN);
    interface.adopt = Duration::from_secs(3600);
    let binding = world.host.bind(&Topology::device(OWN), &interface).unwrap();
    world.host.assign(binding, Some(own.class)).unwrap();
    // The peer's own interface would ask for a SYN.
    world.host.unbind(peer.binding).unwrap();
    world.host.release(&Topology::device(PEER)).unwrap();
    let (peer, own) = (Link::of(&world, PEER), Link::of(&world, OWN));
    let [peer_address, own_address] = [PEER, OWN].map(|number| Bridge.address(number, V4));
    let to_own = |from: u16, to: u16, flags: u8| {
        let packet = frame::ip(peer_address, own_address, frame::TCP, &frame::tcp(from, to, flags));
        frame::ethernet(mac(PEER), mac(OWN), &packet)
    };
    let from_own = |from: u16, to: u16, flags: u8| {
        let packet = frame::ip(own_address, peer_address, frame::TCP, &frame::tcp(from, to, flags));
        frame::ethernet(mac(OWN), mac(PEER), &packet)
    };
    for from in 4000..4005 {
        peer.send(&to_own(from, 3306, frame::ACK));
        peer.send(&to_own(from, 3306, frame::ACK | frame::FIN));
        peer.send(&to_own(from, 3306, frame::RST));
        // An answer, as if the instance had begun; and to what it may have begun it has to begin anew.
        peer.send(&to_own(from, 3306, frame::SYN | frame::ACK));
        peer.send(&to_own(from, 22, frame::SYN | frame::ACK));
        // An answer to what nobody may begin; the kernel says so where it drops on the way out, not here.
        own.send(&from_own(3306, from, frame::SYN | frame::ACK));
    }
    let permitted = to_own(4000, 22, frame::ACK);
    peer.send(&permitted);
    assert_eq!(own.receive_until(&permitted), Vec::<Vec<u8>>::new());
    let flows = world.host.flows(binding, 100).unwrap();
    let flows: Vec<_> = flows.iter().map(|flow| (flow.tuple.local_port, flow.begun)).collect();
    assert_eq!(flows, [(22, Direction::Ingress)]);
    let drops = world.host.drops(Some(binding)).unwrap();
    assert_eq!((drops.of(Reason::Implicit), drops.of(Reason::NoSyn)), (20, 10), "{drops:?}");
}
