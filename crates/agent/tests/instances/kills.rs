//! Drivers that are killed: between any two steps, and at any moment.

use std::{
    collections::BTreeMap,
    env, process,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use agent::{InstanceDriver, LabDriver, instances::names};
use host::{Netlink, namespace};
use model::{InstanceId, NetworkInterfaceId, NodeId};
use policy::{Desired, DesiredInstance, WantedState};

use crate::{
    node::{TestNetwork, TestNode, is_root},
    traffic::{connect, serve},
};

/// Tells a child what to do: its node, the namespace, and before which step it dies.
const CHILD: &str = "RAVELIN_TEST_INSTANCES";

/// What the child brings about: as many calls as an agent would make, with everything in force that is there.
#[test]
fn child_brings() {
    let Ok(told) = env::var(CHILD) else { return };
    let words: Vec<&str> = told.split(' ').collect();
    let [node, own, step, wanted, instances @ ..] = &words[..] else { panic!("{told}") };
    let (node, step): (NodeId, u32) = (node.parse().unwrap(), step.parse().unwrap());
    let wanted = match *wanted {
        "running" => WantedState::Running,
        "stopped" => WantedState::Stopped,
        _ => WantedState::Gone,
    };
    let desired = told_desired(wanted, instances);
    let count = AtomicU32::new(0);
    let die = move |_: &agent::instances::Step| {
        if count.fetch_add(1, Ordering::Relaxed) == step {
            process::abort();
        }
    };
    host::in_namespace(own, move || {
        let mut driver = LabDriver::new(node).watched(die);
        for _ in 0..3 {
            driver.bring(&desired, &in_force(&desired));
        }
    })
    .unwrap();
}

/// The instances that a child is told of: id, boots, and the text of its interface.
fn told_desired(wanted: WantedState, words: &[&str]) -> Desired {
    let mut desired = Desired::default();
    for words in words.chunks(4) {
        let [id, boots, network, interface] = words else { panic!("{words:?}") };
        let network = TestNetwork::of(network.parse().unwrap(), 1);
        let host = interface.split_once(':').unwrap();
        let mut port = network.interface(0, host.0.parse().unwrap());
        port.id = host.1.parse().unwrap();
        let instance = DesiredInstance {
            host_name: "test".into(),
            wanted,
            boots: boots.parse().unwrap(),
            images: 1,
            interfaces: [port].into(),
        };
        desired.instances.insert(id.parse().unwrap(), instance);
    }
    desired
}

/// Every device that is there and could be bound, as if it were enforced.
fn in_force(desired: &Desired) -> BTreeMap<NetworkInterfaceId, u32> {
    let links = Netlink::open().unwrap().links().unwrap();
    let interfaces = desired.instances.values().flat_map(|instance| &instance.interfaces);
    let found = interfaces.filter_map(|interface| {
        let alias = format!("ravelin:{}", interface.id);
        Some((interface.id, links.iter().find(|link| link.alias == alias)?.index))
    });
    found.collect()
}

/// A node with two instances, and what a child is told of it.
struct Killed {
    node: TestNode,
    network: TestNetwork,
    instances: [InstanceId; 2],
}

impl Killed {
    fn new() -> Self {
        let network = TestNetwork::new(1);
        let mut node = TestNode::new();
        let instances = [5, 6].map(|host| node.run(&[network.interface(0, host)]));
        Self { node, network, instances }
    }

    fn command(&self, step: u32, wanted: &str) -> Command {
        let mut told = format!("{} {} {step} {wanted}", self.node.id, self.node.namespace);
        for (id, host) in self.instances.iter().zip([5, 6]) {
            let instance = &self.node.desired.instances[id];
            let (boots, interface) = (instance.boots, instance.interfaces[0].id);
            told = format!("{told} {id} {boots} {} {host}:{interface}", self.network.id);
        }
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "kills::child_brings", "--nocapture"])
            .env(CHILD, told)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn want(&mut self, wanted: WantedState) {
        for id in self.instances {
            self.node.instance(id).wanted = wanted;
        }
    }

    /// Whatever was left, it becomes what is wanted.
    fn converges(&mut self) {
        self.node.settle();
        serve(self.instances[0]);
        connect(self.instances[1], self.network.ipv4(0, 5));
    }

    fn goes(&mut self) {
        self.want(WantedState::Gone);
        self.node.settle();
        assert_eq!(self.node.leftovers(), Vec::<String>::new());
        self.want(WantedState::Running);
    }
}

#[test]
fn a_driver_that_is_killed_before_any_step_is_finished_by_the_next_one() {
    if !is_root() {
        return;
    }
    let mut killed = Killed::new();
    let mut step = 0;
    // While instances are made.
    while !killed.command(step, "running").status().unwrap().success() {
        killed.converges();
        killed.goes();
        step += 1;
    }
    assert!(step > 10, "only {step} steps");
    killed.goes();
    // While they are started anew, and while they go.
    for (wanted, least) in [("running", 10), ("stopped", 5), ("gone", 5)] {
        step = 0;
        loop {
            killed.converges();
            killed.instances.into_iter().for_each(|id| killed.node.instance(id).boots += 1);
            if killed.command(step, wanted).status().unwrap().success() {
                break;
            }
            step += 1;
        }
        assert!(step > least, "only {step} steps");
    }
    killed.goes();
}

#[test]
fn a_driver_that_is_killed_at_any_moment_is_finished_by_the_next_one() {
    if !is_root() {
        return;
    }
    let mut killed = Killed::new();
    for round in 0..30u64 {
        for wanted in ["running", "gone"] {
            let mut child = killed.command(u32::MAX, wanted).spawn().unwrap();
            // From before it begins to after it has ended.
            thread::sleep(Duration::from_millis(round * 7 % 180));
            child.kill().unwrap();
            child.wait().unwrap();
            if round % 3 == 0 {
                killed.converges();
            }
            killed.instances.into_iter().for_each(|id| killed.node.instance(id).boots += 1);
        }
    }
    killed.goes();
}

#[test]
fn what_a_kill_left_of_a_namespace_that_never_was_is_removed_by_its_maker_alone() {
    if !is_root() {
        return;
    }
    let network = TestNetwork::new(1);
    let (mut node, other) = (TestNode::new(), TestNode::new());
    let instance = node.run(&[network.interface(0, 5)]);
    let name = names::namespace(instance);
    let path = namespace::path(&name);
    node.instance(instance).wanted = WantedState::Gone;
    std::fs::write(&path, other.id.to_string()).unwrap();
    node.bring_until(|reports, _| reports.is_empty());
    assert!(path.exists(), "it is another's");
    std::fs::write(&path, node.id.to_string()).unwrap();
    node.settle();
    assert!(!path.exists());
}
