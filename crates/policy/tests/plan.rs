//! The compiled plan, and the words that the kernel reads, decide what the evaluator does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use model::rule::Direction;
use policy::{
    Packet, Plan, PolicyClass, evaluate,
    image::{self, PLAN_WORDS_MAX, TABLE_ENTRIES_MAX, Verdict},
    testing::{self, Random},
};
use proptest::prelude::*;

const PACKETS: usize = 100;

/// Whether plan and image decide otherwise than the evaluator.
fn differs(class: &PolicyClass, direction: Direction, packet: &Packet) -> bool {
    let plan = Plan::compile(class);
    differs_in(class, &plan, &plan.image(1, 2), direction, packet)
}

fn differs_in(
    class: &PolicyClass,
    plan: &Plan,
    words: &[u64],
    direction: Direction,
    packet: &Packet,
) -> bool {
    let meant = evaluate(class, direction, packet);
    let Some(Verdict { policy, place }) = image::decide(words, direction, packet) else { return true };
    let read = plan.direction(direction).decision(place);
    plan.decide(direction, packet) != meant || read != meant || policy != meant.policy
}

fn agree(class: &PolicyClass, random: &mut Random, seed: u64) {
    let plan = Plan::compile(class);
    let words = plan.image(7, 9);
    for _ in 0..PACKETS {
        let (direction, packet) = testing::packet(random, class);
        if differs_in(class, &plan, &words, direction, &packet) {
            let least = testing::shrink(class, direction, &packet, differs);
            let plan = Plan::compile(&least);
            panic!("seed {seed}: {direction:?} {packet:?}\n{least:#?}\n{plan}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plan_and_image_decide_as_the_evaluator_does(seed in any::<u64>()) {
        let class = testing::class(seed);
        agree(&class, &mut Random::new(!seed), seed);
    }

    #[test]
    fn an_image_is_found_good_and_says_what_it_was_made_for(seed in any::<u64>()) {
        let plan = Plan::compile(&testing::class(seed));
        let words = plan.image(seed, seed >> 24);
        prop_assert_eq!(words.len(), plan.image_words());
        prop_assert!(words.len() <= PLAN_WORDS_MAX);
        let summary = image::check(&words).unwrap();
        prop_assert_eq!((summary.generation, summary.stamp), (seed, seed >> 24));
        prop_assert_eq!(summary.words, words.len());
        prop_assert_eq!(summary.ingress.rules, plan.direction(Direction::Ingress).rules.len());
        prop_assert_eq!(summary.egress.rules, plan.direction(Direction::Egress).rules.len());
        for direction in [Direction::Ingress, Direction::Egress] {
            let plan = plan.direction(direction);
            prop_assert!(plan.remote.len().max(plan.local.len()) <= TABLE_ENTRIES_MAX);
        }
    }

    #[test]
    fn whatever_words_are_changed_is_noticed_or_changes_no_decision(seed in any::<u64>(), flips in 1..4usize) {
        let class = testing::class(seed);
        let mut random = Random::new(seed);
        let plan = Plan::compile(&class);
        let good = plan.image(1, 2);
        let mut words = good.clone();
        for _ in 0..flips {
            let word = random.below(words.len());
            words[word] ^= 1 << random.below(64);
        }
        let counters = usize::try_from(good[image::COUNTERS]).unwrap();
        if let Ok(_summary) = image::check(&words) {
            // Generation, stamp, unused words before the digest, and the counters may be anything.
            prop_assert_eq!(&words[8..counters], &good[8..counters]);
        }
        // And even words that hold a right digest never lead outside.
        words[image::DIGEST] = image::digest(&words, counters);
        if image::check(&words).is_ok() {
            for _ in 0..20 {
                let (direction, packet) = testing::packet(&mut random, &class);
                prop_assert!(image::decide(&words, direction, &packet).is_some());
            }
        }
    }
}

#[test]
fn counters_are_no_part_of_the_digest() {
    let plan = Plan::compile(&testing::class(3));
    let mut words = plan.image(1, 2);
    let counters = usize::try_from(words[image::COUNTERS]).unwrap();
    words[counters..].fill(u64::MAX);
    assert!(image::check(&words).is_ok());
}

#[test]
fn generation_and_stamp_are_no_part_of_the_digest() {
    let plan = Plan::compile(&testing::class(3));
    assert_eq!(plan.image(1, 2)[image::DIGEST], plan.digest());
    assert_ne!(Plan::compile(&testing::class(4)).digest(), plan.digest());
}

#[test]
fn a_plan_may_be_followed_by_other_words_but_not_be_cut() {
    let plan = Plan::compile(&testing::class(5));
    let mut words = plan.image(1, 2);
    words.push(0);
    assert!(image::check(&words).is_ok());
    for length in 0..words.len() - 1 {
        assert!(image::check(&words[..length]).is_err(), "{length}");
    }
}
