//! What the tests have in common: an account with nodes, groups and bound interfaces, and nodes that obey.

use std::{sync::Arc, time::Duration};

use control::{
    Clock, Control, Follower, Heard, Hello, Settings, Submission, Told, desired,
    fleet::{Ended, FollowError},
};
use model::{
    Actor, Command, NetworkInterfaceId, NodeId, SecurityGroupId, UnixMillis,
    account::Account,
    command::SecurityGroupCommand,
    node::{Digest, NodeCommand},
    refusal::Target,
};
use policy::Desired;
use store::{Batch, MemoryStore, Store};

use crate::world::{IntoCommand, World, fingerprint};

/// The clock of the world that the site was made in, standing still.
struct StandingClock(UnixMillis);

impl Clock for StandingClock {
    fn now(&self) -> UnixMillis {
        self.0
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
    pub actor: Actor,
    pub nodes: [NodeId; 2],
    pub groups: [SecurityGroupId; 2],
    pub interfaces: [[NetworkInterfaceId; 2]; 2],
}

impl Site {
    pub fn new() -> Self {
        Self::with(settings(), |_| {})
    }

    /// As [`Site::new`], with these settings; `look` sees the store before it is opened.
    pub fn with(settings: Settings, look: impl FnOnce(&mut MemoryStore)) -> Self {
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
        fill(&mut store, &world);
        look(&mut store);
        let clock = Arc::new(StandingClock(world.now));
        let control = Control::open(Box::new(store), settings, clock, &mut |_| {}).unwrap().control;
        Self { control, actor: Actor::Root(world.account), nodes, groups, interfaces }
    }

    pub fn submission(&self, command: impl IntoCommand) -> Submission {
        let command = command.command();
        let actor = match command {
            Command::Node(NodeCommand::RenewCertificate { node, .. }) => Actor::Node(node),
            _ => self.actor,
        };
        let (operation, request_id, source, nonce) = ("Test", "request".into(), None, None);
        Submission { actor, command, operation, request_id, source, nonce }
    }

    /// Carries out a command that must be legal; gives its generation.
    #[track_caller]
    pub fn must(&self, command: impl IntoCommand) -> u64 {
        self.control.submit_blocking(self.submission(command)).unwrap().generation
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
        self.control.follow(self.nodes[node], hello(generation, fingerprint(u8::try_from(node).unwrap())))
    }
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
        generation,
        booted_at: Some(UnixMillis(1)),
        agent_version: "0.0.0-test".into(),
        source: "192.0.2.1:4711".parse().unwrap(),
        certificate,
    }
}

/// A node that obeys what it is told.
pub struct Obedient {
    pub follower: Follower,
    pub generation: u64,
    pub desired: Desired,
}

impl Obedient {
    pub fn new(follower: Follower) -> Self {
        Self { follower, generation: 0, desired: Desired::default() }
    }

    /// Takes up what it is told next, and does not answer.
    pub async fn obey(&mut self) -> Result<Told, Ended> {
        let told = self.follower.next().await?;
        match &told {
            Told::Snapshot { generation, desired, .. } => {
                (self.generation, self.desired) = (*generation, desired.clone());
            }
            Told::Delta { from, generation, delta } => {
                assert_eq!(*from, self.generation, "a change begins where the node is");
                assert!(*generation > *from && !delta.is_empty());
                self.generation = *generation;
                self.desired.apply(delta);
            }
            Told::Current { generation } => self.generation = *generation,
            Told::Question { .. } => {}
        }
        Ok(told)
    }

    /// Says that everything is in force that it was told.
    pub fn confirm(&self) {
        let (generation, took, absent) = (self.generation, Duration::from_micros(100), Vec::new());
        self.follower.heard(Heard::Confirmed { generation, took, absent });
    }
}
