//! What is in force stays so, whatever happens to the process, to netfilter, to the programs and to devices.

use std::{fs, time::Duration};

use dataplane::{Attach, Dataplane, Device, Options, Reason};

use crate::{
    child::{self, Child},
    conversation::{
        Carrier::{Tcp, Udp},
        Conversation,
    },
    link::Link,
    namespace::{Namespace, run},
    nat::may_translate,
    support::{frame, may_test_the_kernel, wait_until},
    topology::{Family::V4, Shape::Bridge, Topology, mac},
    world::{Moment, World, bind, options},
};

const WATCHED: Duration = Duration::from_millis(200);

#[test]
fn everything_stays_in_force_when_the_process_is_killed() {
    if !may_test_the_kernel() {
        return;
    }
    let topology = Topology::new(Bridge, 2);
    let options = options();
    let mut holder = Child::start(&format!("hold {}", options.name));
    assert_eq!(holder.line().as_deref(), Some("ready"));
    let since = Moment::now();
    let talk =
        |topology: &Topology, carrier, port| Conversation::between(topology, carrier, V4, 1, (2, port));
    let permitted = [Tcp, Udp].map(|carrier| talk(&topology, carrier, 5000));
    permitted.iter().for_each(Conversation::wait_both_ways);
    let denied = [Tcp, Udp].map(|carrier| talk(&topology, carrier, 5001));

    holder.kill();
    for conversation in &permitted {
        conversation.wait_both_ways();
    }
    denied.iter().for_each(|conversation| conversation.assert_cut(since, WATCHED));

    // Another process finds it all, and changes it.
    let mut world = World::recovered(topology, options);
    assert!(world.host.bindings().unwrap().iter().all(|report| report.enforced()));
    assert!(world.host.classes().unwrap().iter().all(|report| report.plan.unwrap().intact));
    permitted.iter().for_each(Conversation::wait_both_ways);
    denied.iter().for_each(|conversation| conversation.assert_nothing_since(since));
    let [tcp, udp] = permitted;
    let since = world.groups(2, &[&["ingress accept udp to port 5000"]]);
    tcp.assert_cut(since, WATCHED);
    udp.assert_lossless();
}

#[test]
fn nft_flush_ruleset_changes_nothing() {
    if !may_translate("nft_flush_ruleset_changes_nothing") {
        return;
    }
    let mut world = World::new(Bridge, 2);
    world.groups(1, &[]);
    let since = world.groups(2, &[&["ingress accept udp to port 5000"]]);
    let permitted = Conversation::between(&world, Udp, V4, 1, (2, 5000));
    permitted.wait_both_ways();
    let denied = Conversation::between(&world, Udp, V4, 1, (2, 5001));
    run("nft", &["flush", "ruleset"], "");
    permitted.wait_both_ways();
    denied.assert_cut(since, WATCHED);
    assert!(world.host.bindings().unwrap().iter().all(|report| report.enforced()));
    permitted.assert_lossless();
}

/// Programs that are loaded anew take over in the place of those that run, as in an upgrade to another object.
#[test]
fn programs_are_replaced_under_traffic_without_a_lost_packet() {
    if !may_test_the_kernel() {
        return;
    }
    for attach in [Attach::Tcx, Attach::Clsact] {
        replace_programs_under_traffic(attach);
    }
}

fn replace_programs_under_traffic(attach: Attach) {
    let options = Options { attach, ..options() };
    let mut world = World::with(Bridge, 2, options);
    world.groups(1, &[]);
    let since = world.groups(2, &[&["ingress accept tcp to port 5000", "ingress accept udp to port 5000"]]);
    let permitted = [Tcp, Udp].map(|carrier| Conversation::between(&world, carrier, V4, 1, (2, 5000)));
    permitted.iter().for_each(Conversation::wait_both_ways);
    let denied = Conversation::between(&world, Udp, V4, 1, (2, 5001));
    let flows = |world: &World| {
        let binding = world.instance(2).binding;
        let flows = world.host.flows(binding, 100).unwrap();
        flows.iter().map(|flow| flow.packets_remote).sum::<u64>()
    };
    for _ in 0..6 {
        // Without its pins no program is found to go on with.
        let programs = world.host.directory().join(format!("v{}/programs", dataplane::LAYOUT_VERSION));
        for program in ["from_instance", "to_instance"] {
            fs::remove_file(programs.join(program)).unwrap();
        }
        world.host.kill();
        assert!(world.host.bindings().unwrap().iter().all(|report| report.enforced()));
        let before = flows(&world);
        permitted.iter().for_each(Conversation::wait_both_ways);
        assert!(flows(&world) > before, "flows go on where they were");
    }
    denied.assert_cut(since, WATCHED);
    permitted.into_iter().for_each(Conversation::assert_lossless);
    let drops = world.drops(2);
    assert_eq!(drops.total() - drops.of(Reason::Implicit) - drops.of(Reason::Closed), 0, "{drops:?}");
}

/// A device that nobody has guarded or bound is not this dataplane's, and open; that it is not for one packet is its
/// guard's and its binding's to see to, from when the calls return.
#[test]
fn a_device_made_anew_has_no_rights_and_is_never_open_once_it_is_bound() {
    if !may_test_the_kernel() {
        return;
    }
    for guarded in [true, false] {
        let mut world = World::new(Bridge, 2);
        world.groups(1, &[&["ingress accept all"]]);
        world.groups(2, &[&["ingress accept all"]]);
        let before = Conversation::between(&world, Udp, V4, 1, (2, 5000));
        before.wait_both_ways();
        let old = world.instance(2);
        let ifindex = Topology::device(2).ifindex;
        drop(before);
        world.topology.host.batch("link delete v2");
        wait_until("its packets are nobody's", || !world.host.read_back(old.binding).unwrap().present);

        // The same name, MAC and address; another device.
        world.topology.connect(2);
        assert_ne!(Topology::device(2).ifindex, ifindex);
        let conversation = Conversation::between(&world, Udp, V4, 1, (2, 5000));
        let since = if guarded {
            world.host.guard(&Topology::device(2)).unwrap();
            let since = Moment::now();
            conversation.client.wait_for_sent(20);
            conversation.assert_cut(since, WATCHED);
            assert!(world.host.drops(None).unwrap().of(Reason::Unbound) > 0);
            Some(since)
        } else {
            // Enforcement is what it waits for: what passes until then is what an unbound device may.
            conversation.wait_both_ways();
            None
        };
        let instance = bind(&mut world.host, Bridge, 2);
        let since = since.unwrap_or_else(Moment::now);
        world.instances[1] = instance;
        assert_ne!(instance.binding, old.binding);
        conversation.client.wait_for_sent(20);
        conversation.assert_cut(since, WATCHED);
        assert!(world.drops(2).of(Reason::Closed) > 0);
        assert!(world.host.flows(instance.binding, 10).unwrap().is_empty());
        assert!(world.host.read_back(old.binding).is_err(), "the old binding is over");
        // What the old one was permitted the new one is not; and it begins nothing of its own with the peer that the
        // server behind it still knows.
        let since = world.groups(2, &[&["ingress accept udp to port 5001", "egress drop all"]]);
        conversation.client.wait_for_sent(20);
        conversation.assert_cut(since, WATCHED);
        world.groups(2, &[&["ingress accept udp to port 5000"]]);
        conversation.wait_both_ways();
    }
}

/// What is dropped at all devices.
fn dropped(world: &World) -> u64 {
    let bindings = world.host.bindings().unwrap();
    let of = |binding| world.host.drops(binding).unwrap().total();
    of(None) + bindings.iter().map(|report| of(Some(report.binding))).sum::<u64>()
}

/// Its programs hang at a device wherever it is, and the pins of their links are all that holds them.
#[test]
fn a_device_that_is_moved_to_another_namespace_stays_closed() {
    if !may_test_the_kernel() {
        return;
    }
    // As what it had the same index there, and another one.
    for taken in [false, true] {
        let mut world = World::silent(3);
        world.groups(1, &[&["ingress accept all"]]);
        let elsewhere = Namespace::new();
        elsewhere.set("ipv6/conf/default/disable_ipv6", "1");
        let device = Topology::device(1);
        if taken {
            elsewhere.batch(&format!("link add other index {} type bridge", device.ifindex));
        }
        world.topology.host.batch(&format!("link set v1 netns {}", elsewhere.path()));
        elsewhere.batch("link set v1 arp off multicast off up");
        let (instance, host) = (Link::of(&world, 1), Link::at(&elsewhere, "v1"));
        let assert_closed = |world: &World, when: &str| {
            let frame = |from: u8, to: u8| {
                let addresses = [from, to].map(|number| Bridge.address(number, V4));
                let packet = frame::ip(addresses[0], addresses[1], frame::UDP, &frame::udp(9, 9, b"x"));
                frame::ethernet(mac(from), mac(to), &packet)
            };
            // Whoever looks at the device sees what it sends before the programs do: they are asked what they have dropped.
            let before = dropped(world);
            instance.send(&frame(1, 2));
            assert!(host.try_send(&frame(2, 1)).is_err(), "{when}: to the instance");
            assert_eq!(instance.receive(), None, "{when}: to the instance");
            assert_eq!(dropped(world), before + 2, "{when}");
        };
        let another = |world: &mut World| {
            world.topology.host.batch("link add v9 type veth peer name w9");
            let device = Device::named("v9").unwrap();
            let binding = world.host.bind(&device, &Bridge.interface(9)).unwrap();
            world.host.unbind(binding).unwrap();
            world.host.release(&device).unwrap();
            world.topology.host.batch("link delete v9");
        };
        another(&mut world);
        assert_closed(&world, "another device was bound");
        world.host.kill();
        assert_closed(&world, "the dataplane was opened anew");
        another(&mut world);
        another(&mut world);
        assert_closed(&world, "others were bound");
        // One of the same index gets programs of its own.
        world.topology.host.batch(&format!("link add v1 index {} type veth peer name w1", device.ifindex));
        let binding = world.host.bind(&Topology::device(1), &Bridge.interface(9)).unwrap();
        assert!(world.host.read_back(binding).unwrap().enforced());
        assert_closed(&world, "one of its index was bound");
        world.host.unbind(binding).unwrap();
        world.topology.host.batch("link delete v1");
        another(&mut world);
        assert_closed(&world, "that one is gone");
        // With the device the links end, and their pins are forgotten.
        elsewhere.batch("link delete v1");
        another(&mut world);
        let links = fs::read_dir(world.host.directory().join("v1/links")).unwrap();
        assert_eq!(links.count(), 4, "those of the two others");
    }
}

#[test]
fn a_name_is_given_to_another_process_only_after_the_first_has_ended() {
    if !may_test_the_kernel() {
        return;
    }
    let topology = Topology::new(Bridge, 2);
    let options = options();
    let mut holder = Child::start(&format!("hold {}", options.name));
    assert_eq!(holder.line().as_deref(), Some("ready"));
    let refused = dataplane::EbpfDataplane::open(child::options(&options.name)).err().unwrap();
    assert!(matches!(refused, dataplane::DataplaneError::InUse { .. }), "{refused}");
    holder.kill();
    let world = World::recovered(topology, options);
    assert_eq!(world.instances.len(), 2);
}
