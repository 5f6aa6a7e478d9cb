//! Random pairs, ten thousand of them.

use policy::{
    difference::{AddressSet, Difference, Effect, Piece},
    testing::{self, Random},
};
use proptest::prelude::*;

use crate::check::{BOUNDS, PACKETS, agree, is_minimal};

/// One of the 10,000 pairs.
fn is_exact_and_minimal(seed: u64) {
    let (before, after) = testing::pair(seed);
    let difference = Difference::between(&before, &after, BOUNDS);
    assert!(difference.is_whole() && difference.left_out() == 0);
    is_minimal(&difference);
    let mut random = Random::new(seed);
    for _ in 0..PACKETS {
        let edges_of = if random.percent(50) { &before } else { &after };
        let (direction, packet) = testing::packet(&mut random, edges_of);
        agree((&before, &after), &difference, direction, &packet);
    }
    let pieces: Vec<&Piece> = difference.pieces().iter().collect();
    for _ in 0..PACKETS.min(pieces.len() * PACKETS) {
        let piece = random.one_of(&pieces);
        let packet = testing::packet_near(&mut random, piece);
        agree((&before, &after), &difference, piece.direction(), &packet);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn the_difference_is_exact_and_minimal(seed in any::<u64>()) {
        is_exact_and_minimal(seed);
    }

    /// The other half of the 10,000, at the same time.
    #[test]
    fn the_difference_is_exact_and_minimal_in_as_many_other_cases(seed in any::<u64>()) {
        is_exact_and_minimal(seed);
    }
}

/// The pairs are such as to show something.
#[test]
fn random_pairs_differ_in_many_ways() {
    let (mut none, mut opens, mut closes, mut many, mut ends) = (0, 0, 0, 0, 0);
    for seed in 0..500 {
        let (before, after) = testing::pair(seed);
        let difference = Difference::between(&before, &after, BOUNDS);
        let has = |effect| difference.pieces().iter().any(|piece| piece.effect() == effect);
        none += usize::from(difference.is_empty());
        opens += usize::from(has(Effect::Opens));
        closes += usize::from(has(Effect::Closes));
        many += usize::from(difference.pieces().len() > 4);
        let names_both = |piece: &Piece| {
            let is_named = |set: Option<&AddressSet>| set.is_some_and(|set| !set.is_every());
            is_named(piece.local()) && is_named(piece.remote())
        };
        ends += usize::from(difference.pieces().iter().any(names_both));
    }
    assert!(
        [none, opens, closes, many, ends].iter().all(|cases| *cases > 25),
        "{none} {opens} {closes} {many} {ends}"
    );
}
