//! Waiting until a generation is in force, and why it is not.

use std::time::Duration;

use control::{
    FleetSettings, Settings,
    fleet::{Delay, Enforced, EnforcementState, Laggard, Progress, RefusalReason},
};
use model::{command::SecurityGroupCommand, node::NodeCommand};

use crate::site::{Site, poll_once, settings};

const LONG: Duration = Duration::from_secs(60);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn state(site: &Site, generation: u64) -> EnforcementState {
    site.control.enforcement(generation).unwrap().state
}

/// Why the first node has not confirmed a generation.
fn delay(site: &Site, generation: u64) -> Delay {
    let runtime = runtime();
    match runtime.block_on(site.control.enforced(generation, Duration::ZERO)) {
        Enforced::Laggards(laggards) => match <[Laggard; 1]>::try_from(laggards).unwrap() {
            [Laggard { node, delay }] if node == site.nodes[0] => delay,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_wait_and_all_are_woken_when_the_node_confirms() {
    let site = Site::new();
    let mut node = site.node(0);
    let generations: Vec<u64> =
        (0..250).flat_map(|_| [site.must(site.leave(0, 0)), site.must(site.join(0, 0))]).collect();
    runtime().block_on(async {
        let waiting: Vec<_> = generations
            .iter()
            .map(|generation| {
                let (control, generation) = (site.control.clone(), *generation);
                tokio::spawn(async move { control.enforced(generation, LONG).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        node.obey().await.unwrap();
        node.confirm();
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Enforced::Confirmed);
        }
    });
    assert!(generations.iter().all(|generation| state(&site, *generation) == EnforcementState::Confirmed));
}

#[test]
fn what_concerns_nobody_is_in_force_at_once() {
    let site = Site::new();
    let create = SecurityGroupCommand::Create { name: "a".into(), description: "".into(), rules: vec![] };
    let generation = site.must(create);
    assert_eq!(poll_once(site.control.enforced(generation, LONG)), Some(Enforced::Confirmed));
    let enforcement = site.control.enforcement(generation).unwrap();
    assert_eq!((enforcement.state, enforcement.nodes.len()), (EnforcementState::Confirmed, 0));
    assert_eq!(site.control.enforcement(generation + 1), None);
    assert_eq!(state(&site, 1), EnforcementState::Unknown, "it was made before this process began");
}

#[test]
fn whoever_has_not_confirmed_is_named_with_the_reason() {
    let site = Site::new();
    let left = site.must(site.leave(0, 0));
    assert_eq!(delay(&site, left), Delay::NeverConnected);
    let mut node = site.node(0);
    assert_eq!(state(&site, left), EnforcementState::Confirmed, "the snapshot has it");
    let joined = site.must(site.join(0, 0));
    assert_eq!(delay(&site, joined), Delay::NotTold);
    node.obey_now().unwrap().unwrap();
    assert_eq!(delay(&site, joined), Delay::NotAnswered);
    node.fail(site.interfaces[0][0]);
    assert!(matches!(delay(&site, joined), Delay::NotInForce(of) if of.problem_count == 1));
    let left = site.must(site.leave(0, 0));
    node.obey_now().unwrap().unwrap();
    assert_eq!(delay(&site, left), Delay::NotAnswered, "what it said was of the one before");
    node.refuse(left, RefusalReason::Invalid);
    assert!(matches!(delay(&site, left), Delay::Refused(of) if of.reason == RefusalReason::Invalid));
    drop(node);
    assert!(matches!(delay(&site, left), Delay::NotConnected { .. }));
    site.node(0);
    assert_eq!(state(&site, joined), EnforcementState::Confirmed);
    let enforcement = site.control.enforcement(left).unwrap();
    assert!(matches!(enforcement.nodes[0].progress, Progress::Confirmed { .. }));
}

#[test]
fn a_generation_that_was_not_told_cannot_be_confirmed() {
    let site = Site::new();
    let mut node = site.node(0);
    let left = site.must(site.leave(0, 0));
    node.confirm_generation(left);
    assert_eq!(state(&site, left), EnforcementState::Pending);
    node.obey_now().unwrap().unwrap();
    node.confirm_generation(left + 1);
    assert_eq!(state(&site, left), EnforcementState::Pending);
    node.confirm_generation(left);
    assert_eq!(state(&site, left), EnforcementState::Confirmed);
}

#[test]
fn a_rule_that_goes_is_in_force_when_every_node_of_a_member_says_so() {
    let site = Site::new();
    let group = site.groups[0];
    let target = model::refusal::Target::Interface(site.interfaces[1][0]);
    site.must(SecurityGroupCommand::Join { group, target });
    let (mut one, mut other) = (site.node(0), site.node(1));
    let rules = site.control.read_blocking(|state| state.groups().get(&group).unwrap().rules.clone());
    let removed = site.must(SecurityGroupCommand::RemoveRules { group, rules: rules.unwrap().value });
    one.obey_now().unwrap().unwrap();
    one.confirm();
    assert_eq!(state(&site, removed), EnforcementState::Pending);
    let laggards = runtime().block_on(site.control.enforced(removed, Duration::ZERO));
    let laggard = Laggard { node: site.nodes[1], delay: Delay::NotTold };
    assert_eq!(laggards, Enforced::Laggards(vec![laggard]));
    other.obey_now().unwrap().unwrap();
    other.confirm();
    assert_eq!(state(&site, removed), EnforcementState::Confirmed);
}

/// Until it has heard that something is not bound to it any more, a node goes by what it was told before.
#[test]
fn a_node_is_waited_for_when_an_interface_is_unbound_and_not_when_it_is_deleted() {
    let site = Site::new();
    let left = site.must(site.leave(0, 0));
    site.must(NodeCommand::Unbind { interface: site.interfaces[0][0] });
    assert_eq!(state(&site, left), EnforcementState::Pending);
    runtime().block_on(async {
        let control = site.control.clone();
        let waiting = tokio::spawn(async move { control.enforced(left, LONG).await });
        tokio::task::yield_now().await;
        site.must(NodeCommand::Delete { node: site.nodes[0], force: true });
        assert_eq!(waiting.await.unwrap(), Enforced::Confirmed);
    });
    assert_eq!(site.control.enforcement(left).unwrap().nodes[0].progress, Progress::Deleted);
}

#[test]
fn waiting_ends_with_the_control_plane() {
    let site = Site::new();
    let left = site.must(site.leave(0, 0));
    runtime().block_on(async {
        let control = site.control.clone();
        let waiting = tokio::spawn(async move { control.enforced(left, LONG).await });
        tokio::task::yield_now().await;
        site.control.stop().await;
        assert!(matches!(waiting.await.unwrap(), Enforced::Laggards(_)));
        assert!(matches!(site.control.enforced(left, LONG).await, Enforced::Laggards(_)));
    });
}

#[test]
fn receipts_are_bounded_and_what_is_forgotten_is_said_to_be_unknown() {
    let fleet = FleetSettings { receipts_max: 3, ..FleetSettings::default() };
    let site = Site::with(Settings { fleet, ..settings() }, |store| Box::new(store));
    let change = || [site.must(site.leave(0, 0)), site.must(site.join(0, 0))];
    let open: Vec<u64> = (0..3).flat_map(|_| change()).collect();
    let states: Vec<_> = open.iter().map(|generation| state(&site, *generation)).collect();
    let (unknown, pending) = (EnforcementState::Unknown, EnforcementState::Pending);
    assert_eq!(states, [unknown, unknown, unknown, pending, pending, pending]);
    assert_eq!(site.control.standing(site.nodes[0]).generations_behind, 6);
    let node = site.node(0);
    assert_eq!(site.control.standing(site.nodes[0]).generations_behind, 0);
    assert_eq!(state(&site, open[5]), EnforcementState::Confirmed);
    let mut host = node;
    for _ in 0..3 {
        change();
        host.obey_now().unwrap().unwrap();
        host.confirm();
    }
    assert_eq!(state(&site, open[5]), EnforcementState::Unknown);
}

/// A receipt says what was so then. What is said of the node is taken back by what it says later.
#[test]
fn what_a_node_has_confirmed_is_taken_back_when_it_says_otherwise() {
    let site = Site::new();
    let confirmed = || site.control.standing(site.nodes[0]).confirmed_generation;
    let mut node = site.node(0);
    let left = site.must(site.leave(0, 0));
    node.obey_now().unwrap().unwrap();
    node.confirm();
    assert_eq!(confirmed(), Some(left));
    node.fail(site.interfaces[0][0]);
    assert_eq!(confirmed(), None, "an audit has found that it is not in force");
    assert_eq!(state(&site, left), EnforcementState::Confirmed);
    node.confirm();
    let joined = site.must(site.join(0, 0));
    node.obey_now().unwrap().unwrap();
    node.fail(site.interfaces[0][0]);
    assert_eq!(confirmed(), Some(left), "the one before is not in question");
    node.confirm();
    drop(node);
    drop(site.follow(0, joined).unwrap());
    assert_eq!(confirmed(), Some(joined));
    drop(site.follow(0, left).unwrap());
    assert_eq!(confirmed(), None, "it was made anew from an older state");
}

#[test]
fn what_is_forgotten_is_not_said_to_be_in_force() {
    let fleet = FleetSettings { receipts_max: 1, ..FleetSettings::default() };
    let site = Site::with(Settings { fleet, ..settings() }, |store| Box::new(store));
    assert!(!site.control.is_enforced(1), "it was made before this process began");
    let [left, joined] = [site.must(site.leave(0, 0)), site.must(site.join(0, 0))];
    assert!(!site.control.is_enforced(left) && !site.control.is_enforced(joined));
    site.node(0);
    assert!(site.control.is_enforced(joined));
    assert!(!site.control.is_enforced(left), "nothing is open, but that one is not known any more");
    assert_eq!(state(&site, left), EnforcementState::Unknown);
}
