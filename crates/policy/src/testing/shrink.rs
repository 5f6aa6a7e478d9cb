//! Failing cases made small.

use std::sync::Arc;

use model::{
    SecurityGroupId,
    rule::{Direction, Rule},
};

use crate::{
    class::{Group, PolicyClass},
    packet::Packet,
};

/// How often all rules are gone through one by one.
const PASSES_MAX: usize = 8;

/// Takes rules out of the class for as long as the case still fails, first many at a time, then one by one: what is left
/// fails, and mostly does not without any one of its rules.
pub fn shrink(
    class: &PolicyClass,
    direction: Direction,
    packet: &Packet,
    mut fails: impl FnMut(&PolicyClass, Direction, &Packet) -> bool,
) -> PolicyClass {
    let mut rules: Vec<(SecurityGroupId, Rule)> = Vec::new();
    for group in class.groups() {
        rules.extend(group.rules.iter().map(|rule| (group.id, rule.clone())));
    }
    let mut step = rules.len().div_ceil(2);
    let mut passes = 0;
    while step > 0 && passes < PASSES_MAX {
        let before = rules.len();
        let mut begin = 0;
        while begin < rules.len() {
            let mut fewer = rules.clone();
            fewer.drain(begin..(begin + step).min(fewer.len()));
            if fails(&regrouped(&fewer), direction, packet) {
                rules = fewer;
            } else {
                begin += step;
            }
        }
        if step > 1 {
            step /= 2;
        } else if rules.len() == before {
            break;
        } else {
            passes += 1;
        }
    }
    regrouped(&rules)
}

fn regrouped(rules: &[(SecurityGroupId, Rule)]) -> PolicyClass {
    let groups = rules.chunk_by(|a, b| a.0 == b.0).map(|same| Group {
        id: same[0].0,
        rules: same.iter().map(|(_, rule)| rule.clone()).collect::<Arc<[Rule]>>(),
    });
    // Fewer rules of a class are a class.
    PolicyClass::new(groups).unwrap_or_default()
}
