//! What somebody else does to devices and their programs is found before anything is confirmed.

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
