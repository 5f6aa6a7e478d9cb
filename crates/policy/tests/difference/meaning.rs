//! Policies that mean the same have the same difference.

use model::{
    address::Prefix,
    rule::{PortRange, Rule},
};
use policy::{
    PolicyClass,
    difference::Difference,
    testing::{self, Random},
};
use proptest::prelude::*;

use crate::check::{BOUNDS, group};

/// The rules in other words: in one group, in another order, split, repeated, and with some that come too late.
fn in_other_words(random: &mut Random, class: &PolicyClass) -> PolicyClass {
    let mut rules: Vec<Rule> = Vec::new();
    for rule in class.groups().iter().flat_map(|group| group.rules.iter()) {
        match split(random, rule) {
            Some(two) => rules.extend(two),
            None => rules.push(rule.clone()),
        }
        if random.percent(20) {
            let late = Rule {
                priority: rule.priority.saturating_add(1).min(100),
                policy: rule.policy,
                ..rule.clone()
            };
            rules.push(late);
        }
    }
    for place in (1..rules.len()).rev() {
        rules.swap(place, random.below(place + 1));
    }
    PolicyClass::new([group(7, rules)]).unwrap_or_else(|_| class.clone())
}

/// Two rules that say what one says.
fn split(random: &mut Random, rule: &Rule) -> Option<[Rule; 2]> {
    let (mut one, mut other) = (rule.clone(), rule.clone());
    match rule.ports {
        PortRange::Ports { low, high }
            if low < high && rule.ports != PortRange::EVERY && random.percent(50) =>
        {
            let middle = low + (high - low) / 2;
            one.ports = PortRange::Ports { low, high: middle };
            other.ports = PortRange::Ports { low: middle + 1, high };
            return Some([one, other]);
        }
        _ => {}
    }
    let net = rule.source.as_ref()?.net();
    let mut halves = net.subnets(net.prefix_len() + 1).ok()?.map(|half| Prefix::ipv4(&half.to_string()).ok());
    (one.source, other.source) = (halves.next()?, halves.next()?);
    Some([one, other])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_difference_depends_on_what_policies_mean_alone(seed in any::<u64>()) {
        let (before, after) = testing::pair(seed);
        let mut random = Random::new(seed);
        let difference = Difference::between(&before, &after, BOUNDS);
        let (before, after) = (in_other_words(&mut random, &before), in_other_words(&mut random, &after));
        prop_assert_eq!(&difference, &Difference::between(&before, &after, BOUNDS));
    }
}
