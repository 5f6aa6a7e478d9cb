//! A process that is killed at any instruction leaves a dataplane that opens, is closed where it should be, repeats no
//! number, and whose flows expire without it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Duration,
};

use aya::maps::{Array, Map, MapData};
use dataplane::{Dataplane, Device, EbpfDataplane, FlowState, Generation, Options, Reason, Stamp, Timeouts};
use model::rule::Direction;
use policy::{
    PolicyClass,
    plan::Plan,
    testing::{Random, class},
};
use support::{Host, address, frame, may_test_the_kernel, seed, wait_until};

/// Set for the process that is to be killed: the name of the dataplane and a seed.
const VICTIM: &str = "RAVELIN_TEST_VICTIM";
const ROUNDS: u64 = 40;

fn options(name: &str) -> Options {
    let mut options = support::options();
    options.name = name.to_owned();
    options
}

/// What the process does that is to be killed: it changes everything there is, and says each change that is done.
#[test]
fn victim() {
    let Ok(told) = env::var(VICTIM) else { return };
    let (name, seed) = told.split_once(' ').unwrap();
    let mut random = Random::new(seed.parse().unwrap());
    let mut dataplane = EbpfDataplane::open(options(name)).unwrap();
    let (stable, passing) = (Device::named("v0").unwrap(), Device::named("v1").unwrap());
    let of_stable = dataplane.bindings().unwrap()[0].clone();
    assert_eq!(of_stable.device, stable);
    let class_id = of_stable.class.unwrap();
    let mut generation = dataplane.read_back_class(class_id).unwrap().plan.unwrap().generation.0;
    let mut output = std::io::stdout().lock();
    loop {
        match random.below(4) {
            0 => {
                let bound = dataplane.bindings().unwrap().into_iter().find(|found| found.device == passing);
                match bound {
                    Some(bound) => dataplane.unbind(bound.binding).unwrap(),
                    None => drop(dataplane.bind(&passing, &support::interface(2)).unwrap()),
                }
            }
            1 => {
                let made = dataplane.create_class(generation.into()).unwrap();
                let plan = Plan::compile(&class(random.number()));
                dataplane.switch(made, Generation(1), &plan).unwrap();
                dataplane.remove_class(made).unwrap();
            }
            2 => {
                let mut interface = support::interface(1);
                interface.prefixes = vec!["10.77.0.0/16".parse().unwrap()];
                interface.prefixes.truncate(random.below(2));
                dataplane.configure(of_stable.binding, &interface).unwrap();
            }
            _ => {
                generation += 1;
                let plan = Plan::compile(&class(generation));
                let stamp = dataplane.switch(class_id, Generation(generation), &plan).unwrap();
                writeln!(output, "stamp {stamp}").unwrap();
            }
        }
        writeln!(output, "done").unwrap();
        output.flush().unwrap();
    }
}

/// Starts the victim, kills it somewhere after so many changes, and gives the last stamp that it told of.
fn kill_after(name: &str, seed: u64, changes: usize) -> Option<Stamp> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "victim", "--nocapture"])
        .env(VICTIM, format!("{name} {seed}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut last = None;
    let mut done = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(stamp) = line.strip_prefix("stamp ") {
            last = Some(Stamp(stamp.parse().unwrap()));
        }
        done += usize::from(line == "done");
        if done == changes {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(done >= changes, "the victim ended by itself");
    last
}

/// Set for the process that leaves flows behind: the name of the dataplane.
const LEAVER: &str = "RAVELIN_TEST_LEAVER";
const FLOWS: u16 = 300;

/// Options of a dataplane whose flows are soon over.
fn hasty(name: &str) -> Options {
    let mut options = options(name);
    let short = Duration::from_millis(500);
    options.timeouts = [FlowState::UdpNew, FlowState::Dead]
        .into_iter()
        .fold(Timeouts::default(), |timeouts, state| timeouts.with(state, short));
    options
}

/// What the process does that leaves flows behind: it makes the dataplane, begins flows at a device, and says so.
#[test]
fn leaver() {
    let Ok(name) = env::var(LEAVER) else { return };
    let mut dataplane = EbpfDataplane::open(hasty(&name)).unwrap();
    let device = Device::named("v0").unwrap();
    let binding = dataplane.bind(&device, &support::interface(1)).unwrap();
    let class = dataplane.create_class(0).unwrap();
    dataplane.switch(class, Generation(1), &Plan::compile(&PolicyClass::default())).unwrap();
    dataplane.assign(binding, Some(class)).unwrap();
    let [own, peer] = ["10.0.0.1", "10.0.0.2"].map(address);
    for port in 1..=FLOWS {
        let payload = frame::udp(port, 2, b"x");
        let bytes = frame::frame(Direction::Egress, own, peer, frame::UDP, &payload);
        assert!(dataplane.try_packet(device.ifindex, Direction::Egress, &bytes).unwrap().passes);
    }
    println!("flows begun");
    std::thread::park();
}

#[test]
fn flows_expire_while_no_process_has_the_dataplane_open() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    support::veth("v0");
    let name = support::options().name;
    let mut host = Host::closed(hasty(&name));
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "leaver", "--nocapture"])
        .env(LEAVER, &name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .any(|line| line.unwrap().contains("flows begun"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(begun, "the child ended by itself");

    // The pins are looked at without opening the dataplane.
    let data = MapData::from_pin(host.directory_of_pins().join("v1/maps/shares")).unwrap();
    let shares: Array<_, [u64; 3]> = Map::Array(data).try_into().unwrap();
    println!("{} flows were left", shares.get(&1, 0).unwrap()[0]);
    wait_until("no flow is left", || shares.get(&1, 0).unwrap()[0] == 0);
    host.open().unwrap();
    let report = host.bindings().unwrap().remove(0);
    assert!(report.enforced() && report.flows == 0, "{report:?}");
    assert!(host.flows(report.binding, 1).unwrap().is_empty());
}

#[test]
fn a_kill_at_any_instruction_leaves_what_was_or_less() {
    if !may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    let first = seed();
    let mut random = Random::new(first);
    let mut host = Host::new(support::options());
    let name = host.options().name.clone();
    let (stable, passing) = (support::veth("v0"), support::veth("v1"));
    let binding = host.bind(&stable, &support::interface(1)).unwrap();
    let class_id = host.create_class(1).unwrap();
    let mut newest = host.switch(class_id, Generation(1), &Plan::compile(&class(1))).unwrap();
    host.assign(binding, Some(class_id)).unwrap();
    host.guard(&passing).unwrap();
    for round in 0..ROUNDS {
        host.close();
        let told = kill_after(&name, random.number(), 1 + random.below(20));
        host.kill();
        let context = format!("RAVELIN_SEED={first}, round {round}");
        newest = newest.max(told.unwrap_or(newest));
        for report in host.bindings().unwrap() {
            assert!(report.enforced(), "{context}: {report:?}");
        }
        let plan = host.read_back_class(class_id).unwrap().plan.unwrap();
        let expected = Plan::compile(&class(plan.generation.0)).digest();
        assert!(plan.intact && plan.digest == expected && plan.stamp >= newest, "{context}: {plan:?}");
        assert_eq!(host.read_back(binding).unwrap().class, Some(class_id), "{context}");
        // Whether it is bound or not, nobody has given the other one a class.
        let [own, peer] = ["10.0.0.1", "10.0.0.2"].map(address);
        let bytes = frame::frame(Direction::Ingress, peer, own, frame::UDP, &frame::udp(1, 2, b"x"));
        let trial = host.try_packet(passing.ifindex, Direction::Ingress, &bytes).unwrap();
        assert!(matches!(trial.reason, Some(Reason::Closed | Reason::Unbound)), "{context}: {trial:?}");
        let stamp =
            host.switch(class_id, plan.generation, &Plan::compile(&class(plan.generation.0))).unwrap();
        assert!(stamp > newest && stamp > plan.stamp, "{context}");
        newest = stamp;
    }
}
