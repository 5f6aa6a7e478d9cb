//! A switch that takes access away cuts what nothing else permits, at once and for good; what is permitted loses nothing.

use std::{thread, time::Duration};

use crate::{
    conversation::{
        Carrier::{self, Icmp, Tcp, Udp},
        Conversation,
    },
    support::may_test_the_kernel,
    topology::{
        Family::{self, V4, V6},
        Shape::{self, Bridge, Routed},
    },
    world::{Moment, UDP, World},
};

/// How long a conversation is watched for what must not arrive.
const WATCHED: Duration = Duration::from_millis(200);

/// Rules that permit a client a port by TCP and UDP, and to ping.
fn permitting(client: &str, port: u16, family: Family) -> Vec<String> {
    let echo = if family == V4 { "icmp" } else { "icmpv6" };
    let mut rules: Vec<String> = ["tcp", "udp"]
        .map(|protocol| format!("ingress accept {protocol} from {client} to port {port}"))
        .into();
    if port == REVOKED {
        rules.push(format!("ingress accept {echo} from {client}"));
    }
    rules
}

fn texts(rules: &[String]) -> Vec<&str> {
    rules.iter().map(String::as_str).collect()
}

const REVOKED: u16 = 5000;
const KEPT: u16 = 5001;

/// A client that talks to a server, some of it by one group of the server and some by another.
struct Scene {
    world: World,
    family: Family,
    /// The groups, by their rules.
    revoked: Vec<String>,
    kept: Vec<String>,
    cut: Vec<Conversation>,
    going_on: Vec<Conversation>,
}

impl Scene {
    fn new(shape: Shape, family: Family) -> Self {
        let client = shape.address(1, family).to_string();
        let (revoked, kept) = (permitting(&client, REVOKED, family), permitting(&client, KEPT, family));
        let mut world = World::new(shape, 2);
        // The client's own interface forbids nothing that the server sends: what is cut is so at the server's alone, and
        // a reply that comes after the client's interface has forgotten the flow begins another one there.
        world.groups(1, &[&[&format!("ingress accept all from {}", shape.address(2, family))]]);
        world.groups(2, &[&texts(&revoked), &texts(&kept)]);
        let talk = |carrier, port| Conversation::between(&world, carrier, family, 1, (2, port));
        let cut: Vec<Conversation> = [Tcp, Udp, Icmp].map(|carrier| talk(carrier, REVOKED)).into();
        let going_on: Vec<Conversation> = [Tcp, Udp].map(|carrier| talk(carrier, KEPT)).into();
        let scene = Self { world, family, revoked, kept, cut, going_on };
        scene.cut.iter().chain(&scene.going_on).for_each(Conversation::wait_both_ways);
        scene
    }

    fn revoke(&mut self) -> Moment {
        self.world.groups(2, &[&texts(&self.kept)])
    }

    fn restore(&mut self) -> Moment {
        self.world.groups(2, &[&texts(&self.revoked), &texts(&self.kept)])
    }

    fn assert_cut(&self, since: Moment) {
        self.cut.iter().for_each(|conversation| conversation.assert_cut(since, WATCHED));
    }

    /// The server speaks first, then the client as well: nothing passes.
    fn assert_stays_cut(&self, since: Moment) {
        for conversation in &self.cut {
            conversation.server.speak(true);
            if !conversation.name.starts_with("Tcp") {
                conversation.server.wait_for_sent(20);
            }
            conversation.assert_cut(since, WATCHED);
            conversation.client.speak(true);
            conversation.assert_cut(since, WATCHED);
        }
    }

    fn assert_permitted_lost_nothing(self) {
        self.going_on.into_iter().for_each(Conversation::assert_lossless);
    }
}

fn is_revoked_and_restored(shape: Shape, family: Family) {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new(shape, family);
    let since = scene.revoke();
    scene.assert_cut(since);

    // The silence is longer than the time-outs of UDP and ICMP.
    scene.cut.iter().for_each(|conversation| conversation.speak(false));
    thread::sleep(UDP * 3);
    scene.assert_stays_cut(since);

    scene.restore();
    scene.cut.iter().for_each(Conversation::wait_both_ways);
    scene.cut.clear();
    for carrier in [Tcp, Udp, Icmp] {
        Conversation::between(&scene.world, carrier, scene.family, 1, (2, REVOKED)).wait_both_ways();
    }
    scene.assert_permitted_lost_nothing();
}

#[test]
fn a_revoked_flow_is_cut_on_a_bridge() {
    is_revoked_and_restored(Bridge, V4);
}

#[test]
fn a_revoked_flow_is_cut_on_a_bridge_with_ipv6() {
    is_revoked_and_restored(Bridge, V6);
}

#[test]
fn a_revoked_flow_is_cut_where_the_host_routes() {
    is_revoked_and_restored(Routed, V4);
}

#[test]
fn a_revoked_flow_is_cut_where_the_host_routes_ipv6() {
    is_revoked_and_restored(Routed, V6);
}

/// Everybody is silent at the switch and for a while after it; the first packet is one of the server's.
fn a_reply_comes_first(shape: Shape, family: Family, silence: Duration) {
    if !may_test_the_kernel() {
        return;
    }
    let mut scene = Scene::new(shape, family);
    scene.cut.iter().chain(&scene.going_on).for_each(|conversation| conversation.speak(false));
    let since = scene.revoke();
    thread::sleep(silence);
    for conversation in &scene.going_on {
        let (heard, said) = (conversation.client.arrived(), conversation.server.sent());
        conversation.server.speak(true);
        crate::support::wait_until(&format!("replies of {}", conversation.name), || {
            conversation.server.sent() > said + 10 && conversation.client.arrived() > heard + 10
        });
        conversation.client.speak(true);
        conversation.wait_both_ways();
    }
    scene.assert_stays_cut(since);
    scene.assert_permitted_lost_nothing();
}

#[test]
fn a_reply_right_after_the_switch_changes_nothing() {
    a_reply_comes_first(Bridge, V4, Duration::ZERO);
}

#[test]
fn a_reply_after_a_silence_longer_than_its_time_out_changes_nothing() {
    a_reply_comes_first(Bridge, V4, UDP * 3);
}

#[test]
fn a_reply_after_a_long_silence_changes_nothing_where_the_host_routes_ipv6() {
    a_reply_comes_first(Routed, V6, UDP * 3);
}

#[test]
fn what_the_client_may_not_send_any_more_is_cut_both_ways() {
    if !may_test_the_kernel() {
        return;
    }
    let mut world = World::new(Bridge, 2);
    world.groups(1, &[]);
    world.groups(2, &[&["ingress accept all"]]);
    let talk = |world: &World, carrier: Carrier, port| {
        let conversation = Conversation::between(world, carrier, V4, 1, (2, port));
        conversation.wait_both_ways();
        conversation
    };
    let cut = [Tcp, Udp, Icmp].map(|carrier| talk(&world, carrier, REVOKED));
    let kept = talk(&world, Udp, KEPT);
    let drop = ["egress drop tcp to port 5000", "egress drop udp to port 5000", "egress drop icmp"];
    let since = world.groups(1, &[&drop]);
    cut.iter().for_each(|conversation| conversation.assert_cut(since, WATCHED));
    world.groups(1, &[]);
    cut.iter().for_each(Conversation::wait_both_ways);

    // The interface changes its class instead of the class its rules.
    let since = world.reclass(1, &[&["egress accept tcp to port 80"], &drop]);
    cut.iter().for_each(|conversation| conversation.assert_cut(since, WATCHED));
    world.reclass(1, &[]);
    cut.iter().for_each(Conversation::wait_both_ways);
    kept.assert_lossless();
}

#[test]
fn flows_that_the_server_began_are_its_own() {
    if !may_test_the_kernel() {
        return;
    }
    let mut world = World::new(Bridge, 2);
    world.groups(1, &[&["ingress accept udp to port 5001"]]);
    world.groups(2, &[&["ingress accept udp to port 5000"]]);
    let incoming = Conversation::between(&world, Udp, V4, 1, (2, REVOKED));
    let outgoing = Conversation::between(&world, Udp, V4, 2, (1, KEPT));
    incoming.wait_both_ways();
    outgoing.wait_both_ways();
    // What nobody may begin with the second one any more does not touch what it has begun.
    let since = world.groups(2, &[]);
    incoming.assert_cut(since, WATCHED);
    outgoing.wait_both_ways();
    outgoing.assert_lossless();
}

#[test]
fn a_hundred_switches_lose_nothing_that_all_of_them_permit() {
    if !may_test_the_kernel() {
        return;
    }
    let mut world = World::new(Bridge, 2);
    world.groups(1, &[]);
    let kept = "ingress accept udp to port 5001";
    world.groups(2, &[&[kept]]);
    let udp = Conversation::between(&world, Udp, V4, 1, (2, KEPT));
    udp.wait_both_ways();
    for round in 0..100u16 {
        let other = format!("ingress accept udp to port {}", 6000 + round);
        world.groups(2, &[&[&other], &[kept]]);
        let sent = udp.client.sent();
        crate::support::wait_until("it goes on", || udp.client.sent() > sent);
    }
    udp.assert_lossless();
}
