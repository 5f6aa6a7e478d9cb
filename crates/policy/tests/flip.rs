//! The changes that flip a verdict: all of them, measured, the smallest first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use model::{
    SecurityGroupId,
    rule::{Direction, Policy, Rule},
};
use policy::{
    Decider, Group, Packet, PolicyClass, ProtocolKind,
    difference::{Bounds, Count, Difference, Piece},
    evaluate,
    flip::{Flip, Options, SingleChange, flip},
    testing::{self, Random},
    text::{Flow, parse_rule},
};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { pieces_max: usize::MAX, work_max: usize::MAX };

fn verdict(class: &PolicyClass, flow: &Flow) -> Policy {
    evaluate(class, flow.direction, &flow.first).policy
}

fn flips(class: &PolicyClass, change: &SingleChange, flow: &Flow) -> bool {
    change.apply(class).is_ok_and(|after| verdict(&after, flow) != verdict(class, flow))
}

/// Whether a change does what is said of it.
fn is_so(class: &PolicyClass, flow: &Flow, flip: &Flip) -> bool {
    let after = flip.change.apply(class).unwrap();
    let pieces = flip.difference.pieces().iter().filter(|piece| piece.contains_flow(flow));
    flips(class, &flip.change, flow)
        && flip.difference == Difference::between(class, &after, BOUNDS)
        && pieces.count() == 1
        && flip.others() < flip.difference.count()
}

/// A rule that says so much is about the packets of one piece.
fn can_be_named(packet: &Packet) -> bool {
    ProtocolKind::of(packet) != ProtocolKind::Other
        && (packet.destination_port() != 0 || !ProtocolKind::of(packet).has_ports())
}

/// Everything of which the list is made, tried out: which changes there should be.
fn there_should_be(class: &PolicyClass, flow: &Flow, joinable: &[Group]) -> usize {
    let rules = class.groups().iter().flat_map(|group| {
        let group_and_rule = |(position, rule): (usize, &Rule)| (group.id, position, rule.clone());
        group.rules.iter().enumerate().map(group_and_rule)
    });
    let remove = rules.map(|(group, position, rule)| SingleChange::RemoveRule { group, position, rule });
    let leave = class.groups().iter().map(|group| SingleChange::LeaveGroup { group: group.id });
    let join = joinable.iter().map(|group| SingleChange::JoinGroup { group: group.clone() });
    remove.chain(leave).chain(join).filter(|change| flips(class, change, flow)).count()
}

fn case(seed: u64) -> (PolicyClass, Vec<Group>, Flow) {
    let mut random = Random::new(seed);
    let most = if random.percent(10) { 60 } else { 12 };
    let count = random.below(most);
    let class = testing::class_of(testing::rules(&mut random, count), &mut random);
    let count = random.below(8);
    let joinable = testing::class_of(testing::rules(&mut random, count), &mut random);
    let (direction, first) = testing::packet(&mut random, &class);
    (class, joinable.groups().to_vec(), Flow { direction, first })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn each_change_flips_and_the_smallest_is_first(seed in any::<u64>()) {
        let (class, joinable, flow) = case(seed);
        let found = flip(&class, &flow, &Options { joinable: &joinable, bounds: BOUNDS, ..Options::default() });
        prop_assert!(found.changes.iter().all(|flip| is_so(&class, &flow, flip)));
        prop_assert!(found.changes.is_sorted_by_key(Flip::others));
        let additions: Vec<&Flip> =
            found.changes.iter().filter(|flip| matches!(flip.change, SingleChange::AddRule { .. })).collect();
        prop_assert_eq!(found.changes.len() - additions.len(), there_should_be(&class, &flow, &joinable));
        for flip in additions {
            if can_be_named(&flow.first) {
                prop_assert_eq!(flip.difference.pieces().len(), 1, "{}", flip.change);
                prop_assert!(flip.others() < Count::from(65_536));
            }
        }
    }

    #[test]
    fn a_rule_is_added_where_one_can_decide_and_overrules_the_least(seed in any::<u64>()) {
        let (class, _, flow) = case(seed);
        let found = flip(&class, &flow, &Options::default());
        let added = found.changes.iter().find_map(|flip| match &flip.change {
            SingleChange::AddRule { group, or, rule } => Some((*group, or, rule)),
            _ => None,
        });
        let decider = match evaluate(&class, flow.direction, &flow.first).by {
            Decider::Rule { group, position } => Some((group, &class.group(group).unwrap().rules[position])),
            Decider::Implicit => None,
        };
        let cannot = decider.is_some_and(|(_, rule)| rule.policy == Policy::Drop && rule.priority == 1);
        prop_assert_eq!(added.is_none(), cannot || class.groups().is_empty());
        let Some((group, or, rule)) = added else { return Ok(()) };
        prop_assert!(decider.is_none_or(|(own, _)| own == group));
        prop_assert_eq!(or.len() + 1, class.groups().len());
        let weaker = SingleChange::AddRule {
            group,
            or: Vec::new(),
            rule: Rule { priority: rule.priority + 1, ..rule.clone() },
        };
        prop_assert!(rule.priority == 100 || !flips(&class, &weaker, &flow));
        for other in or {
            let elsewhere = SingleChange::AddRule { group: *other, or: Vec::new(), rule: rule.clone() };
            prop_assert!(flips(&class, &elsewhere, &flow));
        }
    }
}

fn class(groups: &[&str]) -> PolicyClass {
    PolicyClass::new((1..).zip(groups).map(|(number, rules)| group(number, rules))).unwrap()
}

fn group(number: u128, rules: &str) -> Group {
    let rules = rules.lines().map(|rule| parse_rule(rule).unwrap()).collect();
    Group { id: SecurityGroupId::from_entropy(number), rules }
}

/// The changes as text, each with how many other packets it concerns.
fn example(groups: &[&str], flow: &str, options: &Options<'_>) -> Vec<String> {
    let found = flip(&class(groups), &flow.parse().unwrap(), options);
    let line = |flip: &Flip| {
        let ids =
            (1..5).map(|number| (SecurityGroupId::from_entropy(number).to_string(), format!("sg-{number}")));
        let text = format!("{} ({} others)", flip.change, flip.others());
        ids.fold(text, |text, (id, short)| text.replace(&id, &short))
    };
    found.changes.iter().map(line).collect()
}

#[test]
fn what_no_rule_is_about_is_opened_by_a_rule_of_its_own() {
    let joinable = [group(3, "ingress accept tcp from 203.0.113.9 to 10.0.0.2 port 22"), group(4, "")];
    let options = Options { joinable: &joinable, ..Options::default() };
    let flow = "ingress tcp 203.0.113.9:40000 > 10.0.0.2:22";
    assert_eq!(
        example(&["ingress accept icmp", ""], flow, &options),
        [
            "add to sg-1: ingress accept priority=100 tcp from 203.0.113.9 to 10.0.0.2 port 22 (65535 others)",
            "join sg-3 (65535 others)",
        ]
    );
}

#[test]
fn what_a_rule_drops_is_opened_before_it_or_without_it() {
    let flow = "ingress tcp 10.0.0.1:40000 > 10.0.0.2:22";
    let groups = [
        "ingress accept priority=9 tcp from 10.0.0.0/24",
        "ingress drop priority=5 tcp from 10.0.0.0/30 to port 22",
    ];
    assert_eq!(
        example(&groups, flow, &Options::default()),
        [
            "add to sg-2: ingress accept priority=4 tcp from 10.0.0.1 to 10.0.0.2 port 22 (65535 others)",
            "remove from sg-2: ingress drop priority=5 tcp from 10.0.0.0/30 to port 22 (about 2^49 others)",
            "leave sg-2 (about 2^49 others)",
        ]
    );
    let least = "ingress drop priority=5 tcp from 10.0.0.1 to 10.0.0.2 port 22";
    assert_eq!(
        example(&[groups[0], least], flow, &Options::default())[0],
        format!("remove from sg-2: {least} (65535 others)"),
        "of changes that are as large the one that leaves less behind"
    );
}

#[test]
fn there_may_be_no_single_change() {
    let flow = "ingress tcp 10.0.0.1:40000 > 10.0.0.2:22";
    let drop = "ingress drop tcp\ningress accept priority=2 tcp";
    assert!(example(&[drop, drop], flow, &Options::default()).is_empty());
    assert!(example(&[], flow, &Options::default()).is_empty(), "there is no group to add a rule to");
    let full = Options { rules_per_group_max: 0, ..Options::default() };
    assert!(example(&[""], flow, &full).is_empty());
}

#[test]
fn what_is_not_measured_is_counted() {
    let joinable: Vec<Group> = (1..=9).map(|number| group(number, "ingress accept tcp")).collect();
    let options = Options { joinable: &joinable, measured_max: 4, ..Options::default() };
    let found =
        flip(&PolicyClass::default(), &"ingress tcp 10.0.0.1:1 > 10.0.0.2:22".parse().unwrap(), &options);
    assert_eq!((found.changes.len(), found.unmeasured), (4, 5));
    let groups: Vec<SecurityGroupId> = found.changes.iter().map(|flip| flip.change.group()).collect();
    assert!(groups.is_sorted(), "as large, and in the order of their ids");
}

#[test]
fn where_not_all_are_measured_narrow_groups_are_measured_first() {
    let broad = "ingress accept tcp\ningress accept udp from 10.0.0.0/8";
    let narrow = "ingress accept tcp from 10.0.0.1 to 10.0.0.2 port 22";
    // What is so without any rule adds nothing, however much it is about.
    let idle = format!("{narrow}\negress accept all\ningress drop priority=9 all\ningress drop udp");
    let mut joinable: Vec<Group> = (1..=9).map(|number| group(number, broad)).collect();
    joinable.extend([group(10, &idle), group(11, narrow)]);
    let options = Options { joinable: &joinable, measured_max: 2, ..Options::default() };
    let flow = "ingress tcp 10.0.0.1:1 > 10.0.0.2:22".parse().unwrap();
    let found = flip(&PolicyClass::default(), &flow, &options);
    let groups: Vec<SecurityGroupId> = found.changes.iter().map(|flip| flip.change.group()).collect();
    assert_eq!(groups, [10, 11].map(SecurityGroupId::from_entropy));
    assert_eq!(found.unmeasured, 9);
}

#[test]
fn changes_of_rules_are_measured_before_groups() {
    let groups = ["ingress drop tcp\ningress accept priority=9 tcp"];
    let (class, flow) = (class(&groups), "ingress tcp 10.0.0.1:1 > 10.0.0.2:22".parse().unwrap());
    let found = flip(&class, &flow, &Options { measured_max: 1, ..Options::default() });
    assert!(matches!(found.changes[0].change, SingleChange::RemoveRule { .. }), "{:?}", found.changes[0]);
    assert_eq!(found.unmeasured, 0, "in no group there is no rule that accepts");
    let joinable = [group(3, "ingress accept tcp from 10.0.0.1 to 10.0.0.2 port 22")];
    let options = Options { joinable: &joinable, measured_max: 1, ..Options::default() };
    let added = flip(&self::class(&[""]), &flow, &options);
    assert!(matches!(added.changes[0].change, SingleChange::AddRule { .. }), "{:?}", added.changes[0]);
    assert_eq!(added.unmeasured, 1);
}

#[test]
fn protocols_without_a_name_get_a_rule_for_all() {
    let found = example(&[""], "egress 132 10.0.0.2 > 10.0.0.1", &Options::default());
    assert_eq!(
        found,
        ["add to sg-1: egress drop priority=100 all from 10.0.0.2 to 10.0.0.1 (8589934845 others)"]
    );
    let pieces: Vec<String> = {
        let class = class(&[""]);
        let found = flip(&class, &"egress 132 10.0.0.2 > 10.0.0.1".parse().unwrap(), &Options::default());
        found.changes[0].difference.pieces().iter().map(Piece::to_string).collect()
    };
    assert_eq!(pieces, ["egress closes all from 10.0.0.2 to 10.0.0.1"]);
}

#[test]
fn a_change_is_applied_as_it_is_said() {
    let class = class(&["ingress accept tcp\ningress drop udp", "egress drop gre"]);
    let (one, two) = (class.groups()[0].id, class.groups()[1].id);
    let rule = class.groups()[0].rules[1].clone();
    let removed =
        SingleChange::RemoveRule { group: one, position: 1, rule: rule.clone() }.apply(&class).unwrap();
    assert_eq!(removed.group(one).unwrap().rules.len(), 1);
    let added = SingleChange::AddRule { group: two, or: Vec::new(), rule }.apply(&class).unwrap();
    assert_eq!(added.rule_count(), 4);
    assert!(SingleChange::LeaveGroup { group: two }.apply(&class).unwrap().group(two).is_none());
    assert!(
        SingleChange::JoinGroup { group: class.groups()[0].clone() }.apply(&class).is_err(),
        "it is in it"
    );
    assert_eq!(Direction::Egress, class.group(two).unwrap().rules[0].direction);
}
