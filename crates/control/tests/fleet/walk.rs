//! Random commands, some of whose commits fail, and nodes that connect, go, obey late and confirm later. What holds
//! after each step: a node that obeys has what the state says at the generation that it was told, and a generation is
//! confirmed if and only if every node that it concerns has confirmed it.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use control::{
    Clock, Control, FleetSettings, Settings, Told, desired,
    fleet::{Ended, EnforcementState, Progress, RefusalReason},
};
use model::{NodeId, State, node::Node};
use policy::Desired;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use store::FailedCommit;

use crate::{
    site::{Obedient, Site, hello, settings},
    world::{
        World,
        walk::{KINDS, Step, command, steps},
    },
};

/// One thing that a node does, or that happens to it.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Connect,
    Disconnect,
    Obey,
    Confirm,
    /// It says that what it obeyed is not in force.
    Fail,
    /// It refuses what it was told last, and stays where it was.
    Refuse,
}

type Deeds = Vec<(usize, Deed)>;

fn deeds() -> impl Strategy<Value = Deeds> {
    let deed = prop_oneof![
        2 => Just(Deed::Connect),
        1 => Just(Deed::Disconnect),
        6 => Just(Deed::Obey),
        3 => Just(Deed::Confirm),
        1 => Just(Deed::Fail),
        1 => Just(Deed::Refuse),
    ];
    prop::collection::vec((0usize..100, deed), 0..6)
}

/// A node, as far as it knows.
#[derive(Default)]
struct Host {
    follower: Option<Obedient>,
    /// Where it is while it is not connected.
    generation: u64,
    desired: Desired,
    confirmed: u64,
}

struct Walk {
    site: Site,
    world: World,
    hosts: BTreeMap<NodeId, Host>,
    /// What was wanted of every node, at each generation at which that is known.
    wanted: BTreeMap<u64, BTreeMap<NodeId, Desired>>,
    /// The nodes that a generation concerned, where that is known.
    concerned: BTreeMap<u64, BTreeSet<NodeId>>,
    /// Nothing may be said of earlier generations: a commit failed, or the bounds are small.
    forgets: bool,
    told: usize,
}

fn all_desired(control: &Control) -> (u64, BTreeMap<NodeId, Desired>) {
    let all = |state: &State| state.nodes().all().map(|node| (node.id, desired(state, node.id))).collect();
    let read = control.read_blocking(all).unwrap();
    (control.status().durable, read.value)
}

impl Walk {
    fn new(fleet: FleetSettings) -> Self {
        let site = Site::with(Settings { fleet, ..settings() }, |store| Box::new(store));
        let mut walk = Self {
            site,
            world: World::new(),
            hosts: BTreeMap::new(),
            wanted: BTreeMap::new(),
            concerned: BTreeMap::new(),
            forgets: fleet != FleetSettings::default(),
            told: 0,
        };
        let (generation, wanted) = all_desired(&walk.site.control);
        walk.wanted.insert(generation, wanted);
        walk
    }

    /// Carries out a command; notes what is wanted then.
    fn act(&mut self, step: Step) {
        let control = self.site.control.clone();
        let state = control.read_blocking(State::recomputed).unwrap().value;
        self.world.state = state;
        self.world.now = self.site.clock.now();
        let (_, before) = all_desired(&control);
        let fails = [FailedCommit::Present, FailedCommit::Absent].get(usize::from(step.how)).copied();
        if let Some(outcome) = fails.filter(|_| step.other.is_multiple_of(5)) {
            self.site.failures.fail_commit(outcome);
            self.forgets = true;
        }
        let answer = self.site.act(command(&self.world, step));
        let (generation, after) = all_desired(&control);
        if let Ok(receipt) = answer {
            assert_eq!(receipt.generation, generation);
            let differs = |(node, after): (&NodeId, &Desired)| {
                let empty = Desired::default();
                (before.get(node).unwrap_or(&empty) != after).then_some(*node)
            };
            self.concerned.insert(generation, after.iter().filter_map(differs).collect());
        }
        self.wanted.insert(generation, after);
    }

    /// Lets time pass, and the clock do what is due. How many generations that takes is not known.
    fn pass(&mut self, milliseconds: i64) {
        self.site.clock.pass(milliseconds);
        let control = &self.site.control;
        loop {
            control.wake();
            let now = self.site.clock.now();
            let due = control.read_blocking(|state| state.next_due().is_some_and(|due| due <= now)).unwrap();
            if !due.value {
                break;
            }
            std::thread::yield_now();
        }
        let (generation, wanted) = all_desired(control);
        self.wanted.insert(generation, wanted);
    }

    fn node(&self, number: usize) -> Option<std::sync::Arc<Node>> {
        let pick = |state: &State| {
            let nodes: Vec<_> = state.nodes().all().collect();
            nodes.get(number % nodes.len().max(1)).map(|node| (*node).clone())
        };
        self.site.control.read_blocking(pick).unwrap().value
    }

    fn connect(&mut self, node: &Node) {
        let host = self.hosts.entry(node.id).or_default();
        host.part();
        let now = self.site.clock.now();
        let Some(good) = node.certificates.iter().find(|own| own.is_good(now)) else { return };
        let follower = self.site.control.follow(node.id, hello(host.generation, good.fingerprint)).unwrap();
        let mut obedient = Obedient::new(follower);
        (obedient.generation, obedient.desired) = (host.generation, mem::take(&mut host.desired));
        host.follower = Some(obedient);
    }

    /// What was wanted of a node at a generation.
    fn wanted_at(&self, generation: u64, node: NodeId) -> Option<&Desired> {
        let (_, wanted) = self.wanted.range(..=generation).next_back()?;
        wanted.get(&node)
    }

    /// Lets a node obey what it is told next. False: there is nothing.
    fn obey(&mut self, node: NodeId) -> bool {
        let Some(host) = self.hosts.get_mut(&node) else { return false };
        let Some(obedient) = &mut host.follower else { return false };
        match obedient.obey_now() {
            None => false,
            Some(Ok(told)) => {
                assert!(!matches!(told, Told::Snapshot { obey_regression: true, .. }));
                self.told += 1;
                let (generation, has) = (obedient.generation, obedient.desired.clone());
                assert!(generation <= self.site.control.status().durable);
                assert_eq!(Some(&has), self.wanted_at(generation, node), "{node} at {generation}: {told:?}");
                true
            }
            Some(Err(ended)) => {
                let exists = self.site.control.read_blocking(|state| state.nodes().get(&node).is_some());
                assert_eq!(exists.unwrap().value, ended != Ended::Deleted, "{ended:?}");
                host.part();
                false
            }
        }
    }

    fn deed(&mut self, number: usize, deed: Deed) {
        let Some(node) = self.node(number) else { return };
        if matches!(deed, Deed::Connect) {
            return self.connect(&node);
        }
        if matches!(deed, Deed::Obey) {
            self.obey(node.id);
            return;
        }
        let Some(host) = self.hosts.get_mut(&node.id) else { return };
        let Some(obedient) = &host.follower else { return };
        match deed {
            // Of a connection that is at its end nothing is heard any more.
            Deed::Confirm if self.site.control.standing(node.id).connection.is_none() => {}
            Deed::Confirm => host.confirm(),
            Deed::Fail => obedient.fail(self.site.interfaces[0][0]),
            Deed::Refuse => obedient.refuse(obedient.generation, RefusalReason::Gap),
            _ => host.part(),
        }
    }

    fn check(&self) {
        let exists = |node: &NodeId| self.wanted.last_key_value().unwrap().1.contains_key(node);
        for (generation, concerned) in &self.concerned {
            let enforcement = self.site.control.enforcement(*generation).unwrap();
            let confirmed =
                |node: &NodeId| self.hosts.get(node).is_some_and(|host| host.confirmed >= *generation);
            if enforcement.state == EnforcementState::Unknown {
                assert!(self.forgets, "{generation} is known");
                continue;
            }
            let named: BTreeSet<NodeId> = enforcement.nodes.iter().map(|own| own.node).collect();
            assert_eq!(&named, concerned, "{generation}");
            for own in &enforcement.nodes {
                match own.progress {
                    Progress::Confirmed { .. } => assert!(confirmed(&own.node), "{own:?}"),
                    Progress::Deleted => assert!(!exists(&own.node)),
                    Progress::Behind(_) => assert!(!confirmed(&own.node) && exists(&own.node), "{own:?}"),
                }
            }
            let all = concerned.iter().all(|node| confirmed(node) || !exists(node));
            assert_eq!(all, enforcement.state == EnforcementState::Confirmed, "{generation}");
        }
    }

    /// Every node connects, obeys and confirms: then everything is in force.
    fn converge(&mut self) {
        let mut number = 0;
        while let Some(node) =
            self.node(number).filter(|_| number < self.wanted.last_key_value().unwrap().1.len())
        {
            number += 1;
            self.connect(&node);
            while self.obey(node.id) {
                self.hosts.get_mut(&node.id).unwrap().confirm();
            }
            let Some(obedient) = &self.hosts[&node.id].follower else { continue };
            let id = node.id;
            let wanted = self.site.control.read_blocking(|state| desired(state, id)).unwrap().value;
            assert_eq!(obedient.desired, wanted);
            assert_eq!(self.site.control.standing(id).generations_behind, 0);
        }
    }
}

impl Host {
    /// It is not connected any more.
    fn part(&mut self) {
        if let Some(obedient) = self.follower.take() {
            (self.generation, self.desired) = (obedient.generation, obedient.desired);
        }
    }

    fn confirm(&mut self) {
        if let Some(obedient) = &self.follower
            && obedient.told
        {
            obedient.confirm();
            self.confirmed = self.confirmed.max(obedient.generation);
        }
    }
}

/// Steps that are mostly about interfaces, bindings and rules.
fn walk() -> impl Strategy<Value = Vec<(Step, i64, Deeds)>> {
    let kinds = prop_oneof![1 => 0..KINDS, 6 => 15u8..29, 4 => 38u8..KINDS];
    let steps = steps(kinds);
    let beside = prop::collection::vec((prop_oneof![4 => Just(0i64), 1 => 1i64..1_500], deeds()), 120);
    (steps, beside)
        .prop_map(|(steps, beside)| steps.into_iter().zip(beside).map(|(a, (b, c))| (a, b, c)).collect())
}

fn fleets() -> impl Strategy<Value = FleetSettings> {
    let small = (1usize..6, 1usize..12, 200usize..4_000, 200usize..8_000, 1usize..3).prop_map(
        |(receipts_max, receipt_nodes_max, pending_bytes_max, pending_bytes_total_max, unanswered_max)| {
            FleetSettings {
                receipts_max,
                receipt_nodes_max,
                pending_bytes_max,
                pending_bytes_total_max,
                unanswered_max,
                ..FleetSettings::default()
            }
        },
    );
    prop_oneof![Just(FleetSettings::default()), small]
}

fn run(fleet: FleetSettings, steps: Vec<(Step, i64, Deeds)>) -> Walk {
    let mut walk = Walk::new(fleet);
    for (step, pause, deeds) in steps {
        walk.act(step);
        walk.check();
        if pause > 0 {
            walk.pass(pause);
        }
        for (number, deed) in deeds {
            walk.deed(number, deed);
            walk.check();
        }
    }
    walk
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nodes_that_obey_have_what_is_wanted_and_receipts_are_true(fleet in fleets(), steps in walk()) {
        let mut walk = run(fleet, steps);
        walk.converge();
        walk.check();
        for generation in walk.concerned.keys() {
            let state = walk.site.control.enforcement(*generation).unwrap().state;
            prop_assert!(state != EnforcementState::Pending || walk.some_cannot_connect(), "{generation}");
        }
    }
}

impl Walk {
    /// Nodes whose certificates are revoked or expired cannot confirm.
    fn some_cannot_connect(&self) -> bool {
        let now = self.site.clock.now();
        let bad = |node: &Node| !node.certificates.iter().any(|own| own.is_good(now));
        self.site.control.read_blocking(|state| state.nodes().all().any(|node| bad(node))).unwrap().value
    }
}

/// How often the walk above comes to what it is about.
#[test]
fn the_walk_tells_nodes_something_often() {
    let mut runner = TestRunner::deterministic();
    let strategy = walk();
    let (mut told, mut concerning) = (0, 0);
    for _ in 0..10 {
        let walk = run(FleetSettings::default(), strategy.new_tree(&mut runner).unwrap().current());
        told += walk.told;
        concerning += walk.concerned.values().filter(|nodes| !nodes.is_empty()).count();
    }
    assert!(told > 60 && concerning > 60, "{told} told, {concerning} concerning");
}
