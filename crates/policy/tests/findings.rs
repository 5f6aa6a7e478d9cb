//! What is found about rules is so by the evaluator, and nothing that is so is missed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use model::{
    SecurityGroupId,
    rule::{Direction, Rule},
};
use policy::{
    Decider, Family, Group, Packet, PlacedRule, PolicyClass, ProtocolKind,
    difference::{Bounds, Difference},
    evaluate,
    findings::{
        ADMINISTRATIVE_PORTS, AdministrativePort, Finding, Findings, Options, drops_at, findings,
        open_to_the_world,
    },
    order::in_order,
    testing::{self, Random},
    text::parse_rule,
};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { pieces_max: usize::MAX, work_max: usize::MAX };

fn options() -> Options {
    let most = usize::MAX;
    Options {
        findings_max: most,
        named_max: most,
        work_max: most,
        work_total_max: most,
        ..Options::default()
    }
}

fn deciders(places: &[PlacedRule<'_>]) -> BTreeSet<(SecurityGroupId, usize)> {
    places.iter().map(|placed| (placed.group, placed.position)).collect()
}

/// The rules of which something of a kind is found, each by all its places.
fn found<'a>(
    findings: &'a Findings<'_>,
    of_kind: impl Fn(&'a Finding<'a>) -> Option<&'a Vec<PlacedRule<'a>>>,
) -> BTreeSet<BTreeSet<(SecurityGroupId, usize)>> {
    findings.findings.iter().filter_map(of_kind).map(|places| deciders(places)).collect()
}

fn without(class: &PolicyClass, places: &BTreeSet<(SecurityGroupId, usize)>) -> PolicyClass {
    let groups = class.groups().iter().map(|group| {
        let kept = group.rules.iter().enumerate().filter(|(at, _)| !places.contains(&(group.id, *at)));
        Group { id: group.id, rules: kept.map(|(_, rule)| rule.clone()).collect() }
    });
    PolicyClass::new(groups).unwrap()
}

/// All packets that the rules of a class tell apart, with their direction.
fn every_packet(class: &PolicyClass, mut each: impl FnMut(Direction, &Packet)) {
    for direction in [Direction::Ingress, Direction::Egress] {
        let ordered = in_order(class, direction);
        let rules: Vec<&Rule> = ordered.iter().map(|placed| placed.rule).collect();
        for family in Family::ALL {
            testing::every_packet(&rules, family, |packet| each(direction, &packet));
        }
    }
}

/// A class of few rules, mostly such as have to do with each other.
fn small(seed: u64) -> PolicyClass {
    let mut random = Random::new(seed);
    let mut rules = testing::rules(&mut random, 3);
    let again = random.one_of(&[0, 1, 2]);
    rules.push(Rule { priority: 1 + rules[again].priority % 3, ..rules[again].clone() });
    if random.percent(30) {
        rules.push(rules[again].clone());
    }
    testing::class_of(rules, &mut random)
}

/// By trying every packet: which rules decide, and which decide the packets that a rule is about.
#[test]
fn of_small_classes_the_rules_that_never_decide_are_those_that_decide_no_packet() {
    let (mut never_deciding, mut deciding) = (0, 0);
    for class in (0..120).map(small) {
        let mut by: BTreeSet<(SecurityGroupId, usize)> = BTreeSet::new();
        let found = findings(&class, &options());
        every_packet(&class, |direction, packet| {
            if let Decider::Rule { group, position } = evaluate(&class, direction, packet).by {
                by.insert((group, position));
            }
        });
        let quiet = found.findings.iter().filter_map(|finding| match finding {
            Finding::NeverDecides { places, .. } | Finding::AboutNothing { places } => Some(places),
            _ => None,
        });
        let quiet: BTreeSet<_> = quiet.flat_map(|places| deciders(places)).collect();
        for placed in [Direction::Ingress, Direction::Egress]
            .into_iter()
            .flat_map(|direction| in_order(&class, direction))
        {
            let place = (placed.group, placed.position);
            // What stands twice decides where it stands first.
            let is_repeated = found.findings.iter().any(
                |finding| matches!(finding, Finding::Repeated { places } if deciders(&places[1..]).contains(&place)),
            );
            assert!(by.contains(&place) != quiet.contains(&place) || is_repeated, "{placed}\n{class:#?}");
            assert!(!by.contains(&place) || !is_repeated);
        }
        (never_deciding, deciding) = (never_deciding + quiet.len(), deciding + by.len());
        assert_eq!(found.undecided, 0);
    }
    assert!(never_deciding > 50 && deciding > 200, "{never_deciding} {deciding}");
}

#[test]
fn of_small_classes_the_rules_that_decide_instead_are_named() {
    let mut named = 0;
    for class in (0..120).map(small) {
        let found = findings(&class, &options());
        for finding in &found.findings {
            let Finding::NeverDecides { places, instead, and_more: false, .. } = finding else { continue };
            let mut meant = BTreeSet::new();
            let one =
                PolicyClass::new([Group { id: places[0].group, rules: [places[0].rule.clone()].into() }])
                    .unwrap();
            every_packet(&class, |direction, packet| {
                if let (Decider::Rule { .. }, Decider::Rule { group, position }) =
                    (evaluate(&one, direction, packet).by, evaluate(&class, direction, packet).by)
                {
                    meant.insert((group, position));
                }
            });
            assert_eq!(deciders(instead), meant, "{finding}\n{class:#?}");
            named += instead.len();
        }
    }
    assert!(named > 50, "{named}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn without_a_rule_that_has_no_effect_every_packet_is_decided_the_same(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let most = if random.percent(10) { 60 } else { 12 };
        let count = random.below(most);
        let class = testing::class_of(testing::rules(&mut random, count), &mut random);
        let findings = findings(&class, &options());
        prop_assert_eq!((findings.undecided, findings.left_out), (0, 0));
        let idle = found(&findings, |finding| match finding {
            Finding::NoEffect { places } | Finding::NeverDecides { places, .. } | Finding::AboutNothing { places } => Some(places),
            _ => None,
        });
        for places in &idle {
            let difference = Difference::between(&class, &without(&class, places), BOUNDS);
            prop_assert!(difference.is_empty(), "{:?}", difference);
        }
        // And nothing else has none.
        let repeated = found(&findings, |finding| match finding {
            Finding::Repeated { places } => Some(places),
            _ => None,
        });
        for placed in [Direction::Ingress, Direction::Egress].into_iter().flat_map(|direction| in_order(&class, direction)) {
            let place = (placed.group, placed.position);
            let own = repeated.iter().find(|places| places.contains(&place)).cloned().unwrap_or_else(|| [place].into());
            let difference = Difference::between(&class, &without(&class, &own), BOUNDS);
            prop_assert_eq!(difference.is_empty(), idle.contains(&own), "{}", placed);
        }
        let packets = findings.findings.iter().filter_map(|finding| match finding {
            Finding::NeverDecides { places, .. } => Some(deciders(places)),
            _ => None,
        });
        let never: BTreeSet<_> = packets.flatten().collect();
        for _ in 0..60 {
            let (direction, packet) = testing::packet(&mut random, &class);
            if let Decider::Rule { group, position } = evaluate(&class, direction, &packet).by {
                prop_assert!(!never.contains(&(group, position)));
            }
        }
    }

    #[test]
    fn a_group_is_enough_if_the_rule_never_decides_in_it_alone(seed in any::<u64>()) {
        let class = small(seed);
        for finding in &findings(&class, &options()).findings {
            let Finding::NeverDecides { places, alone, .. } = finding else { continue };
            let is_enough = |placed: &&PlacedRule<'_>| {
                let class = PolicyClass::new([class.group(placed.group).unwrap().clone()]).unwrap();
                let never = findings(&class, &options());
                let never = found(&never, |finding| match finding {
                    Finding::NeverDecides { places, .. } => Some(places),
                    _ => None,
                });
                never.iter().any(|places| places.contains(&(placed.group, placed.position)))
            };
            prop_assert_eq!(*alone, places.iter().find(is_enough).map(|placed| placed.group));
        }
    }

    #[test]
    fn findings_are_bounded_and_what_is_not_known_is_counted(seed in any::<u64>(), work_max in 0..60usize) {
        let mut random = Random::new(seed);
        let count = random.below(20);
        let class = testing::class_of(testing::rules(&mut random, count), &mut random);
        let all = findings(&class, &options());
        let listed = findings(&class, &Options { findings_max: 2, ..options() });
        prop_assert_eq!(listed.findings.len() + listed.left_out, all.findings.len());
        prop_assert!(listed.findings.len() <= 2);
        let known = findings(&class, &Options { work_max, ..options() });
        let (all, some) = (about_rules(&all), about_rules(&known));
        prop_assert!(some.is_subset(&all) && (known.undecided > 0 || some == all));
    }

    /// What a group opens is open wherever no other group of an interface drops something there, and where it is open with
    /// those that do, it is with all the others.
    #[test]
    fn only_groups_that_drop_at_a_port_close_it(seed in any::<u64>()) {
        let class = doors(&mut Random::new(seed));
        let open_in = |groups: Vec<Group>| open_doors(&PolicyClass::new(groups).unwrap());
        let here = open_in(class.groups().to_vec());
        for group in class.groups() {
            for (family, port) in open_in(vec![group.clone()]) {
                let drops = |other: &&Group| {
                    other.id == group.id || other.rules.iter().any(|rule| drops_at(rule, family, port))
                };
                let closing: Vec<Group> = class.groups().iter().filter(drops).cloned().collect();
                let is_alone = closing.len() == 1;
                let is_open = open_in(closing).contains(&(family, port));
                prop_assert!(is_open || !is_alone);
                prop_assert!(here.contains(&(family, port)) || !is_open, "{port} in {class:#?}");
            }
        }
    }
}

/// Groups that open and close two ports, for most of the world or for less.
fn doors(random: &mut Random) -> PolicyClass {
    let mut rules = || {
        let rule = |_| {
            let policy = random.one_of(&["accept", "accept", "drop"]);
            let priority = random.one_of(&[1, 2, 3]);
            let protocol = random.one_of(&["all", "tcp", "udp"]);
            let source =
                random.one_of(&["", "from 0.0.0.0/0", "from ::/0", "from 0.0.0.0/1", "from 10.0.0.0/8"]);
            let ports = match protocol {
                "all" => "",
                _ => random.one_of(&["to port 22", "to port 23/161", "to port 1/65535"]),
            };
            let direction = if random.percent(90) { "ingress" } else { "egress" };
            parse_rule(&format!("{direction} {policy} priority={priority} {protocol} {source} {ports}"))
                .unwrap()
        };
        (0..3).map(rule).collect()
    };
    let group = |number| Group { id: SecurityGroupId::from_entropy(number), rules: rules() };
    PolicyClass::new((1..5).map(group)).unwrap()
}

/// Which of two ports are open at interfaces of a class, for addresses of a family.
fn open_doors(class: &PolicyClass) -> BTreeSet<(Family, AdministrativePort)> {
    let two = [(ProtocolKind::Tcp, 22), (ProtocolKind::Udp, 161)];
    let administrative_ports = two.map(|(protocol, port)| AdministrativePort { protocol, port }).into();
    let found = open_to_the_world(class, &Options { administrative_ports, ..options() });
    assert_eq!(found.undecided, 0);
    let mut open = BTreeSet::new();
    for finding in &found.findings {
        match finding {
            Finding::OpenToTheWorld { family, ports, .. } => {
                open.extend(ports.iter().map(|port| (*family, *port)))
            }
            other => panic!("{other}"),
        }
    }
    open
}

/// What is found about which rule.
fn about_rules(findings: &Findings<'_>) -> BTreeSet<(u8, BTreeSet<(SecurityGroupId, usize)>)> {
    let about = |finding: &Finding<'_>| match finding {
        Finding::AboutNothing { places } => Some((0, deciders(places))),
        Finding::NeverDecides { places, .. } => Some((1, deciders(places))),
        Finding::NoEffect { places } => Some((2, deciders(places))),
        Finding::Repeated { places } => Some((3, deciders(places))),
        Finding::OpenToTheWorld { .. } => None,
    };
    findings.findings.iter().filter_map(about).collect()
}

fn class(groups: &[&str]) -> PolicyClass {
    let rules = |text: &str| text.lines().map(|rule| parse_rule(rule).unwrap()).collect();
    PolicyClass::new(
        (1..)
            .zip(groups)
            .map(|(number, text)| Group { id: SecurityGroupId::from_entropy(number), rules: rules(text) }),
    )
    .unwrap()
}

fn lines(groups: &[&str]) -> Vec<String> {
    let class = class(groups);
    let line = |finding: &Finding<'_>| {
        let ids =
            (1..5).map(|number| (SecurityGroupId::from_entropy(number).to_string(), format!("sg-{number}")));
        ids.fold(finding.to_string(), |text, (id, short)| text.replace(&id, &short))
    };
    findings(&class, &Options::default()).findings.iter().map(line).collect()
}

#[test]
fn findings_are_one_line_each() {
    assert_eq!(
        lines(&["ingress accept tcp from 10.0.0.0/8\ningress accept tcp from 10.1.0.0/16 to port 80"]),
        [
            "rule 2 of sg-1 (ingress accept tcp from 10.1.0.0/16 to port 80) never decides, because all its packets are decided \
          before it by rule 1 of sg-1 (ingress accept tcp from 10.0.0.0/8); the rules of sg-1 alone are enough for that"
        ]
    );
    assert_eq!(
        lines(&[
            "ingress drop tcp to port 1/100\ningress drop tcp to port 101/65534",
            "ingress accept priority=2 tcp to port 50/200"
        ]),
        [
            "rule 1 of sg-2 (ingress accept priority=2 tcp to port 50/200) never decides, because all its packets are decided \
          before it by rule 1 of sg-1 (ingress drop tcp to port 1/100), rule 2 of sg-1 (ingress drop tcp to port 101/65534)"
        ]
    );
    assert_eq!(
        lines(&["ingress accept tcp from 10.1.0.0/16\ningress accept priority=2 tcp from 10.0.0.0/8"]),
        [
            "rule 1 of sg-1 (ingress accept tcp from 10.1.0.0/16) has no effect: without it every packet is decided the same"
        ]
    );
    assert_eq!(
        lines(&["ingress accept udp from 10.0.0.1", "ingress accept udp from 10.0.0.1/32"]),
        ["rule 1 of sg-1 (ingress accept udp from 10.0.0.1) stands again as rule 1 of sg-2"]
    );
    assert_eq!(
        lines(&["egress drop icmp to 2001:db8::/32"]),
        [
            "rule 1 of sg-1 (egress drop icmp to 2001:db8::/32) is about no packet: ICMP is of IPv4 and ICMPv6 of IPv6"
        ]
    );
    assert_eq!(
        lines(&[
            "ingress accept tcp from 0.0.0.0/0 to port 22/23\ningress drop tcp from 10.0.0.0/8 to port 22"
        ]),
        [
            "tcp 22, tcp 23 are open to the world over IPv4 by rule 1 of sg-1 (ingress accept tcp from 0.0.0.0/0 to port 22/23)"
        ]
    );
    assert!(
        lines(&["ingress accept tcp from 10.0.0.0/8 to port 22", "egress accept all"]).len() == 1,
        "egress is accepted anyway"
    );
}

/// The ports that are found open, by family.
fn open(rules: &str) -> Vec<(Family, Vec<AdministrativePort>)> {
    let class = class(&[rules]);
    let found = findings(&class, &Options::default());
    let open = found.findings.iter().filter_map(|finding| match finding {
        Finding::OpenToTheWorld { family, ports, .. } => Some((*family, ports.clone())),
        _ => None,
    });
    open.collect()
}

#[test]
fn what_most_of_the_world_may_reach_is_open_to_it() {
    let (ssh, vnc) = (
        AdministrativePort { protocol: ProtocolKind::Tcp, port: 22 },
        AdministrativePort { protocol: ProtocolKind::Tcp, port: 5900 },
    );
    let both = vec![(Family::Ipv4, vec![ssh]), (Family::Ipv6, vec![ssh])];
    for (rules, expected) in [
        ("ingress accept tcp to port 22", both),
        ("ingress accept tcp from 0.0.0.0/0 to port 22", vec![(Family::Ipv4, vec![ssh])]),
        (
            "ingress accept tcp from ::/0 port 53 to 2001:db8::1 port 20/30",
            vec![(Family::Ipv6, vec![ssh, AdministrativePort { port: 23, ..ssh }])],
        ),
        ("ingress accept tcp from 2000::/3 to port 5900", vec![(Family::Ipv6, vec![vnc])]),
        // In two halves.
        (
            "ingress accept tcp from 0.0.0.0/1 to port 22\ningress accept tcp from 128.0.0.0/1 to port 22",
            vec![(Family::Ipv4, vec![ssh])],
        ),
        // Some of it is not all of it.
        ("ingress accept tcp from 128.0.0.0/1 to port 22", vec![]),
        (
            "ingress accept tcp from 10.0.0.0/8 to port 22\ningress accept tcp from fe80::/10 to port 22",
            vec![],
        ),
        // Another port, another protocol, another direction, and what is dropped before.
        (
            "ingress accept tcp to port 443\ningress accept udp to port 22\negress accept tcp to port 22",
            vec![],
        ),
        (
            "ingress accept priority=2 tcp to port 22\ningress drop tcp from 0.0.0.0/0\ningress drop tcp from ::/0",
            vec![],
        ),
        (
            "ingress accept priority=2 tcp from 0.0.0.0/0 to port 22\ningress drop tcp from 203.0.113.0/24",
            vec![(Family::Ipv4, vec![ssh])],
        ),
    ] {
        assert_eq!(open(rules), expected, "{rules}");
    }
    let everything = open("ingress accept all from 0.0.0.0/0");
    assert_eq!(everything, [(Family::Ipv4, ADMINISTRATIVE_PORTS.to_vec())]);
}

#[test]
fn other_ports_can_be_named() {
    let port = AdministrativePort { protocol: ProtocolKind::Udp, port: 1194 };
    let class = class(&["ingress accept udp from 0.0.0.0/0"]);
    let found = findings(&class, &Options { administrative_ports: vec![port], ..Options::default() });
    let ports = found.findings.iter().map(|finding| match finding {
        Finding::OpenToTheWorld { ports, .. } => ports.clone(),
        other => panic!("{other}"),
    });
    assert_eq!(ports.collect::<Vec<_>>(), [vec![port]]);
}

/// A thousand rules that cross each other, so that each question is about all those before it. What is counted is work.
#[test]
fn a_thousand_crossed_rules_take_no_more_work_than_there_may_be() {
    let crossed = |number: usize| match number % 3 {
        0 => format!(
            "ingress accept tcp from 10.0.0.0/8 to 10.{}.0.0/16 port {}/65535",
            number % 200,
            1 + number
        ),
        1 => {
            format!("ingress drop tcp from 10.{}.0.0/15 to port 1/{}", number / 2 % 100 * 2, 60_000 - number)
        }
        _ => format!(
            "ingress accept tcp from 10.{}.0.0/16 port {}/9000 to 10.0.0.0/8",
            number % 250,
            1 + number
        ),
    };
    let rules: Vec<String> = (0..1_000).map(crossed).collect();
    let class = class(&[&rules.join("\n")]);
    let administrative_ports = Vec::new();
    let options =
        Options { administrative_ports, work_max: 20_000, work_total_max: 500_000, ..Options::default() };
    let found = findings(&class, &options);
    // One look at all rules may be begun while there is something left.
    assert!(found.work >= options.work_total_max, "{} is not used up", found.work);
    assert!(found.work <= options.work_total_max + 2_000, "{} is too much", found.work);
    assert!(found.undecided > 500, "{} were not told", found.undecided);
    let more = findings(&class, &Options { work_total_max: 1_500_000, ..options });
    assert!(more.undecided < found.undecided);
}
