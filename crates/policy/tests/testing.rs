//! The random rulesets themselves: the same for the same seed, awkward as they should be, and made small when they fail.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use policy::{
    Decider, PolicyClass, RULES_MAX, evaluate,
    testing::{self, Random},
    text::RuleText,
};

fn text(class: &PolicyClass) -> Vec<String> {
    let rules = class.groups().iter().flat_map(|group| group.rules.iter());
    rules.map(|rule| RuleText(rule).to_string()).collect()
}

#[test]
fn the_same_seed_gives_the_same() {
    for seed in 0..50 {
        let (one, other) = (testing::class(seed), testing::class(seed));
        assert!(one == other, "seed {seed}");
        let packet = |class| testing::packet(&mut Random::new(seed), class);
        assert_eq!(packet(&one), packet(&other), "seed {seed}");
        assert!(testing::pair(seed) == testing::pair(seed), "seed {seed}");
    }
    assert_ne!(text(&testing::class(1)), text(&testing::class(2)));
}

#[test]
fn rulesets_are_of_every_size_and_packets_meet_rules_and_none() {
    let (mut largest, mut empty, mut by_rule, mut implicit) = (0, 0, 0, 0);
    for seed in 0..1_000 {
        let class = testing::class(seed);
        largest = largest.max(class.rule_count());
        empty += usize::from(class.rule_count() == 0);
        let (direction, packet) = testing::unicast_packet(&mut Random::new(seed), &class);
        match evaluate(&class, direction, &packet).by {
            Decider::Rule { .. } => by_rule += 1,
            Decider::Implicit => implicit += 1,
        }
    }
    assert!(largest > RULES_MAX * 9 / 10 && largest <= RULES_MAX, "{largest}");
    assert!(empty > 10, "{empty}");
    assert!(by_rule > 250 && implicit > 150, "{by_rule} by a rule, {implicit} by none");
}

#[test]
fn a_failing_case_is_made_as_small_as_it_can_be() {
    let mut shrunk = 0;
    for seed in 0..100 {
        let class = testing::class(seed);
        let (direction, packet) = testing::packet(&mut Random::new(seed), &class);
        let by_rule =
            |class: &PolicyClass| matches!(evaluate(class, direction, &packet).by, Decider::Rule { .. });
        if !by_rule(&class) {
            continue;
        }
        let least = testing::shrink(&class, direction, &packet, |class, _, _| by_rule(class));
        assert_eq!(least.rule_count(), 1, "seed {seed}");
        assert!(by_rule(&least), "seed {seed}");
        shrunk += 1;
    }
    assert!(shrunk > 20, "{shrunk}");
}
