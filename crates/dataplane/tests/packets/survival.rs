//! What is in force stays so, whatever happens to the process, to netfilter, to the programs and to devices.

use std::{fs, time::Duration};

use dataplane::{Attach, Dataplane, Options, Reason};

use crate::{
    child::{self, Child},
    conversation::{
        Carrier::{Tcp, Udp},
        Conversation,
    },
    namespace::run,
    nat::may_translate,
    support::{may_test_the_kernel, wait_until},
    topology::{Family::V4, Shape::Bridge, Topology},
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
