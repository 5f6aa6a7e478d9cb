//! Random updates, devices, failures and restarts: open is only what is wanted, and confirmed only what is in force.

#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use agent::{
    Delta, DeviceSelector, Enforcer, FoundDevice, GuardedNames, NamePattern, ProblemKind, Update,
    UpdateError, Wanted, WantedInterface,
};
use dataplane::{
    Binding, BindingReport, ClassId, ClassReport, Dataplane, DataplaneError, Device, Drops, Event, Flow,
    Generation, Interface, RuleCount, SimulatedDataplane, Stamp,
};
use model::{NetworkInterfaceId, SecurityGroupId, UnixMillis, address::Mac, rule::*};
use policy::{Plan, PolicyClass, image, testing::Random};

/// A kernel that outlives those who open it, and that refuses when it is told to.
#[derive(Clone, Default)]
struct Kernel {
    kernel: Rc<RefCell<SimulatedDataplane>>,
    /// How many calls succeed before one fails; none: all of them.
    fails_after: Rc<Cell<Option<u32>>>,
    switches: Rc<Cell<u32>>,
}

impl Kernel {
    fn refuse(&self) -> Result<(), DataplaneError> {
        match self.fails_after.get() {
            Some(0) => {
                self.fails_after.set(None);
                Err(DataplaneError::NotPermitted)
            }
            left => {
                self.fails_after.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }
}

macro_rules! changing {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {$(
        fn $name(&mut self, $($argument: $kind),*) -> Result<$output, DataplaneError> {
            self.refuse()?;
            self.kernel.borrow_mut().$name($($argument),*)
        }
    )*};
}

macro_rules! reading {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {$(
        fn $name(&self, $($argument: $kind),*) -> Result<$output, DataplaneError> {
            self.kernel.borrow().$name($($argument),*)
        }
    )*};
}

impl Dataplane for Kernel {
    changing! {
        guard(device: &Device) -> ();
        release(device: &Device) -> ();
        bind(device: &Device, interface: &Interface) -> Binding;
        configure(binding: Binding, interface: &Interface) -> ();
        unbind(binding: Binding) -> ();
        create_class(label: u128) -> ClassId;
        remove_class(class: ClassId) -> ();
        assign(binding: Binding, class: Option<ClassId>) -> ();
        events(most: usize) -> Vec<Event>;
    }

    fn switch(
        &mut self,
        class: ClassId,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Stamp, DataplaneError> {
        self.refuse()?;
        self.switches.set(self.switches.get() + 1);
        self.kernel.borrow_mut().switch(class, generation, plan)
    }

    reading! {
        bindings() -> Vec<BindingReport>;
        classes() -> Vec<ClassReport>;
        read_back(binding: Binding) -> BindingReport;
        read_back_class(class: ClassId) -> ClassReport;
        flows(binding: Binding, most: usize) -> Vec<Flow>;
        drops(binding: Option<Binding>) -> Drops;
        rule_counts(class: ClassId) -> Vec<RuleCount>;
    }
}

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

fn rules(ports: &[u16]) -> Arc<[Rule]> {
    ports.iter().map(|port| accept(*port)).collect()
}

fn interface(number: u8, groups: &[u128]) -> WantedInterface {
    let address = [10, 0, 0, number].into();
    WantedInterface {
        interface: Interface::new(eni(number.into()), Mac([2, 0, 0, 0, 0, number]), [address]),
        groups: groups.iter().map(|number| group(*number)).collect(),
        device: DeviceSelector::Name(format!("vnet{number}").into()),
    }
}

fn wanted(generation: u64, groups: &[(u128, &[u16])], interfaces: Vec<WantedInterface>) -> Wanted {
    Wanted {
        generation,
        groups: groups.iter().map(|(number, ports)| (group(*number), rules(ports))).collect(),
        interfaces: interfaces.into_iter().map(|of| (of.interface.id, of)).collect(),
    }
}

fn open(kernel: &Kernel) -> Enforcer<Kernel> {
    let guarded = GuardedNames::new(NamePattern::parse("vnet*"));
    Enforcer::open(kernel.clone(), guarded).unwrap()
}

fn add_device(kernel: &Kernel, number: u8) -> FoundDevice {
    let device = kernel.kernel.borrow_mut().add_device(&format!("vnet{number}"));
    FoundDevice { device, alias: "".into() }
}

/// The digest of the plan that is wanted for an interface.
fn digest_wanted(wanted: &Wanted, interface: NetworkInterfaceId) -> Option<u64> {
    let groups = &wanted.interfaces.get(&interface)?.groups;
    let groups = groups.iter().map(|id| policy::Group { id: *id, rules: wanted.groups[id].clone() });
    let class = PolicyClass::new(groups).unwrap();
    Some(Plan::compile(&class).image(0, 0)[image::DIGEST])
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
    enforcer.set_devices(vec![add_device(&kernel, 1), add_device(&kernel, 2)]);
    let both = vec![interface(1, &[1, 2]), interface(2, &[1])];
    let outcome = enforcer.update(Update::Snapshot(wanted(5, &[(1, &[80]), (2, &[22])], both))).unwrap();
    assert!(outcome.confirmed() && outcome.absent.is_empty(), "{outcome:?}");
    let switches = kernel.switches.get();
    let delta = Delta {
        from: 5,
        generation: 6,
        put_interfaces: vec![interface(1, &[1])],
        removed_groups: vec![group(2)],
        ..Delta::default()
    };
    assert!(enforcer.update(Update::Delta(delta)).unwrap().confirmed());
    assert_eq!(kernel.switches.get(), switches);
    assert_eq!(in_force(&kernel)[&eni(1)], digest_wanted(enforcer.wanted(), eni(1)));
    assert_eq!(kernel.classes().unwrap().len(), 1);
}

#[test]
fn another_process_takes_up_what_is_in_force_without_a_switch() {
    let kernel = Kernel::default();
    let all = wanted(5, &[(1, &[80])], vec![interface(1, &[1])]);
    let devices = vec![add_device(&kernel, 1)];
    let mut first = open(&kernel);
    first.set_devices(devices.clone());
    assert!(first.update(Update::Snapshot(all.clone())).unwrap().confirmed());
    drop(first);
    let (bindings, switches) = (kernel.bindings().unwrap(), kernel.switches.get());
    let mut second = open(&kernel);
    second.set_devices(devices);
    assert!(second.update(Update::Snapshot(all)).unwrap().confirmed());
    assert_eq!(kernel.switches.get(), switches);
    assert_eq!(kernel.bindings().unwrap(), bindings);
}

#[test]
fn what_does_not_fit_is_not_obeyed() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1)]);
    enforcer.update(Update::Snapshot(wanted(5, &[(1, &[80])], vec![interface(1, &[1])]))).unwrap();
    let before = in_force(&kernel);
    let refused = |enforcer: &mut Enforcer<Kernel>, update| enforcer.update(update).unwrap_err();
    let older = Update::Snapshot(wanted(4, &[], Vec::new()));
    assert_eq!(refused(&mut enforcer, older), UpdateError::Regressed { confirmed: 5, offered: 4 });
    let gap = Delta { from: 6, generation: 7, ..Delta::default() };
    assert_eq!(refused(&mut enforcer, Update::Delta(gap)), UpdateError::Gap { has: 5, from: 6 });
    let unknown = Delta {
        from: 5,
        generation: 6,
        put_groups: vec![(group(1), rules(&[22]))],
        put_interfaces: vec![interface(1, &[9])],
        ..Delta::default()
    };
    let error = refused(&mut enforcer, Update::Delta(unknown));
    assert!(matches!(error, UpdateError::Contradiction { generation: 6, .. }), "{error:?}");
    let used = Delta { from: 5, generation: 6, removed_groups: vec![group(1)], ..Delta::default() };
    let error = refused(&mut enforcer, Update::Delta(used));
    assert!(matches!(error, UpdateError::Contradiction { generation: 6, .. }), "{error:?}");
    assert_eq!(in_force(&kernel), before);
    // Nothing of it is left: what fits is obeyed as if nothing had been.
    let fits = Delta { from: 5, generation: 6, put_interfaces: vec![interface(1, &[])], ..Delta::default() };
    assert!(enforcer.update(Update::Delta(fits)).unwrap().confirmed());
}

#[test]
fn a_device_made_anew_is_bound_anew_and_one_of_nobody_is_closed() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    let outcome = enforcer.update(Update::Snapshot(wanted(1, &[], vec![interface(1, &[])]))).unwrap();
    assert_eq!((outcome.confirmed(), &outcome.absent[..]), (true, &[eni(1)][..]));
    let (old, other) = (add_device(&kernel, 1), add_device(&kernel, 9));
    assert!(enforcer.set_devices(vec![old.clone(), other.clone()]).confirmed());
    let guarded = kernel.kernel.borrow_mut().bind(&other.device, &interface(9, &[]).interface);
    assert!(guarded.is_ok(), "guarded, not bound");
    kernel.kernel.borrow_mut().remove_device(old.device.ifindex);
    let new = add_device(&kernel, 1);
    assert!(enforcer.set_devices(vec![new.clone()]).confirmed());
    let bindings = kernel.bindings().unwrap();
    let of_interface: Vec<u32> =
        bindings.iter().filter(|of| of.interface == eni(1)).map(|of| of.device.ifindex).collect();
    assert_eq!(of_interface, [new.device.ifindex]);
}

#[test]
fn two_interfaces_are_not_at_one_device() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1)]);
    let mut second = interface(2, &[]);
    second.device = DeviceSelector::Name("vnet1".into());
    let outcome = enforcer.update(Update::Snapshot(wanted(1, &[], vec![interface(1, &[]), second]))).unwrap();
    let problems: Vec<_> = outcome.problems.iter().map(|of| (of.interface, of.kind.clone())).collect();
    assert_eq!(problems, [(eni(2), ProblemKind::SameDevice { other: eni(1) })]);
}

/// A random state at a generation; few values, so that much stays the same.
fn random_wanted(random: &mut Random, generation: u64) -> Wanted {
    let groups: Vec<u128> = (1..=3).filter(|_| random.below(4) > 0).collect();
    let ports = [22, 80, 443];
    let with_rules = groups.iter().map(|number| {
        let chosen: Vec<u16> = ports.into_iter().filter(|_| random.below(2) == 0).collect();
        (group(*number), rules(&chosen))
    });
    let with_rules: BTreeMap<_, _> = with_rules.collect();
    let mut interfaces = BTreeMap::new();
    for number in 1..=4 {
        if random.below(4) == 0 {
            continue;
        }
        let chosen: Vec<u128> = groups.iter().copied().filter(|_| random.below(2) == 0).collect();
        let mut of = interface(number, &chosen);
        of.interface.source_check = random.below(3) > 0;
        interfaces.insert(of.interface.id, of);
    }
    let used: BTreeSet<_> = interfaces.values().flat_map(|of| of.groups.iter().copied()).collect();
    let groups = with_rules.into_iter().filter(|(id, _)| used.contains(id)).collect();
    Wanted { generation, groups, interfaces }
}

/// The change from one to the other.
fn delta(from: &Wanted, to: &Wanted) -> Delta {
    let same_rules = |id, rules: &Arc<[Rule]>| {
        from.groups.get(id).is_some_and(|old| {
            old.len() == rules.len() && old.iter().zip(&**rules).all(|(one, other)| one.same_as(other))
        })
    };
    let put_groups = to.groups.iter().filter(|(id, rules)| !same_rules(id, rules));
    let put_interfaces = to.interfaces.iter().filter(|(id, of)| from.interfaces.get(id) != Some(of));
    Delta {
        from: from.generation,
        generation: to.generation,
        put_groups: put_groups.map(|(id, rules)| (*id, rules.clone())).collect(),
        put_interfaces: put_interfaces.map(|(_, of)| of.clone()).collect(),
        removed_interfaces: from
            .interfaces
            .keys()
            .filter(|id| !to.interfaces.contains_key(id))
            .copied()
            .collect(),
        removed_groups: from.groups.keys().filter(|id| !to.groups.contains_key(id)).copied().collect(),
    }
}

#[test]
fn open_is_only_what_is_wanted_and_confirmed_only_what_is_in_force() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let kernel = Kernel::default();
        let mut devices: Vec<FoundDevice> = (1..=4).map(|number| add_device(&kernel, number)).collect();
        let mut enforcer = open(&kernel);
        enforcer.set_devices(devices.clone());
        for generation in 1..=12 {
            let context = format!("seed {seed}, generation {generation}");
            let next = random_wanted(&mut random, generation);
            let change = delta(enforcer.wanted(), &next);
            let restarts = random.below(6) == 0;
            if restarts {
                enforcer = open(&kernel);
                enforcer.set_devices(devices.clone());
            }
            if random.below(5) == 0 {
                let at = random.below(devices.len());
                kernel.kernel.borrow_mut().remove_device(devices[at].device.ifindex);
                devices[at] = add_device(&kernel, u8::try_from(at + 1).unwrap());
                enforcer.set_devices(devices.clone());
            }
            let fails = random.below(3) == 0;
            kernel.fails_after.set(fails.then(|| u32::try_from(random.below(8)).unwrap()));
            let update = if restarts || random.below(4) == 0 {
                Update::Snapshot(next.clone())
            } else {
                Update::Delta(change)
            };
            let outcome = enforcer.update(update).unwrap();
            let failed = fails && kernel.fails_after.take().is_none();
            assert_eq!(outcome.generation, generation, "{context}");
            let troubled: BTreeSet<_> = outcome.problems.iter().map(|of| of.interface).collect();
            let in_force = in_force(&kernel);
            for (interface, digest) in &in_force {
                let right = *digest == digest_wanted(&next, *interface);
                assert!(right || digest.is_none() || troubled.contains(interface), "{context}: {outcome:?}");
                assert!(failed || right, "{context}: {interface} {outcome:?}");
            }
            for interface in next.interfaces.keys().filter(|of| !troubled.contains(of)) {
                let digest = in_force.get(interface).copied().flatten();
                assert_eq!(digest, digest_wanted(&next, *interface), "{context}: {interface}");
            }
            if failed {
                // The next look repairs what failed.
                let again = enforcer.update(Update::Snapshot(next.clone())).unwrap();
                assert!(again.confirmed(), "{context}: {again:?}");
            }
        }
    }
}
