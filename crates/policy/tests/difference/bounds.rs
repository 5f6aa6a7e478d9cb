//! Parts of a difference: what lies in a region, what is cut short, how much there is.

use ipnet::IpNet;
use model::{address::Prefix, rule::Direction};
use policy::{
    Packet, PolicyClass, ProtocolKind,
    difference::{Bounds, Difference, Effect, Piece, Protocols, Region},
    testing::{self, Random},
};
use proptest::prelude::*;

use crate::check::{BOUNDS, PACKETS, effect, effects, is_minimal};

fn region(random: &mut Random, class: &PolicyClass) -> (Region, impl Fn(Direction, &Packet) -> bool + use<>) {
    let of_rules = class.groups().iter().flat_map(|group| group.rules.iter());
    let prefixes = of_rules
        .flat_map(|rule| [&rule.source, &rule.ipv6_source, &rule.destination, &rule.ipv6_destination]);
    let nets: Vec<IpNet> =
        prefixes.flatten().map(Prefix::net).chain(["0.0.0.0/0".parse().unwrap()]).collect();
    let local = [random.one_of(&nets), random.one_of(&nets)];
    let (low, protocols) = (random.port() / 2, Protocols::with_ports());
    let region = Region::every().of_direction(Direction::Ingress).of_local(&local);
    let is_tcp_or_udp = random.percent(50);
    let region =
        if is_tcp_or_udp { region.of_protocols(protocols).for_ports([low..=u16::MAX]) } else { region };
    let is_in = move |direction: Direction, packet: &Packet| {
        let ports = protocols.contains(ProtocolKind::of(packet)) && packet.destination_port() >= low;
        direction == Direction::Ingress
            && local.iter().any(|net| net.contains(&packet.destination()))
            && (!is_tcp_or_udp || ports)
    };
    (region, is_in)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn of_a_region_the_difference_is_what_lies_in_it(seed in any::<u64>()) {
        let (before, after) = testing::pair(seed);
        let mut random = Random::new(seed);
        let (region, is_in) = region(&mut random, &before);
        let difference = Difference::within(&before, &after, &region, BOUNDS);
        is_minimal(&difference);
        for _ in 0..PACKETS {
            let (direction, packet) = testing::packet(&mut random, &before);
            let meant = effect(&before, &after, direction, &packet).filter(|_| is_in(direction, &packet));
            let found = effects(&difference, direction, &packet);
            prop_assert_eq!(found, meant.into_iter().collect::<Vec<_>>(), "{:?} {}", direction, packet);
        }
    }

    #[test]
    fn what_is_cut_short_says_so_and_is_exact_as_far_as_it_goes(seed in any::<u64>(), work_max in 0..400usize) {
        let (before, after) = testing::pair(seed);
        let whole = Difference::between(&before, &after, BOUNDS);
        let few = Difference::between(&before, &after, Bounds { pieces_max: 2, ..BOUNDS });
        let closes = |piece: &&Piece| piece.effect() == Effect::Closes;
        let (mut kept, opens): (Vec<_>, Vec<_>) = whole.pieces().iter().partition(closes);
        prop_assert_eq!((whole.opens_count(), whole.closes_count()), (opens.len(), kept.len()));
        prop_assert_eq!((few.opens_count(), few.closes_count()), (opens.len(), kept.len()));
        kept.extend(opens);
        kept.truncate(2);
        kept.sort_unstable();
        prop_assert_eq!(few.pieces().iter().collect::<Vec<_>>(), kept, "what closes is listed first");
        prop_assert_eq!(few.pieces().len() + few.left_out(), whole.pieces().len());
        prop_assert_eq!((few.count(), few.is_empty()), (whole.count(), whole.is_empty()));
        let cut = Difference::between(&before, &after, Bounds { work_max, ..BOUNDS });
        match cut.is_whole() {
            true => prop_assert_eq!(&cut, &whole),
            false => prop_assert!(cut.count() <= whole.count()),
        }
        is_minimal(&cut);
        let (mut random, pieces) = (Random::new(seed), cut.pieces().iter().collect::<Vec<_>>());
        for piece in pieces.iter().cycle().take(pieces.len().min(20)) {
            let packet = testing::packet_near(&mut random, piece);
            let direction = piece.direction();
            let meant = effect(&before, &after, direction, &packet);
            prop_assert!(effects(&cut, direction, &packet).iter().all(|effect| Some(*effect) == meant));
        }
    }

    #[test]
    fn the_pieces_count_what_they_hold(seed in any::<u64>()) {
        let (before, after) = testing::pair(seed);
        let (there, back) = (Difference::between(&before, &after, BOUNDS), Difference::between(&after, &before, BOUNDS));
        prop_assert_eq!(there.count(), back.count());
        prop_assert_eq!(there.pieces().len(), back.pieces().len());
        prop_assert_eq!(there.is_empty(), there.count() == Default::default());
        prop_assert!(Difference::between(&before, &before, BOUNDS).is_empty());
    }
}

/// So that what is said above of what is cut short, and of what is not, is said of something.
#[test]
fn so_little_work_is_enough_for_some_and_not_for_others() {
    let is_whole = |seed: u64| {
        let (before, after) = testing::pair(seed);
        let work_max = usize::try_from(seed * 4).unwrap();
        Difference::between(&before, &after, Bounds { work_max, ..BOUNDS }).is_whole()
    };
    let (enough, cut): (Vec<u64>, Vec<u64>) = (0..100).partition(|seed| is_whole(*seed));
    assert!(enough.len() >= 10 && cut.len() >= 10, "{} and {}", enough.len(), cut.len());
}
