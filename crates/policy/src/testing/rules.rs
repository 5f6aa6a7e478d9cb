//! Random rulesets.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use model::{
    SecurityGroupId, UnixMillis,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};

use super::Random;
use crate::class::{Group, PolicyClass, RULES_MAX, weight};

/// The most groups of a random class.
const GROUPS_MAX: usize = 5;
const IPV4_BASES: [[u8; 4]; 8] = [
    [10, 0, 0, 0],
    [10, 0, 0, 255],
    [10, 1, 2, 3],
    [10, 255, 255, 255],
    [127, 255, 255, 255],
    [128, 0, 0, 0],
    [192, 168, 7, 128],
    [203, 0, 113, 9],
];
const IPV4_LENGTHS: [u8; 12] = [0, 1, 7, 8, 9, 16, 23, 24, 25, 30, 31, 32];
/// Among them the neighbours of `::ffff:0:0/96`, and that itself.
const IPV6_BASES: [u128; 8] = [
    0x2001_0db8_0000_0000_0000_0000_0000_0001,
    0x2001_0db8_0000_0000_ffff_ffff_ffff_ffff,
    0x2001_0db8_0001_0000_0000_0000_0000_0000,
    0xfe80_0000_0000_0000_0000_0000_0000_0001,
    0xfdff_ffff_ffff_ffff_ffff_ffff_ffff_ffff,
    0x0000_0000_0000_0000_0000_fffe_ffff_ffff,
    0x0000_0000_0000_0000_0001_0000_0000_0000,
    0x0000_0000_0000_0000_0000_ffff_0a00_0001,
];
const IPV6_LENGTHS: [u8; 14] = [0, 1, 16, 32, 47, 48, 64, 79, 80, 95, 96, 97, 127, 128];
const PORTS: [u16; 14] = [1, 2, 22, 53, 79, 80, 81, 443, 1023, 1024, 8080, 8081, 65_534, 65_535];

/// A class from a seed: 0 to [`RULES_MAX`] rules, mostly few, in up to five groups.
pub fn class(seed: u64) -> PolicyClass {
    let mut random = Random::new(seed);
    let most = match random.below(100) {
        0..4 => 0,
        4..55 => 12,
        55..80 => 80,
        80..95 => 300,
        _ => RULES_MAX,
    };
    let count = random.below(most + 1);
    class_of(rules(&mut random, count), &mut random)
}

/// These rules, spread over up to five groups. What is more than a class can have is left out.
pub fn class_of(rules: Vec<Rule>, random: &mut Random) -> PolicyClass {
    let mut groups: Vec<Vec<Rule>> = vec![Vec::new(); 1 + random.below(GROUPS_MAX)];
    let mut room = RULES_MAX;
    for rule in rules {
        let Some(left) = room.checked_sub(weight(&rule)) else { continue };
        room = left;
        let group = random.below(groups.len());
        groups[group].push(rule);
    }
    let named = groups.into_iter().map(|rules| Group {
        id: SecurityGroupId::from_entropy(u128::from(random.number())),
        rules: Arc::from(rules),
    });
    // Two ids of 64 bits are equal next to never, and no class is what comes of it then.
    PolicyClass::new(named).unwrap_or_default()
}

/// So many rules, of both directions.
pub fn rules(random: &mut Random, count: usize) -> Vec<Rule> {
    let priorities = random.one_of(&[1, 2, 3, 100]);
    let wild = random.percent(50);
    (0..count).map(|_| rule(random, priorities, wild)).collect()
}

fn rule(random: &mut Random, priorities: usize, wild: bool) -> Rule {
    use Protocol::{All, Gre, Icmp, Icmpv6, Tcp, Udp};
    let protocol = random.one_of(&[Tcp, Tcp, Tcp, Udp, Udp, Icmp, Icmpv6, Gre, All, All]);
    let mut rule = Rule {
        direction: random.one_of(&[Direction::Ingress, Direction::Egress]),
        protocol,
        policy: random.one_of(&[Policy::Accept, Policy::Drop]),
        priority: u8::try_from(1 + random.below(priorities)).unwrap_or(1),
        ports: ports(random, protocol, wild),
        source_ports: PortRange::default_for(protocol),
        source: None,
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    };
    if random.percent(30) {
        rule.source_ports = ports(random, protocol, wild);
    }
    let family = random.below(100);
    let ends = random.one_of(&[(true, false), (false, true), (true, true)]);
    if (30..68).contains(&family) {
        rule.source = ends.0.then(|| ipv4(random, wild)).flatten();
        rule.destination = ends.1.then(|| ipv4(random, wild)).flatten();
    }
    if (65..100).contains(&family) {
        rule.ipv6_source = ends.0.then(|| ipv6(random, wild)).flatten();
        rule.ipv6_destination = ends.1.then(|| ipv6(random, wild)).flatten();
    }
    rule
}

fn ports(random: &mut Random, protocol: Protocol, wild: bool) -> PortRange {
    if !protocol.has_ports() {
        return PortRange::None;
    }
    let mut port = || if wild && random.percent(60) { random.port().max(1) } else { random.one_of(&PORTS) };
    let (one, other) = (port(), port());
    match random.below(10) {
        0..3 => PortRange::EVERY,
        3..6 => PortRange::Ports { low: one, high: one },
        _ => PortRange::Ports { low: one.min(other), high: one.max(other) },
    }
}

#[allow(clippy::cast_possible_truncation, reason = "32 of the bits are wanted")]
fn ipv4(random: &mut Random, wild: bool) -> Option<Prefix> {
    let base = Ipv4Addr::from(random.one_of(&IPV4_BASES));
    let address =
        if wild { Ipv4Addr::from_bits(base.to_bits() ^ random.number() as u32 & 0xffff) } else { base };
    Prefix::ipv4(&format!("{address}/{}", random.one_of(&IPV4_LENGTHS))).ok()
}

fn ipv6(random: &mut Random, wild: bool) -> Option<Prefix> {
    let base = random.one_of(&IPV6_BASES);
    let address = if wild { base ^ u128::from(random.number() & 0xffff_ffff) } else { base };
    let address = Ipv6Addr::from_bits(address);
    Prefix::ipv6(&format!("{address}/{}", random.one_of(&IPV6_LENGTHS))).ok()
}
