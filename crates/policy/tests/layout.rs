//! The numbers of images are those of the header that the kernel program is compiled with; and no plan is larger than is
//! said.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use model::{SecurityGroupId, address::Prefix, rule::Rule};
use policy::{Group, Plan, PolicyClass, ProtocolKind, RULES_MAX, image, text::parse_rule};

const HEADER: &str = include_str!("../../dataplane/bpf/layout.h");

/// The number of an enumerator (`NAME = 1,`) or a definition (`#define NAME 1`).
fn number(name: &str) -> u64 {
    let of_line = |line: &str| {
        let mut words = line.split_whitespace();
        let value = match (words.next()?, words.next()?, words.next()?) {
            (own, "=", value) if own == name => value,
            ("#define", own, value) if own == name => value,
            _ => return None,
        };
        let value = value.trim_end_matches([',', 'U', 'L']);
        match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => value.parse().ok(),
        }
    };
    HEADER.lines().find_map(of_line).unwrap_or_else(|| panic!("{name} is not in layout.h"))
}

#[test]
fn the_words_are_where_the_header_says() {
    for (name, own) in [
        ("PLAN_MAGIC_WORD", image::MAGIC_WORD),
        ("PLAN_WORDS", image::LENGTH),
        ("PLAN_DIGEST", image::DIGEST),
        ("PLAN_GENERATION", image::GENERATION),
        ("PLAN_STAMP", image::STAMP),
        ("PLAN_COUNTERS", image::COUNTERS),
        ("PLAN_INGRESS", image::INGRESS),
        ("PLAN_EGRESS", image::EGRESS),
        ("PLAN_TABLES", image::TABLES),
        ("DIRECTION_RULES", image::RULES),
        ("DIRECTION_REMOTE", image::REMOTE),
        ("DIRECTION_LOCAL", image::LOCAL),
        ("DIRECTION_REMOTE_PORTS", image::REMOTE_PORTS),
        ("DIRECTION_LOCAL_PORTS", image::LOCAL_PORTS),
        ("DIRECTION_VERDICTS", image::VERDICTS),
        ("DIRECTION_COUNTERS", image::DIRECTION_COUNTERS),
        ("DIRECTION_IMPLICIT", image::IMPLICIT),
        ("DIRECTION_PROTOCOLS", image::PROTOCOLS),
        ("ADDRESS_ENTRY_WORDS", image::ADDRESS_ENTRY_WORDS),
        ("ROW_WORDS_MAX", image::ROW_WORDS_MAX),
        ("TABLE_ENTRIES_MAX", image::TABLE_ENTRIES_MAX),
        ("KIND_TCP", ProtocolKind::Tcp as usize),
        ("KIND_UDP", ProtocolKind::Udp as usize),
        ("KIND_ICMP", ProtocolKind::Icmp as usize),
        ("KIND_ICMPV6", ProtocolKind::Icmpv6 as usize),
        ("KIND_GRE", ProtocolKind::Gre as usize),
        ("KIND_OTHER", ProtocolKind::Other as usize),
    ] {
        assert_eq!(number(name), own as u64, "{name}");
    }
    assert_eq!(number("PLAN_MAGIC"), image::MAGIC);
    assert_eq!(image::MAGIC.to_le_bytes(), *b"RAVPLAN1");
}

/// Rules of which no two begin or end at the same key, in any table.
fn spread() -> Vec<Rule> {
    let rule = |number: usize| {
        let (own, port) = (number * 2 + 1, number * 4 + 1);
        let prefix = |first: u8| {
            let text = format!("{first}.{}.{}.{}", own >> 16, own >> 8 & 255, own & 255);
            Prefix::ipv4(&text).ok()
        };
        let text = format!("ingress accept tcp from port {port}/{} to port {port}/{}", port + 1, port + 1);
        Rule { source: prefix(10), destination: prefix(11), ..parse_rule(&text).unwrap() }
    };
    (0..RULES_MAX).map(rule).collect()
}

#[test]
fn a_plan_that_is_as_large_as_can_be_has_no_more_words_than_is_said() {
    let group = Group { id: SecurityGroupId::from_entropy(1), rules: spread().into() };
    let plan = Plan::compile(&PolicyClass::new([group]).unwrap());
    let entries = plan.direction(model::rule::Direction::Ingress).remote.len();
    assert_eq!(entries, 2 * RULES_MAX + 1);
    let words = plan.image(1, 2);
    image::check(&words).unwrap();
    assert!(words.len() <= image::PLAN_WORDS_MAX, "{}", words.len());
}

/// A rule that names prefixes of both families takes as much as two, and counts as two.
#[test]
fn rules_of_both_families_fit_as_well() {
    let both = spread().into_iter().map(|rule| {
        let six = |prefix: &Option<Prefix>| {
            Prefix::ipv6(&format!("2001:db8::{}", prefix.as_ref().unwrap().text())).ok()
        };
        Rule { ipv6_source: six(&rule.source), ipv6_destination: six(&rule.destination), ..rule }
    });
    let rules: Vec<Rule> = both.take(RULES_MAX / 2).collect();
    let group = |rules: &[Rule]| Group { id: SecurityGroupId::from_entropy(1), rules: rules.into() };
    let plan = Plan::compile(&PolicyClass::new([group(&rules)]).unwrap());
    let words = plan.image(1, 2);
    image::check(&words).unwrap();
    assert!(words.len() <= image::PLAN_WORDS_MAX);
    let more = [rules.clone(), vec![rules[0].clone()]].concat();
    assert!(PolicyClass::new([group(&more)]).is_err());
}
