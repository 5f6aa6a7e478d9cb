//! What somebody else does to devices and their programs is found before anything is confirmed.

use agent::Unfit;

use super::*;

#[test]
fn a_change_of_a_group_is_confirmed_when_its_members_are_enforced() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![add_device(&kernel, 1), add_device(&kernel, 2)].into());
    let all = snapshot(5, &[(1, &[80, 22])], &[(1, &[1]), (2, &[])]);
    assert!(enforcer.update(all).unwrap().confirmed());
    // A program that was taken away is put back, and only then is it confirmed.
    kernel.lies.set("programs are missing");
    assert!(enforcer.update(change(5, &[(1, &[80])], &[])).unwrap().confirmed());
    assert_eq!((kernel.lies.get(), enforcer.take_put_back()), ("", 1));
    // Where that does not help, it is not.
    kernel.lies.set("another program is first");
    let outcome = enforcer.update(change(6, &[(1, &[])], &[])).unwrap();
    assert_eq!(outcome.problems.iter().map(|of| of.interface).collect::<Vec<_>>(), [eni(1)]);
    assert!(matches!(outcome.problems[0].kind, ProblemKind::ReadBack(_)), "{outcome:?}");
    kernel.lies.set("");
    assert!(enforcer.update(change(7, &[], &[])).unwrap().confirmed());
}

#[test]
fn another_process_puts_programs_back_that_are_missing() {
    let kernel = Kernel::default();
    let all = snapshot(5, &[(1, &[80])], &[(1, &[1])]);
    let devices = vec![add_device(&kernel, 1)];
    for missing in [false, true] {
        kernel.lies.set(if missing { "programs are missing" } else { "" });
        let mut enforcer = open(&kernel);
        enforcer.set_devices(devices.clone().into());
        assert!(enforcer.update(all.clone()).unwrap().confirmed());
        assert_eq!((kernel.lies.get(), enforcer.take_put_back()), ("", u64::from(missing)));
        assert!(enforcer.possibly_open().is_empty());
    }
}

#[test]
fn of_two_devices_with_its_alias_an_interface_stays_at_the_one_that_it_is_at() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    let aliased =
        |number| FoundDevice { alias: agent::device::alias_of(eni(1)).into(), ..add_device(&kernel, number) };
    let (first, second) = (aliased(1), aliased(2));
    let wanted = DesiredInterface { device: node::Device::Aliased, ..interface(1, &[]) };
    let desired = Desired { interfaces: [(eni(1), wanted)].into(), ..Desired::default() };
    let told = Update::snapshot(Wanted { generation: 1, run: 0, desired });
    let at = |kernel: &Kernel| kernel.bindings().unwrap()[0].device.ifindex;
    enforcer.set_devices(vec![first.clone()].into());
    assert!(enforcer.update(told.clone()).unwrap().confirmed());
    for restart in [false, true] {
        if restart {
            enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
        }
        enforcer.set_devices(vec![first.clone(), second.clone()].into());
        let outcome = enforcer.update(told.clone()).unwrap();
        assert_eq!(at(&kernel), first.device.ifindex);
        let ProblemKind::SameAlias { device, others } = &outcome.problems[0].kind else {
            panic!("{outcome:?}")
        };
        assert_eq!((&**device, &**others), ("vnet1", "vnet1, vnet2"));
        assert!(enforcer.possibly_open().is_empty());
        assert_eq!(enforcer.tally().guarded, 1, "the other one is closed");
    }
    kernel.kernel.borrow_mut().remove_device(first.device.ifindex);
    assert!(enforcer.set_devices(vec![second.clone()].into()).confirmed());
    assert_eq!(at(&kernel), second.device.ifindex);
}

#[test]
fn a_device_over_which_the_control_plane_is_reached_is_not_bound_and_is_opened_again() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    let device = add_device(&kernel, 1);
    let uplink = FoundDevice { unfit: Some(Unfit::Uplink), ..device.clone() };
    enforcer.set_devices(vec![uplink.clone()].into());
    let told = snapshot(1, &[], &[(1, &[])]);
    let outcome = enforcer.update(told.clone()).unwrap();
    assert_eq!(outcome.problems[0].kind, ProblemKind::Unfit(Unfit::Uplink));
    assert!(kernel.bindings().unwrap().is_empty());
    // It was not known that it is: the host is not left cut off, and it is not closed though it was bound.
    assert!(enforcer.set_devices(vec![device].into()).confirmed());
    assert_eq!(kernel.bindings().unwrap().len(), 1);
    assert!(!enforcer.set_devices(vec![uplink].into()).confirmed());
    assert!(kernel.bindings().unwrap().is_empty());
    assert_eq!(enforcer.tally().guarded, 0);
    assert_eq!(kernel.let_go.borrow().as_slice(), ["vnet1", "vnet1"], "at first, and when it was bound");
}

#[test]
fn the_way_to_the_control_plane_is_opened_also_where_an_earlier_process_closed_it() {
    let kernel = Kernel::default();
    let device = add_device(&kernel, 1);
    let uplink = FoundDevice { unfit: Some(Unfit::Uplink), ..device.clone() };
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![device].into());
    assert_eq!(enforcer.tally().guarded, 1);
    drop(enforcer);
    let mut enforcer = open(&kernel);
    for _ in 0..2 {
        enforcer.set_devices(vec![uplink.clone()].into());
        assert_eq!(kernel.let_go.borrow().as_slice(), ["vnet1"], "once is enough");
    }
    assert_eq!(enforcer.tally().guarded, 0);
}

#[test]
fn a_device_that_an_operator_lets_go_is_open_until_the_next_update() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    let devices = vec![add_device(&kernel, 1), add_device(&kernel, 2)];
    enforcer.set_devices(devices.clone().into());
    assert!(enforcer.update(snapshot(1, &[], &[(1, &[]), (2, &[])])).unwrap().confirmed());
    enforcer.let_go("vnet1").unwrap();
    let open = |enforcer: &Enforcer<Kernel>| {
        assert_eq!(kernel.bindings().unwrap().len(), 1);
        assert_eq!(enforcer.possibly_open(), [eni(1)]);
        assert_eq!(enforcer.outcome().problems[0].kind, ProblemKind::LetGo);
        assert_eq!(kernel.let_go.borrow().as_slice(), ["vnet1"]);
    };
    open(&enforcer);
    // Neither an audit nor a change of devices closes it.
    assert!(!enforcer.audit().unwrap().outcome.confirmed());
    open(&enforcer);
    let other = kernel.bindings().unwrap()[0].binding;
    kernel.kernel.borrow_mut().unbind(other).unwrap();
    enforcer.audit().unwrap();
    open(&enforcer);
    enforcer.set_devices(devices.into());
    open(&enforcer);
    assert!(enforcer.update(Update::Current { generation: 1, run: 0 }).unwrap().confirmed());
    assert_eq!(kernel.bindings().unwrap().len(), 2);
}
