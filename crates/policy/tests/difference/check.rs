//! What is checked of a difference, by the evaluator and by the definition of what is minimal.

use model::{
    SecurityGroupId,
    rule::{Direction, Policy, Rule},
};
use policy::{
    Family, Group, Packet, PolicyClass, ProtocolKind,
    difference::{AddressSet, Addresses, Bounds, Difference, Effect, Piece, PortSet, Protocols},
    evaluate, testing,
    text::Flow,
};

pub const BOUNDS: Bounds = Bounds { pieces_max: usize::MAX, work_max: usize::MAX };
/// The packets of a pair: a part of them at the edges of rules, as many at the edges of pieces.
pub const PACKETS: usize = 25;

pub fn group(number: u128, rules: impl IntoIterator<Item = Rule>) -> Group {
    Group { id: SecurityGroupId::from_entropy(number), rules: rules.into_iter().collect() }
}

/// What happens to the verdict of a packet.
pub fn effect(
    before: &PolicyClass,
    after: &PolicyClass,
    direction: Direction,
    packet: &Packet,
) -> Option<Effect> {
    let verdict = |class| evaluate(class, direction, packet).policy;
    match (verdict(before), verdict(after)) {
        (Policy::Drop, Policy::Accept) => Some(Effect::Opens),
        (Policy::Accept, Policy::Drop) => Some(Effect::Closes),
        _ => None,
    }
}

/// The effects of the pieces that a packet is in.
pub fn effects(difference: &Difference, direction: Direction, first: &Packet) -> Vec<Effect> {
    let flow = Flow { direction, first: *first };
    let own = difference.pieces().iter().filter(|piece| piece.contains_flow(&flow));
    own.map(Piece::effect).collect()
}

pub fn is_wrong(before: &PolicyClass, after: &PolicyClass, direction: Direction, packet: &Packet) -> bool {
    let difference = Difference::between(before, after, BOUNDS);
    let meant: Vec<Effect> = effect(before, after, direction, packet).into_iter().collect();
    effects(&difference, direction, packet) != meant
}

/// That the packet is in exactly one piece, with its effect, or in none where nothing happens to it.
pub fn agree(
    pair: (&PolicyClass, &PolicyClass),
    difference: &Difference,
    direction: Direction,
    packet: &Packet,
) {
    let meant: Vec<Effect> = effect(pair.0, pair.1, direction, packet).into_iter().collect();
    if effects(difference, direction, packet) != meant {
        let fails = |before: &_, after: &_| is_wrong(before, after, direction, packet);
        let (before, after) = testing::shrink_pair(pair, direction, packet, fails);
        let pieces = Difference::between(&before, &after, BOUNDS);
        panic!("{direction:?} {packet} is {meant:?}\n{before:#?}\n{after:#?}\n{pieces:#?}");
    }
}

/// What a piece is about in one family.
pub type View = (Protocols, AddressSet, AddressSet, PortSet, PortSet);

pub fn view(piece: &Piece, family: Family) -> Option<View> {
    let every = AddressSet::every(family);
    let (sources, destinations) = match piece.addresses() {
        Addresses::Every => (every.clone(), every),
        Addresses::Between { sources, destinations } => (sources.clone(), destinations.clone()),
    };
    let protocols = piece.protocols().and(Protocols::of_family(family));
    let view =
        (protocols, sources, destinations, piece.source_ports().clone(), piece.destination_ports().clone());
    piece.is_of(family).then_some(view)
}

pub fn common_addresses(a: &AddressSet, b: &AddressSet) -> bool {
    a.without(b) != *a
}

pub fn common_ports(a: &PortSet, b: &PortSet) -> bool {
    a.ranges().any(|a| b.ranges().any(|b| a.start() <= b.end() && b.start() <= a.end()))
}

pub fn overlap(a: &Piece, b: &Piece) -> bool {
    let common = |family| {
        let (Some(a), Some(b)) = (view(a, family), view(b, family)) else { return false };
        let protocols = a.0.and(b.0);
        let ports = !protocols.have_ports() || common_ports(&a.3, &b.3) && common_ports(&a.4, &b.4);
        !protocols.is_empty() && common_addresses(&a.1, &b.1) && common_addresses(&a.2, &b.2) && ports
    };
    a.direction() == b.direction() && Family::ALL.into_iter().any(common)
}

/// What two are about together, if that is a product.
pub fn union(a: Option<View>, b: Option<View>) -> Result<Option<View>, ()> {
    let (Some(a), Some(b)) = (a.clone(), b.clone()) else { return Ok(a.or(b)) };
    let same = [a.0 == b.0, a.1 == b.1, a.2 == b.2, a.3 == b.3, a.4 == b.4];
    if same.iter().filter(|same| !**same).count() != 1 {
        return Err(());
    }
    let addresses =
        |a: &AddressSet, b: &AddressSet| AddressSet::new(a.family(), a.prefixes().chain(b.prefixes()));
    let ports = |a: &PortSet, b: &PortSet| PortSet::new(a.ranges().chain(b.ranges()));
    let union =
        (a.0.or(b.0), addresses(&a.1, &b.1), addresses(&a.2, &b.2), ports(&a.3, &b.3), ports(&a.4, &b.4));
    Ok(Some(union))
}

/// Whether there is a piece that is about the packets of both and no others.
pub fn can_be_merged(a: &Piece, b: &Piece) -> bool {
    if (a.direction(), a.effect()) != (b.direction(), b.effect()) {
        return false;
    }
    let [ipv4, ipv6] = Family::ALL.map(|family| union(view(a, family), view(b, family)));
    let (Ok(ipv4), Ok(ipv6)) = (ipv4, ipv6) else { return false };
    let (Some(ipv4), Some(ipv6)) = (ipv4, ipv6) else { return true };
    let icmp = Protocols::one(ProtocolKind::Icmp).or(Protocols::one(ProtocolKind::Icmpv6));
    let is_every = |view: &View| view.1.is_every() && view.2.is_every();
    let rest = |view: &View| (view.0.without(icmp), view.3.clone(), view.4.clone());
    is_every(&ipv4) && is_every(&ipv6) && rest(&ipv4) == rest(&ipv6)
}

pub fn is_minimal(difference: &Difference) {
    for (place, a) in difference.pieces().iter().enumerate() {
        for b in &difference.pieces()[..place] {
            assert!(!overlap(a, b), "these overlap:\n{a}\n{b}");
            assert!(!can_be_merged(a, b), "these can be merged:\n{a}\n{b}");
        }
    }
}
