//! What was dropped is counted, whatever becomes of the binding.

use dataplane::Begins;
use policy::Packet;

use super::*;

#[test]
fn what_was_dropped_at_a_binding_that_ends_stays_counted() {
    let kernel = Kernel::default();
    let mut enforcer = open(&kernel);
    let device = add_device(&kernel, 1);
    enforcer.set_devices(vec![device.clone()].into());
    assert!(enforcer.update(snapshot(1, &[], &[(1, &[])])).unwrap().confirmed());
    let packet = Packet::new(17, [10, 0, 0, 9].into(), [10, 0, 0, 1].into(), (9, 9)).unwrap();
    let drop_one = || {
        let mut kernel = kernel.kernel.borrow_mut();
        kernel.deliver(device.device.ifindex, Direction::Ingress, &packet, Begins::Yes).unwrap_err()
    };
    let reason = drop_one();
    // Another process begins to count anew.
    let mut enforcer = open(&kernel);
    enforcer.set_devices(vec![device.clone()].into());
    assert_eq!(enforcer.dropped()[&reason], 0);
    assert_eq!(drop_one(), reason);
    assert_eq!(enforcer.dropped()[&reason], 1);
    assert_eq!(drop_one(), reason);
    assert!(enforcer.update(snapshot(2, &[], &[])).unwrap().confirmed());
    assert_eq!(enforcer.bindings().count(), 0);
    assert_eq!(enforcer.dropped()[&reason], 2, "what came after it was counted last");
}
