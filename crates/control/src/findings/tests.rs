//! What a step says, counts and leaves to the next one, on subjects that are made by hand.

use std::{collections::HashMap, iter, sync::Arc};

use model::{AccountId, NetworkInterfaceId, SecurityGroupId, UnixMillis, security_group::SecurityGroup};
use policy::text::parse_rule;

use super::{
    FindingKind, FindingScope, FindingsFound, FindingsWish, Found,
    gather::{Class, Gathered, Subject},
    look::{WORK, Work, look},
};

const ALL: FindingScope = FindingScope::All(None);
/// Opens SSH to the world.
const DOOR: &str = "ingress accept priority=5 tcp from 0.0.0.0/0 to port 22";
/// Closes it to some, which is not enough to close it.
const SILL: &str = "ingress drop tcp from 192.0.2.0/24";

fn id(number: u64) -> SecurityGroupId {
    SecurityGroupId::from_entropy(number.into())
}

fn group(number: u64, rules: &[&str]) -> Arc<SecurityGroup> {
    Arc::new(SecurityGroup {
        id: id(number),
        account: AccountId(1),
        serial: 1_000 - number,
        name: "".into(),
        description: "".into(),
        created_at: UnixMillis(0),
        rules: rules.iter().map(|rule| parse_rule(rule).unwrap()).collect(),
    })
}

/// So many interfaces in these groups; what several groups do is told, where there are several.
fn class(groups: &[u64], interface_count: usize) -> Class {
    let number = groups.iter().fold(0, |number, group| number * 100 + u128::from(*group));
    Class {
        groups: groups.iter().map(|group| id(*group)).collect(),
        interface: NetworkInterfaceId::from_entropy(number),
        interface_count,
        is_told: false,
    }
}

fn told(groups: &[u64], interface_count: usize) -> Class {
    Class { is_told: true, ..class(groups, interface_count) }
}

/// Groups with their rules, and, of some of these, the classes that are looked at with them.
fn gathered(groups: &[(u64, &[&str])], subjects: Vec<(u64, Vec<Class>)>) -> Gathered {
    let groups: HashMap<_, _> =
        groups.iter().map(|(number, rules)| (id(*number), group(*number, rules))).collect();
    let subject = |(number, classes): (u64, Vec<Class>)| Subject {
        group: groups.get(&id(number)).cloned(),
        member_count: classes.iter().map(|class| class.interface_count).sum(),
        classes,
        left_out: 0,
    };
    Gathered { subjects: subjects.into_iter().map(subject).collect(), more: false, groups }
}

fn wish(scope: FindingScope, kinds: &[FindingKind]) -> FindingsWish {
    let kinds = (!kinds.is_empty()).then(|| kinds.to_vec());
    FindingsWish { account: AccountId(1), scope, kinds, most: 50 }
}

/// What is open: of which groups it is said, of how many interfaces, and of how many it is not known.
fn open(found: &FindingsFound) -> Vec<(usize, usize, usize)> {
    let open = found.found.iter().filter(|found| found.kind == FindingKind::OpenToTheWorld);
    open.map(|found: &Found| (found.groups.len(), found.interface_count, found.unknown_count)).collect()
}

#[test]
fn where_the_work_is_used_up_a_port_is_said_to_be_open_at_least_where_that_is_known() {
    let groups: &[(u64, &[&str])] = &[(1, &[DOOR]), (2, &[SILL]), (3, &["ingress accept udp"])];
    let gather = || gathered(groups, vec![(1, vec![class(&[1], 4), class(&[1, 2], 2), class(&[1, 3], 1)])]);
    let kinds = [FindingKind::OpenToTheWorld];
    let whole = look(gather(), &wish(ALL, &kinds), WORK);
    assert_eq!((open(&whole), whole.undecided), (vec![(1, 7, 0)], 0));
    // Enough for the group alone, and nothing for the one with another that drops something.
    let alone = look(gathered(&groups[..1], vec![(1, vec![class(&[1], 4)])]), &wish(ALL, &kinds), WORK);
    assert_eq!(open(&alone), [(1, 4, 0)]);
    let little = (1..2_000).find_map(|step_max| {
        let found = look(gather(), &wish(ALL, &kinds), Work { step_max, ..WORK });
        (found.undecided == 1).then_some(found)
    });
    let little = little.unwrap();
    assert_eq!(open(&little), [(1, 5, 2)]);
    assert!(
        little.found[0]
            .text
            .ends_with("at 5 of its members at least: of 2 more it would take too much work to tell")
    );
    // Also where it is known of nobody.
    let gather = || gathered(groups, vec![(1, vec![class(&[1, 2], 2)])]);
    let nobody = (1..2_000).find_map(|step_max| {
        let found = look(gather(), &wish(ALL, &kinds), Work { step_max, ..WORK });
        (found.undecided == 1).then_some(found)
    });
    let nobody = nobody.unwrap();
    assert_eq!(open(&nobody), [(1, 0, 2)]);
}

/// However many groups the members are in besides, those that drop nothing at the port make no difference to it.
#[test]
fn combinations_with_the_same_groups_that_drop_are_asked_about_as_one() {
    let besides: Vec<(u64, Vec<&str>)> =
        (3..43).map(|number| (number, vec!["ingress accept tcp to port 443"])).collect();
    let mut groups: Vec<(u64, &[&str])> = vec![(1, &[DOOR]), (2, &[SILL])];
    groups.extend(besides.iter().map(|(number, rules)| (*number, rules.as_slice())));
    let kinds = wish(ALL, &[FindingKind::OpenToTheWorld]);
    let work_of = |count: u64| {
        let classes = (3..3 + count).map(|besides| class(&[1, 2, besides], 1)).collect();
        let enough = (1..).find(|step_max| {
            let gathered = gathered(
                &groups,
                vec![(1, Vec::from_iter((3..3 + count).map(|besides| class(&[1, 2, besides], 1))))],
            );
            look(gathered, &kinds, Work { step_max: *step_max * 50, ..WORK }).undecided == 0
        });
        let found = look(gathered(&groups, vec![(1, classes)]), &kinds, WORK);
        assert_eq!(open(&found), [(1, usize::try_from(count).unwrap(), 0)]);
        enough.unwrap() * 50
    };
    let (one, many) = (work_of(1), work_of(40));
    assert!(many < 2 * one, "{many} for 40 combinations, {one} for one");
}

#[test]
fn a_port_that_another_group_closes_or_opens_again_is_counted_as_it_is() {
    let groups: &[(u64, &[&str])] = &[
        (1, &[DOOR]),
        (2, &["ingress drop priority=4 tcp from 0.0.0.0/0 to port 1/100"]),
        (3, &["ingress accept priority=3 tcp from 0.0.0.0/0 to port 22"]),
    ];
    let classes = || vec![class(&[1], 1), class(&[1, 2], 2), class(&[1, 2, 3], 4)];
    let found = look(gathered(groups, vec![(1, classes())]), &wish(ALL, &[]), WORK);
    assert_eq!((open(&found), found.undecided), (vec![(1, 5, 0)], 0));
}

#[test]
fn of_one_group_what_another_opens_is_said_of_the_interfaces_in_both() {
    let groups: &[(u64, &[&str])] = &[(1, &["ingress accept udp to port 53"]), (2, &[DOOR])];
    let gather = || gathered(groups, vec![(1, vec![told(&[1, 2], 3)])]);
    let found = look(gather(), &wish(FindingScope::Group(id(1)), &[]), WORK);
    assert_eq!(open(&found), [(2, 3, 0)]);
    assert_eq!(open(&look(gather(), &wish(ALL, &[]), WORK)), [], "it is said at the other, in its turn");
}

#[test]
fn what_is_not_looked_at_is_counted_at_the_groups_of_the_step_alone() {
    let groups: &[(u64, &[&str])] = &[(1, &[]), (2, &[]), (3, &[])];
    let mut gathered = gathered(groups, vec![(1, vec![]), (2, vec![]), (3, vec![])]);
    for (subject, left_out) in gathered.subjects.iter_mut().zip([2, 30, 400]) {
        subject.left_out = left_out;
    }
    let first = look(gathered, &FindingsWish { most: 2, ..wish(ALL, &[]) }, WORK);
    assert_eq!((first.group_count, first.undecided, first.next), (2, 32, Some(998)));
}

/// Rules that cross, so that to tell about most of them takes work.
fn crossed() -> Vec<String> {
    let rule = |number: usize| match number % 3 {
        0 => format!("ingress accept tcp from 10.0.0.0/8 to 10.{number}.0.0/16 port {}/65535", 100 + number),
        1 => format!("ingress drop tcp from 10.{}.0.0/15 to port 101/{}", number * 2, 60_000 - number),
        _ => format!("ingress accept tcp from 10.{number}.0.0/16 port {}/9000 to 10.0.0.0/8", 100 + number),
    };
    (0..30).map(rule).collect()
}

#[test]
fn each_question_that_is_not_answered_is_counted_once() {
    let crossed = crossed();
    let mut rules: Vec<&str> = crossed.iter().map(String::as_str).collect();
    rules.push("ingress accept udp from 10.1.0.0/16");
    let groups: &[(u64, &[&str])] = &[
        (1, &["ingress accept udp from 10.0.0.0/8", "ingress drop tcp from 192.0.2.1 to port 22"]),
        (2, &rules),
    ];
    let kinds = wish(ALL, &[FindingKind::NeverDecides]);
    let bounds = Work { question_max: 40, ..WORK };
    let undecided = |subjects| {
        let found = look(gathered(groups, subjects), &kinds, bounds);
        (found.undecided, found.found.len())
    };
    let (second, _) = undecided(vec![(2, vec![class(&[2], 1)])]);
    assert!(second > 0, "nothing is too much work");
    let (both, found) = undecided(vec![(1, vec![told(&[1, 2], 1)])]);
    // In the class of both a rule of the second never decides: it is asked whether that is so in it alone.
    assert_eq!(found, 1);
    let (met, _) = undecided(vec![(1, vec![told(&[1, 2], 1)]), (2, vec![class(&[1, 2], 1)])]);
    assert_eq!(met, both + second);
}

#[test]
fn what_was_known_to_be_open_stays_so_when_the_work_is_used_up() {
    let crossed = crossed();
    let mut rules: Vec<&str> = crossed.iter().take(12).map(String::as_str).collect();
    rules.push("ingress drop tcp from 192.0.2.0/24 to port 22");
    let opened = "ingress accept priority=9 tcp from 0.0.0.0/1 to port 22";
    let groups: &[(u64, &[&str])] = &[(1, &[DOOR, opened]), (2, &rules)];
    let gather = || gathered(groups, vec![(1, vec![told(&[1, 2], 3)]), (2, vec![class(&[1, 2], 3)])]);
    let (mut before, mut undecided) = (0, 0);
    for step_max in iter::successors(Some(200_usize), |less| Some(less * 3 / 2)).take(20) {
        let found = look(gather(), &wish(ALL, &[FindingKind::OpenToTheWorld]), Work { step_max, ..WORK });
        let known = open(&found).iter().map(|(_, known, _)| known).sum();
        assert!(known >= before, "{known} with {step_max}, {before} with less");
        assert!(known == 3 || found.undecided > 0, "{step_max}: it is missed, and nobody is told");
        (before, undecided) = (known, found.undecided);
    }
    assert_eq!((before, undecided), (3, 0));
}

#[test]
fn a_step_ends_with_the_group_at_which_it_has_done_so_much() {
    let groups: &[(u64, &[&str])] = &[(1, &[DOOR]), (2, &[DOOR]), (3, &[DOOR])];
    let subjects = || (1..4).map(|number| (number, vec![class(&[number], 1)])).collect();
    let all = look(gathered(groups, subjects()), &wish(ALL, &[]), WORK);
    assert_eq!((all.group_count, all.next), (3, None));
    let first = look(gathered(groups, subjects()), &wish(ALL, &[]), Work { step: 1, ..WORK });
    assert_eq!((first.group_count, first.next), (1, Some(999)));
    let nothing =
        look(gathered(groups, subjects()), &wish(ALL, &[FindingKind::NoMembers]), Work { step: 1, ..WORK });
    assert_eq!((nothing.group_count, nothing.next), (3, None), "to see who has no members takes no work");
}

/// A page of findings is as useful as it is quick: a step has some dozens of groups of 100 rules as people write them.
#[test]
fn a_step_looks_at_some_dozens_of_groups_of_a_hundred_rules() {
    let rules: Vec<String> = (0..100)
        .map(|number| {
            format!(
                "ingress accept tcp from 11.{number}.7.0/24 to port {}/{}",
                1_000 + number * 17,
                1_009 + number * 17
            )
        })
        .collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let groups: Vec<(u64, &[&str])> = (1..=100).map(|number| (number, rules.as_slice())).collect();
    let subjects = (1..=100).map(|number| (number, vec![class(&[number], 10)])).collect();
    let found = look(gathered(&groups, subjects), &wish(ALL, &[]), WORK);
    assert!((30..100).contains(&found.group_count), "{}", found.group_count);
    assert_eq!((found.found.len(), found.undecided), (0, 0));
}
