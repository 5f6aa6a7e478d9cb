//! What is said of devices that nobody bound is what is so, also after somebody else has changed them.

use agent::{Unfit, device::alias_of};

use super::*;

/// How many devices are said to be closed, and to be open though they should be closed.
fn said(enforcer: &Enforcer<Kernel>) -> (usize, usize) {
    (enforcer.tally().guarded, enforcer.tally().open)
}

#[test]
fn a_closed_device_with_a_program_at_xdp_is_said_to_be_open_until_that_is_gone() {
    for guarded in [true, false] {
        let kernel = Kernel::default();
        let mut enforcer = match guarded {
            true => open(&kernel),
            false => Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap(),
        };
        let device = add_device(&kernel, 1);
        enforcer.set_devices(vec![device.clone()].into());
        // Where no pattern says so it is closed since its binding ended.
        assert!(enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap().confirmed());
        assert!(enforcer.update(snapshot(2, &[], &[])).unwrap().confirmed());
        assert_eq!(said(&enforcer), (1, 0));
        let with_xdp = FoundDevice { unfit: Some(Unfit::Xdp), ..device.clone() };
        for _ in 0..2 {
            enforcer.set_devices(vec![with_xdp.clone()].into());
            assert_eq!(said(&enforcer), (0, 1), "guarded {guarded}");
            enforcer.audit().unwrap();
            assert_eq!(said(&enforcer), (0, 1), "guarded {guarded}");
        }
        enforcer.set_devices(vec![device].into());
        assert_eq!(said(&enforcer), (1, 0), "guarded {guarded}");
    }
}

#[test]
fn what_an_audit_could_not_close_again_is_tried_by_the_next_one() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    enforcer.set_devices(vec![add_device(&kernel, 1)].into());
    assert!(enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap().confirmed());
    assert!(enforcer.update(snapshot(2, &[], &[])).unwrap().confirmed());
    for (refuses, expected) in [("", (1, 0)), ("guard", (0, 1)), ("guard", (0, 1)), ("", (1, 0))] {
        kernel.refuses.set(refuses);
        enforcer.audit().unwrap();
        assert_eq!(said(&enforcer), expected);
    }
    // Nor is it listed for good where an operator lets it go.
    kernel.refuses.set("guard");
    enforcer.audit().unwrap();
    enforcer.release("vnet1").unwrap();
    assert_eq!(said(&enforcer), (0, 0));
}

#[test]
fn a_second_device_with_an_alias_that_cannot_be_closed_is_listed_as_long_as_it_has_the_alias() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    let (first, plain) = (add_device(&kernel, 1), add_device(&kernel, 2));
    let aliased = |device: &FoundDevice| FoundDevice { alias: alias_of(eni(1)).into(), ..device.clone() };
    let (first, second) = (aliased(&first), aliased(&plain));
    let wanted = DesiredInterface { device: node::Device::Aliased, ..interface(1, &[]) };
    let desired = Desired { interfaces: [(eni(1), wanted)].into(), ..Desired::default() };
    enforcer.set_devices(vec![first.clone(), plain.clone()].into());
    assert!(
        enforcer.update(Update::snapshot(Wanted { generation: 1, run: 0, desired })).unwrap().confirmed()
    );
    kernel.refuses.set("guard");
    enforcer.set_devices(vec![first.clone(), second.clone()].into());
    assert_eq!(said(&enforcer), (0, 1));
    enforcer.audit().unwrap();
    assert_eq!(said(&enforcer), (0, 1));
    // It was never closed, and is nobody's any more.
    enforcer.set_devices(vec![first.clone(), plain].into());
    assert_eq!(said(&enforcer), (0, 0));
    enforcer.set_devices(vec![first.clone(), second.clone()].into());
    assert_eq!(said(&enforcer), (0, 1));
    kernel.refuses.set("");
    enforcer.audit().unwrap();
    assert_eq!(said(&enforcer), (1, 0));
    kernel.kernel.borrow_mut().remove_device(second.device.ifindex);
    assert!(enforcer.set_devices(vec![first].into()).confirmed());
    assert_eq!(said(&enforcer), (0, 0));
}

#[test]
fn a_device_with_a_program_at_xdp_is_said_to_be_open_also_when_its_binding_ends() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    let device = add_device(&kernel, 1);
    enforcer.set_devices(vec![device.clone()].into());
    assert!(enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap().confirmed());
    let with_xdp = FoundDevice { unfit: Some(Unfit::Xdp), ..device.clone() };
    assert!(!enforcer.set_devices(vec![with_xdp].into()).confirmed());
    assert!(enforcer.update(snapshot(2, &[], &[])).unwrap().confirmed());
    assert_eq!(said(&enforcer), (0, 1));
    enforcer.set_devices(vec![device].into());
    assert_eq!(said(&enforcer), (1, 0));
}

#[test]
fn a_second_device_with_an_alias_is_let_go_by_force_and_the_first_one_stays_bound() {
    let kernel = Kernel::default();
    let mut enforcer = Enforcer::open(kernel.clone(), GuardedNames::default()).unwrap();
    let aliased = |number| FoundDevice { alias: alias_of(eni(1)).into(), ..add_device(&kernel, number) };
    let both = vec![aliased(1), aliased(2)];
    let wanted = DesiredInterface { device: node::Device::Aliased, ..interface(1, &[]) };
    let desired = Desired { interfaces: [(eni(1), wanted)].into(), ..Desired::default() };
    let told = Update::snapshot(Wanted { generation: 1, run: 0, desired });
    enforcer.set_devices(vec![both[0].clone()].into());
    assert!(enforcer.update(told.clone()).unwrap().confirmed());
    enforcer.set_devices(both.clone().into());
    assert_eq!(said(&enforcer), (1, 0));
    let refused = enforcer.release("vnet2").unwrap_err();
    assert!(matches!(refused, ReleaseError::SameAlias { interface, .. } if interface == eni(1)), "{refused}");
    assert_eq!(said(&enforcer), (1, 0));
    enforcer.let_go("vnet2").unwrap();
    // Neither an audit nor a change of devices closes it, and the interface is enforced all the time.
    for _ in 0..2 {
        assert_eq!(said(&enforcer), (0, 0));
        assert_eq!(kernel.let_go.borrow().as_slice(), ["vnet2"]);
        assert_eq!(kernel.bindings().unwrap()[0].device.ifindex, both[0].device.ifindex);
        enforcer.audit().unwrap();
        enforcer.set_devices(both.clone().into());
    }
    enforcer.update(told).unwrap();
    assert_eq!(said(&enforcer), (1, 0));
}
