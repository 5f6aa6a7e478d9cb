//! What happens to an instance, from its creation to its release.

use std::collections::BTreeMap;

use agent::{InstanceDriver, LabDriver, instances::names};
use host::{Netlink, namespace};
use model::node::ReportedState;
use policy::WantedState;

use crate::{
    node::{TestNetwork, TestNode, is_root},
    traffic::{cannot_connect, connect, has_ended, is_cut, serve, stubborn, within},
};

#[test]
fn an_instance_runs_stops_starts_reboots_is_made_anew_and_goes() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let server = node.run(&[network.interface(0, 5)]);
    let client = node.run(&[network.interface(0, 6)]);
    node.settle();
    serve(server);
    let mut stream = connect(client, network.ipv4(0, 5));
    connect(client, network.ipv6(0, 5));

    let process = stubborn(server);
    node.instance(server).wanted = WantedState::Stopped;
    node.settle();
    has_ended(process);
    is_cut(&mut stream);
    assert!(!namespace::path(&names::namespace(server)).exists());
    cannot_connect(client, network.ipv4(0, 5));

    node.instance(server).wanted = WantedState::Running;
    for (boots, images) in [(2, 1), (3, 1), (4, 2)] {
        (node.instance(server).boots, node.instance(server).images) = (boots, images);
        node.settle();
        serve(server);
        let mut stream = connect(client, network.ipv4(0, 5));
        let process = stubborn(server);
        node.instance(server).boots += 100;
        node.settle();
        has_ended(process);
        is_cut(&mut stream);
        node.instance(server).boots -= 100;
    }

    let process = stubborn(server);
    node.instance(server).wanted = WantedState::Gone;
    node.settle();
    has_ended(process);
    assert_eq!(node.made().len(), 2, "the bridge and the other instance's device are left");
    node.instance(client).wanted = WantedState::Gone;
    node.settle();
    assert_eq!(node.leftovers(), Vec::<String>::new());
    node.settle();
}

#[test]
fn what_is_not_wanted_any_more_goes_even_if_nobody_said_so() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let forgotten = node.run(&[network.interface(0, 5)]);
    let kept = node.run(&[network.interface(0, 6)]);
    node.settle();
    node.forget(forgotten);
    node.settle();
    assert!(!namespace::exists(&names::namespace(forgotten)) && namespace::exists(&names::namespace(kept)));
    assert_eq!(node.made().len(), 2);
}

#[test]
fn a_node_without_instances_looks_once_and_removes_what_an_earlier_agent_left() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let left = node.run(&[network.interface(0, 5)]);
    node.settle();
    let (id, nothing) = (node.id, policy::Desired::default());
    let looks = node.on(|| {
        let mut driver = LabDriver::new(id);
        assert_eq!(driver.bring(&nothing, &BTreeMap::new()), vec![]);
        let path = namespace::path(&names::namespace(left));
        assert!(!path.exists());
        std::fs::write(&path, id.to_string()).unwrap();
        driver.bring(&nothing, &BTreeMap::new());
        let looked = !path.exists();
        std::fs::remove_file(&path).unwrap();
        looked
    });
    assert!(!looks, "it looks where nothing can be");
    assert_eq!(node.leftovers(), Vec::<String>::new());
}

#[test]
fn what_runs_is_not_touched_by_a_driver_that_begins_anew() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let server = node.run(&[network.interface(0, 5)]);
    let client = node.run(&[network.interface(0, 6)]);
    node.settle();
    serve(server);
    let _stream = connect(client, network.ipv4(0, 5));
    let (id, desired) = (node.id, node.desired.clone());
    let in_force = desired.interfaces.keys().map(|interface| {
        let name = names::device(*interface);
        (*interface, node.links().into_iter().find(|link| link.name == name).unwrap().index)
    });
    let in_force: BTreeMap<_, _> = in_force.collect();
    let reports = node.on(move || {
        let mut steps = Vec::new();
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut driver = LabDriver::new(id).watched(move |step| sender.send(step.clone()).unwrap());
        let reports = [(); 3].map(|()| driver.bring(&desired, &in_force));
        steps.extend(receiver.try_iter());
        assert_eq!(steps, vec![], "there is nothing to do");
        reports
    });
    for reports in reports {
        assert!(reports.iter().all(|report| report.state == ReportedState::Running) && reports.len() == 2);
    }
}

#[test]
fn a_device_is_on_only_when_the_very_device_is_enforced() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let interface = network.interface(0, 5);
    let id = interface.id;
    let instance = node.run(&[interface]);
    let (node_id, desired) = (node.id, node.desired.clone());
    node.on(|| {
        let mut driver = LabDriver::new(node_id);
        let link = || Netlink::open().unwrap().link(&names::device(id)).unwrap();
        assert_eq!(driver.bring(&desired, &BTreeMap::new()), vec![], "it is still coming");
        let made = link();
        assert!(!made.up && made.alias == format!("ravelin:{id}") && made.master.is_some());
        assert_eq!(driver.bring(&desired, &[(id, made.index + 1)].into()), vec![]);
        assert!(!link().up, "another device was enforced");
        let mut rebooted = desired.clone();
        rebooted.instances.get_mut(&instance).unwrap().boots += 1;
        assert_eq!(driver.bring(&rebooted, &[(id, made.index)].into()), vec![]);
        let anew = link();
        assert!(!anew.up && anew.index != made.index, "it was made anew");
        let reports = driver.bring(&rebooted, &[(id, anew.index)].into());
        assert_eq!(reports[0].state, ReportedState::Running);
        assert_eq!((reports[0].boots, reports[0].images), (2, 1));
        assert!(link().up);
    });
}

#[test]
fn what_somebody_removed_is_made_anew() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let interface = network.interface(0, 5);
    let device = names::device(interface.id);
    let server = node.run(&[interface]);
    let client = node.run(&[network.interface(0, 6)]);
    let removals: [&dyn Fn(&TestNode); 4] = [
        &|node| {
            let remove = |name: &str| {
                let netlink = Netlink::open().unwrap();
                netlink.remove_link(netlink.link(name).unwrap().index).unwrap();
            };
            node.on(|| remove(&device));
        },
        &|node| {
            let bridge = names::bridge(network.id);
            node.on(|| {
                let netlink = Netlink::open().unwrap();
                netlink.remove_link(netlink.link(&bridge).unwrap().index).unwrap();
            });
        },
        &|_| namespace::remove(&names::namespace(server)).unwrap(),
        &|node| {
            node.on(|| {
                let netlink = Netlink::open().unwrap();
                for rule in netlink.no_transits().unwrap() {
                    netlink.remove_no_transit(&rule).unwrap();
                }
            });
        },
    ];
    for remove in removals {
        node.settle();
        serve(server);
        connect(client, network.ipv4(0, 5));
        remove(&node);
    }
    node.settle();
    assert_eq!(node.on(|| Netlink::open().unwrap().no_transits().unwrap()).len(), 2);
}

#[test]
fn addresses_follow_what_is_wanted_and_what_somebody_added_stays() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let mut interface = network.interface(0, 5);
    let instance = node.run(&[interface.clone()]);
    let client = node.run(&[network.interface(0, 6)]);
    node.settle();
    serve(instance);
    let added = network.ipv4(0, 99);
    within(instance, || {
        let output = std::process::Command::new("ip")
            .args(["address", "add", &format!("{added}/24"), "dev", "eth0"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    });
    let has = |address| {
        within(instance, || {
            let addresses = Netlink::open().unwrap().addresses().unwrap();
            addresses.iter().any(|own| own.address == address)
        })
    };
    let second = network.ipv4(0, 7);
    let alone = interface.addresses.clone();
    interface.addresses = alone.iter().copied().chain([format!("{second}/24").parse().unwrap()]).collect();
    node.instance(instance).interfaces = [interface.clone()].into();
    node.bind(&interface);
    node.settle();
    assert!(has(second) && has(added));
    connect(client, second);
    interface.addresses = alone;
    node.instance(instance).interfaces = [interface.clone()].into();
    node.bind(&interface);
    node.settle();
    assert!(!has(second) && has(added));
    cannot_connect(client, second);
    connect(client, network.ipv4(0, 5));
}

#[test]
fn an_instance_with_two_interfaces_answers_through_the_one_that_was_asked() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let mut node = TestNode::new();
    let server = node.run(&[network.interface(0, 5), network.interface(2, 5)]);
    let client = node.run(&[network.interface(1, 6)]);
    node.settle();
    serve(server);
    for address in [network.ipv4(0, 5), network.ipv4(2, 5), network.ipv6(0, 5), network.ipv6(2, 5)] {
        connect(client, address);
    }
    // As if the second one had been detached and the instance started again.
    let first = node.instance(server).interfaces[0].clone();
    node.instance(server).interfaces = [first].into();
    node.instance(server).boots += 1;
    node.settle();
    serve(server);
    connect(client, network.ipv4(0, 5));
    cannot_connect(client, network.ipv4(2, 5));
    let devices = within(server, || Netlink::open().unwrap().links().unwrap().len());
    assert_eq!(devices, 2, "its loopback and one interface");
}
