//! Random updates, devices, failures and restarts: open is only what is wanted, and confirmed only what is in force.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod changed;
mod devices;
mod dropped;
mod kernel;

use std::collections::{BTreeMap, BTreeSet};

use agent::{
    Enforcer, FoundDevice, FoundDevices, GuardedNames, NamePattern, ProblemKind, Update, UpdateError, Wanted,
    enforcer::ReleaseError,
};
use dataplane::{ClassId, Dataplane, Device, Generation, Interface, SimulatedDataplane};
use model::{NetworkId, NetworkInterfaceId, SecurityGroupId, UnixMillis, address::Mac, node, rule::*};
use policy::{Delta, Desired, DesiredInterface, Group, Plan, PolicyClass, testing::Random};

use crate::kernel::Kernel;

fn group(number: u128) -> SecurityGroupId {
    SecurityGroupId::from_number(number)
}

fn eni(number: u128) -> NetworkInterfaceId {
    NetworkInterfaceId::from_number(number)
}

fn accept(port: u16) -> Rule {
    Rule {
        direction: Direction::Ingress,
        protocol: Protocol::Tcp,
        policy: Policy::Accept,
        priority: 1,
        ports: PortRange::Ports { low: port, high: port },
        source_ports: PortRange::EVERY,
        source: None,
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

fn with_rules(number: u128, ports: &[u16]) -> (SecurityGroupId, Group) {
    let id = group(number);
    (id, Group { id, rules: ports.iter().map(|port| accept(*port)).collect() })
}

fn interface(number: u8, groups: &[u128]) -> DesiredInterface {
    DesiredInterface {
        device: node::Device::Named(format!("vnet{number}").parse().unwrap()),
        adopt_seconds: 0,
        network: NetworkId::from_number(1),
        mac: Mac([2, 0, 0, 0, 0, number]),
        addresses: [[10, 0, 0, number].into()].into(),
        allowed_prefixes: [].into(),
        source_check: true,
        groups: groups.iter().map(|number| group(*number)).collect(),
    }
}

fn snapshot(generation: u64, groups: &[(u128, &[u16])], interfaces: &[(u8, &[u128])]) -> Update {
    let desired = Desired {
        interfaces: interfaces
            .iter()
            .map(|(number, groups)| (eni((*number).into()), interface(*number, groups)))
            .collect(),
        groups: groups.iter().map(|(number, ports)| with_rules(*number, ports)).collect(),
        ..Default::default()
    };
    Update::snapshot(Wanted { generation, run: 0, desired })
}

/// A change in which interfaces come into these groups.
fn change(from: u64, groups: &[(u128, &[u16])], interfaces: &[(u8, &[u128])]) -> Update {
    let put = |(number, groups): &(u8, &[u128])| (eni((*number).into()), Some(interface(*number, groups)));
    let delta = Delta {
        interfaces: interfaces.iter().map(put).collect(),
        groups: groups.iter().map(|(number, ports)| with_rules(*number, ports)).collect(),
        ..Default::default()
    };
    Update::Delta { from, generation: from + 1, run: 0, delta }
}

fn open(kernel: &Kernel) -> Enforcer<Kernel> {
    let guarded = GuardedNames::new(NamePattern::parse("vnet*"));
    Enforcer::open(kernel.clone(), guarded).unwrap()
}

fn add_device(kernel: &Kernel, number: u8) -> FoundDevice {
    let device = kernel.kernel.borrow_mut().add_device(&format!("vnet{number}"));
    FoundDevice { device, alias: "".into(), unfit: None }
}

/// The digest of the plan that is wanted for an interface.
fn digest_wanted(desired: &Desired, interface: NetworkInterfaceId) -> Option<u64> {
    let groups = &desired.interfaces.get(&interface)?.groups;
    let class = PolicyClass::new(groups.iter().map(|id| desired.groups[id].clone())).unwrap();
    Some(Plan::compile(&class).digest())
}

/// What is open, by interface: the digest of its plan.
fn in_force(kernel: &Kernel) -> BTreeMap<NetworkInterfaceId, Option<u64>> {
    let classes: BTreeMap<ClassId, Option<u64>> = kernel
        .classes()
        .unwrap()
        .iter()
        .map(|report| (report.class, report.plan.map(|plan| plan.digest)))
        .collect();
    let bindings = kernel.bindings().unwrap().into_iter().filter(|report| report.present);
    bindings.map(|report| (report.interface, report.class.and_then(|class| classes[&class]))).collect()
}

#[test]
fn a_membership_that_ends_is_one_assignment_and_no_switch() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1), add_device(&kernel, 2)].into());
    let all = snapshot(5, &[(1, &[80]), (2, &[22])], &[(1, &[1, 2]), (2, &[1])]);
    let outcome = enforcer.update(all).unwrap();
    assert!(outcome.confirmed() && outcome.absent.is_empty(), "{outcome:?}");
    let switches = kernel.switches.get();
    assert!(enforcer.update(change(5, &[], &[(1, &[1])])).unwrap().confirmed());
    assert_eq!(kernel.switches.get(), switches);
    let wanted = &enforcer.wanted().desired;
    assert_eq!(in_force(&kernel)[&eni(1)], digest_wanted(wanted, eni(1)));
    assert_eq!((kernel.classes().unwrap().len(), wanted.groups.len()), (1, 1), "the rest is forgotten");
}

#[test]
fn another_process_takes_up_what_is_in_force_without_a_switch() {
    let kernel = Kernel::default();
    let all = snapshot(5, &[(1, &[80])], &[(1, &[1])]);
    let devices = vec![add_device(&kernel, 1)];
    let mut first = open(&kernel);
    first.set_devices(devices.clone().into());
    assert!(first.update(all.clone()).unwrap().confirmed());
    drop(first);
    let (bindings, switches) = (kernel.bindings().unwrap(), kernel.switches.get());
    let mut second = open(&kernel);
    second.set_devices(devices.into());
    assert!(second.update(all).unwrap().confirmed());
    assert_eq!(kernel.switches.get(), switches);
    assert_eq!(kernel.bindings().unwrap(), bindings);
}

#[test]
fn what_does_not_fit_is_not_obeyed() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1)].into());
    enforcer.update(snapshot(5, &[(1, &[80])], &[(1, &[1])])).unwrap();
    let before = (in_force(&kernel), enforcer.wanted().clone());
    let refused = |enforcer: &mut Enforcer<Kernel>, update| enforcer.update(update).unwrap_err();
    let regressed = UpdateError::Regressed { confirmed: 5, offered: 4 };
    assert_eq!(refused(&mut enforcer, snapshot(4, &[], &[])), regressed);
    assert_eq!(refused(&mut enforcer, change(6, &[], &[])), UpdateError::Gap { has: 5, from: 6 });
    assert_eq!(
        refused(&mut enforcer, Update::Current { generation: 4, run: 0 }),
        UpdateError::Regressed { confirmed: 5, offered: 4 }
    );
    let error = refused(&mut enforcer, change(5, &[(1, &[22])], &[(1, &[9])]));
    assert!(matches!(error, UpdateError::Contradiction { generation: 6, .. }), "{error:?}");
    assert_eq!((in_force(&kernel), enforcer.wanted().clone()), before);
    // Nothing of it is left: what fits is obeyed as if nothing had been.
    assert!(enforcer.update(change(5, &[], &[(1, &[])])).unwrap().confirmed());
}

#[test]
fn the_end_of_an_interface_that_came_and_went_in_between_is_no_contradiction() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.update(snapshot(5, &[], &[])).unwrap();
    let delta = Delta { interfaces: [(eni(9), None)].into(), ..Delta::default() };
    assert!(enforcer.update(Update::Delta { from: 5, generation: 7, run: 0, delta }).unwrap().confirmed());
}

#[test]
fn a_step_back_is_obeyed_where_an_operator_says_so_and_nothing_newer_stays() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1)].into());
    enforcer.update(snapshot(9, &[(1, &[80])], &[(1, &[1])])).unwrap();
    let Update::Snapshot { wanted, .. } = snapshot(4, &[(1, &[80])], &[(1, &[1])]) else { panic!() };
    let told = Update::Snapshot { wanted, obey_regression: true };
    assert!(enforcer.update(told).unwrap().confirmed());
    assert_eq!(enforcer.wanted().generation, 4);
    let generations: Vec<_> =
        kernel.classes().unwrap().iter().map(|of| of.plan.unwrap().generation).collect();
    assert_eq!(generations, [Generation(4)]);
    assert!(enforcer.update(change(4, &[], &[(1, &[])])).unwrap().confirmed());
}

#[test]
fn a_device_that_is_called_otherwise_stays_bound_until_another_one_has_its_name() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    let first = add_device(&kernel, 1);
    enforcer.set_devices(vec![first.clone()].into());
    enforcer.update(snapshot(1, &[(1, &[80])], &[(1, &[1])])).unwrap();
    let at =
        |kernel: &Kernel| kernel.bindings().unwrap().iter().map(|of| of.device.ifindex).collect::<Vec<_>>();
    let renamed = Device { name: "vnet8".into(), ..first.device.clone() };
    let renamed = FoundDevice { device: renamed, alias: "".into(), unfit: None };
    kernel.kernel.borrow_mut().rename_device(first.device.ifindex, "vnet8");
    let before = kernel.bindings().unwrap()[0].binding;
    // The one who looks anew knows it as well: what was wanted is still wanted.
    for restart in [false, true] {
        if restart {
            enforcer = open(&kernel);
        }
        enforcer.set_devices(vec![renamed.clone()].into());
        let outcome = enforcer.update(snapshot(1, &[(1, &[80])], &[(1, &[1])])).unwrap();
        assert!(outcome.confirmed() && outcome.absent.is_empty(), "{outcome:?}");
        assert_eq!(kernel.bindings().unwrap()[0].binding, before);
    }
    let second = add_device(&kernel, 1);
    assert!(enforcer.set_devices(vec![renamed.clone(), second.clone()].into()).confirmed());
    assert_eq!(at(&kernel), [second.device.ifindex]);
    assert_eq!(enforcer.tally().guarded, 1, "the old one is closed");
    // Where another name is wanted nothing is followed.
    kernel.kernel.borrow_mut().remove_device(second.device.ifindex);
    enforcer.set_devices(vec![renamed.clone()].into());
    assert!(at(&kernel).is_empty());
}

#[test]
fn an_alias_is_followed_and_its_end_is_the_end_of_the_binding() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    let plain = add_device(&kernel, 1);
    let aliased = FoundDevice { alias: agent::device::alias_of(eni(1)).into(), ..plain.clone() };
    let mut wanted = interface(1, &[]);
    wanted.device = node::Device::Aliased;
    let desired = Desired { interfaces: [(eni(1), wanted)].into(), ..Desired::default() };
    enforcer.update(Update::snapshot(Wanted { generation: 1, run: 0, desired })).unwrap();
    for (device, bound) in [(&plain, 0), (&aliased, 1), (&plain, 0), (&aliased, 1)] {
        let outcome = enforcer.set_devices(vec![device.clone()].into());
        assert!(outcome.confirmed(), "{outcome:?}");
        assert_eq!(kernel.bindings().unwrap().len(), bound);
        assert_eq!(enforcer.tally().absent, 1 - bound);
    }
}

#[test]
fn a_device_with_the_number_of_one_that_ended_is_bound_anew() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    let device = add_device(&kernel, 1);
    enforcer.set_devices(vec![device.clone()].into());
    enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap();
    let before = kernel.bindings().unwrap()[0].binding;
    let devices = FoundDevices { ended: [device.device.ifindex].into(), found: vec![device] };
    assert!(enforcer.set_devices(devices).confirmed());
    assert_ne!(kernel.bindings().unwrap()[0].binding, before);
}

#[test]
fn what_somebody_else_changes_is_found_and_repaired() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1), add_device(&kernel, 2)].into());
    enforcer.update(snapshot(5, &[(1, &[80])], &[(1, &[1]), (2, &[])])).unwrap();
    let right = (in_force(&kernel), kernel.classes().unwrap().len());
    let audited = enforcer.audit().unwrap();
    assert!(audited.found.is_empty() && audited.outcome.confirmed(), "{audited:?}");
    let (binding, class) = (kernel.bindings().unwrap()[0].binding, kernel.classes().unwrap()[0].class);
    type Harm<'a> = &'a dyn Fn(&mut SimulatedDataplane);
    let harms: [Harm<'_>; 5] = [
        &|kernel| kernel.unbind(binding).unwrap(),
        &|kernel| kernel.assign(kernel.bindings().unwrap()[0].binding, None).unwrap(),
        &|kernel| {
            kernel.create_class(9).unwrap();
        },
        &|kernel| {
            let plan = Plan::compile(&PolicyClass::new([]).unwrap());
            kernel.switch(class, Generation(9), &plan).unwrap();
        },
        &|kernel| {
            let report = kernel.bindings().unwrap().pop().unwrap();
            let other = Interface { source_check: false, ..report.configuration };
            kernel.configure(report.binding, &other).unwrap();
        },
    ];
    for harm in harms {
        harm(&mut kernel.kernel.borrow_mut());
        let audited = enforcer.audit().unwrap();
        assert!(!audited.found.is_empty() && audited.left.is_empty(), "{audited:?}");
        assert!(audited.outcome.confirmed(), "{audited:?}");
        assert_eq!((in_force(&kernel), kernel.classes().unwrap().len()), right);
        assert!(enforcer.audit().unwrap().found.is_empty());
    }
}

#[test]
fn what_failed_is_tried_again_by_an_audit() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1)].into());
    kernel.fails_after.set(Some(1));
    assert!(!enforcer.update(snapshot(5, &[(1, &[80])], &[(1, &[1])])).unwrap().confirmed());
    let audited = enforcer.audit().unwrap();
    assert!(audited.found.is_empty() && audited.outcome.confirmed(), "{audited:?}");
    assert_eq!(in_force(&kernel)[&eni(1)], digest_wanted(&enforcer.wanted().desired, eni(1)));
}

#[test]
fn updates_that_wait_are_one_update_that_leads_to_the_same() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut states = vec![random_desired(&mut random)];
        let mut updates =
            vec![Update::snapshot(Wanted { generation: 1, run: 0, desired: states[0].clone() })];
        for generation in 2..=6 {
            let before = states[states.len() - 1].clone();
            let next = if random.below(5) == 0 { before.clone() } else { random_desired(&mut random) };
            updates.push(match random.below(5) {
                0 => Update::snapshot(Wanted { generation, run: 0, desired: next.clone() }),
                _ if next == before => Update::Current { generation, run: 0 },
                _ => Update::Delta { from: generation - 1, generation, run: 0, delta: delta(&before, &next) },
            });
            states.push(next);
        }
        let kernel = Kernel::default();
        let mut enforcer = open(&kernel);
        enforcer.set_devices((1..=4).map(|number| add_device(&kernel, number)).collect::<Vec<_>>().into());
        // Some are obeyed one after the other, the rest at once.
        let apart = random.below(updates.len());
        let rest = updates.split_off(apart);
        for update in updates {
            assert!(enforcer.update(update).unwrap().confirmed());
        }
        let mut merged: Vec<Update> = Vec::new();
        for update in rest {
            match merged.pop().map(|before| before.merge(update.clone())) {
                None => merged.push(update),
                Some(Ok(one)) => merged.push(one),
                Some(Err(apart)) => merged.extend(<[Update; 2]>::from(*apart)),
            }
        }
        for update in merged {
            assert!(enforcer.update(update).unwrap().confirmed(), "seed {seed}");
        }
        let wanted = enforcer.wanted();
        assert_eq!((wanted.generation, &wanted.desired), (6, states.last().unwrap()), "seed {seed}");
        for (interface, digest) in in_force(&kernel) {
            assert_eq!(digest, digest_wanted(&wanted.desired, interface), "seed {seed}");
        }
    }
}

#[test]
fn what_does_not_follow_is_not_merged() {
    let [regressed, gap] = [snapshot(3, &[], &[]), change(7, &[], &[])];
    for later in [regressed, gap, Update::Current { generation: 3, run: 0 }] {
        let before = change(4, &[], &[]);
        assert_eq!(before.clone().merge(later.clone()), Err(Box::new((before, later))));
    }
    let Update::Snapshot { wanted, .. } = snapshot(3, &[], &[]) else { panic!() };
    let readmitted = Update::Snapshot { wanted, obey_regression: true };
    let merged = readmitted.merge(change(3, &[], &[])).unwrap();
    assert!(matches!(merged, Update::Snapshot { obey_regression: true, .. }), "{merged:?}");
}

#[test]
fn a_device_made_anew_is_bound_anew_and_one_of_nobody_is_closed() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    let outcome = enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap();
    assert_eq!((outcome.confirmed(), &outcome.absent[..]), (true, &[eni(1)][..]));
    let (old, other) = (add_device(&kernel, 1), add_device(&kernel, 9));
    assert!(enforcer.set_devices(vec![old.clone(), other.clone()].into()).confirmed());
    let guarded = kernel.kernel.borrow_mut().bind(&other.device, &Interface::new(eni(9), Mac([2; 6]), []));
    assert!(guarded.is_ok(), "guarded, not bound");
    kernel.kernel.borrow_mut().remove_device(old.device.ifindex);
    let new = add_device(&kernel, 1);
    assert!(enforcer.set_devices(vec![new.clone()].into()).confirmed());
    let bindings = kernel.bindings().unwrap();
    let of_interface: Vec<u32> =
        bindings.iter().filter(|of| of.interface == eni(1)).map(|of| of.device.ifindex).collect();
    assert_eq!(of_interface, [new.device.ifindex]);
}

#[test]
fn a_generation_is_confirmed_when_all_before_it_is_in_force() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1), add_device(&kernel, 2)].into());
    enforcer.update(snapshot(5, &[(1, &[80])], &[(1, &[1]), (2, &[])])).unwrap();
    kernel.fails_after.set(Some(0));
    let outcome = enforcer.update(change(5, &[(1, &[22])], &[])).unwrap();
    assert_eq!(outcome.problems.iter().map(|of| of.interface).collect::<Vec<_>>(), [eni(1)]);
    assert_eq!(in_force(&kernel)[&eni(1)], None, "closed");
    // A change that is about another interface; what failed fails again.
    kernel.fails_after.set(Some(0));
    assert!(!enforcer.update(change(6, &[], &[])).unwrap().confirmed());
    assert!(enforcer.update(change(7, &[], &[(2, &[1])])).unwrap().confirmed());
    assert_eq!(in_force(&kernel)[&eni(1)], digest_wanted(&enforcer.wanted().desired, eni(1)));
}

#[test]
fn what_is_read_back_otherwise_is_not_confirmed() {
    for lie in ["class of a binding", "another program is first", "plan of a class", "damaged plan"] {
        let kernel = Kernel::default();
        let mut enforcer = open(&kernel);
        enforcer.set_devices(vec![add_device(&kernel, 1)].into());
        kernel.lies.set(lie);
        let outcome = enforcer.update(snapshot(5, &[(1, &[80])], &[(1, &[1])])).unwrap();
        let [problem] = &outcome.problems[..] else { panic!("{lie}: {outcome:?}") };
        assert!(matches!(problem.kind, ProblemKind::ReadBack(_)), "{lie}: {outcome:?}");
        if lie.contains("plan") {
            assert_eq!(in_force(&kernel)[&eni(1)], None, "{lie}: nobody knows what would pass");
        }
        assert!(!enforcer.update(change(5, &[], &[])).unwrap().confirmed(), "{lie}");
        kernel.lies.set("");
        assert!(enforcer.update(change(6, &[], &[])).unwrap().confirmed(), "{lie}");
        assert_eq!(in_force(&kernel)[&eni(1)], digest_wanted(&enforcer.wanted().desired, eni(1)));
    }
}

#[test]
fn two_interfaces_are_not_at_one_device() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1)].into());
    let mut second = interface(2, &[]);
    second.device = interface(1, &[]).device;
    let interfaces = [(eni(1), interface(1, &[])), (eni(2), second)].into();
    let desired = Desired { interfaces, ..Desired::default() };
    let outcome = enforcer.update(Update::snapshot(Wanted { generation: 1, run: 0, desired })).unwrap();
    let problems: Vec<_> = outcome.problems.iter().map(|of| (of.interface, of.kind.clone())).collect();
    assert_eq!(problems, [(eni(2), ProblemKind::SameDevice { other: eni(1) })]);
}

/// Interfaces, each at the device and in the group of these numbers.
fn placed(interfaces: &[(u8, u8, u128)]) -> Desired {
    let mut desired = Desired::default();
    for (number, device, group) in interfaces {
        let at = interface(*device, &[]).device;
        let wanted = DesiredInterface { device: at, ..interface(*number, &[*group]) };
        desired.interfaces.insert(eni((*number).into()), wanted);
        desired.groups.extend([with_rules(*group, &[u16::try_from(*group).unwrap()])]);
    }
    desired
}

#[test]
fn a_device_is_another_interface_s_with_the_update_that_says_so() {
    // The first two are at the devices with their numbers; the third device is nobody's, and the ninth is not there.
    let after: [&[(u8, u8)]; 7] = [
        &[(1, 2), (2, 1)],
        &[(1, 2)],
        &[(2, 1)],
        &[(1, 2), (2, 3)],
        &[(1, 3), (2, 1)],
        &[(1, 2), (2, 9)],
        &[(1, 9), (2, 1)],
    ];
    for (places, group, whole) in after
        .into_iter()
        .flat_map(|places| [1, 2].map(|group| (places, group)))
        .flat_map(|(places, group)| [true, false].map(|whole| (places, group, whole)))
    {
        let context = format!("{places:?}, group {group}, whole {whole}");
        let kernel = Kernel::default();
        let mut enforcer = open(&kernel);
        let devices: Vec<_> = (1..=3).map(|number| add_device(&kernel, number)).collect();
        enforcer.set_devices(devices.clone().into());
        let before = placed(&[(1, 1, 1), (2, 2, 1)]);
        let told = Update::snapshot(Wanted { generation: 1, run: 0, desired: before.clone() });
        assert!(enforcer.update(told).unwrap().confirmed());
        let desired = placed(&places.iter().map(|(number, at)| (*number, *at, group)).collect::<Vec<_>>());
        let outcome = enforcer.update(match whole {
            true => Update::snapshot(Wanted { generation: 2, run: 0, desired: desired.clone() }),
            false => Update::Delta { from: 1, generation: 2, run: 0, delta: delta(&before, &desired) },
        });
        let outcome = outcome.unwrap();
        assert!(outcome.confirmed(), "{context}: {outcome:?}");
        let there = |(number, at): &&(u8, u8)| {
            let device = devices.iter().find(|of| *of.device.name == format!("vnet{at}"))?;
            Some((eni((*number).into()), device.device.ifindex))
        };
        let bound: BTreeMap<_, _> =
            kernel.bindings().unwrap().iter().map(|of| (of.interface, of.device.ifindex)).collect();
        assert_eq!(bound, places.iter().filter_map(|place| there(&place)).collect(), "{context}");
        for (interface, digest) in in_force(&kernel) {
            assert_eq!(digest, digest_wanted(&desired, interface), "{context}");
        }
    }
}

#[test]
fn a_device_that_an_interface_is_wanted_at_is_not_let_go() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    enforcer.set_devices(vec![add_device(&kernel, 1)].into());
    kernel.refuses.set("bind");
    assert!(!enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap().confirmed());
    assert_eq!(enforcer.tally().guarded, 1, "what cannot be bound is closed");
    let refused = enforcer.release("vnet1").unwrap_err();
    assert!(matches!(refused, ReleaseError::Bound { interface, .. } if interface == eni(1)), "{refused}");
    assert_eq!(enforcer.tally().guarded, 1);
    kernel.refuses.set("");
    assert!(enforcer.update(Update::Current { generation: 1, run: 0 }).unwrap().confirmed());
    assert!(enforcer.update(snapshot(2, &[], &[])).unwrap().confirmed());
    enforcer.release("vnet1").unwrap();
}

#[test]
fn a_device_that_cannot_be_bound_nor_closed_is_forgotten_with_its_binding() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    enforcer.set_devices(vec![add_device(&kernel, 1)].into());
    kernel.refuses.set("bind guard");
    assert!(!enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap().confirmed());
    assert_eq!(enforcer.tally().open, 1);
    let gone = delta(&enforcer.wanted().desired.clone(), &Desired::default());
    let update = Update::Delta { from: 1, generation: 2, run: 0, delta: gone };
    assert!(enforcer.update(update).unwrap().confirmed());
    assert_eq!(enforcer.tally().open, 0);
}

/// What is wanted, at random; few values, so that much stays the same.
fn random_desired(random: &mut Random) -> Desired {
    let numbers: Vec<u128> = (1..=3).filter(|_| random.below(4) > 0).collect();
    let mut desired = Desired::default();
    for number in 1..=4 {
        if random.below(4) > 0 {
            let chosen: Vec<u128> = numbers.iter().copied().filter(|_| random.below(2) == 0).collect();
            let wanted = DesiredInterface { source_check: random.below(3) > 0, ..interface(number, &chosen) };
            desired.interfaces.insert(eni(number.into()), wanted);
        }
    }
    for number in numbers {
        let ports: Vec<u16> = [22, 80, 443].into_iter().filter(|_| random.below(2) == 0).collect();
        desired.groups.extend([with_rules(number, &ports)]);
    }
    let needed = desired.needed_groups();
    desired.groups.retain(|id, _| needed.contains(id));
    desired
}

/// The change from one to the other.
fn delta(from: &Desired, to: &Desired) -> Delta {
    let put = to.interfaces.iter().filter(|(id, wanted)| from.interfaces.get(id) != Some(wanted));
    let removed = from.interfaces.keys().filter(|id| !to.interfaces.contains_key(id));
    let groups = to.groups.iter().filter(|(id, group)| from.groups.get(id) != Some(group));
    Delta {
        interfaces: put
            .map(|(id, wanted)| (*id, Some(wanted.clone())))
            .chain(removed.map(|id| (*id, None)))
            .collect(),
        groups: groups.map(|(id, group)| (*id, group.clone())).collect(),
        ..Delta::default()
    }
}

#[test]
fn open_is_only_what_is_wanted_and_confirmed_only_what_is_in_force() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let kernel = Kernel::default();
        let mut devices: Vec<FoundDevice> = (1..=4).map(|number| add_device(&kernel, number)).collect();
        let mut enforcer = open(&kernel);
        enforcer.set_devices(devices.clone().into());
        for generation in 1..=12 {
            let context = format!("seed {seed}, generation {generation}");
            let next = random_desired(&mut random);
            let change = delta(&enforcer.wanted().desired, &next);
            let snapshot = Update::snapshot(Wanted { generation, run: 0, desired: next.clone() });
            let restarts = random.below(6) == 0;
            if restarts {
                enforcer = open(&kernel);
                enforcer.set_devices(devices.clone().into());
            }
            if random.below(5) == 0 {
                let at = random.below(devices.len());
                kernel.kernel.borrow_mut().remove_device(devices[at].device.ifindex);
                devices[at] = add_device(&kernel, u8::try_from(at + 1).unwrap());
                enforcer.set_devices(devices.clone().into());
            }
            const CALLS: [&str; 7] =
                ["bind", "configure", "unbind", "create_class", "remove_class", "assign", "switch"];
            let refuses = random.below(4) == 0;
            kernel.refuses.set(if refuses { CALLS[random.below(CALLS.len())] } else { "" });
            let fails = !refuses && random.below(3) == 0;
            kernel.fails_after.set(fails.then(|| u32::try_from(random.below(8)).unwrap()));
            let update = if restarts || random.below(4) == 0 {
                snapshot.clone()
            } else {
                Update::Delta { from: generation - 1, generation, run: 0, delta: change }
            };
            let outcome = enforcer.update(update).unwrap();
            assert_eq!(enforcer.wanted().desired, next, "{context}");
            let failed = refuses || fails && kernel.fails_after.take().is_none();
            kernel.refuses.set("");
            assert_eq!(outcome.generation, generation, "{context}");
            let troubled: BTreeSet<_> = outcome.problems.iter().map(|of| of.interface).collect();
            let in_force = in_force(&kernel);
            for (interface, digest) in &in_force {
                // One call fails at a time, so that what fails can be closed.
                let right = *digest == digest_wanted(&next, *interface);
                assert!(right || failed && digest.is_none(), "{context}: {interface} {outcome:?}");
            }
            for interface in next.interfaces.keys().filter(|of| !troubled.contains(of)) {
                let digest = in_force.get(interface).copied().flatten();
                assert_eq!(digest, digest_wanted(&next, *interface), "{context}: {interface}");
            }
            if failed && random.below(2) == 0 {
                continue;
            }
            if failed {
                // The next look repairs what failed.
                let again = enforcer.update(snapshot).unwrap();
                assert!(again.confirmed(), "{context}: {again:?}");
            }
            let needed: BTreeSet<_> = next.interfaces.values().map(|wanted| &wanted.groups).collect();
            assert_eq!(
                kernel.classes().unwrap().len(),
                needed.len(),
                "{context}: classes of nobody are left"
            );
        }
    }
}
