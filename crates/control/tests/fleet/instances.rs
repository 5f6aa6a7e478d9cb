//! Instances on a lab node: what the node says of them is carried out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use control::{
    Clock, Control, Follower, Heard, Submission,
    fleet::{InstanceProblem, NodeReport},
};
use model::{
    Actor, Command, InstanceId, NodeId, UnixMillis,
    account::Account,
    command::InstanceCommand,
    instance::InstanceStatus,
    node::{InstanceReport, NodeCommand, ReportedState},
};
use store::{Batch, MemoryStore, Store};

use crate::{
    site::{hello, settings},
    world::{IntoCommand, World, fingerprint, wish},
};

struct StandingClock(UnixMillis);

impl Clock for StandingClock {
    fn now(&self) -> UnixMillis {
        self.0
    }
}

/// A lab node that has an instance which is being made, and is connected.
struct Lab {
    control: Control,
    actor: Actor,
    node: NodeId,
    instance: InstanceId,
    follower: Follower,
}

impl Lab {
    fn new() -> Self {
        let mut world = World::new();
        let node = world.lab_node(7);
        let instance = world.run(wish())[0];
        let mut store = MemoryStore::new();
        let mut batch = Batch::new();
        control::records::put_schema(&mut batch);
        let account = Account { id: world.account, name: "edge".into(), created_at: world.now };
        for entity in world.state.entities().chain([account.into()]) {
            control::records::put_entity(&mut batch, &entity).unwrap();
        }
        store.commit(1, &batch).unwrap();
        let clock = Arc::new(StandingClock(world.now));
        let control = Control::open(Box::new(store), settings(), clock, &mut |_| {}).unwrap().control;
        let follower = control.follow(node, hello(0, fingerprint(7))).unwrap();
        Self { control, actor: Actor::Root(world.account), node, instance, follower }
    }

    fn must(&self, command: impl IntoCommand) {
        let (operation, request_id, source, nonce) = ("Test", "request".into(), None, None);
        let (actor, command) = (self.actor, command.command());
        let submission = Submission { actor, command, operation, request_id, source, nonce };
        self.control.submit_blocking(submission).unwrap();
    }

    fn says(&self, (boots, images): (u64, u64), state: ReportedState) {
        let report = InstanceReport { instance: self.instance, boots, images, state };
        self.follower.heard(Heard::InstanceStates(vec![report]));
    }

    fn status(&self) -> Option<InstanceStatus> {
        let held = |state: &model::State| state.instances().get(&self.instance).map(|own| own.status);
        self.control.read_blocking(held).unwrap().value
    }

    fn comes_to(&self, status: Option<InstanceStatus>) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.status() != status {
            assert!(Instant::now() < until, "it is {:?} and not {status:?}", self.status());
            std::thread::yield_now();
        }
    }

    fn generation(&self) -> u64 {
        self.control.status().generation
    }
}

#[test]
fn what_a_node_says_of_its_instance_is_carried_out_from_creation_to_release() {
    let lab = Lab::new();
    let instance = lab.instance;
    lab.says((1, 1), ReportedState::Running);
    lab.comes_to(Some(InstanceStatus::Running));
    let generation = lab.generation();
    lab.says((1, 1), ReportedState::Running);
    lab.says((1, 1), ReportedState::Stopped);
    lab.must(InstanceCommand::Reboot { instance });
    assert_eq!(lab.generation(), generation + 1, "what is no news makes no generation");
    lab.says((1, 1), ReportedState::Running);
    assert_eq!(lab.status(), Some(InstanceStatus::Stopping));
    lab.says((2, 1), ReportedState::Running);
    lab.comes_to(Some(InstanceStatus::Running));
    lab.must(InstanceCommand::Release { instance, charge: None });
    lab.says((2, 1), ReportedState::Gone);
    lab.comes_to(None);
}

/// Also where it was on its way to the writer twice.
#[test]
fn what_is_no_news_to_the_writer_makes_no_generation() {
    let lab = Lab::new();
    lab.says((1, 1), ReportedState::Running);
    lab.comes_to(Some(InstanceStatus::Running));
    let before = lab.control.status();
    let report =
        InstanceReport { instance: lab.instance, boots: 1, images: 1, state: ReportedState::Running };
    let (operation, request_id, source, nonce) = ("ReportInstances", "request".into(), None, None);
    let command = NodeCommand::ReportInstances { node: lab.node, reports: vec![report] };
    let (actor, command) = (Actor::Node(lab.node), Command::Node(command));
    let submission = Submission { actor, command, operation, request_id, source, nonce };
    let receipt = lab.control.submit_blocking(submission).unwrap();
    assert_eq!(lab.control.status(), before);
    assert_eq!(receipt.generation, before.durable);
}

#[test]
fn why_an_instance_failed_is_shown_until_it_does_not_any_more() {
    let lab = Lab::new();
    let message: Box<str> = "there is no memory for a bridge".into();
    lab.says((1, 1), ReportedState::Failed(message.clone()));
    let standing = lab.control.standing(lab.node);
    let problem = InstanceProblem { instance: lab.instance, message };
    assert_eq!((standing.instance_problems, standing.instance_problem_count), (vec![problem], 1));
    assert_eq!(lab.status(), Some(InstanceStatus::Creating));
    lab.says((1, 1), ReportedState::Running);
    assert_eq!(lab.control.standing(lab.node).instance_problem_count, 0);
    lab.comes_to(Some(InstanceStatus::Running));
}

#[test]
fn what_was_said_too_early_is_carried_out_with_the_next_report_and_what_is_foreign_is_not_kept() {
    let lab = Lab::new();
    let instance = lab.instance;
    lab.says((2, 1), ReportedState::Running);
    lab.says((1, 1), ReportedState::Running);
    lab.comes_to(Some(InstanceStatus::Running));
    lab.says((2, 1), ReportedState::Running);
    lab.must(InstanceCommand::Reboot { instance });
    let foreign = InstanceReport {
        instance: InstanceId::from_entropy(4711),
        boots: 1,
        images: 1,
        state: ReportedState::Failed("it is not there".into()),
    };
    lab.follower.heard(Heard::InstanceStates(vec![foreign]));
    lab.comes_to(Some(InstanceStatus::Running));
    assert_eq!(lab.control.standing(lab.node).instance_problem_count, 0);
    lab.must(Command::Instance(InstanceCommand::Stop { instance }));
    lab.says((2, 1), ReportedState::Stopped);
    lab.follower.heard(Heard::Report(NodeReport::default()));
    lab.comes_to(Some(InstanceStatus::Stopped));
}
