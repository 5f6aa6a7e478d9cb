//! What the full-stack test of security groups of OpenStack Networking names, on flows that are running.

use std::{net::SocketAddr, time::Duration};

use dataplane::{Dataplane, Generation};

use crate::{
    conversation::{
        Carrier::{self, Icmp, Tcp, Udp},
        Conversation,
    },
    endpoint::{Datagrams, Stamp},
    link::Link,
    support::{frame, may_test_the_kernel},
    topology::{
        Family::{V4, V6},
        Shape::{Bridge, Routed},
        Topology, mac,
    },
    world::{Moment, World, bind, plan},
};

const WATCHED: Duration = Duration::from_millis(200);

fn talk(world: &World, carrier: Carrier, client: u8, port: u16) -> Conversation {
    Conversation::between(world, carrier, V4, client, (1, port))
}

/// A conversation that must not come about.
#[track_caller]
fn assert_denied(world: &World, since: Moment, carrier: Carrier, client: u8, port: u16) {
    let denied = talk(world, carrier, client, port);
    if carrier != Tcp {
        denied.client.wait_for_sent(20);
    }
    denied.assert_cut(since, WATCHED);
    assert_eq!(denied.server.arrived(), 0, "{}", denied.name);
}

/// A world of which the first instance is the server, and the others may send what they like.
fn world(count: u8, server: &[&str]) -> (World, Moment) {
    let mut world = World::new(Bridge, count);
    for number in 2..=count {
        world.groups(number, &[]);
    }
    let since = world.groups(1, &[server]);
    (world, since)
}

#[test]
fn a_remote_member_that_is_added_is_admitted_and_one_that_is_removed_is_cut() {
    if !may_test_the_kernel() {
        return;
    }
    let member = |number: u8| format!("ingress accept tcp from 10.0.0.{number} to port 3333");
    let udp = |number: u8| format!("ingress accept udp from 10.0.0.{number} to port 3333");
    let (mut world, since) = world(3, &[&member(2), &udp(2)]);
    let first = [Tcp, Udp].map(|carrier| talk(&world, carrier, 2, 3333));
    first.iter().for_each(Conversation::wait_both_ways);
    let stranger = talk(&world, Udp, 3, 3334);
    stranger.assert_cut(since, WATCHED);

    // The third one becomes a member: what it begins is admitted, and the second one's goes on.
    let third = [&member(3), &udp(3), &"ingress accept udp from 10.0.0.3 to port 3334".to_owned()];
    world.groups(1, &[&[&member(2), &udp(2)], &third.map(String::as_str)]);
    stranger.wait_both_ways();
    first.iter().for_each(Conversation::wait_both_ways);

    // The second one is a member no more.
    let since = world.groups(1, &[&third.map(String::as_str)]);
    first.iter().for_each(|conversation| conversation.assert_cut(since, WATCHED));
    let [_tcp, udp_of_second] = first;
    udp_of_second.speak(false);
    stranger.wait_both_ways();
}

#[test]
fn an_established_connection_stops_when_its_rule_is_deleted() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut world, _) = world(2, &["ingress accept tcp to port 3333", "ingress accept tcp to port 3334"]);
    let deleted = talk(&world, Tcp, 2, 3333);
    let other = talk(&world, Tcp, 2, 3334);
    deleted.wait_both_ways();
    other.wait_both_ways();
    let since = world.groups(1, &[&["ingress accept tcp to port 3334"]]);
    deleted.assert_cut(since, Duration::from_millis(800));
    other.wait_both_ways();
    drop(deleted);
    assert_denied(&world, since, Tcp, 2, 3333);
    other.assert_lossless();
}

#[test]
fn an_interface_in_several_groups_may_what_any_of_them_permits() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut world, _) = world(2, &[]);
    let narrow = ["ingress accept tcp to port 3333", "ingress accept udp to port 4000"];
    let wide = ["ingress accept tcp to port 3000/4000"];
    let pings = ["ingress accept icmp from 10.0.0.0/24"];
    world.groups(1, &[&narrow, &wide, &pings]);
    let both = talk(&world, Tcp, 2, 3333);
    let second = talk(&world, Tcp, 2, 3700);
    let third = talk(&world, Icmp, 2, 0);
    for conversation in [&both, &second, &third] {
        conversation.wait_both_ways();
    }
    // What two groups permit goes on while one of them does.
    let since = world.groups(1, &[&narrow, &pings]);
    second.assert_cut(since, WATCHED);
    both.wait_both_ways();
    let since = world.groups(1, &[&wide, &narrow]);
    third.assert_cut(since, WATCHED);
    second.wait_both_ways();
    both.wait_both_ways();
    // A drop of one group wins over what another accepts with the same priority, and loses to a smaller one.
    let since = world.groups(1, &[&wide, &["ingress drop tcp to port 3700"]]);
    second.assert_cut(since, WATCHED);
    world.groups(1, &[&wide, &["ingress drop priority=2 tcp to port 3700"]]);
    second.wait_both_ways();
    both.assert_lossless();
}

#[test]
fn the_same_mac_and_address_twice_are_two_interfaces() {
    if !may_test_the_kernel() {
        return;
    }
    // Two networks of one host that know nothing of each other, with the same addresses.
    let (mut world, _) = world(2, &["ingress accept udp to port 3333"]);
    world.topology.host.batch("link add br1 type bridge\nlink set br1 up");
    let twins = [3, 4].map(|number| {
        world.topology.instances.push(crate::namespace::Namespace::new());
        let namespace = world.topology.instances.last().unwrap();
        let twin = number - 2;
        world.topology.host.batch(&format!(
            "link add v{number} type veth peer name eth0 address {} netns {}
             link set v{number} master br1 up",
            mac(twin),
            namespace.path()
        ));
        namespace.batch(&format!("link set eth0 up\naddr add 10.0.0.{twin}/24 dev eth0"));
        let device = Topology::device(number);
        let binding = world.host.bind(&device, &Bridge.interface(twin)).unwrap();
        let class = world.host.create_class(0).unwrap();
        world.host.assign(binding, Some(class)).unwrap();
        world.host.switch(class, Generation(100), &plan(&[&["ingress accept udp to port 3333"]])).unwrap();
        (binding, class)
    });
    let first = talk(&world, Udp, 2, 3333);
    let to = SocketAddr::new(Bridge.address(1, V4), 3333);
    let second = Conversation::through(&world, Udp, 4, to, (3, to));
    first.wait_both_ways();
    second.wait_both_ways();
    // Both flows have the same tuple but for the client's port, and each its own judgement.
    let since = world.groups(1, &[]);
    first.assert_cut(since, WATCHED);
    second.wait_both_ways();
    world.groups(1, &[&["ingress accept udp to port 3333"]]);
    first.wait_both_ways();
    world.host.switch(twins[0].1, Generation(101), &plan(&[])).unwrap();
    second.assert_cut(Moment::now(), WATCHED);
    first.wait_both_ways();
}

#[test]
fn ranges_of_ports_end_where_they_say() {
    if !may_test_the_kernel() {
        return;
    }
    let rules =
        ["ingress accept udp to port 3333/3335", "ingress accept tcp from port 5000/5009 to port 1/100"];
    let (mut world, since) = world(2, &rules);
    for port in [3333, 3334, 3335] {
        talk(&world, Udp, 2, port).wait_both_ways();
    }
    for port in [3332, 3336] {
        assert_denied(&world, since, Udp, 2, port);
    }
    assert_denied(&world, since, Tcp, 2, 3334);
    // The range becomes narrower: its middle goes on, its ends are cut.
    let running = [3333, 3334, 3335].map(|port| talk(&world, Udp, 2, port));
    running.iter().for_each(Conversation::wait_both_ways);
    let since = world.groups(1, &[&["ingress accept udp to port 3334"]]);
    running[0].assert_cut(since, WATCHED);
    running[2].assert_cut(since, WATCHED);
    running[1].wait_both_ways();

    // Source ports.
    let since = world.groups(1, &[&["ingress accept udp from port 5000/5009 to port 3333"]]);
    drop(running);
    let from = |port: u16| {
        let to = SocketAddr::new(Bridge.address(1, V4), 3333);
        let own = SocketAddr::new(Bridge.address(2, V4), port);
        let name = format!("UDP from port {port}");
        let client = (world.namespace(2).clone(), end(move || Datagrams::client_from(own, to)));
        Conversation::of(name, client, (world.namespace(1).clone(), end(move || Datagrams::server(to))))
    };
    for port in [5000, 5009] {
        from(port).wait_both_ways();
    }
    for port in [4999, 5010] {
        let denied = from(port);
        denied.client.wait_for_sent(20);
        denied.assert_cut(since, WATCHED);
    }
}

type End = Box<dyn FnOnce() -> Box<dyn crate::endpoint::Endpoint> + Send>;

fn end(make: impl FnOnce() -> Datagrams + Send + 'static) -> End {
    Box::new(move || Box::new(make()))
}

#[test]
fn a_rule_is_about_its_protocol_alone() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut world, _) = world(2, &[]);
    let carriers = [(Tcp, "tcp to port 3333"), (Udp, "udp to port 3333"), (Icmp, "icmp")];
    for (permitted, what) in carriers {
        let since = world.groups(1, &[&[&format!("ingress accept {what}")]]);
        let running = talk(&world, permitted, 2, 3333);
        running.wait_both_ways();
        for (denied, _) in carriers.into_iter().filter(|(carrier, _)| *carrier != permitted) {
            assert_denied(&world, since, denied, 2, 3333);
        }
        running.assert_lossless();
    }
}

#[test]
fn protocols_without_ports_are_gre_and_all() {
    if !may_test_the_kernel() {
        return;
    }
    const GRE: u8 = 47;
    const SCTP: u8 = 132;
    let (mut world, _) = world(2, &[]);
    let (from, to) = (Link::of(&world, 2), Link::of(&world, 1));
    let packet = |protocol: u8, number: u64| {
        let stamp = Stamp { from_client: true, sequence: number, sent: Moment(0) }.to_bytes();
        let packet = frame::ip(Bridge.address(2, V4), Bridge.address(1, V4), protocol, &stamp);
        frame::ethernet(mac(2), mac(1), &packet)
    };
    let mut number = 0;
    // The marker is always of a protocol that the groups permit.
    let mut passes = |protocol: u8, marker: u8| {
        let sent = packet(protocol, number);
        from.send(&sent);
        from.send(&packet(marker, number + 1));
        let arrived = to.receive_until(&packet(marker, number + 1));
        number += 2;
        arrived.contains(&sent)
    };
    world.groups(1, &[&["ingress accept gre from 10.0.0.2"]]);
    assert!(passes(GRE, GRE) && !passes(SCTP, GRE) && !passes(frame::UDP, GRE));
    world.groups(1, &[&["ingress accept all", "ingress drop gre"]]);
    assert!(!passes(GRE, SCTP) && passes(SCTP, SCTP));
    world.groups(1, &[&["ingress accept gre"]]);
    assert!(passes(GRE, GRE) && !passes(SCTP, GRE));
}

#[test]
fn families_are_told_apart() {
    if !may_test_the_kernel() {
        return;
    }
    let mut world = World::new(Routed, 2);
    world.groups(2, &[]);
    let both = ["ingress accept udp from 10.0.2.0/24", "ingress accept udp from 2001:db8:2::/64"];
    world.groups(1, &[&both]);
    let [v4, v6] = [V4, V6].map(|family| Conversation::between(&world, Udp, family, 2, (1, 3333)));
    v4.wait_both_ways();
    v6.wait_both_ways();
    let since = world.groups(1, &[&both[..1]]);
    v6.assert_cut(since, WATCHED);
    let since = world.groups(1, &[&both[1..]]);
    v4.assert_cut(since, WATCHED);
    v6.wait_both_ways();
}

#[test]
fn an_interface_that_is_bound_later_is_closed_until_it_has_groups() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut world, _) = world(2, &["ingress accept udp"]);
    world.topology.instances.push(crate::namespace::Namespace::new());
    world.topology.connect(3);
    // Its device is guarded as soon as it is there, and then bound.
    world.host.guard(&Topology::device(3)).unwrap();
    let since = Moment::now();
    let conversation = talk(&world, Udp, 3, 3333);
    conversation.client.wait_for_sent(20);
    conversation.assert_cut(since, WATCHED);
    let instance = bind(&mut world.host, Bridge, 3);
    world.instances.push(instance);
    conversation.client.wait_for_sent(20);
    conversation.assert_cut(since, WATCHED);
    world.groups(3, &[]);
    conversation.wait_both_ways();
}
