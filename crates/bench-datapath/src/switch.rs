//! What a change of rules costs.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use anyhow::ensure;
use dataplane::{Binding, ClassId, Dataplane as _};
use model::rule::Direction;
use policy::{PolicyClass, plan::Plan};

use crate::{
    enforcement::Enforcement,
    figures::{Shuffle, microseconds, percentile},
    namespace::Namespace,
    profile::{self, MAC, OWN},
    rules, system,
};

/// How often nft loads its rules in one round: it takes thousands of times as long.
const NFT_TIMES: usize = 2;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The class's groups become a plan.
    Compile,
    /// A plan is put in force.
    Switch,
    /// That, and the class and its plan are read back with system calls.
    SwitchAndReadClass,
    /// That, and the binding is: its configuration, its class, and that the programs hang at the device.
    SwitchAndReadAll,
    /// Compiled, put in force and all read back.
    Everything,
    /// The administrator's rules are replaced by a process of nft.
    Nft,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Switch => "switch (the plan written, one store)",
            Self::SwitchAndReadClass => "switch, read the class back",
            Self::SwitchAndReadAll => "switch, read class and binding back",
            Self::Everything => "compile, switch, read class and binding back",
            Self::Nft => "nft -f with the same rules",
        }
    }
}

/// A dataplane with one bound device.
struct Subject {
    enforcement: Enforcement,
    binding: Binding,
    class: ClassId,
    flows: u64,
}

/// A step with so many rules, on one of the subjects.
struct Case {
    step: Step,
    rules: usize,
    subject: usize,
    took: Vec<f64>,
}

/// Measures, and prints the tables.
///
/// # Errors
/// The kernel refuses; there are not as many flows as there should be; somebody has interrupted.
pub fn run(rounds: usize, times: usize, flows: u32) -> anyhow::Result<()> {
    let host = Namespace::new()?;
    host.enter()?;
    let mut subjects = [subject(&host, "empty", 0)?, subject(&host, "full", flows)?];
    let counts = [10, 1_000];
    let classes = [rules::class(counts[0], 1)?, rules::class(counts[1], 1)?];
    let plans = [Plan::compile(&classes[0]), Plan::compile(&classes[1])];
    let steps =
        [Step::Compile, Step::Switch, Step::SwitchAndReadClass, Step::SwitchAndReadAll, Step::Everything];
    let mut cases = Vec::new();
    for rules in 0..counts.len() {
        for subject in 0..subjects.len() {
            // Compiling does not depend on what is in the kernel.
            let steps = steps.iter().filter(|step| subject == 0 || **step != Step::Compile);
            cases.extend(steps.map(|step| Case { step: *step, rules, subject, took: Vec::new() }));
        }
        cases.push(Case { step: Step::Nft, rules, subject: 0, took: Vec::new() });
    }
    let mut shuffle = Shuffle::new();
    for round in 0..=rounds {
        for place in shuffle.order(cases.len()) {
            let case = &mut cases[place];
            let (class, plan) = (&classes[case.rules], &plans[case.rules]);
            let repeats = if case.step == Step::Nft { NFT_TIMES } else { times };
            for _ in 0..repeats {
                system::go_on()?;
                let took = subjects[case.subject].measure(&host, case.step, class, plan)?;
                // The first round warms up.
                if round > 0 {
                    case.took.push(took);
                }
            }
        }
    }
    println!("\n{rounds} rounds of {times} times each, every case in each round. One CPU.\n");
    println!("| | rules | live flows | p50 us | p99 us | meant |\n|---|---|---|---|---|---|");
    for Case { step, rules, subject, took } in &cases {
        let (p50, p99) = (percentile(took.iter().copied(), 50), percentile(took.iter().copied(), 99));
        let flows = if matches!(step, Step::Compile | Step::Nft) {
            String::new()
        } else {
            subjects[*subject].flows.to_string()
        };
        let meant =
            if *step == Step::SwitchAndReadAll && counts[*rules] == 10 { "p50 at most 50 us" } else { "" };
        println!("| {} | {} | {flows} | {p50:.1} | {p99:.1} | {meant} |", step.name(), counts[*rules]);
    }
    for subject in &mut subjects {
        let report = subject.enforcement.dataplane().read_back(subject.binding)?;
        ensure!(
            report.flows == subject.flows,
            "of {} flows {} were left at the end: measure for less than 30 seconds",
            subject.flows,
            report.flows
        );
    }
    Ok(())
}

/// A dataplane with one device, and with so many live flows.
fn subject(host: &Namespace, name: &str, flows: u32) -> anyhow::Result<Subject> {
    let mut enforcement = Enforcement::open(name)?;
    let device = profile::device(host, name)?;
    let class = enforcement.class(&rules::plan(10, 1)?)?;
    let binding = enforcement.bind(&device.name, MAC, IpAddr::V4(OWN), flows.max(1), class)?;
    for number in 0..flows {
        if number % 1024 == 0 {
            system::go_on()?;
        }
        // Another peer after each 50,000 ports.
        let (peer, port) = (number / 50_000, number % 50_000);
        let [_, _, third, fourth] = (peer + 2).to_be_bytes();
        let peer = Ipv4Addr::new(10, 255, third, fourth);
        let frame = profile::datagram(peer, OWN, u16::try_from(10_000 + port)?, crate::traffic::PORT);
        let trial = enforcement.dataplane().try_packet(device.ifindex, Direction::Ingress, &frame)?;
        ensure!(trial.passes, "the first packet of a flow was dropped: {:?}", trial.reason);
    }
    let found = enforcement.dataplane().read_back(binding)?.flows;
    ensure!(found == u64::from(flows), "there are {found} flows and not {flows}");
    Ok(Subject { enforcement, binding, class, flows: found })
}

impl Subject {
    /// Does a step once; gives how long it took, in microseconds.
    fn measure(
        &mut self,
        host: &Namespace,
        step: Step,
        class: &PolicyClass,
        plan: &Plan,
    ) -> anyhow::Result<f64> {
        let compiled;
        let text = if step == Step::Nft { rules::nftables(class.rule_count(), true) } else { String::new() };
        let begun = Instant::now();
        let plan = match step {
            Step::Nft => {
                host.nft(&text)?;
                return Ok(microseconds(begun.elapsed()));
            }
            Step::Compile => {
                black_box(Plan::compile(black_box(class)));
                return Ok(microseconds(begun.elapsed()));
            }
            Step::Everything => {
                compiled = Plan::compile(class);
                &compiled
            }
            _ => plan,
        };
        self.enforcement.switch(self.class, plan)?;
        let dataplane = self.enforcement.dataplane();
        let mut sound = true;
        if step != Step::Switch {
            sound = dataplane.read_back_class(self.class)?.plan.is_some_and(|plan| plan.intact);
        }
        if matches!(step, Step::SwitchAndReadAll | Step::Everything) {
            sound &= dataplane.read_back(self.binding)?.enforced();
        }
        let took = microseconds(begun.elapsed());
        ensure!(sound, "what was read back is not what was put in force");
        Ok(took)
    }
}
