use std::net::IpAddr;

use host::netlink::Address;
use policy::{DesiredInstance, WantedState};

use super::{
    super::target::tests::{instance, interface},
    *,
};

const BRIDGE_INDEX: u32 = 10;

fn node() -> NodeId {
    NodeId::from_entropy(1)
}

fn id(number: u128) -> InstanceId {
    InstanceId::from_entropy(number)
}

/// Instances by number; each has one interface of its number in network 1.
fn target(instances: &[(u128, WantedState, (u64, u64))]) -> Target {
    let desired =
        |(number, wanted, counts): &(u128, WantedState, (u64, u64))| -> (InstanceId, DesiredInstance) {
            (id(*number), instance(*wanted, *counts, &[interface(*number, 1, 0)]))
        };
    Target::of(&instances.iter().map(desired).collect())
}

fn link(index: u32, name: &str, alias: &str) -> Link {
    let (name, alias) = (name.to_owned(), alias.to_owned());
    let group = names::DEVICE_GROUP;
    Link { index, name, alias, mac: None, master: None, group, up: true, ready: true }
}

/// Everything that a target wants to run, as it is when all of it is done.
fn done(target: &Target) -> (Observed, BTreeMap<NetworkInterfaceId, u32>) {
    let mut observed = Observed::default();
    let mut in_force = BTreeMap::new();
    for (place, (network, bridge)) in target.bridges.iter().enumerate() {
        let index = BRIDGE_INDEX + u32::try_from(place).unwrap();
        let name = names::bridge(*network);
        observed.rules.extend(rules(&name, true));
        observed.addresses.extend(bridge.iter().map(|gateway| Address {
            device: index,
            address: gateway.addr(),
            length: gateway.prefix_len(),
            marked: true,
        }));
        observed.links.push(link(index, &name, &names::bridge_alias(*network)));
    }
    for (instance, machine) in target.machines.iter().filter(|(_, machine)| machine.runs()) {
        let mut devices = Vec::new();
        for port in &machine.ports {
            let index = 100 + u32::try_from(observed.links.len()).unwrap();
            let bridge = observed.link(&names::bridge(port.network)).map(|bridge| bridge.index);
            let outer = link(index, &port.device(), &alias_of(port.interface));
            observed.links.push(Link { master: bridge, ..outer });
            in_force.insert(port.interface, index);
            let inner = link(2, &port.inner_device(), &port.inner_alias());
            devices.push(InnerDevice { link: Link { mac: Some(port.mac), ..inner }, addresses: Vec::new() });
        }
        let mark = Some(Mark { node: node(), boots: machine.boots, images: machine.images });
        observed.machines.insert(*instance, Found::Namespace { mark, devices });
    }
    (observed, in_force)
}

fn compared(
    target: &Target,
    (observed, in_force): &(Observed, BTreeMap<NetworkInterfaceId, u32>),
) -> Difference {
    Comparison { node: node(), target, observed, in_force, has_ipv6: true }.difference()
}

fn texts(difference: &Difference) -> Vec<String> {
    difference.steps.iter().map(ToString::to_string).collect()
}

const RUNNING: WantedState = WantedState::Running;

#[test]
fn where_nothing_is_everything_is_made_and_nothing_is_on() {
    let target = target(&[(1, RUNNING, (1, 1))]);
    let difference = compared(&target, &Default::default());
    let (instance, network) = (id(1), NetworkId::from_entropy(1));
    assert_eq!(
        difference.steps,
        [
            Step::MakeBridge { network },
            Step::SetUpBridge { network },
            Step::MakeNamespace { instance },
            Step::MakeDevices { instance, number: 0 },
            Step::Configure { instance, number: 0 },
            Step::Offer { instance, number: 0 },
        ]
    );
}

#[test]
fn what_is_as_it_is_wanted_needs_nothing_looked_into_or_not() {
    let target = target(&[(1, RUNNING, (1, 1)), (2, RUNNING, (7, 3)), (3, WantedState::Stopped, (1, 1))]);
    let mut there = done(&target);
    assert_eq!(compared(&target, &there), Difference::default());
    there.0.machines.values_mut().for_each(|found| *found = Found::Unlooked);
    assert_eq!(compared(&target, &there), Difference::default());
}

#[test]
fn a_device_is_switched_on_when_it_is_in_force_itself() {
    let target = target(&[(1, RUNNING, (1, 1))]);
    let (mut observed, in_force) = done(&target);
    observed
        .links
        .iter_mut()
        .filter(|link| link.name.starts_with(names::DEVICE))
        .for_each(|link| link.up = false);
    let (interface, index) = in_force.iter().next().map(|(interface, index)| (*interface, *index)).unwrap();
    let on = compared(&target, &(observed.clone(), in_force));
    assert_eq!(on.steps, [Step::SwitchOn { instance: id(1), number: 0, index }]);
    for none in [BTreeMap::new(), [(interface, index + 1)].into()] {
        assert_eq!(compared(&target, &(observed.clone(), none)), Difference::default());
    }
}

#[test]
fn another_number_or_state_ends_what_is_there() {
    let there = done(&target(&[(1, RUNNING, (1, 1))]));
    for (wanted, counts) in
        [(RUNNING, (2, 1)), (RUNNING, (1, 2)), (WantedState::Stopped, (1, 1)), (WantedState::Gone, (1, 1))]
    {
        let target = target(&[(1, wanted, counts)]);
        let difference = compared(&target, &there);
        let device = names::device(NetworkInterfaceId::from_entropy(1));
        let ends = texts(&difference);
        assert_eq!(ends[0], format!("end the processes of {}", id(1)));
        assert_eq!(ends[1], format!("remove the device {device}"));
        assert_eq!(ends[2], format!("remove the namespace of {}", id(1)));
        let anew = ends.contains(&format!("make the namespace of {}", id(1)));
        assert_eq!(anew, wanted == RUNNING);
        let bridge = ends.iter().any(|step| step.starts_with("remove the bridge"));
        assert_eq!(bridge, wanted == WantedState::Gone);
    }
    let forgotten = compared(&target(&[]), &there);
    assert!(texts(&forgotten).contains(&format!("remove the namespace of {}", id(1))));
}

#[test]
fn what_others_made_is_not_touched_and_refused_where_it_is_in_the_way() {
    let wanted = target(&[(1, RUNNING, (1, 1))]);
    let (mut observed, in_force) = done(&wanted);
    let another = Mark { node: NodeId::from_entropy(2), boots: 1, images: 1 };
    for mark in [Some(another), None] {
        observed.machines.insert(id(1), Found::Namespace { mark, devices: Vec::new() });
        observed.links.clear();
        let there = (observed.clone(), in_force.clone());
        let blocked = compared(&wanted, &there);
        assert!(blocked.refused.contains_key(&id(1)));
        assert!(blocked.steps.iter().all(|step| step.instance().is_none()), "{:?}", blocked.steps);
        let unwanted = compared(&target(&[]), &there);
        assert!(unwanted.steps.iter().all(|step| matches!(step, Step::RemoveRule(_))));
        assert!(unwanted.refused.is_empty());
    }
    let mut foreign = Observed::default();
    foreign.links.push(Link { group: 0, ..link(7, "rv-x", "") });
    foreign.links.push(Link { group: 0, ..link(8, "ve-x", "") });
    for (device, priority, marked) in
        [("eth0", RULE_PRIORITY, true), ("rv-x", RULE_PRIORITY - 1, true), ("rv-x", RULE_PRIORITY, false)]
    {
        foreign.rules.push(NoTransit { device: device.into(), ipv4: true, priority, marked });
    }
    foreign.machines.insert(id(9), Found::Remains("node-of-another".into()));
    assert_eq!(compared(&target(&[]), &(foreign, BTreeMap::new())), Difference::default());
}

#[test]
fn a_file_of_another_node_is_in_the_way_and_a_rule_of_somebody_else_is_not() {
    let wanted = target(&[(1, RUNNING, (1, 1))]);
    let (mut observed, in_force) = done(&wanted);
    observed.rules.iter_mut().for_each(|rule| rule.marked = false);
    let there = (observed.clone(), in_force.clone());
    assert_eq!(compared(&wanted, &there), Difference::default(), "it does the same");
    observed.machines.insert(id(1), Found::Remains("node-of-another".into()));
    let blocked = compared(&wanted, &(observed.clone(), in_force.clone()));
    assert!(blocked.refused[&id(1)].contains("node-of-another"), "{blocked:?}");
    assert!(blocked.steps.iter().all(|step| step.instance().is_none()), "{:?}", blocked.steps);
    observed.machines.insert(id(1), Found::Remains(String::new()));
    let made = compared(&wanted, &(observed, in_force));
    assert!(made.steps.contains(&Step::MakeNamespace { instance: id(1) }), "{made:?}");
}

#[test]
fn what_was_left_half_made_is_finished_or_removed() {
    let running = target(&[(1, RUNNING, (1, 1))]);
    let full = done(&running);
    let steps = |change: &dyn Fn(&mut Observed)| {
        let mut there = full.clone();
        change(&mut there.0);
        texts(&compared(&running, &there))
    };
    let device = |observed: &mut Observed, change: &dyn Fn(&mut Link)| {
        observed.links.iter_mut().filter(|link| link.name.starts_with(names::DEVICE)).for_each(change);
    };
    let inside = |observed: &mut Observed, change: &dyn Fn(&mut Vec<InnerDevice>)| {
        let Some(Found::Namespace { devices, .. }) = observed.machines.get_mut(&id(1)) else { panic!() };
        change(devices);
    };
    let one = id(1);
    assert_eq!(
        steps(&|observed| device(observed, &|link| link.alias.clear())),
        [format!("name the device of eth0 of {one}")]
    );
    assert_eq!(
        steps(&|observed| device(observed, &|link| link.master = None)),
        [format!("name the device of eth0 of {one}")]
    );
    assert_eq!(
        steps(&|observed| inside(observed, &|devices| devices[0].link.alias.clear())),
        [format!("configure eth0 of {one}")]
    );
    let anew = steps(&|observed| inside(observed, &Vec::clear));
    assert!(anew[0].starts_with("remove the device ve-"), "{anew:?}");
    assert_eq!(
        anew[1..],
        [
            format!("make eth0 of {one}"),
            format!("configure eth0 of {one}"),
            format!("name the device of eth0 of {one}")
        ]
    );
    let bridge = |observed: &mut Observed, change: &dyn Fn(&mut Link)| {
        observed.links.iter_mut().filter(|link| link.name.starts_with(names::BRIDGE)).for_each(change);
    };
    let network = NetworkId::from_entropy(1);
    let set_up = [format!("set up the bridge of {network}")];
    assert_eq!(steps(&|observed| bridge(observed, &|link| link.alias.clear())), set_up);
    assert_eq!(steps(&|observed| bridge(observed, &|link| link.up = false)), set_up);
    assert_eq!(steps(&|observed| observed.rules.clear()), set_up);
    assert_eq!(steps(&|observed| observed.addresses.clear()), set_up);
    let remains = Found::Remains(node().to_string());
    let made = steps(&|observed| drop(observed.machines.insert(one, remains.clone())));
    assert!(made.contains(&format!("make the namespace of {one}")), "{made:?}");
    let mut unwanted = Observed::default();
    unwanted.machines.insert(one, remains);
    let removed = compared(&target(&[]), &(unwanted, BTreeMap::new()));
    assert_eq!(removed.steps, [Step::RemoveNamespace { instance: one }]);
}

#[test]
fn what_cannot_be_looked_into_fails_its_instance_and_is_left_as_it_is() {
    let running = target(&[(1, RUNNING, (1, 1)), (2, RUNNING, (1, 1))]);
    let mut there = done(&running);
    there.0.machines.insert(id(1), Found::Unseen("no memory".into()));
    let difference = compared(&running, &there);
    assert_eq!(difference.steps, vec![]);
    assert_eq!(difference.refused.keys().copied().collect::<Vec<_>>(), [id(1)]);
    assert!(difference.refused[&id(1)].contains("no memory"));
    assert!(compared(&target(&[(2, RUNNING, (1, 1))]), &there).refused.is_empty());
}

#[test]
fn gateways_that_were_given_go_and_those_of_others_stay() {
    let target = target(&[(1, RUNNING, (1, 1))]);
    let (mut observed, in_force) = done(&target);
    let address = |last, marked| Address {
        device: BRIDGE_INDEX,
        address: IpAddr::from([10, 0, 9, last]),
        length: 24,
        marked,
    };
    observed.addresses.extend([address(1, true), address(2, false)]);
    let network = NetworkId::from_entropy(1);
    let difference = compared(&target, &(observed, in_force));
    assert_eq!(difference.steps, [Step::RemoveAddress { network, address: address(1, true) }]);
}

#[test]
fn rules_about_bridges_that_are_gone_are_removed() {
    let mut observed = Observed::default();
    let device = names::bridge(NetworkId::from_entropy(9));
    let rule = NoTransit { device, ipv4: false, priority: RULE_PRIORITY, marked: true };
    observed.rules.push(rule.clone());
    let difference = compared(&target(&[]), &(observed, BTreeMap::new()));
    assert_eq!(difference.steps, [Step::RemoveRule(rule)]);
}
