//! Opening, closing, upgrading, and who else hangs at a device.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::{fs, path::Path};

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, Map, MapData},
    programs::{
        LinkOrder, SchedClassifier, TcAttachType,
        links::{FdLink, PinnedLink},
        tc::{SchedClassifierLink, TcAttachOptions},
    },
};
use dataplane::{
    Attach, Attachment, Dataplane, DataplaneError, Device, Drift, EbpfDataplane, Generation, Intent, Options,
    Reason,
    audit::{BindingIntent, ClassIntent},
};
use model::rule::Direction;
use policy::{PolicyClass, plan::Plan};
use support::{Host, address, frame, may_test_the_kernel};

/// A copy of the programs that is none of a dataplane's: it knows no device and drops everything.
fn other_programs() -> Ebpf {
    let mut loader = EbpfLoader::new();
    for map in ["flows", "devices", "allowed"] {
        loader.map_max_entries(map, 64);
    }
    loader.load(aya::include_bytes_aligned!("../bpf/ravelin.bpf.o")).unwrap()
}

fn classifier<'a>(object: &'a mut Ebpf, name: &str) -> &'a mut SchedClassifier {
    let program: &mut SchedClassifier = object.program_mut(name).unwrap().try_into().unwrap();
    program.load().unwrap();
    program
}

/// A bound interface with a class of no groups: what it begins passes.
fn bound(host: &mut Host) -> (Device, dataplane::Binding) {
    let device = support::veth("v0");
    let binding = host.bind(&device, &support::interface(1)).unwrap();
    let class = host.create_class(0).unwrap();
    host.switch(class, Generation(1), &Plan::compile(&PolicyClass::default())).unwrap();
    host.assign(binding, Some(class)).unwrap();
    (device, binding)
}

fn send(host: &Host, device: &Device, direction: Direction) -> Option<Reason> {
    let [own, peer] = ["10.0.0.1", "10.0.0.2"].map(address);
    let bytes = match direction {
        Direction::Egress => frame::frame(direction, own, peer, frame::UDP, &frame::udp(1, 2, b"x")),
        Direction::Ingress => frame::frame(direction, peer, own, frame::UDP, &frame::udp(2, 1, b"x")),
    };
    host.try_packet(device.ifindex, direction, &bytes).unwrap().reason
}

fn attachments(host: &Host, binding: dataplane::Binding) -> [Attachment; 2] {
    let report = host.read_back(binding).unwrap();
    [report.from_instance, report.to_instance]
}

#[test]
fn one_process_at_a_time_has_a_dataplane_open() {
    if !may_test_the_kernel() {
        return;
    }
    let host = Host::new(support::options());
    let refused = EbpfDataplane::open(host.options().clone()).err().unwrap();
    assert!(matches!(refused, DataplaneError::InUse { .. }), "{refused}");
}

#[test]
fn whoever_looks_for_a_dataplane_that_is_not_there_makes_none() {
    if !may_test_the_kernel() {
        return;
    }
    let host = Host::new(support::options());
    let missing = Options { name: format!("{}-missing", host.options().name), ..host.options().clone() };
    let refused = EbpfDataplane::open_existing(missing.clone()).err().unwrap();
    assert!(matches!(refused, DataplaneError::Missing { .. }), "{refused}");
    assert!(!host.directory().with_file_name(&missing.name).exists());
    // What a process left that was killed before there was anything is none, either.
    fs::create_dir(host.directory().with_file_name(&missing.name)).unwrap();
    let refused = EbpfDataplane::open_existing(missing.clone()).err().unwrap();
    assert!(matches!(refused, DataplaneError::Missing { .. }), "{refused}");
    fs::remove_dir(host.directory().with_file_name(&missing.name)).unwrap();
}

#[test]
fn pins_that_do_not_fit_are_refused_and_named() {
    if !may_test_the_kernel() {
        return;
    }
    let mut host = Host::new(support::options());
    let fitting = host.options().clone();
    host.close();
    let refuse = |change: &dyn Fn(&mut Options)| {
        let mut options = fitting.clone();
        change(&mut options);
        EbpfDataplane::open(options).err().unwrap()
    };
    let refused = refuse(&|options| options.flows_max *= 2);
    let DataplaneError::PinMismatch { map, property, found, wanted } = refused else { panic!("{refused}") };
    assert_eq!((&*map, property, found, wanted), ("flows", "number of entries", 4096, 8192));
    let refused = refuse(&|options| options.interfaces_max += 1);
    assert!(matches!(refused, DataplaneError::PinMismatch { .. }), "{refused}");
    let refused = refuse(&|options| options.attach = Attach::Clsact);
    assert!(matches!(refused, DataplaneError::PinMismatch { property: "attachment", .. }), "{refused}");
    for name in ["", "a/b", "..", "a b"] {
        let refused = refuse(&|options| options.name = name.into());
        assert!(matches!(refused, DataplaneError::Name { .. }), "{name}: {refused}");
    }
    let refused = refuse(&|options| options.event_bytes = 5000);
    assert!(matches!(refused, DataplaneError::Setting { setting: "event_bytes", .. }), "{refused}");
    let directory = Path::new("/sys/fs/bpf/ravelin").join(&fitting.name);
    fs::create_dir(directory.join("v2")).unwrap();
    let refused = refuse(&|_| {});
    assert!(matches!(refused, DataplaneError::NewerLayout { found: 2, known: 1, .. }), "{refused}");
    fs::remove_dir(directory.join("v2")).unwrap();
    fs::remove_file(directory.join("v1/ledger")).unwrap();
    let refused = refuse(&|_| {});
    assert!(matches!(refused, DataplaneError::Damaged { .. }), "{refused}");
}

#[test]
fn a_dataplane_that_is_removed_leaves_nothing() {
    if !may_test_the_kernel() {
        return;
    }
    for attach in [Attach::Tcx, Attach::Clsact] {
        support::enter_namespace();
        let mut options = support::options();
        options.attach = attach;
        let mut host = Host::new(options);
        bound(&mut host);
        let guarded = support::veth("v1");
        host.guard(&guarded).unwrap();
        let directory = host.directory().to_owned();
        host.remove();
        assert!(!directory.exists());
        let listed =
            std::process::Command::new("tc").args(["filter", "show", "dev", "v0", "ingress"]).output();
        assert!(listed.unwrap().stdout.is_empty());
    }
}

#[test]
fn programs_of_another_version_are_replaced_in_place() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    let mut host = Host::new(support::options());
    let (device, binding) = bound(&mut host);
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
fn a_program_before_ours_is_seen_and_ours_moves_before_it() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    for attach in [Attach::Tcx, Attach::Clsact] {
        let mut options = support::options();
        options.attach = attach;
        let mut host = Host::new(options);
        let (device, binding) = bound(&mut host);
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        let mut object = other_programs();
        let program = classifier(&mut object, "from_instance");
        let first = TcAttachOptions::TcxOrder(LinkOrder::first());
        let link = program.attach_with_options("v0", TcAttachType::Ingress, first).unwrap();
        assert_eq!(attachments(&host, binding), [Attachment::NotFirst, Attachment::First]);
        if attach == Attach::Tcx {
            host.guard(&device).unwrap();
            assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        }
        program.detach(link).unwrap();
        assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
        host.unbind(binding).unwrap();
        host.release(&device).unwrap();
        support::ip("link delete v0");
    }
}

#[test]
fn a_plan_that_is_damaged_is_found_and_closes_what_it_decides() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    let mut host = Host::new(support::options());
    let (device, binding) = bound(&mut host);
    let class = host.read_back(binding).unwrap().class.unwrap();
    let report = host.read_back_class(class).unwrap();
    let found = report.plan.unwrap();
    assert!(found.intact);
    let intent = Intent {
        bindings: vec![BindingIntent {
            binding,
            ifindex: device.ifindex,
            interface: support::interface(1),
            class: Some(class),
        }],
        classes: vec![ClassIntent { class, plan: Some((found.generation, found.digest)) }],
    };
    assert_eq!(host.audit(&intent).unwrap(), []);
    let path = host.directory().join("v1/maps/arena");
    let data = MapData::from_pin(path).unwrap();
    let mut arena: Array<_, u64> = Map::Array(data).try_into().unwrap();
    let plan = u32::try_from(report.word & 0xff_ffff).unwrap() * 8;
    let places = [policy::image::EGRESS + policy::image::IMPLICIT, policy::image::STAMP, 0];
    for place in places.map(|place| plan + u32::try_from(place).unwrap()) {
        let word = arena.get(&place, 0).unwrap();
        arena.set(place, word ^ 2, 0).unwrap();
        assert!(!host.read_back_class(class).unwrap().plan.unwrap().intact);
        assert_eq!(host.audit(&intent).unwrap(), [Drift::PlanDamaged(class)]);
        arena.set(place, word, 0).unwrap();
        assert_eq!(host.audit(&intent).unwrap(), []);
    }
    let word = arena.get(&plan, 0).unwrap();
    arena.set(plan, 0, 0).unwrap();
    assert_eq!(send(&host, &device, Direction::Egress), Some(Reason::Internal));
    assert_eq!(host.drops(Some(binding)).unwrap().of(Reason::Internal), 1);
    arena.set(plan, word, 0).unwrap();
    assert_eq!(send(&host, &device, Direction::Egress), None);
}
