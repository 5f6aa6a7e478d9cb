//! Writers that know what they were promised.
//!
//! Each writer has an instance and two groups of its own, and changes them one call after the other. What was answered
//! 200 must be there ever after; what was answered with an error must not be; of the one call that got no answer either
//! may be so, but never a half.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::common::{Answer, Client, choices::Choices, wait_until};

/// Rules that come and go together.
const BLOCK: u16 = 3;
/// How many blocks a group has at the most.
const BLOCKS_MAX: usize = 40;

/// What one writer's part of the world is like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct World {
    /// Which of the two groups the instance is in.
    member: [bool; 2],
    /// The first ports of the blocks of rules of the first group.
    blocks: BTreeSet<u16>,
}

/// A change of it.
#[derive(Debug, Clone, Copy)]
enum Change {
    Join(usize),
    Leave(usize),
    Add(u16),
    Remove(u16),
}

impl Change {
    fn make(self, world: &World) -> World {
        let mut world = world.clone();
        match self {
            Self::Join(group) => world.member[group] = true,
            Self::Leave(group) => world.member[group] = false,
            Self::Add(port) => {
                world.blocks.insert(port);
            }
            Self::Remove(port) => {
                world.blocks.remove(&port);
            }
        }
        world
    }
}

/// How a run of a writer ended.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Calls that were answered 200.
    pub(crate) acknowledged: u64,
    /// Calls that were answered `CallInterface`: nothing changed.
    pub(crate) not_durable: u64,
    /// Calls without an answer, or with one that leaves it open.
    pub(crate) open: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.not_durable += other.not_durable;
        self.open += other.open;
    }
}

/// A writer.
pub(crate) struct Writer {
    instance: String,
    groups: [String; 2],
    world: World,
    open: Option<Change>,
    next_port: u16,
    choices: Choices,
}

impl Writer {
    /// Makes a writer with an instance and two groups of its own.
    pub(crate) fn create(client: &Client, number: u64, choices: Choices) -> Self {
        let made = client.v3(
            "RunInstances",
            &[("EnsRegionId", "edge-1"), ("ScheduleAreaLevel", "Region"), ("Amount", "1")],
        );
        let instance = made.text("/InstanceIds/0").to_owned();
        assert!(!instance.is_empty(), "{made:?}");
        let groups = [0, 1].map(|which| {
            let name = format!("writer-{number}-{which}");
            let made = client.v3("CreateSecurityGroup", &[("SecurityGroupName", &name)]);
            assert_eq!(made.code(), "", "{made:?}");
            made.text("/SecurityGroupId").to_owned()
        });
        wait_until("the instance runs", || {
            let shown = client.v3("DescribeInstances", &[("InstanceId", &instance)]);
            (shown.text("/Instances/Instance/0/Status") == "Running").then_some(())
        });
        Self { instance, groups, world: World::default(), open: None, next_port: 1, choices }
    }

    /// Makes changes until it is told to stop, or no answer comes.
    pub(crate) fn run(&mut self, client: &Client, stop: &AtomicBool) -> Tally {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) && self.open.is_none() {
            tally += self.step(client);
        }
        tally
    }

    /// Makes one change.
    pub(crate) fn step(&mut self, client: &Client) -> Tally {
        assert!(self.open.is_none(), "an open change is settled by looking first");
        let change = self.choose();
        let Some(answer) = self.ask(client, change) else {
            self.open = Some(change);
            return Tally { open: 1, ..Tally::default() };
        };
        match answer.code() {
            "" => {
                self.world = change.make(&self.world);
                Tally { acknowledged: 1, ..Tally::default() }
            }
            "CallInterface" => Tally { not_durable: 1, ..Tally::default() },
            "ServiceUnavailable" => {
                self.open = Some(change);
                Tally { open: 1, ..Tally::default() }
            }
            _ => unreachable!("{change:?} in {:?} is answered {answer:?}", self.world),
        }
    }

    fn choose(&mut self) -> Change {
        let group = self.choices.place(2);
        match self.choices.below(4) {
            0 | 1 if self.world.member[group] => Change::Leave(group),
            0 | 1 => Change::Join(group),
            2 if self.world.blocks.len() < BLOCKS_MAX => {
                let port = self.next_port;
                self.next_port = if port > 60_000 { 1 } else { port + BLOCK };
                if self.world.blocks.contains(&port) { Change::Remove(port) } else { Change::Add(port) }
            }
            _ => match self.world.blocks.first() {
                Some(port) => Change::Remove(*port),
                None if self.world.member[group] => Change::Leave(group),
                None => Change::Join(group),
            },
        }
    }

    fn ask(&self, client: &Client, change: Change) -> Option<Answer> {
        let membership = |action, group: usize| {
            client.try_v3(action, &[("SecurityGroupId", &self.groups[group]), ("InstanceId", &self.instance)])
        };
        let rules = |action, port| {
            client.try_v3(action, &[("SecurityGroupId", &self.groups[0]), ("Permissions", &block(port))])
        };
        match change {
            Change::Join(group) => membership("JoinSecurityGroup", group),
            Change::Leave(group) => membership("LeaveSecurityGroup", group),
            Change::Add(port) => rules("CreateSecurityGroupPermissions", port),
            Change::Remove(port) => rules("DeleteSecurityGroupPermissions", port),
        }
    }

    /// Compares what is there with what was promised; settles the change that is open.
    pub(crate) fn verify(&mut self, client: &Client) {
        let there = self.look(client);
        let may_be = self.open.take().map(|change| (change, change.make(&self.world)));
        let promised = &self.world;
        let settled = there == *promised || may_be.as_ref().is_some_and(|(_, world)| there == *world);
        assert!(settled, "promised {promised:?}, open {may_be:?}, but there is {there:?}");
        self.world = there;
    }

    fn look(&self, client: &Client) -> World {
        let shown = client.v3("DescribeInstances", &[("InstanceId", &self.instance)]);
        let groups = shown.list("/Instances/Instance/0/SecurityGroupIds/SecurityGroupId");
        let member = [0, 1].map(|which| groups.iter().any(|id| *id == json!(self.groups[which])));
        let shown = client.v3("DescribeSecurityGroupAttribute", &[("SecurityGroupId", &self.groups[0])]);
        let ports = shown.list("/Permissions/Permission").iter().map(|rule| {
            let range = rule["PortRange"].as_str().unwrap_or_default();
            range.split('/').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(0)
        });
        let ports: BTreeSet<u16> = ports.collect();
        let mut blocks = BTreeSet::new();
        for port in &ports {
            let first = port - (port - 1) % BLOCK;
            let whole = (first..first + BLOCK).all(|other| ports.contains(&other));
            assert!(whole, "half of a block of rules is there: {ports:?}");
            blocks.insert(first);
        }
        World { member, blocks }
    }
}

fn block(first: u16) -> String {
    let rule = |port: u16| {
        json!({
            "Direction": "ingress", "IpProtocol": "TCP", "PortRange": format!("{port}/{port}"),
            "Policy": "Accept", "Priority": 1, "SourceCidrIp": "10.0.0.0/8",
        })
    };
    Value::Array((first..first + BLOCK).map(rule).collect()).to_string()
}

/// Lets all writers run until `until` returns, which is given what they have done so far from time to time.
pub(crate) fn run_all(client: &Client, writers: &mut [Writer], until: impl FnOnce()) -> Tally {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running: Vec<_> =
            writers.iter_mut().map(|writer| scope.spawn(|| writer.run(client, &stop))).collect();
        until();
        stop.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        for writer in running {
            tally += writer.join().expect("a writer finds what it was promised");
        }
        tally
    })
}
