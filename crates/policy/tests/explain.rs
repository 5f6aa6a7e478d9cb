//! An explanation is the evaluator's, and everything in it is so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use model::{
    SecurityGroupId,
    rule::{Direction, PortRange, Protocol, Rule},
};
use policy::{
    Decider, Group, Packet, PlacedRule, PolicyClass, ProtocolKind, evaluate,
    explain::{Explanation, Mismatch, explain, explain_both},
    order::in_order,
    testing::{self, Random},
    text::{Flow, parse_rule},
};
use proptest::prelude::*;

fn one(rule: Rule) -> PolicyClass {
    let id = SecurityGroupId::from_entropy(1);
    PolicyClass::new([Group { id, rules: [rule].into() }]).unwrap()
}

fn is_about(rule: &Rule, flow: &Flow) -> bool {
    evaluate(&one(rule.clone()), flow.direction, &flow.first).by != Decider::Implicit
}

/// The rule without what does not fit: it is about the packet then, unless something was not said.
fn without(mut rule: Rule, mismatches: &[Mismatch], packet: &Packet) -> Rule {
    for mismatch in mismatches {
        match mismatch {
            Mismatch::Protocol => {
                rule.protocol = Protocol::All;
                if !ProtocolKind::of(packet).has_ports() {
                    (rule.ports, rule.source_ports) = (PortRange::None, PortRange::None);
                }
            }
            Mismatch::Family => {
                (rule.source, rule.destination) = (None, None);
                (rule.ipv6_source, rule.ipv6_destination) = (None, None);
            }
            // A family stays named, so that the other end still counts.
            Mismatch::Source if packet.source().is_ipv4() => rule.source = everywhere("0.0.0.0/0"),
            Mismatch::Source => rule.ipv6_source = everywhere("::/0"),
            Mismatch::Destination if packet.source().is_ipv4() => rule.destination = everywhere("0.0.0.0/0"),
            Mismatch::Destination => rule.ipv6_destination = everywhere("::/0"),
            Mismatch::SourcePort => rule.source_ports = PortRange::EVERY,
            Mismatch::DestinationPort => rule.ports = PortRange::EVERY,
        }
    }
    rule
}

fn everywhere(prefix: &str) -> Option<model::address::Prefix> {
    model::address::Prefix::ipv4(prefix).or_else(|_| model::address::Prefix::ipv6(prefix)).ok()
}

fn same(one: &PlacedRule<'_>, other: &PlacedRule<'_>) -> bool {
    one.decider() == other.decider() && one.rule.same_as(other.rule)
}

/// Whether all is as it is said.
fn is_so(class: &PolicyClass, flow: &Flow) -> bool {
    let explained = explain(class, flow, usize::MAX);
    let Explanation { decision, decider, passed_over, overruled, .. } = &explained;
    let by = decider.as_ref().map_or(Decider::Implicit, PlacedRule::decider);
    // Together and in this order they are the rules of the direction, as far as these are about the packet or come first.
    let before = passed_over.rules.iter().map(|passed| &passed.placed);
    let told: Vec<&PlacedRule<'_>> = before.chain(decider).chain(&overruled.rules).collect();
    let ordered = in_order(class, flow.direction);
    let place = decider.as_ref().map_or(ordered.len(), |_| passed_over.rules.len());
    let meant = ordered.iter().enumerate().filter(|(at, placed)| *at < place || is_about(placed.rule, flow));
    let meant: Vec<&PlacedRule<'_>> = meant.map(|(_, placed)| placed).collect();
    let fits = |passed: &policy::explain::PassedOver<'_>| {
        let (rule, mismatches) = (passed.placed.rule, &passed.mismatches);
        let each_counts = (0..mismatches.len()).all(|left_out| {
            let rest: Vec<Mismatch> = mismatches
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != left_out)
                .map(|(_, one)| *one)
                .collect();
            !is_about(&without(rule.clone(), &rest, &flow.first), flow)
        });
        !is_about(rule, flow)
            && each_counts
            && is_about(&without(rule.clone(), mismatches, &flow.first), flow)
    };
    *decision == evaluate(class, flow.direction, &flow.first)
        && by == decision.by
        && told.len() == meant.len()
        && told.iter().zip(&meant).all(|(told, meant)| same(told, meant))
        && passed_over.rules.iter().all(fits)
        && (passed_over.left_out, overruled.left_out) == (0, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn an_explanation_is_what_the_evaluator_does(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        // The small half of all classes, mostly: the large ones are told in the same way.
        let most = if random.percent(5) { 120 } else { 20 };
        let count = random.below(most);
        let class = testing::class_of(testing::rules(&mut random, count), &mut random);
        let (direction, first) = testing::packet(&mut random, &class);
        let flow = Flow { direction, first };
        if !is_so(&class, &flow) {
            let least = testing::shrink(&class, direction, &first, |class, _, _| !is_so(class, &flow));
            panic!("{}\n{least:#?}", explain(&least, &flow, usize::MAX));
        }
    }
}

proptest! {
    #[test]
    fn lists_are_bounded_and_keep_the_nearest(seed in any::<u64>(), listed_max in 0..6usize) {
        let class = testing::class(seed);
        let (direction, first) = testing::packet(&mut Random::new(seed), &class);
        let flow = Flow { direction, first };
        let (all, few) = (explain(&class, &flow, usize::MAX), explain(&class, &flow, listed_max));
        prop_assert_eq!(all.decision, few.decision);
        for (whole, listed, left_out) in [
            (all.passed_over.rules.len(), few.passed_over.rules.len(), few.passed_over.left_out),
            (all.overruled.rules.len(), few.overruled.rules.len(), few.overruled.left_out),
        ] {
            prop_assert_eq!((listed, listed + left_out), (whole.min(listed_max), whole));
        }
        let mut mismatches: Vec<usize> = all.passed_over.rules.iter().map(|passed| passed.mismatches.len()).collect();
        mismatches.sort_unstable();
        let mut kept: Vec<usize> = few.passed_over.rules.iter().map(|passed| passed.mismatches.len()).collect();
        kept.sort_unstable();
        prop_assert_eq!(&kept[..], &mismatches[..kept.len()]);
    }
}

fn example(flow: &str) -> String {
    let rules = [
        "ingress accept tcp from 10.0.0.0/8 to port 443\ningress accept icmp\ningress accept udp from 2001:db8::/32",
        "ingress drop tcp from 10.9.0.0/16\ningress accept priority=7 tcp from 10.9.1.0/24 to port 22\negress drop gre",
    ];
    let groups = (1..).zip(rules).map(|(number, rules)| Group {
        id: SecurityGroupId::from_entropy(number),
        rules: rules.lines().map(|rule| parse_rule(rule).unwrap()).collect(),
    });
    let class = PolicyClass::new(groups).unwrap();
    let text = explain(&class, &flow.parse().unwrap(), 3).to_string();
    let [one, two] = [1, 2].map(|number| SecurityGroupId::from_entropy(number).to_string());
    text.replace(&one, "sg-1").replace(&two, "sg-2")
}

#[test]
fn explanations_are_readable() {
    assert_eq!(
        example("ingress tcp 10.9.1.1:40000 > 10.0.0.2:22"),
        "ingress tcp 10.9.1.1:40000 > 10.0.0.2:22 is dropped by rule 1 of sg-2 (ingress drop tcp from 10.9.0.0/16)\n  \
         too late: rule 2 of sg-2 (ingress accept priority=7 tcp from 10.9.1.0/24 to port 22)"
    );
    assert_eq!(
        example("ingress tcp 10.1.1.1:40000 > 10.0.0.2:443"),
        "ingress tcp 10.1.1.1:40000 > 10.0.0.2:443 is accepted by rule 1 of sg-1 \
         (ingress accept tcp from 10.0.0.0/8 to port 443)\n  \
         not by rule 1 of sg-2 (ingress drop tcp from 10.9.0.0/16): its source 10.1.1.1 is not in 10.9.0.0/16"
    );
    assert_eq!(
        example("ingress tcp 10.1.1.1:40000 > 10.0.0.2:80"),
        "ingress tcp 10.1.1.1:40000 > 10.0.0.2:80 is dropped because no rule is about it\n  \
         not by rule 1 of sg-2 (ingress drop tcp from 10.9.0.0/16): its source 10.1.1.1 is not in 10.9.0.0/16\n  \
         not by rule 1 of sg-1 (ingress accept tcp from 10.0.0.0/8 to port 443): its destination port is 80, not 443\n  \
         not by rule 2 of sg-1 (ingress accept icmp): its protocol is tcp, not icmp\n  \
         and 2 more rules before it"
    );
    let families = example("ingress 1 2001:db8::1 > 2001:db8::2");
    assert!(families.contains("its protocol is icmp over IPv6, not icmp"), "{families}");
    assert!(families.contains("its protocol is icmp over IPv6, not udp"), "{families}");
    let egress = example("egress tcp 10.0.0.2:1 > 10.0.0.1:1");
    assert!(egress.contains(" is accepted because no rule is about it\n"), "{egress}");
    let flow = "ingress tcp 10.1.1.1:40000 > 10.0.0.2:80".parse().unwrap();
    assert_eq!(
        explain(&PolicyClass::default(), &flow, 2).to_string(),
        "ingress tcp 10.1.1.1:40000 > 10.0.0.2:80 is dropped because the interface is in no security group"
    );
}

#[test]
fn both_directions_are_explained() {
    let class = one(parse_rule("ingress accept tcp to port 443").unwrap());
    let packet: Packet = "tcp 10.0.0.1:40000 > 10.0.0.2:443".parse().unwrap();
    let [ingress, egress] = explain_both(&class, &packet, 8);
    assert_eq!((ingress.flow.direction, egress.flow.direction), (Direction::Ingress, Direction::Egress));
    assert!(ingress.decider.is_some() && egress.decider.is_none());
    assert!(egress.passed_over.rules.is_empty(), "rules of the other direction were not looked at");
}
