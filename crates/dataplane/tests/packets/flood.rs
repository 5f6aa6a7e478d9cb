//! One interface that floods fills its own share of flows and nobody else's.

use dataplane::{Dataplane, Reason};

use crate::{
    conversation::{
        Carrier::{Tcp, Udp},
        Conversation,
    },
    link::Link,
    support::{frame, may_test_the_kernel, wait_until},
    topology::{Family::V4, Shape::Bridge, mac},
    world::World,
};

const SHARE: u32 = 100;
const FLOWS: u16 = 5000;

/// The frame of a flow of its own.
fn flow(from: u8, to: u8, port: u16) -> Vec<u8> {
    let payload = frame::udp(port, 9, b"flood");
    let packet = frame::ip(Bridge.address(from, V4), Bridge.address(to, V4), frame::UDP, &payload);
    frame::ethernet(mac(from), mac(to), &packet)
}

#[test]
fn a_flood_from_one_interface_fills_its_share_alone() {
    if !may_test_the_kernel() {
        return;
    }
    let mut world = World::new(Bridge, 3);
    let mut flooding = Bridge.interface(1);
    flooding.flows_max = SHARE;
    let binding = world.instance(1).binding;
    world.host.configure(binding, &flooding).unwrap();
    world.groups(1, &[&["ingress accept udp to port 4000"]]);
    world.groups(2, &[&["ingress accept tcp to port 5000", "ingress accept udp to port 5000/6000"]]);
    world.groups(3, &[]);
    let neighbours = [Tcp, Udp].map(|carrier| Conversation::between(&world, carrier, V4, 3, (2, 5000)));
    let own = Conversation::between(&world, Udp, V4, 1, (2, 5001));
    let to_it = Conversation::between(&world, Udp, V4, 2, (1, 4000));
    for conversation in neighbours.iter().chain([&own, &to_it]) {
        conversation.wait_both_ways();
    }
    let link = Link::of(&world, 1);
    let drops = |world: &World| world.drops(1).of(Reason::FlowLimit);
    for port in 10_000..10_000 + FLOWS {
        link.send(&flow(1, 2, port));
    }
    // Its share is full, of those that came first; all others are counted.
    let admitted = u64::from(SHARE) - 2;
    wait_until("the flood is over", || drops(&world) >= u64::from(FLOWS) - admitted);
    assert_eq!(drops(&world), u64::from(FLOWS) - admitted);
    assert_eq!(world.host.read_back(world.instance(1).binding).unwrap().flows, u64::from(SHARE));
    // Others begin new flows, and it goes on with those that it has, whoever began them.
    Conversation::between(&world, Udp, V4, 3, (2, 5002)).wait_both_ways();
    own.wait_both_ways();
    to_it.wait_both_ways();
    for conversation in neighbours.into_iter().chain([own, to_it]) {
        conversation.assert_lossless();
    }
}

#[test]
fn a_full_table_refuses_new_flows_and_keeps_those_that_are_in_it() {
    if !may_test_the_kernel() {
        return;
    }
    let mut options = crate::world::options();
    options.flows_max = 256;
    let mut world = World::with(Bridge, 3, options);
    world.groups(1, &[]);
    world.groups(2, &[&["ingress accept udp"]]);
    world.groups(3, &[]);
    let running = Conversation::between(&world, Udp, V4, 3, (2, 5000));
    running.wait_both_ways();
    let link = Link::of(&world, 1);
    for port in 10_000..10_000 + FLOWS {
        link.send(&flow(1, 2, port));
    }
    wait_until("the table is full", || world.drops(1).of(Reason::TableFull) > 1000);
    running.wait_both_ways();
    // Flows end when their time is over, and make room.
    wait_until("there is room", || world.host.read_back(world.instance(1).binding).unwrap().flows < 10);
    Conversation::between(&world, Udp, V4, 3, (2, 5001)).wait_both_ways();
    running.assert_lossless();
}
