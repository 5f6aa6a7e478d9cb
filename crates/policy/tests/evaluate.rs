//! Each sentence of what the evaluator says rules mean.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::IpAddr, sync::Arc};

use model::{
    SecurityGroupId, UnixMillis,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use policy::{ClassError, Decider, Group, MixedFamilies, Packet, PolicyClass, RULES_MAX, evaluate};
use proptest::prelude::*;

const TCP: u8 = 6;

fn rule(direction: Direction, protocol: Protocol, policy: Policy, priority: u8) -> Rule {
    Rule {
        direction,
        protocol,
        policy,
        priority,
        ports: PortRange::default_for(protocol),
        source_ports: PortRange::default_for(protocol),
        source: None,
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

fn accept_in(protocol: Protocol) -> Rule {
    rule(Direction::Ingress, protocol, Policy::Accept, 1)
}

fn id(number: u128) -> SecurityGroupId {
    SecurityGroupId::from_entropy(number)
}

fn group(number: u128, rules: Vec<Rule>) -> Group {
    Group { id: id(number), rules: Arc::from(rules) }
}

fn class(groups: Vec<Group>) -> PolicyClass {
    PolicyClass::new(groups).unwrap()
}

fn one(rule: Rule) -> PolicyClass {
    class(vec![group(1, vec![rule])])
}

fn packet(protocol: u8, source: &str, destination: &str, ports: (u16, u16)) -> Packet {
    Packet::new(protocol, source.parse().unwrap(), destination.parse().unwrap(), ports).unwrap()
}

fn tcp(destination_port: u16) -> Packet {
    packet(TCP, "10.0.0.1", "10.0.0.2", (40_000, destination_port))
}

/// Whether the one rule, an ingress rule that accepts, is about the packet.
fn admits(rule: Rule, packet: &Packet) -> bool {
    evaluate(&one(rule), Direction::Ingress, packet).policy == Policy::Accept
}

#[test]
fn without_a_rule_what_comes_in_is_dropped_and_what_goes_out_is_accepted() {
    let nothing = PolicyClass::default();
    for (direction, policy) in [(Direction::Ingress, Policy::Drop), (Direction::Egress, Policy::Accept)] {
        let decision = evaluate(&nothing, direction, &tcp(80));
        assert_eq!((decision.policy, decision.by), (policy, Decider::Implicit));
    }
}

#[test]
fn a_rule_is_about_its_direction_alone() {
    let rules = one(rule(Direction::Egress, Protocol::All, Policy::Drop, 1));
    assert_eq!(evaluate(&rules, Direction::Egress, &tcp(80)).policy, Policy::Drop);
    assert_eq!(evaluate(&rules, Direction::Ingress, &tcp(80)).by, Decider::Implicit);
}

#[test]
fn the_smaller_priority_number_decides_over_all_groups() {
    let drop = rule(Direction::Ingress, Protocol::All, Policy::Drop, 2);
    let accept = rule(Direction::Ingress, Protocol::Tcp, Policy::Accept, 1);
    let groups = class(vec![group(1, vec![drop]), group(2, vec![accept])]);
    let decision = evaluate(&groups, Direction::Ingress, &tcp(80));
    assert_eq!(decision.policy, Policy::Accept);
    assert_eq!(decision.by, Decider::Rule { group: id(2), position: 0 });
}

#[test]
fn at_equal_priority_drop_decides_wherever_it_stands() {
    let drop = rule(Direction::Ingress, Protocol::All, Policy::Drop, 5);
    let accept = rule(Direction::Ingress, Protocol::All, Policy::Accept, 5);
    for (first, second) in [(1, 2), (2, 1)] {
        let groups = class(vec![group(first, vec![accept.clone()]), group(second, vec![drop.clone()])]);
        let decision = evaluate(&groups, Direction::Ingress, &tcp(80));
        assert_eq!(decision.by, Decider::Rule { group: id(second), position: 0 });
        assert_eq!(decision.policy, Policy::Drop);
    }
}

#[test]
fn of_rules_that_say_the_same_the_first_of_the_first_group_decides() {
    let accept = accept_in(Protocol::All);
    let other = accept_in(Protocol::Udp);
    let groups = class(vec![group(2, vec![accept.clone()]), group(1, vec![other, accept.clone(), accept])]);
    let decision = evaluate(&groups, Direction::Ingress, &tcp(80));
    assert_eq!(decision.by, Decider::Rule { group: id(1), position: 1 });
}

#[test]
fn a_prefix_makes_a_rule_one_of_its_family() {
    let six = packet(TCP, "2001:db8::1", "2001:db8::2", (1, 80));
    let everywhere = accept_in(Protocol::Tcp);
    assert!(admits(everywhere.clone(), &tcp(80)) && admits(everywhere.clone(), &six));
    let four = Rule { source: Prefix::ipv4("0.0.0.0/0").ok(), ..everywhere.clone() };
    assert!(admits(four.clone(), &tcp(80)) && !admits(four, &six));
    let to_four = Rule { destination: Prefix::ipv4("0.0.0.0/0").ok(), ..everywhere.clone() };
    assert!(admits(to_four.clone(), &tcp(80)) && !admits(to_four, &six));
    let from_six = Rule { ipv6_source: Prefix::ipv6("::/0").ok(), ..everywhere };
    assert!(admits(from_six.clone(), &six) && !admits(from_six, &tcp(80)));
}

#[test]
fn both_ends_are_compared_with_the_ends_of_the_packet() {
    let both = Rule {
        source: Prefix::ipv4("10.0.0.1/32").ok(),
        destination: Prefix::ipv4("10.0.0.2/32").ok(),
        ..accept_in(Protocol::Tcp)
    };
    assert!(admits(both.clone(), &tcp(80)));
    assert!(!admits(both.clone(), &tcp(80).reversed()));
    assert!(!admits(both.clone(), &packet(TCP, "10.0.0.3", "10.0.0.2", (1, 80))));
    assert!(!admits(both, &packet(TCP, "10.0.0.1", "10.0.0.3", (1, 80))));
}

#[test]
fn each_protocol_is_its_number_and_icmp_its_family() {
    let (four, six) = (("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2"));
    let number = |number, (source, destination)| packet(number, source, destination, (7, 7));
    let every = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Icmpv6, Protocol::Gre];
    for (packet, named) in [
        (number(6, four), Some(Protocol::Tcp)),
        (number(6, six), Some(Protocol::Tcp)),
        (number(17, four), Some(Protocol::Udp)),
        (number(47, six), Some(Protocol::Gre)),
        (number(1, four), Some(Protocol::Icmp)),
        (number(1, six), None),
        (number(58, six), Some(Protocol::Icmpv6)),
        (number(58, four), None),
        (number(132, four), None),
    ] {
        assert!(admits(accept_in(Protocol::All), &packet), "{packet:?}");
        for protocol in every {
            assert_eq!(admits(accept_in(protocol), &packet), Some(protocol) == named, "{packet:?}");
        }
    }
}

#[test]
fn every_port_means_port_0_too_and_other_ranges_what_they_say() {
    let to = |low, high| Rule { ports: PortRange::Ports { low, high }, ..accept_in(Protocol::Tcp) };
    for (rule, port, admitted) in [
        (to(1, 65_535), 0, true),
        (to(1, 65_535), 65_535, true),
        (to(1, 65_534), 0, false),
        (to(1, 65_534), 65_535, false),
        (to(80, 90), 79, false),
        (to(80, 90), 80, true),
        (to(80, 90), 90, true),
        (to(80, 90), 91, false),
    ] {
        assert_eq!(admits(rule.clone(), &tcp(port)), admitted, "{:?} {port}", rule.ports);
    }
    let from = Rule { source_ports: PortRange::Ports { low: 53, high: 53 }, ..accept_in(Protocol::Tcp) };
    assert!(admits(from.clone(), &packet(TCP, "10.0.0.1", "10.0.0.2", (53, 4000))));
    assert!(!admits(from, &packet(TCP, "10.0.0.1", "10.0.0.2", (4000, 53))));
}

#[test]
fn a_class_has_each_group_once_and_no_more_rules_than_can_be_enforced() {
    let rules = |count| vec![accept_in(Protocol::Tcp); count];
    assert!(PolicyClass::new([group(1, rules(RULES_MAX))]).is_ok());
    let most = PolicyClass::new([group(1, rules(RULES_MAX)), group(2, rules(1))]);
    assert_eq!(most.unwrap_err(), ClassError::TooManyRules { rules: RULES_MAX + 1 });
    let twice = PolicyClass::new([group(1, rules(1)), group(2, rules(1)), group(1, rules(2))]);
    assert_eq!(twice.unwrap_err(), ClassError::GroupTwice(id(1)));
}

#[test]
fn as_many_rules_are_enforced_as_the_model_lets_an_interface_have() {
    assert_eq!(RULES_MAX, model::Limits::RULES_PER_INTERFACE_MAX);
}

#[test]
fn a_packet_is_of_one_family() {
    let (four, six): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "::1".parse().unwrap());
    assert_eq!(Packet::new(TCP, four, six, (1, 2)), Err(MixedFamilies));
}

fn some_rule() -> impl Strategy<Value = Rule> {
    let policy = prop_oneof![Just(Policy::Accept), Just(Policy::Drop)];
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::All)];
    (policy, protocol, 1..4u8)
        .prop_map(|(policy, protocol, priority)| rule(Direction::Ingress, protocol, policy, priority))
}

proptest! {
    /// Neither the order of groups nor how rules are spread over groups changes what happens to a packet.
    #[test]
    fn what_happens_depends_on_the_set_of_rules_alone(rules in proptest::collection::vec(some_rule(), 0..12)) {
        let together = class(vec![group(1, rules.clone())]);
        let apart = rules.iter().rev().zip(1..).map(|(rule, number)| group(number, vec![rule.clone()]));
        let apart = class(apart.collect());
        let by = |class| evaluate(class, Direction::Ingress, &tcp(80)).policy;
        prop_assert_eq!(by(&together), by(&apart));
    }

    /// A rule that drops never opens anything.
    #[test]
    fn another_drop_opens_nothing(rules in proptest::collection::vec(some_rule(), 0..12), extra in some_rule()) {
        let extra = Rule { policy: Policy::Drop, ..extra };
        let before = evaluate(&class(vec![group(1, rules.clone())]), Direction::Ingress, &tcp(80)).policy;
        let more = rules.into_iter().chain([extra]).collect();
        let after = evaluate(&class(vec![group(1, more)]), Direction::Ingress, &tcp(80)).policy;
        prop_assert!(after == Policy::Drop || before == Policy::Accept);
    }
}
