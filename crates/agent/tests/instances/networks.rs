//! Networks: across nodes, beside each other on one node, and what is left of the host as it was.

use std::fs;

use agent::instances::names;
use host::{Netlink, namespace::set_parameter};
use model::node::ReportedState;

use crate::{
    node::{TestNetwork, TestNode, is_root, join},
    traffic::{cannot_connect, connect, is_cut, serve},
};

#[test]
fn instances_of_one_network_on_two_nodes_reach_each_other_and_are_cut_by_a_leave() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut nodes = [TestNode::new(), TestNode::new()];
    let client = nodes[0].run(&[network.interface(0, 5)]);
    let served = network.interface(0, 6);
    let near = nodes[1].run(std::slice::from_ref(&served));
    let far = nodes[1].run(&[network.interface(1, 7)]);
    nodes.iter_mut().for_each(|node| drop(node.settle()));
    join(&nodes[0], &nodes[1], network.id);
    serve(near);
    serve(far);
    // The last ones are in another vSwitch than the client.
    for address in [network.ipv4(0, 6), network.ipv6(0, 6), network.ipv4(1, 7), network.ipv6(1, 7)] {
        connect(client, address);
    }
    let mut stream = connect(client, network.ipv4(0, 6));
    let mut kept = connect(client, network.ipv4(1, 7));
    nodes[1].desired.interfaces.get_mut(&served.id).unwrap().groups = [].into();
    nodes[1].settle();
    is_cut(&mut stream);
    cannot_connect(client, network.ipv4(0, 6));
    use std::io::{Read, Write};
    kept.write_all(b"again").unwrap();
    let mut buffer = [0; 5];
    kept.read_exact(&mut buffer).unwrap();
}

#[test]
fn networks_do_not_reach_each_other_and_may_have_the_same_addresses() {
    if !is_root() {
        return;
    }
    let (one, same, other) = (TestNetwork::new(1), TestNetwork::new(1), TestNetwork::new(2));
    let mut node = TestNode::new();
    // A host that forwards, as those of containers do.
    node.on(|| {
        set_parameter("ipv4/ip_forward", "1").unwrap();
        set_parameter("ipv6/conf/all/forwarding", "1").unwrap();
    });
    let client = node.run(&[one.interface(0, 5)]);
    let own = node.run(&[one.interface(1, 6)]);
    let servers = [node.run(&[same.interface(1, 7)]), node.run(&[other.interface(0, 8)])];
    node.settle();
    [own, servers[0], servers[1]].into_iter().for_each(serve);
    connect(client, one.ipv4(1, 6));
    connect(client, one.ipv6(1, 6));
    // One of a network with the same blocks, and one of a network with others.
    for address in [same.ipv4(1, 7), same.ipv6(1, 7), other.ipv4(0, 8), other.ipv6(0, 8)] {
        cannot_connect(client, address);
    }
    connect(servers[1], other.ipv4(0, 8));
}

#[test]
fn the_host_reaches_instances_and_keeps_its_own_settings() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let settings = |node: &TestNode| {
        node.on(|| {
            [
                "ipv4/ip_forward",
                "ipv4/conf/all/forwarding",
                "ipv4/conf/all/rp_filter",
                "ipv6/conf/all/forwarding",
            ]
            .map(|name| fs::read_to_string(format!("/proc/sys/net/{name}")).unwrap())
        })
    };
    let before = settings(&node);
    let instance = node.run(&[network.interface(0, 5)]);
    node.settle();
    assert_eq!(settings(&node), before);
    serve(instance);
    let address = std::net::SocketAddr::new(network.ipv4(0, 5), 7_000);
    let stream = node.on(|| std::net::TcpStream::connect_timeout(&address, crate::node::PATIENCE));
    stream.expect("the host is a peer like any other");
}

#[test]
fn a_bridge_goes_with_the_last_instance_of_its_network() {
    if !is_root() {
        return;
    }
    let (one, other) = (TestNetwork::new(1), TestNetwork::new(2));
    let mut node = TestNode::new();
    let first = node.run(&[one.interface(0, 5)]);
    let last = node.run(&[one.interface(1, 6)]);
    node.run(&[other.interface(0, 5)]);
    node.settle();
    let bridge = names::bridge(one.id);
    let gateways = |node: &TestNode| {
        let bridge = bridge.clone();
        node.on(move || {
            let netlink = Netlink::open().unwrap();
            let link = netlink.link(&bridge).unwrap();
            let addresses = netlink.addresses().unwrap();
            addresses.iter().filter(|own| own.device == link.index).map(|own| own.address).collect::<Vec<_>>()
        })
    };
    assert_eq!(gateways(&node).len(), 4);
    node.instance(first).wanted = policy::WantedState::Gone;
    node.settle();
    assert_eq!(gateways(&node), [one.ipv4(1, 1), one.ipv6(1, 1)], "the vSwitch of the other one is not here");
    node.instance(last).wanted = policy::WantedState::Stopped;
    node.settle();
    assert!(node.made().contains(&bridge), "a stopped instance comes back to it");
    node.instance(last).wanted = policy::WantedState::Gone;
    let reports = node.settle();
    assert_eq!(reports[&last].state, ReportedState::Gone);
    assert!(!node.made().contains(&bridge) && node.made().contains(&names::bridge(other.id)));
}
