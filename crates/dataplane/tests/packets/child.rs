//! The process that others kill: this very program, started again with a task.

use std::{
    io::{BufRead, BufReader},
    process::{self, ChildStdout, Command, Stdio},
    thread,
};

use dataplane::{Dataplane, EbpfDataplane, Generation, Options};
use policy::{plan::Plan, testing::Random};

use crate::{
    topology::{Shape::Bridge, Topology},
    world,
};

const TASK: &str = "RAVELIN_CHILD_TASK";
/// What stands before each line for the parent.
const SAYS: &str = "child says ";

/// A child; it is killed at the latest when it is dropped.
pub struct Child {
    process: process::Child,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts it in this thread's namespace.
    pub fn start(task: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(TASK, task)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next line that it says; none where it has ended.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.split_once(SAYS)
                && let Some(said) = said.strip_suffix('\n')
            {
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }

    /// Kills it, as nothing can be caught. Gives what it had said and nobody had read.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::iter::from_fn(|| self.line()).collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn say(what: &str) {
    println!("{SAYS}{what}");
}

/// Options of a dataplane with this name, as [`world::options`].
pub fn options(name: &str) -> Options {
    let mut options = world::options();
    options.name = name.into();
    options
}

#[test]
#[ignore = "the process that other tests start and kill; it does nothing by itself"]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let words: Vec<&str> = task.split(' ').collect();
    match words[..] {
        ["hold", name] => hold(name),
        ["switch", name, seed, first] => switch(name, seed.parse().unwrap(), first.parse().unwrap()),
        _ => panic!("no task: {task}"),
    }
}

/// Binds two devices of a bridge, puts the second one's interface into a group, and does nothing more.
fn hold(name: &str) {
    let mut dataplane = EbpfDataplane::open(options(name)).unwrap();
    for (number, groups) in [(1, &[][..]), (2, &[HELD])] {
        let interface = Bridge.interface(number);
        let binding = dataplane.bind(&Topology::device(number), &interface).unwrap();
        let class = dataplane.create_class(number.into()).unwrap();
        dataplane.assign(binding, Some(class)).unwrap();
        dataplane.switch(class, Generation(1), &world::plan(groups)).unwrap();
    }
    say("ready");
    loop {
        thread::park();
    }
}

/// The group of the second interface.
pub const HELD: &[&str] = &["ingress accept udp to port 5000", "ingress accept tcp to port 5000"];

/// Switches the second interface's class, as fast as it can, and says each one that has returned.
fn switch(name: &str, seed: u64, first: u64) {
    let mut dataplane = EbpfDataplane::open(options(name)).unwrap();
    let class = dataplane.bindings().unwrap()[1].class.unwrap();
    for generation in first.. {
        dataplane.switch(class, Generation(generation), &random_plan(seed, generation)).unwrap();
        say(&generation.to_string());
    }
}

/// Ports that a random plan opens or not.
pub const PORTS: std::ops::Range<u16> = 5000..5008;
/// The port that every one opens, and the one that none does.
pub const OPEN: u16 = 5998;
pub const CLOSED: u16 = 5999;

/// Whether a generation's plan opens a port of [`PORTS`].
pub fn opens(seed: u64, generation: u64, port: u16) -> bool {
    Random::new(seed ^ generation.wrapping_mul(0x9e37_79b9_7f4a_7c15)).number() >> (port - PORTS.start) & 1
        == 1
}

/// The plan of a generation: of different sizes, so that it lies now here and now there.
pub fn random_plan(seed: u64, generation: u64) -> Plan {
    let mut rules: Vec<String> = PORTS
        .filter(|port| opens(seed, generation, *port))
        .map(|port| format!("ingress accept udp from 10.0.0.0/24 to port {port}"))
        .collect();
    for number in 1..=generation % 7 {
        rules.push(format!("ingress accept udp from 192.0.2.{number} port {number} to port 7"));
    }
    rules.push(format!("ingress accept udp to port {OPEN}"));
    world::plan(&[&rules.iter().map(String::as_str).collect::<Vec<&str>>()])
}
