//! What the tests have in common: an account with nodes, groups and bound interfaces, and nodes that obey.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use control::{
    Clock, Control, Failure, Follower, Heard, Hello, Receipt, Settings, Submission, Told, desired,
    fleet::{Ended, FollowError, NodeProblem, RefusalReason},
};
use model::{
    Actor, Command, NetworkInterfaceId, NodeId, SecurityGroupId, UnixMillis,
    account::Account,
    command::SecurityGroupCommand,
    node::{Digest, NodeCommand},
    refusal::Target,
};
use policy::Desired;
use store::{Batch, Failures, MemoryStore, Store};

use crate::world::{IntoCommand, World, fingerprint};

/// A clock that stands still until it is set.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn at(now: UnixMillis) -> Self {
        Self(Arc::new(AtomicI64::new(now.0)))
    }

    pub fn pass(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// Settings for tests: recovery is tried again at once, and nothing ends by a deadline.
pub fn settings() -> Settings {
    let pause = Duration::from_millis(1);
    let deadline = Duration::from_secs(600);
    Settings {
        recovery_pause: pause,
        recovery_pause_max: pause,
        read_deadline: deadline,
        commit_deadline: deadline,
        ..Settings::default()
    }
}

/// Two nodes, each with two interfaces of a group of its own; both groups have a rule.
pub struct Site {
    pub control: Control,
    pub clock: ManualClock,
    pub failures: Failures,
    pub actor: Actor,
    pub nodes: [NodeId; 2],
    pub groups: [SecurityGroupId; 2],
    pub interfaces: [[NetworkInterfaceId; 2]; 2],
}

impl Site {
    pub fn new() -> Self {
        Self::with(settings(), |store| Box::new(store))
    }

    /// As [`Site::new`], with these settings, on what is made of its store.
    pub fn with(settings: Settings, made: impl FnOnce(MemoryStore) -> Box<dyn Store>) -> Self {
        let mut world = World::new();
        let vswitch = world.subnet();
        let nodes = [world.node(0), world.node(1)];
        let groups = [world.group_with_a_rule(), world.group_with_a_rule()];
        let interfaces = [0, 1].map(|place| {
            [(); 2].map(|()| {
                let interface = world.interface_in(vswitch, &[groups[place]]);
                world.bound(interface, nodes[place]);
                interface
            })
        });
        let mut store = MemoryStore::new();
        let failures = store.failures();
        fill(&mut store, &world);
        let clock = ManualClock::at(world.now);
        let opened = Control::open(made(store), settings, Arc::new(clock.clone()), &mut |_| {});
        let (control, actor) = (opened.unwrap().control, Actor::Root(world.account));
        Self { control, clock, failures, actor, nodes, groups, interfaces }
    }

    pub fn submission(&self, command: impl IntoCommand) -> Submission {
        let command = command.command();
        let actor = match command {
            Command::Node(NodeCommand::RenewCertificate { node, .. } | NodeCommand::Join { node, .. }) => {
                Actor::Node(node)
            }
            _ => self.actor,
        };
        let (operation, request_id, source, nonce) = ("Test", "request".into(), None, None);
        Submission { actor, command, operation, request_id, source, nonce }
    }

    pub fn act(&self, command: impl IntoCommand) -> Result<Receipt, Failure> {
        self.control.submit_blocking(self.submission(command))
    }

    /// Carries out a command that must be legal; gives its generation.
    #[track_caller]
    pub fn must(&self, command: impl IntoCommand) -> u64 {
        self.act(command).unwrap().generation
    }

    pub fn leave(&self, node: usize, interface: usize) -> SecurityGroupCommand {
        let target = Target::Interface(self.interfaces[node][interface]);
        SecurityGroupCommand::Leave { group: self.groups[node], target }
    }

    pub fn join(&self, node: usize, interface: usize) -> SecurityGroupCommand {
        let target = Target::Interface(self.interfaces[node][interface]);
        SecurityGroupCommand::Join { group: self.groups[node], target }
    }

    /// What is wanted of a node now.
    pub fn desired(&self, node: usize) -> Desired {
        let id = self.nodes[node];
        self.control.read_blocking(|state| desired(state, id)).unwrap().value
    }

    /// Lets a node connect that is at a generation.
    pub fn follow(&self, node: usize, generation: u64) -> Result<Follower, FollowError> {
        self.control.follow(self.nodes[node], hello(generation, certificate(node)))
    }

    /// A node that has connected, obeyed its first snapshot and confirmed it.
    pub fn node(&self, node: usize) -> Obedient {
        let mut node = Obedient::new(self.follow(node, 0).unwrap());
        assert!(matches!(node.obey_now(), Some(Ok(Told::Snapshot { .. }))));
        node.confirm();
        node
    }
}

/// The certificate of one of the two nodes.
pub fn certificate(node: usize) -> Digest {
    fingerprint(u8::try_from(node).unwrap())
}

/// Commits, as revision 1, everything that there is in a world, and its account.
fn fill(store: &mut MemoryStore, world: &World) {
    let mut batch = Batch::new();
    control::records::put_schema(&mut batch);
    let account = Account { id: world.account, name: "edge".into(), created_at: world.now };
    let entities = world.state.entities().chain([account.into()]);
    entities.for_each(|entity| control::records::put_entity(&mut batch, &entity).unwrap());
    store.commit(1, &batch).unwrap();
}

pub fn hello(generation: u64, certificate: Digest) -> Hello {
    Hello {
        run: 0,
        generation,
        booted_at: Some(UnixMillis(1)),
        agent_version: "0.0.0-test".into(),
        source: "192.0.2.1:4711".parse().unwrap(),
        certificate,
    }
}

/// One poll of a future, as a task would make it.
pub fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// A node that obeys what it is told.
pub struct Obedient {
    pub follower: Follower,
    pub generation: u64,
    pub desired: Desired,
    /// Whether it was told a generation on this connection.
    pub told: bool,
}

impl Obedient {
    pub fn new(follower: Follower) -> Self {
        Self { follower, generation: 0, desired: Desired::default(), told: false }
    }

    /// Takes up what it is told next, and does not answer.
    pub async fn obey(&mut self) -> Result<Told, Ended> {
        let told = self.follower.next().await?;
        self.told |= !matches!(told, Told::Question { .. });
        match &told {
            Told::Snapshot { generation, desired, .. } => {
                (self.generation, self.desired) = (*generation, desired.clone());
            }
            Told::Delta { from, generation, delta, .. } => {
                assert_eq!(*from, self.generation, "a change begins where the node is");
                assert!(*generation > *from && !delta.is_empty());
                self.generation = *generation;
                self.desired.apply(delta);
            }
            Told::Current { generation, .. } => self.generation = *generation,
            Told::Question { .. } => {}
        }
        Ok(told)
    }

    /// As [`Obedient::obey`], if there is something.
    pub fn obey_now(&mut self) -> Option<Result<Told, Ended>> {
        poll_once(self.obey())
    }

    /// Says that everything is in force that it was told.
    pub fn confirm(&self) {
        self.confirm_generation(self.generation);
    }

    pub fn confirm_generation(&self, generation: u64) {
        let (took, switched) = (Duration::from_micros(100), Some(Duration::from_micros(60)));
        self.follower.heard(Heard::Confirmed { generation, took, switched, absent: Vec::new() });
    }

    /// Says that something is not in force.
    pub fn fail(&self, interface: NetworkInterfaceId) {
        let problem = NodeProblem { interface, message: "the device is not there".into() };
        let generation = self.generation;
        self.follower.heard(Heard::NotInForce { generation, problems: vec![problem], problem_count: 1 });
    }

    /// Says that it does not obey a generation.
    pub fn refuse(&self, generation: u64, reason: RefusalReason) {
        let (kept_generation, message) = (self.generation, "no".into());
        self.follower.heard(Heard::Refused { generation, kept_generation, reason, message });
    }
}
