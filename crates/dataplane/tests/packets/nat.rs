//! Whatever the host translates, rules speak of what the interface sees.

use std::{
    net::{IpAddr, SocketAddr},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    conversation::{
        Carrier::{self, Icmp, Tcp, Udp},
        Conversation,
    },
    namespace::run,
    support::may_test_the_kernel,
    topology::{
        Family::{self, V4, V6},
        Shape::{self, Bridge, Routed},
    },
    world::World,
};

const WATCHED: Duration = Duration::from_millis(200);

/// Whether this test can run. Where it cannot, it says so by its name.
pub fn may_translate(test: &str) -> bool {
    if !may_test_the_kernel() {
        return false;
    }
    let found = Command::new("nft").arg("--version").stdout(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("skipped: {test}: nft is not installed (package nftables)");
    }
    found
}

/// Where a client calls, and where that leads.
#[derive(Clone, Copy)]
struct Published {
    /// The host's address.
    at: IpAddr,
    server: IpAddr,
}

/// Ports 8000 and 8001 of the host are published as 5000 and 5001 of the server, and so are pings; what is translated
/// is masqueraded too, if that is wanted.
fn publish(published: Published, masquerade: bool) {
    let Published { at, server } = published;
    let (ip, echo, destination) = match server {
        IpAddr::V4(_) => ("ip", "icmp", server.to_string()),
        IpAddr::V6(_) => ("ip6", "icmpv6", format!("[{server}]")),
    };
    let mut rules = String::new();
    for protocol in ["tcp", "udp"] {
        for (from, to) in [(8000, 5000), (8001, 5001)] {
            rules += &format!("{ip} daddr {at} {protocol} dport {from} dnat {ip} to {destination}:{to}\n");
        }
    }
    rules += &format!("{ip} daddr {at} {echo} type echo-request dnat {ip} to {server}\n");
    let post = if masquerade { "ct status dnat masquerade\n" } else { "" };
    run("nft", &["-f", "-"], &table(&rules, post));
}

fn table(pre: &str, post: &str) -> String {
    format!(
        "table inet translation {{
         chain pre {{
         type nat hook prerouting priority dstnat; policy accept;
         {pre}
         }}
         chain post {{
         type nat hook postrouting priority srcnat; policy accept;
         {post}
         }}
         }}\n"
    )
}

/// What one end may do and then not any more: the port that is revoked, and the one that is kept.
struct Side<'a> {
    number: u8,
    revoked: &'a [&'a str],
    kept: &'a [&'a str],
}

/// Conversations by every protocol are cut by a switch of an end, and come back; the one of the other port goes on.
fn is_cut_at(world: &mut World, side: &Side, talk: impl Fn(&World, Carrier, u16) -> Conversation) {
    world.groups(side.number, &[side.revoked, side.kept]);
    let cut = [Tcp, Udp, Icmp].map(|carrier| talk(world, carrier, 0));
    let kept = talk(world, Udp, 1);
    cut.iter().for_each(Conversation::wait_both_ways);
    kept.wait_both_ways();
    let since = world.groups(side.number, &[side.kept]);
    cut.iter().for_each(|conversation| conversation.assert_cut(since, WATCHED));
    world.groups(side.number, &[side.revoked, side.kept]);
    cut.iter().for_each(Conversation::wait_both_ways);
    kept.assert_lossless();
    world.groups(side.number, &[&["ingress accept all"]]);
}

/// Rules of a server for what it is sent by somebody.
fn serving(from: IpAddr) -> ([String; 3], [String; 1]) {
    let echo = if from.is_ipv4() { "icmp" } else { "icmpv6" };
    let rule = |what: &str, to: &str| format!("ingress accept {what} from {from}{to}");
    let revoked = [rule("tcp", " to port 5000"), rule("udp", " to port 5000"), rule(echo, "")];
    (revoked, [rule("udp", " to port 5001")])
}

fn texts(rules: &[String]) -> Vec<&str> {
    rules.iter().map(String::as_str).collect()
}

/// Rules of a client, which sees the published ports.
fn calling(family: Family) -> [&'static str; 4] {
    let echo = if family == V4 { "egress accept icmp" } else { "egress accept icmpv6" };
    [
        "egress accept tcp to port 8000",
        "egress accept udp to port 8000",
        echo,
        "egress accept udp to port 5000",
    ]
}

/// The client calls the host, which leads to the server: the server sees the client or, masqueraded, the host.
fn published(test: &str, shape: Shape, family: Family, (client, server): (u8, u8), masquerade: bool) {
    if !may_translate(test) {
        return;
    }
    let mut world = World::new(shape, client.max(server));
    let at = shape.gateway(client, family);
    let published = Published { at, server: shape.address(server, family) };
    publish(published, masquerade);
    if shape == Bridge {
        world.topology.host.set("ipv4/ip_forward", "1");
        world.topology.host.set("ipv6/conf/all/forwarding", "1");
    }
    if client == server {
        world.topology.host.batch(&format!("link set v{client} type bridge_slave hairpin on"));
    }
    let seen = if masquerade { shape.gateway(server, family) } else { shape.address(client, family) };
    let (revoked, kept) = serving(seen);
    for number in [client, server] {
        world.groups(number, &[&["ingress accept all"]]);
    }
    let talk = |world: &World, carrier: Carrier, port: u16| {
        let (to, bound) = (SocketAddr::new(at, 8000 + port), SocketAddr::new(published.server, 5000 + port));
        Conversation::through(world, carrier, client, to, (server, bound))
    };
    is_cut_at(&mut world, &Side { number: server, revoked: &texts(&revoked), kept: &texts(&kept) }, talk);

    // The client's rules name what the client calls, and drop everything else.
    let rest = ["egress accept udp to port 8001", "egress drop priority=100 all", "ingress accept all"];
    is_cut_at(&mut world, &Side { number: client, revoked: &calling(family), kept: &rest }, talk);
}

#[test]
fn what_is_published_is_cut_behind_dnat() {
    published("what_is_published_is_cut_behind_dnat", Routed, V4, (2, 1), false);
}

#[test]
fn what_is_published_is_cut_behind_dnat_of_ipv6() {
    published("what_is_published_is_cut_behind_dnat_of_ipv6", Routed, V6, (2, 1), false);
}

#[test]
fn a_neighbour_that_is_called_by_the_hosts_address_is_cut() {
    published("a_neighbour_that_is_called_by_the_hosts_address_is_cut", Bridge, V4, (2, 1), true);
}

#[test]
fn a_neighbour_that_is_called_by_the_hosts_ipv6_address_is_cut() {
    published("a_neighbour_that_is_called_by_the_hosts_ipv6_address_is_cut", Bridge, V6, (2, 1), true);
}

#[test]
fn an_instance_that_calls_itself_by_the_hosts_address_is_cut() {
    published("an_instance_that_calls_itself_by_the_hosts_address_is_cut", Bridge, V4, (1, 1), true);
}

/// The host hides the client behind its own address.
fn masqueraded(test: &str, family: Family) {
    if !may_translate(test) {
        return;
    }
    let mut world = World::new(Routed, 2);
    let ip = if family == V4 { "ip" } else { "ip6" };
    let (client, server) = (Routed.address(1, family), Routed.address(2, family));
    run("nft", &["-f", "-"], &table("", &format!("oifname \"v2\" {ip} saddr {client} masquerade")));
    let (revoked, kept) = serving(Routed.gateway(2, family));
    for number in [1, 2] {
        world.groups(number, &[&["ingress accept all"]]);
    }
    let talk = |world: &World, carrier: Carrier, port: u16| {
        let to = SocketAddr::new(server, 5000 + port);
        Conversation::through(world, carrier, 1, to, (2, to))
    };
    is_cut_at(&mut world, &Side { number: 2, revoked: &texts(&revoked), kept: &texts(&kept) }, talk);
    // A rule that names the client by its own address is about nothing that the server sees.
    let since = world.groups(2, &[&[&format!("ingress accept all from {client}")]]);
    let denied = talk(&world, Udp, 0);
    denied.client.wait_for_sent(20);
    denied.assert_cut(since, WATCHED);
}

#[test]
fn what_is_hidden_is_cut_behind_masquerade() {
    masqueraded("what_is_hidden_is_cut_behind_masquerade", V4);
}

#[test]
fn what_is_hidden_is_cut_behind_masquerade_of_ipv6() {
    masqueraded("what_is_hidden_is_cut_behind_masquerade_of_ipv6", V6);
}
