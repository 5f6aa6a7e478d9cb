//! Where programs hang, who else does, and how others take their place.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use aya::programs::{
    LinkOrder, SchedClassifier, TcAttachType,
    links::{FdLink, PinnedLink},
    tc::{SchedClassifierLink, SchedClassifierLinkId, TcAttachOptions},
};
use dataplane::{Attach, Attachment, BindingReport, Dataplane, DataplaneError, Reason};
use model::rule::Direction;
use support::{
    Host, attaching, frame, may_test_the_kernel,
    programs::{Xdp, attachments, bound, bound_host, classifier, filters, other_programs, send},
    wait_until,
};

/// Takes another program away from `v0`. Its link ends with the last descriptor, and a child that another test is just
/// starting may have one.
fn detach(program: &mut SchedClassifier, link: SchedClassifierLinkId) {
    let id = program.info().unwrap().id();
    program.detach(link).unwrap();
    let hangs = || {
        let (_, programs) = SchedClassifier::query_tcx("v0", TcAttachType::Ingress).unwrap();
        programs.iter().any(|found| found.id() == id)
    };
    wait_until("the other program is gone", || !hangs());
}

/// Attaches a program to the ingress of `v0`, before all others.
fn attach_first(program: &mut SchedClassifier) -> SchedClassifierLinkId {
    let first = TcAttachOptions::TcxOrder(LinkOrder::first());
    program.attach_with_options("v0", TcAttachType::Ingress, first).unwrap()
}

/// Pins a program that is none of a dataplane's, to be removed with the pins of this one.
fn pin_another(host: &Host) -> PathBuf {
    let pin = host.directory().join("other");
    classifier(&mut other_programs(), "from_instance").pin(&pin).unwrap();
    pin
}

/// Adds a pinned program to the ingress of a device, as a filter of the first priority.
fn add_filter(device: &str, handle: u32, pin: &Path) {
    let program = format!("bpf direct-action object-pinned {}", pin.display());
    support::run("tc", &format!("filter add dev {device} ingress pref 1 handle {handle} {program}"));
}

#[test]
fn programs_of_another_version_are_replaced_in_place() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, device, binding) = bound_host(support::options());
    assert_eq!(send(&host, &device, Direction::Egress), None);
    // Something else is pinned and hangs in our place, as if an older version had put it there.
    let pins = host.directory().join("v1");
    let mut object = other_programs();
    for (name, other) in [("from_instance", "to_instance"), ("to_instance", "from_instance")] {
        let program = classifier(&mut object, other);
        let link = PinnedLink::from_pin(pins.join(format!("links/{}_{name}", device.ifindex))).unwrap();
        let link = SchedClassifierLink::try_from(FdLink::from(link)).unwrap();
        let link = program.attach_to_link(link).unwrap();
        std::mem::forget(program.take_link(link).unwrap());
        fs::remove_file(pins.join("programs").join(name)).unwrap();
        program.pin(pins.join("programs").join(name)).unwrap();
    }
    assert_eq!(attachments(&host, binding), [Attachment::Foreign; 2]);
    host.kill();
    assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
    assert_eq!(send(&host, &device, Direction::Ingress), None, "the flow goes on");
    assert_eq!(host.flows(binding, 9).unwrap().len(), 1);
}

#[test]
fn filters_are_replaced_in_place_where_no_pins_tell_what_they_were() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, device, binding) = bound_host(attaching(Attach::Clsact));
    let guarded = support::veth("v1");
    host.guard(&guarded).unwrap();
    assert_eq!(send(&host, &device, Direction::Egress), None);
    let before = filters("v0");
    let pins = host.directory().join("v1/programs");
    for name in ["from_instance", "to_instance"] {
        fs::remove_file(pins.join(name)).unwrap();
    }
    host.kill();
    assert_ne!(filters("v0"), before, "another program");
    assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
    assert_eq!(send(&host, &device, Direction::Ingress), None, "the flow goes on");
    // The guarded device has the new programs, too: they count what they drop.
    let drops = host.drops(None).unwrap().total();
    let frame = frame::ethernet(support::PEER_MAC, support::MAC, &[0; 60]);
    assert!(!support::Wire::at(&guarded).send(&frame));
    assert_eq!(host.drops(None).unwrap().total(), drops + 1);
}

#[test]
fn filters_of_others_are_left_alone() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, _, binding) = bound_host(attaching(Attach::Clsact));
    let pin = pin_another(&host);
    // In the very place that ours would have, at a device that nobody has guarded.
    let theirs = support::veth("v1");
    support::run("tc", "qdisc add dev v1 clsact");
    add_filter("v1", 1, &pin);
    let before = filters("v1");
    host.release(&theirs).unwrap();
    let other = Host::new(attaching(Attach::Clsact));
    drop(other);
    let mut other = Host::new(attaching(Attach::Clsact));
    other.remove();
    assert_eq!(filters("v1"), before);
    assert_eq!(
        attachments(&host, binding),
        [Attachment::First; 2],
        "another dataplane has not taken it over"
    );
    host.remove();
    assert_eq!(filters("v1"), before);
    // Who guards the device says that the place is its own.
    let mut host = Host::new(attaching(Attach::Clsact));
    host.guard(&theirs).unwrap();
    assert!(filters("v1").contains(&host.options().name) && !filters("v1").contains("other"));
    host.release(&theirs).unwrap();
    assert_eq!(filters("v1"), "");
}

#[test]
fn a_filter_of_the_same_priority_is_seen_and_ours_moves_before_it() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, device, binding) = bound_host(attaching(Attach::Clsact));
    let pin = pin_another(&host);
    for handle in [2, 3] {
        add_filter("v0", handle, &pin);
        assert_eq!(attachments(&host, binding), [Attachment::NotFirst, Attachment::First]);
        host.guard(&device).unwrap();
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
    }
    assert_eq!(filters("v0").matches("direct-action").count(), 3, "{}", filters("v0"));
    host.unbind(binding).unwrap();
    host.release(&device).unwrap();
    assert_eq!(filters("v0").matches("direct-action").count(), 2, "{}", filters("v0"));
}

#[test]
fn a_filter_cannot_move_before_a_program_at_tcx_and_that_is_told() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    let mut host = Host::new(attaching(Attach::Clsact));
    let device = support::veth("v0");
    let mut object = other_programs();
    let program = classifier(&mut object, "from_instance");
    let link = attach_first(program);
    for refused in [host.guard(&device), host.bind(&device, &support::interface(1)).map(drop)] {
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, DataplaneError::NotFirst { name } if name == "v0"), "{refused}");
    }
    assert!(host.bindings().unwrap().is_empty());
    detach(program, link);
    let binding = host.bind(&device, &support::interface(1)).unwrap();
    assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
}

/// A process that is killed while a program moves leaves what stands in for it behind, with the program or without.
#[test]
fn a_move_that_was_cut_short_is_closed_and_ends_when_the_dataplane_is_opened() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, device, binding) = bound_host(support::options());
    let links = host.directory().join("v1/links");
    let pin = links.join(format!("{}_from_instance", device.ifindex));
    let barrier = links.join(format!("{}_from_instance_barrier", device.ifindex));
    for ended in [false, true] {
        let mut object = other_programs();
        let program = classifier(&mut object, "from_instance");
        let link = attach_first(program);
        let link: FdLink = program.take_link(link).unwrap().try_into().unwrap();
        drop(link.pin(&barrier).unwrap());
        if ended {
            let link = PinnedLink::from_pin(&pin).unwrap();
            drop(link.unpin().unwrap());
        }
        host.kill();
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        assert!(!barrier.exists() && pin.exists());
        let query = SchedClassifier::query_tcx("v0", TcAttachType::Ingress).unwrap();
        assert_eq!(query.1.len(), 1, "nothing else hangs there");
    }
}

#[test]
fn a_program_before_ours_is_seen_and_ours_moves_before_it() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    for attach in [Attach::Tcx, Attach::Clsact] {
        let mut host = Host::new(attaching(attach));
        let (device, binding) = bound(&mut host);
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        let mut object = other_programs();
        let program = classifier(&mut object, "from_instance");
        assert!(host.comes_first(binding).unwrap());
        let link = attach_first(program);
        assert_eq!(attachments(&host, binding), [Attachment::NotFirst, Attachment::First]);
        assert!(!host.comes_first(binding).unwrap());
        if attach == Attach::Tcx {
            host.guard(&device).unwrap();
            assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        }
        detach(program, link);
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        host.unbind(binding).unwrap();
        host.release(&device).unwrap();
        support::ip("link delete v0");
    }
}

#[test]
fn a_device_with_the_index_of_one_that_is_gone_has_none_of_its_rights() {
    if !may_test_the_kernel() {
        return;
    }
    for guarded in [true, false] {
        let (mut host, device, binding) = bound_host(support::options());
        assert_eq!(send(&host, &device, Direction::Egress), None);
        support::ip("link delete v0");
        support::ip(&format!("link add v0 index {} type veth peer name pv0", device.ifindex));
        assert!(!host.read_back(binding).unwrap().present);
        if guarded {
            host.guard(&device).unwrap();
            assert_eq!(send(&host, &device, Direction::Egress), Some(Reason::Unbound));
            assert!(host.bindings().unwrap().is_empty());
        }
        let anew = host.bind(&device, &support::interface(1)).unwrap();
        assert_ne!(anew, binding);
        assert_eq!(send(&host, &device, Direction::Egress), Some(Reason::Closed));
    }
}

/// What XDP answers or takes away no program at tc ever sees.
#[test]
fn a_device_with_a_program_at_xdp_is_refused_and_named() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    for attach in [Attach::Tcx, Attach::Clsact] {
        let mut host = Host::new(attaching(attach));
        let device = support::veth("v0");
        let other = Xdp::attach(&device);
        for refused in [host.guard(&device), host.bind(&device, &support::interface(1)).map(drop)] {
            let refused = refused.unwrap_err();
            assert!(refused.to_string().contains("XDP"), "{refused}");
            assert!(refused.to_string().contains("v0"), "{refused}");
        }
        assert!(host.bindings().unwrap().is_empty());
        assert_eq!(send(&host, &device, Direction::Egress), Some(Reason::Unbound));
        other.detach();
        let binding = host.bind(&device, &support::interface(1)).unwrap();
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        // One that comes later is seen where the device is read back.
        let other = Xdp::attach(&device);
        assert_eq!(attachments(&host, binding), [Attachment::NotFirst, Attachment::First]);
        // Nor is it missed, or taken for one of another device, where all are asked about at once.
        let second = host.bind(&support::veth("v1"), &support::interface(2)).unwrap();
        let reports = host.bindings().unwrap();
        assert_eq!(reports.iter().map(BindingReport::enforced).collect::<Vec<_>>(), [false, true]);
        assert_eq!(reports, [binding, second].map(|of| host.read_back(of).unwrap()));
        other.detach();
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        support::ip("link delete v0");
        support::ip("link delete v1");
    }
}
