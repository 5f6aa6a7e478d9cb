//! Small policies, of which every packet is tried.

use model::rule::{Direction, Rule};
use policy::{
    Family, PolicyClass,
    difference::Difference,
    testing::{self, Random},
};

use crate::check::{BOUNDS, agree, effect, group, is_minimal};

/// Not by chance: between the edges of all rules nothing changes, so these are all packets.
#[test]
fn of_small_policies_every_packet_is_in_the_piece_that_it_should_be_in() {
    let (mut packets, mut differ) = (0, 0);
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let count = 1 + random.below(2);
        let (common, before, after) = (
            testing::rules(&mut random, 1),
            testing::rules(&mut random, count),
            testing::rules(&mut random, 1),
        );
        let class =
            |rules: &[Rule]| PolicyClass::new([group(1, common.clone()), group(2, rules.to_vec())]).unwrap();
        let all: Vec<&Rule> = common.iter().chain(&before).chain(&after).collect();
        let (before, after) = (class(&before), class(&after));
        let difference = Difference::between(&before, &after, BOUNDS);
        is_minimal(&difference);
        for (family, direction) in Family::ALL
            .into_iter()
            .flat_map(|family| [(family, Direction::Ingress), (family, Direction::Egress)])
        {
            testing::every_packet(&all, family, |packet| {
                packets += 1;
                differ += usize::from(effect(&before, &after, direction, &packet).is_some());
                agree((&before, &after), &difference, direction, &packet);
            });
        }
    }
    assert!(packets > 100_000 && differ > 10_000, "{differ} of {packets}");
}
