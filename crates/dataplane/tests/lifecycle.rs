//! Opening, closing, what is pinned, and what there is room for.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::{
    fs,
    net::Ipv4Addr,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use aya::maps::{Array, HashMap, Map, MapData};
use dataplane::{
    Attach, Attachment, Dataplane, DataplaneError, Drift, EbpfDataplane, Generation, Intent, Options, Reason,
    audit::{BindingIntent, ClassIntent},
};
use model::rule::Direction;
use policy::{PolicyClass, plan::Plan};
use support::{
    Host, attaching, may_test_the_kernel,
    programs::{attachments, bound, bound_host, classifier, filters, other_programs, send},
};

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
    let directory = host.directory_of_pins();
    fs::create_dir(directory.join("v2")).unwrap();
    let refused = refuse(&|_| {});
    assert!(matches!(refused, DataplaneError::NewerLayout { found: 2, known: 1, .. }), "{refused}");
    fs::remove_dir(directory.join("v2")).unwrap();
    fs::remove_file(directory.join("v1/ledger")).unwrap();
    let refused = refuse(&|_| {});
    assert!(matches!(refused, DataplaneError::Damaged { .. }), "{refused}");
}

#[test]
fn pins_that_others_may_change_are_refused() {
    if !may_test_the_kernel() {
        return;
    }
    let mut host = Host::new(support::options());
    let directory = host.directory_of_pins();
    for part in ["", "v1", "v1/maps", "v1/programs", "v1/links"] {
        assert_eq!(fs::metadata(directory.join(part)).unwrap().mode() & 0o7777, 0o700, "{part}");
    }
    host.close();
    let change = |mode, owner| {
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
        std::os::unix::fs::chown(&directory, Some(owner), None).unwrap();
    };
    for (mode, owner) in [(0o777, 0), (0o720, 0), (0o700, 65_534)] {
        change(mode, owner);
        let refused = host.open().unwrap_err();
        assert!(matches!(&refused, DataplaneError::OthersMayWrite { .. }), "{refused}");
        assert!(refused.to_string().contains(&format!("{mode:o}")), "{refused}");
    }
    change(0o755, 0);
    host.open().unwrap();
}

#[test]
fn a_dataplane_that_is_removed_leaves_nothing() {
    if !may_test_the_kernel() {
        return;
    }
    for attach in [Attach::Tcx, Attach::Clsact] {
        let (mut host, ..) = bound_host(attaching(attach));
        let guarded = support::veth("v1");
        host.guard(&guarded).unwrap();
        let directory = host.directory().to_owned();
        host.remove();
        assert!(!directory.exists());
        assert_eq!(filters("v0"), "");
    }
}

#[test]
fn who_may_not_load_programs_is_told_so() {
    if !may_test_the_kernel() {
        return;
    }
    let options = support::options();
    let directory = Host::closed(options.clone()).directory_of_pins();
    // In a thread of its own, which has no privileges afterwards.
    let refused = std::thread::spawn(move || {
        support::drop_privileges();
        EbpfDataplane::open(options).err().unwrap()
    });
    let refused = refused.join().unwrap();
    assert!(matches!(refused, DataplaneError::NotPermitted), "{refused}: {refused:?}");
    assert!(refused.to_string().contains("root"), "{refused}");
    assert!(!directory.exists());
}

#[test]
fn pins_that_are_something_else_are_refused_by_name_or_replaced() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, device, binding) = bound_host(support::options());
    assert_eq!(send(&host, &device, Direction::Egress), None);
    let pins = host.directory().join("v1");
    host.close();
    let mut object = other_programs();
    let program = classifier(&mut object, "from_instance");
    for name in ["ledger", "maps/flows", "maps/events"] {
        let (pin, kept) = (pins.join(name), pins.join("kept"));
        fs::rename(&pin, &kept).unwrap();
        program.pin(&pin).unwrap();
        let refused = host.open().unwrap_err().to_string();
        assert!(refused.contains(name.trim_start_matches("maps/")), "{name}: {refused}");
        fs::remove_file(&pin).unwrap();
        fs::create_dir(&pin).unwrap();
        let refused = host.open().unwrap_err().to_string();
        assert!(refused.contains(name.trim_start_matches("maps/")), "{name}: {refused}");
        fs::remove_dir(&pin).unwrap();
        fs::rename(&kept, &pin).unwrap();
    }
    // What only names the programs of before is not needed.
    let map = MapData::from_pin(pins.join("maps/classes")).unwrap();
    fs::remove_file(pins.join("programs/from_instance")).unwrap();
    map.pin(pins.join("programs/from_instance")).unwrap();
    program.pin(pins.join("links/77_nothing")).unwrap();
    host.open().unwrap();
    assert_eq!(attachments(&host, binding), [Attachment::First; 2]);
    assert_eq!(send(&host, &device, Direction::Ingress), None, "the flow goes on");
}

#[test]
fn an_interface_has_a_thousand_addresses_and_no_more_than_there_is_room_for() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    let mut options = support::options();
    options.prefixes_max = 1200;
    let mut host = Host::new(options);
    let [one, other] = ["v0", "v1"].map(support::veth);
    let with = |count: u32| {
        let mut interface = support::interface(1);
        interface.addresses =
            (0..count).map(|number| Ipv4Addr::from_bits(0x0a01_0000 + number).into()).collect();
        interface
    };
    let binding = host.bind(&one, &with(1000)).unwrap();
    let found = host.read_back(binding).unwrap().configuration;
    assert_eq!(found.addresses.len(), 1000);
    let refused = host.bind(&other, &with(500)).unwrap_err();
    assert!(matches!(refused, DataplaneError::PrefixesFull { most: 1200 }), "{refused}");
    let refused = host.configure(binding, &with(1202)).unwrap_err();
    assert!(matches!(refused, DataplaneError::PrefixesFull { most: 1200 }), "{refused}");
    assert_eq!(host.read_back(binding).unwrap().configuration, found, "what was in force stays so");
    host.configure(binding, &with(1201)).unwrap();
    host.configure(binding, &with(1)).unwrap();
    host.bind(&other, &with(1201)).unwrap();
}

#[test]
fn devices_of_other_namespaces_and_of_none_are_refused() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    let mut host = Host::new(support::options());
    // Another thread's namespace, with more devices than this one has.
    let elsewhere = std::thread::spawn(|| {
        support::enter_namespace();
        ["v0", "v1", "v2"].map(support::veth)[2].clone()
    });
    let elsewhere = elsewhere.join().unwrap();
    for refused in [host.guard(&elsewhere), host.bind(&elsewhere, &support::interface(1)).map(drop)] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, DataplaneError::NoDevice { .. }), "{refused}");
    }
    let (device, binding) = bound(&mut host);
    support::ip("link delete v0");
    assert!(matches!(host.guard(&device), Err(DataplaneError::NoDevice { .. })));
    assert!(!host.read_back(binding).unwrap().present);
    host.unbind(binding).unwrap();
    assert!(matches!(host.unbind(binding), Err(DataplaneError::UnknownBinding(_))));
}

/// Memory that packets may still read is waited for, by itself where there is time and by the switch where the arena is full.
#[test]
fn plans_take_turns_in_a_small_arena_and_no_count_is_lost() {
    if !may_test_the_kernel() {
        return;
    }
    let mut options = support::options();
    options.arena_words = 16_384;
    let (mut host, device, binding) = bound_host(options);
    let class = host.read_back(binding).unwrap().class.unwrap();
    let group = |port: u16| {
        let others = (1..150u16).map(|other| format!("ingress accept udp to port {}", 1000 + other));
        let rules = others.chain([format!("ingress accept udp to port {port}")]);
        let rules = rules.map(|text| policy::text::parse_rule(&text).unwrap()).collect();
        policy::Group { id: model::SecurityGroupId::from_entropy(1), rules }
    };
    // The flow is judged again after each switch, by the rule that stays.
    let plan = Plan::compile(&PolicyClass::new([group(1)]).unwrap());
    let room = 16_384 / plan.image_words() as u64;
    assert!((3..32).contains(&room), "{room} plans have room");
    let rounds = 40 * room;
    for round in 1..=rounds {
        host.switch(class, Generation(round), &plan).unwrap();
        assert_eq!(send(&host, &device, Direction::Ingress), None);
        assert!(host.read_back_class(class).unwrap().plan.unwrap().intact);
    }
    let counts = host.rule_counts(class).unwrap();
    assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), rounds);
}

/// How many flows are in the table, whosever they are.
fn flows_in_table(host: &Host) -> usize {
    let data = MapData::from_pin(host.directory().join("v1/maps/flows")).unwrap();
    let flows: HashMap<_, [u8; 44], [u8; 80]> = Map::HashMap(data).try_into().unwrap();
    flows.keys().count()
}

/// They are nobody's at once, and take the place of no other binding.
#[test]
fn flows_of_a_binding_that_has_ended_are_deleted_and_its_place_is_free() {
    if !may_test_the_kernel() {
        return;
    }
    let mut options = support::options();
    options.interfaces_max = 1;
    let (mut host, device, mut binding) = bound_host(options);
    let class = host.read_back(binding).unwrap().class;
    for number in 2..20 {
        assert_eq!(send(&host, &device, Direction::Egress), None);
        assert_eq!(host.read_back(binding).unwrap().flows, 1);
        host.unbind(binding).unwrap();
        binding = host.bind(&device, &support::interface(number)).unwrap();
        assert_eq!((flows_in_table(&host), host.read_back(binding).unwrap().flows), (0, 0));
        host.assign(binding, class).unwrap();
    }
    // Whoever ends it deletes them first.
    assert_eq!(send(&host, &device, Direction::Egress), None);
    host.unbind(binding).unwrap();
    host.kill();
    assert_eq!(flows_in_table(&host), 0);
}

/// A host with room for one interface, which is bound and has a flow.
fn full_host_with_a_flow() -> (Host, dataplane::Device, dataplane::Binding) {
    let mut options = support::options();
    options.interfaces_max = 1;
    let (host, device, binding) = bound_host(options);
    assert_eq!(send(&host, &device, Direction::Egress), None);
    (host, device, binding)
}

/// A process that is killed before it has deleted them leaves it to the next one.
#[test]
fn flows_that_a_killed_process_has_left_are_deleted_when_the_dataplane_is_opened() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, device, binding) = full_host_with_a_flow();
    // As if the binding had ended, and nothing more.
    let data = MapData::from_pin(host.directory().join("v1/ledger")).unwrap();
    let mut ledger: Array<_, u64> = Map::Array(data).try_into().unwrap();
    let entry = (0..ledger.len()).find(|at| ledger.get(at, 0).unwrap() >> 32 == u64::from(binding.0));
    ledger.set(entry.unwrap(), 0, 0).unwrap();
    assert_eq!(flows_in_table(&host), 1);
    host.kill();
    assert_eq!((host.bindings().unwrap().len(), flows_in_table(&host)), (0, 0));
    let binding = host.bind(&device, &support::interface(2)).unwrap();
    assert_eq!(host.read_back(binding).unwrap().flows, 0);
}

/// A slot whose count of flows a killed process has left too high is free again.
#[test]
fn a_count_of_flows_that_are_gone_takes_no_place() {
    if !may_test_the_kernel() {
        return;
    }
    let (mut host, device, binding) = full_host_with_a_flow();
    // As if a flow had been deleted, and not been counted down.
    let data = MapData::from_pin(host.directory().join("v1/maps/shares")).unwrap();
    let mut shares: Array<_, [u64; 3]> = Map::Array(data).try_into().unwrap();
    let mut share = shares.get(&1, 0).unwrap();
    share[0] += 1;
    shares.set(1, share, 0).unwrap();
    host.unbind(binding).unwrap();
    let refused = host.bind(&device, &support::interface(2)).unwrap_err();
    assert!(matches!(refused, DataplaneError::InterfacesFull { most: 1 }), "{refused}");
    host.kill();
    let binding = host.bind(&device, &support::interface(2)).unwrap();
    assert_eq!(host.read_back(binding).unwrap().flows, 0);
}

#[test]
fn a_plan_that_is_damaged_is_found_and_closes_what_it_decides() {
    if !may_test_the_kernel() {
        return;
    }
    let (host, device, binding) = bound_host(support::options());
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

/// Where everybody may pin, the directory of all dataplanes may have been made by somebody else.
#[test]
fn nothing_is_made_in_a_directory_that_belongs_to_others() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_own_pins();
    let mut host = Host::closed(support::options());
    let directory = host.directory_of_pins();
    let above = directory.parent().unwrap().to_owned();
    fs::create_dir(&above).unwrap();
    for (mode, owner) in [(0o755, 65_534), (0o777, 0), (0o730, 0)] {
        fs::set_permissions(&above, fs::Permissions::from_mode(mode)).unwrap();
        std::os::unix::fs::chown(&above, Some(owner), None).unwrap();
        let refused = host.open().unwrap_err();
        let DataplaneError::OthersMayWrite { path, .. } = &refused else { panic!("{refused}") };
        assert_eq!(*path, above.display().to_string());
        assert_eq!(fs::read_dir(&above).unwrap().count(), 0, "something was made in it");
    }
    // A link to a directory of one's own is somebody's who may lead it elsewhere.
    fs::remove_dir(&above).unwrap();
    let elsewhere = above.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &above).unwrap();
    let refused = host.open().unwrap_err();
    assert!(matches!(&refused, DataplaneError::OthersMayWrite { .. }), "{refused}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "something was made where it leads to");
    fs::remove_file(&above).unwrap();
    host.open().unwrap();
    assert_eq!(fs::metadata(&above).unwrap().mode() & 0o7777, 0o700);
}
