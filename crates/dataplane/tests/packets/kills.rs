//! Kills amid switches: what is closed in every plan that may be in force is never open.

use std::{
    net::{SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use dataplane::Dataplane;
use policy::testing::Random;

use crate::{
    child::{CLOSED, Child, OPEN, PORTS, opens, random_plan},
    conversation::{Carrier::Udp, Conversation},
    support::{may_test_the_kernel, seed, wait_until},
    topology::{Family::V4, Shape::Bridge, Topology},
    world::{Moment, World, options},
};

/// Sends to each port of the second instance, from a socket of its own: the same flow each time.
struct Probes {
    ports: Vec<(u16, UdpSocket, UdpSocket)>,
    /// By round, which ports were closed for certain, as bits.
    closed: Vec<u16>,
}

impl Probes {
    fn new(topology: &Topology) -> Self {
        let bound = |number: u8, port: u16| {
            let at = SocketAddr::new(Bridge.address(number, V4), port);
            let socket = topology.namespace(number).within(|| UdpSocket::bind(at).unwrap());
            socket.set_nonblocking(true).unwrap();
            socket
        };
        let ports = PORTS.map(|port| (port, bound(1, 0), bound(2, port))).collect();
        Self { ports, closed: Vec::new() }
    }

    /// Sends a packet to each port. Those that are open for certain arrive, and no others ever do but where it is not
    /// certain.
    fn check(&mut self, opens: impl Fn(u16) -> Vec<bool>) {
        let round = self.closed.len();
        let bit = |port: u16| 1 << (port - PORTS.start);
        let closed =
            PORTS.filter(|port| !opens(*port).contains(&true)).fold(0, |bits, port| bits | bit(port));
        self.closed.push(closed);
        for (port, from, _) in &self.ports {
            let to = SocketAddr::new(Bridge.address(2, V4), *port);
            from.send_to(&round.to_be_bytes(), to).unwrap();
        }
        for (port, _, to) in &self.ports {
            let certain = !opens(*port).contains(&false);
            let mut arrived = false;
            let mut take = || {
                let mut bytes = [0; 8];
                while to.recv(&mut bytes).is_ok() {
                    let of = usize::from_be_bytes(bytes);
                    assert_eq!(
                        self.closed[of] & bit(*port),
                        0,
                        "round {of}: port {port} is closed, and open"
                    );
                    arrived |= of == round;
                }
                arrived
            };
            if certain {
                wait_until(&format!("round {round}: port {port} is open"), take);
            } else {
                take();
            }
        }
    }
}

#[test]
fn a_thousand_kills_amid_switches_leave_nothing_open() {
    if !may_test_the_kernel() {
        return;
    }
    let rounds: u64 = std::env::var("RAVELIN_KILLS").map_or(1000, |text| text.parse().unwrap());
    let seed = seed();
    let mut random = Random::new(seed);
    let topology = Topology::new(Bridge, 2);
    let options = options();
    let mut holder = Child::start(&format!("hold {}", options.name));
    assert_eq!(holder.line().as_deref(), Some("ready"));
    holder.kill();
    let mut world = World::recovered(topology, options.clone());
    let class = world.instance(2).class;
    world.host.switch(class, dataplane::Generation(1), &random_plan(seed, 1)).unwrap();
    world.host.close();
    let since = Moment::now();
    let open = Conversation::between(&world, Udp, V4, 1, (2, OPEN));
    let closed = Conversation::between(&world, Udp, V4, 1, (2, CLOSED));
    open.wait_both_ways();
    let mut probes = Probes::new(&world);

    // The generations of which one is in force.
    let mut possible = vec![1u64];
    let mut confirmed = 0;
    let begun = Instant::now();
    for round in 0..rounds {
        let first = possible.iter().max().unwrap() + 1;
        let mut child = Child::start(&format!("switch {} {seed} {first}", options.name));
        let mut said = Vec::new();
        // Now amid a switch, and now and then before it has opened all, or while it does.
        if round % 8 != 0 {
            for _ in 0..=random.below(3) {
                said.push(child.line().expect("a switch"));
            }
            let spins = random.below(20);
            (0..spins).for_each(|_| thread::yield_now());
        } else {
            thread::sleep(Duration::from_micros(random.below(30_000) as u64));
        }
        said.extend(child.kill());
        possible = match said.last() {
            Some(last) => {
                let last: u64 = last.parse().unwrap();
                confirmed += 1 + last - first;
                vec![last, last + 1]
            }
            None => possible.into_iter().chain([first]).collect(),
        };
        probes.check(|port| possible.iter().map(|generation| opens(seed, *generation, port)).collect());
    }
    println!("{rounds} kills amid {confirmed} switches in {:?}", begun.elapsed());
    closed.client.wait_for_sent(20);
    closed.assert_cut(since, Duration::from_millis(200));
    world.host.kill();
    assert!(world.host.bindings().unwrap().iter().all(|report| report.enforced()));
    let plan = world.host.read_back_class(class).unwrap().plan.unwrap();
    assert!(plan.intact && possible.contains(&plan.generation.0), "{plan:?} and not one of {possible:?}");
    open.wait_both_ways();
    open.assert_lossless();
}
