//! Random pairs of classes: what a change makes of one.

use std::sync::Arc;

use model::{
    SecurityGroupId,
    rule::{Direction, Policy, Rule},
};

use super::{Random, class, class_of, rules, shrink};
use crate::{
    class::{Group, PolicyClass},
    packet::Packet,
};

/// A class and what became of it, from a seed: a group was left or joined, rules came, went, or say something else; or
/// the two have nothing to do with each other.
pub fn pair(seed: u64) -> (PolicyClass, PolicyClass) {
    let mut random = Random::new(!seed);
    let before = class(seed);
    let after = match random.below(6) {
        0 => {
            let count = random.below(12);
            class_of(rules(&mut random, count), &mut random)
        }
        1 => joined(&mut random, &before),
        2 => left(&mut random, &before),
        _ => {
            let mut after = before.clone();
            for _ in 0..=random.below(3) {
                after = with_another_rule(&mut random, &after);
            }
            after
        }
    };
    if random.percent(50) { (before, after) } else { (after, before) }
}

fn joined(random: &mut Random, class: &PolicyClass) -> PolicyClass {
    let count = 1 + random.below(8);
    let group = Group {
        id: SecurityGroupId::from_entropy(u128::from(random.number())),
        rules: rules(random, count).into(),
    };
    // What is more than a class can have is not joined.
    PolicyClass::new(class.groups().iter().cloned().chain([group])).unwrap_or_else(|_| class.clone())
}

fn left(random: &mut Random, class: &PolicyClass) -> PolicyClass {
    let group = random.below(class.groups().len());
    let rest = class.groups().iter().enumerate().filter(|(place, _)| *place != group);
    PolicyClass::new(rest.map(|(_, group)| group.clone())).unwrap_or_default()
}

/// The class with a rule more, less, or changed.
fn with_another_rule(random: &mut Random, class: &PolicyClass) -> PolicyClass {
    let mut groups = class.groups().to_vec();
    let place = random.below(groups.len());
    let Some(group) = groups.get_mut(place) else { return class.clone() };
    let mut own: Vec<Rule> = group.rules.to_vec();
    let rule = random.below(own.len());
    match own.get_mut(rule) {
        Some(_) if random.percent(35) => {
            own.remove(rule);
        }
        Some(rule) if random.percent(50) => change(random, rule),
        _ => own.extend(rules(random, 1)),
    }
    group.rules = Arc::from(own);
    PolicyClass::new(groups).unwrap_or_else(|_| class.clone())
}

fn change(random: &mut Random, rule: &mut Rule) {
    match random.below(3) {
        0 => rule.priority = u8::try_from(1 + random.below(3)).unwrap_or(1),
        1 => {
            rule.policy = match rule.policy {
                Policy::Accept => Policy::Drop,
                Policy::Drop => Policy::Accept,
            }
        }
        _ => (rule.source, rule.ipv6_source) = (None, None),
    }
}

/// Makes a failing pair small: takes rules out of both for as long as the case still fails.
pub fn shrink_pair(
    (before, after): (&PolicyClass, &PolicyClass),
    direction: Direction,
    packet: &Packet,
    mut fails: impl FnMut(&PolicyClass, &PolicyClass) -> bool,
) -> (PolicyClass, PolicyClass) {
    let before = shrink(before, direction, packet, |before, _, _| fails(before, after));
    let after = shrink(after, direction, packet, |after, _, _| fails(&before, after));
    (shrink(&before, direction, packet, |before, _, _| fails(before, &after)), after)
}
