//! Packets through the very programs, without a network (`BPF_PROG_TEST_RUN`): the kernel decides as the evaluator does.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::{
    collections::HashMap,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
};

use dataplane::{Binding, ClassId, Dataplane, Device, Generation, Reason, RulePlace};
use model::rule::{Direction, Policy};
use policy::{
    Decider, Packet, PolicyClass, evaluate,
    plan::Plan,
    testing::{Random, class, shrink, unicast_packet},
};
use support::{Host, frame, may_test_the_kernel, seed};

const RULESETS: u64 = 10_000;
const PACKETS: usize = 100;

/// The most instructions that the verifier may have to look at, of a million that it looks at before it refuses.
const VERIFIED_MAX: u32 = 100_000;

/// A host with one interface whose addresses are not checked, so that rules alone decide.
struct Bench {
    host: Host,
    device: Device,
    binding: Binding,
    class: ClassId,
    generation: u64,
}

impl Bench {
    fn new() -> Self {
        support::enter_namespace();
        let device = support::veth("v0");
        let mut host = Host::new(support::options());
        let mut interface = support::interface(1);
        interface.source_check = false;
        let binding = host.bind(&device, &interface).unwrap();
        let class = host.create_class(0).unwrap();
        host.assign(binding, Some(class)).unwrap();
        Self { host, device, binding, class, generation: 0 }
    }

    fn switch(&mut self, class: &PolicyClass) -> Plan {
        self.generation += 1;
        let plan = Plan::compile(class);
        self.host.switch(self.class, Generation(self.generation), &plan).unwrap();
        plan
    }
}

type Tuple = (u8, IpAddr, IpAddr, u16, u16);

/// What names the flow of a packet, seen from the interface.
fn tuple(direction: Direction, packet: &Packet, identifier: u16) -> Tuple {
    let seen = if direction == Direction::Egress { *packet } else { packet.reversed() };
    let query = matches!(
        (packet.protocol(), packet.source().is_ipv4()),
        (frame::ICMP, true) | (frame::ICMPV6, false)
    );
    let ports = if query { (identifier, identifier) } else { (seen.source_port(), seen.destination_port()) };
    (packet.protocol(), seen.source(), seen.destination(), ports.0, ports.1)
}

/// Whether rules decide about a packet: services of the link and headers of IPv6 that stand before a protocol do not
/// come to them.
fn is_for_rules(packet: &Packet) -> bool {
    const EXTENSIONS: [u8; 10] = [0, 43, 44, 50, 51, 59, 60, 135, 139, 140];
    let ports = [packet.source_port(), packet.destination_port()];
    match packet.protocol() {
        frame::UDP => !ports.iter().any(|port| [67, 68, 546, 547].contains(port)),
        2 => false,
        protocol => packet.source().is_ipv4() || !EXTENSIONS.contains(&protocol),
    }
}

/// What the kernel says that differs from what the evaluator says.
fn difference(
    bench: &Bench,
    class: &PolicyClass,
    plan: &Plan,
    flows: &mut HashMap<Tuple, Direction>,
    (direction, packet, identifier): (Direction, &Packet, u16),
) -> Option<String> {
    let bytes = frame::frame_of(direction, packet, identifier);
    let trial = bench.host.try_packet(bench.device.ifindex, direction, &bytes).unwrap();
    let tuple = tuple(direction, packet, identifier);
    let asked = match flows.get(&tuple) {
        // A SYN of the other side over a flow that lives is judged as what it would begin.
        Some(begun) => packet.protocol() == frame::TCP && *begun != direction,
        None => true,
    };
    if !asked {
        return (!trial.passes).then(|| format!("a packet of a live flow does not pass: {trial:?}"));
    }
    let decision = evaluate(class, direction, packet);
    let reason = match (decision.policy, decision.by) {
        (Policy::Accept, _) => None,
        (Policy::Drop, Decider::Rule { .. }) => Some(Reason::Rule),
        (Policy::Drop, Decider::Implicit) => Some(Reason::Implicit),
    };
    let decider = match trial.rule {
        Some(RulePlace::Rule(place)) => plan
            .direction(direction)
            .rules
            .get(place as usize)
            .map(|rule| Decider::Rule { group: rule.group, position: rule.position }),
        Some(RulePlace::Implicit) => Some(Decider::Implicit),
        _ => None,
    };
    if decision.policy == Policy::Accept {
        flows.entry(tuple).or_insert(direction);
    }
    let same = trial.passes == (decision.policy == Policy::Accept)
        && trial.reason == reason
        && decider == Some(decision.by);
    (!same).then(|| format!("the kernel says {trial:?} by {decider:?}, the evaluator {decision:?}"))
}

fn check(bench: &mut Bench, class: &PolicyClass, packets: &[(Direction, Packet, u16)]) -> Option<String> {
    let plan = bench.switch(class);
    bench.host.forget_flows(bench.binding).unwrap();
    let mut flows = HashMap::new();
    packets.iter().find_map(|(direction, packet, identifier)| {
        let found = difference(bench, class, &plan, &mut flows, (*direction, packet, *identifier))?;
        let rules = class.groups().iter().map(|group| group.rules.len()).sum::<usize>();
        // Alone, and with as few rules as it takes.
        let fails = |class: &PolicyClass, direction: Direction, packet: &Packet, bench: &mut Bench| {
            let plan = bench.switch(class);
            bench.host.forget_flows(bench.binding).unwrap();
            difference(bench, class, &plan, &mut HashMap::new(), (direction, packet, *identifier)).is_some()
        };
        let smallest = shrink(class, *direction, packet, |class, direction, packet| {
            fails(class, direction, packet, bench)
        });
        Some(format!("{rules} rules, {direction:?} {packet:?}: {found}\nsmallest: {smallest:?}"))
    })
}

#[test]
fn the_kernel_decides_a_million_packets_as_the_evaluator_does() {
    if !may_test_the_kernel() {
        return;
    }
    let mut bench = Bench::new();
    let first = seed();
    let mut tried = 0;
    for ruleset in 0..RULESETS {
        let class = class(first.wrapping_add(ruleset));
        let mut random = Random::new(first ^ ruleset.rotate_left(32));
        let packets: Vec<(Direction, Packet, u16)> = (0..PACKETS)
            .map(|_| {
                loop {
                    let (direction, packet) = unicast_packet(&mut random, &class);
                    if is_for_rules(&packet) {
                        break (direction, packet, random.port());
                    }
                }
            })
            .collect();
        if let Some(failure) = check(&mut bench, &class, &packets) {
            panic!("RAVELIN_SEED={first}, ruleset {ruleset}: {failure}");
        }
        tried += packets.len();
    }
    assert_eq!(tried, 1_000_000);
}

#[test]
fn the_verifier_has_far_to_go_before_it_refuses() {
    if !may_test_the_kernel() {
        return;
    }
    let host = Host::new(support::options());
    let verified = host.verified().unwrap();
    println!("{verified:?}");
    assert!(verified.from_instance.max(verified.to_instance) < VERIFIED_MAX, "{verified:?}");
}

#[test]
fn what_a_test_makes_is_gone_after_it_even_where_it_fails() {
    if !may_test_the_kernel() {
        return;
    }
    let options = support::options();
    let directory = format!("/sys/fs/bpf/ravelin/{}", options.name);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _host = Host::new(options);
        panic!("on purpose");
    }));
    assert!(result.is_err());
    assert!(!std::path::Path::new(&directory).exists());
}
