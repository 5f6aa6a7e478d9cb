//! Many commands in any order: whatever people ask for and whenever the clock comes by, every change and every state
//! obeys the laws of `world::laws`.

mod world;

use std::collections::BTreeSet;

use model::{
    Command, Refusal,
    command::{ChargeWish, InstanceCommand},
    instance::InstanceStatus,
    node::NodeCommand,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use world::{
    World, join, leave,
    walk::{KINDS, Step, command, steps},
    wish,
};

/// Steps of every kind, and more than their share of those that move instances.
fn walk() -> impl Strategy<Value = Vec<Step>> {
    steps(prop_oneof![4 => 0..KINDS, 1 => 4u8..13, 1 => 48..KINDS])
}

/// A world with narrow limits, so many lab nodes, and what instances need.
fn narrow(lab_nodes: u8) -> World {
    let mut world = World::new();
    world.timing.billing_day_ms = 3_000;
    world.timing.resetting_ms = 500;
    world.limits.interfaces_per_group = 4;
    world.limits.groups_per_interface = 3;
    world.limits.instances_per_account = 12;
    world.limits.interfaces_per_instance = 3;
    world.limits.nodes_per_account = 3;
    world.limits.interfaces_per_node = 3;
    world.limits.allowed_prefixes_per_interface = 2;
    world.subnet();
    world.dual_subnet();
    world.group();
    for number in 0..lab_nodes {
        world.lab_node(240 + number);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_wherever_one_goes(
        steps in walk(),
        pauses in prop::collection::vec(0u64..1_500, 120),
        lab_nodes in 0u8..3,
    ) {
        let mut world = narrow(lab_nodes);
        for (step, pause) in steps.into_iter().zip(pauses) {
            let next = command(&world, step);
            let before = world.state.recomputed();
            if world.act(next).is_err() {
                prop_assert_eq!(world.state.same_as(&before), Ok(()));
            }
            // Every other time the clock is late.
            world.now = world.now.plus(pause);
            if pause % 2 == 0 {
                world.later(0);
            } else {
                world.act(Command::Advance { most: step.one % 4 }).expect("the clock is always legal");
            }
        }
    }
}

#[test]
fn one_story_passes_all_ten_states() {
    let mut world = World::new();
    let group = world.group();
    let mut seen = BTreeSet::new();
    let mut subscription = wish();
    subscription.charge = ChargeWish::PrePaid { days: 1, renew: false };
    subscription.group = Some(group);
    let instance = world.run(subscription)[0];
    let mut story = vec![
        InstanceCommand::Release { instance, charge: None },
        InstanceCommand::Stop { instance },
        InstanceCommand::Transfer { instance },
        InstanceCommand::Reinit { instance, image: None },
    ];
    let end = world.expires_at(instance);
    while let Some(held) = world.state.instances().get(&instance) {
        let status = held.status;
        seen.insert(status);
        let answer = world.act(leave(group, instance));
        match status.allows_membership_change() {
            true => {
                answer.expect("it may leave");
                world.must(join(group, instance));
            }
            false if status == InstanceStatus::Releasing => {
                assert_eq!(answer, Err(Refusal::InstanceStatus(status)));
                assert_eq!(world.state.member_count(group), 0);
            }
            false => assert_eq!(answer, Err(Refusal::InstanceStatus(status))),
        }
        if status == InstanceStatus::Expired {
            world.must(story.remove(0));
        } else if held_is_stable(status) && story.len() > 1 {
            world.must(story.pop().expect("there is more to tell"));
        } else if held_is_stable(status) {
            world.now = end;
            world.later(0);
        } else {
            world.later(100);
        }
    }
    assert_eq!(seen, InstanceStatus::ALL.into_iter().collect());
}

fn held_is_stable(status: InstanceStatus) -> bool {
    matches!(status, InstanceStatus::Running | InstanceStatus::Stopped)
}

/// How often the walk above comes to what nodes say of their instances.
#[test]
fn the_walk_ends_states_by_reports_often() {
    let mut runner = TestRunner::deterministic();
    let strategy = walk();
    let mut ended = 0;
    for _ in 0..60 {
        let mut world = narrow(2);
        for step in strategy.new_tree(&mut runner).expect("steps").current() {
            let next = command(&world, step);
            let report = matches!(next, Command::Node(NodeCommand::ReportInstances { .. }));
            ended += usize::from(world.act(next).is_ok() && report && !world.changes.0.is_empty());
            world.later(1_000);
        }
    }
    assert!(ended > 100, "only {ended} reports ended a state");
}
