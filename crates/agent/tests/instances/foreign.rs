//! What is not the node's own is left alone.

use std::process::Command;

use agent::instances::{difference::RULE_PRIORITY, names};
use host::{Netlink, namespace};
use model::{InstanceId, NodeId, address::Mac, node::ReportedState};

use crate::node::{TestNetwork, TestNode, is_root, unique};

#[test]
fn another_nodes_instances_and_other_namespaces_and_devices_are_not_touched() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let (mut one, mut other) = (TestNode::new(), TestNode::new());
    let theirs = other.run(&[network.interface(0, 5)]);
    other.settle();
    let nobodys = names::namespace(InstanceId::from_entropy(unique()));
    namespace::create(&nobodys, || Ok::<(), host::NamespaceError>(())).unwrap();
    one.on(|| {
        let netlink = Netlink::open().unwrap();
        netlink.add_bridge("rv-of-somebody", Mac([2, 8, 0, 0, 0, 1]), 0).unwrap();
        netlink.add_bridge("ve-of-somebody", Mac([2, 8, 0, 0, 0, 2]), 0).unwrap();
    });
    let own = one.run(&[network.interface(0, 6)]);
    one.settle();
    let id = one.id;
    let count = move || agent::LabDriver::new(id).count().unwrap();
    assert_eq!(one.on(count), 1, "those of others do not count");
    one.instance(own).wanted = policy::WantedState::Gone;
    one.settle();
    assert_eq!(one.on(count), 0);
    let namespaces = [names::namespace(theirs), nobodys.clone()];
    one.on(move || agent::LabDriver::new(id).remove_all()).unwrap();
    assert!(namespaces.iter().all(|name| namespace::exists(name)));
    let foreign = ["rv-of-somebody", "ve-of-somebody"];
    assert!(foreign.iter().all(|name| one.links().iter().any(|link| link.name == *name)));
    assert_eq!(other.made().len(), 2);
    namespace::remove(&nobodys).unwrap();
}

#[test]
fn a_namespace_of_somebody_elses_in_the_way_fails_its_instance_alone_and_is_named() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let blocked = node.run(&[network.interface(0, 5)]);
    let free = node.run(&[network.interface(0, 6)]);
    let name = names::namespace(blocked);
    namespace::create(&name, || Ok::<(), host::NamespaceError>(())).unwrap();
    let reports = node.bring_until(|reports, _| {
        reports.get(&free).is_some_and(|report| report.state == ReportedState::Running)
    });
    match &reports[&blocked].state {
        ReportedState::Failed(why) => assert!(why.contains(&name) && why.contains("remove it"), "{why}"),
        other => panic!("{other:?}"),
    }
    namespace::remove(&name).unwrap();
    node.settle();
}

#[test]
fn a_namespaces_file_of_another_node_is_not_written_on() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let (blocked, other) = (node.run(&[network.interface(0, 5)]), NodeId::from_entropy(unique()).to_string());
    let name = names::namespace(blocked);
    let path = namespace::path(&name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &other).unwrap();
    let made = namespace::create_for(&name, &node.id.to_string(), || Ok::<(), host::NamespaceError>(()));
    assert!(matches!(made, Err(host::NamespaceError::Foreign { .. })), "{made:?}");
    let reports = node.bring_until(|reports, _| reports.contains_key(&blocked));
    let failed = &reports[&blocked].state;
    assert!(matches!(failed, ReportedState::Failed(why) if why.contains(&other)), "{failed:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
    std::fs::write(&path, "").unwrap();
    node.settle();
    assert!(namespace::exists(&name));
}

#[test]
fn a_rule_of_somebody_elses_about_a_bridge_that_is_gone_stays() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let instance = node.run(&[network.interface(0, 5)]);
    node.settle();
    let rules = |node: &TestNode| node.on(|| Netlink::open().unwrap().no_transits().unwrap());
    assert!(!rules(&node).is_empty() && rules(&node).iter().all(|rule| rule.marked));
    let priority = RULE_PRIORITY.to_string();
    node.on(move || {
        let mut ip = Command::new("ip");
        ip.args(["rule", "add", "iif", "rv-of-somebody", "unreachable", "priority", &priority]);
        assert!(ip.status().unwrap().success());
    });
    node.instance(instance).wanted = policy::WantedState::Gone;
    node.settle();
    let left = rules(&node);
    assert!(matches!(&left[..], [rule] if rule.device == "rv-of-somebody" && !rule.marked), "{left:?}");
}

#[test]
fn a_device_in_the_way_of_a_bridge_fails_the_instances_of_its_network_alone() {
    if !is_root() {
        return;
    }
    let (network, other) = (TestNetwork::new(1), TestNetwork::new(2));
    let mut node = TestNode::new();
    let blocked = node.run(&[network.interface(0, 5)]);
    let free = node.run(&[other.interface(0, 6)]);
    let bridge = names::bridge(network.id);
    let index = node.on(|| {
        let netlink = Netlink::open().unwrap();
        netlink.add_bridge(&bridge, Mac([2, 8, 0, 0, 0, 1]), 0).unwrap();
        netlink.link(&bridge).unwrap().index
    });
    let reports = node.bring_until(|reports, _| {
        reports.get(&free).is_some_and(|report| report.state == ReportedState::Running)
    });
    let failed = &reports[&blocked].state;
    assert!(matches!(failed, ReportedState::Failed(why) if why.contains("make the bridge")), "{failed:?}");
    node.on(|| Netlink::open().unwrap().remove_link(index).unwrap());
    node.settle();
}
