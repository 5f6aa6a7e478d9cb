//! What rules are about, as boxes, and the rules of two policies as one list.
//!
//! The box of a rule is, for one family and direction, a set of protocols and a range in each of four dimensions. What has
//! no box is about no packet of the family.

use model::{
    address::Prefix,
    rule::{Direction, Policy, PortRange, Rule},
};

use super::{
    count::Count,
    protocols::Protocols,
    set::{EVERY_PORT, Range, every_address, range_of},
};
use crate::{class::PolicyClass, evaluate::ends, order::PlacedRule, packet::Family};

/// The dimensions beside the protocol, in the order in which policies are taken apart: first the port that a packet is
/// for, which says most about what it is for; last the other end's address, of which rules name the most.
pub(super) const DIMENSIONS: usize = 4;
/// The port that a packet is for.
pub(super) const DESTINATION_PORT: usize = 0;
/// The port that it is from.
pub(super) const SOURCE_PORT: usize = 1;
/// The interface's own address.
pub(super) const LOCAL: usize = 2;
/// The other end's.
pub(super) const REMOTE: usize = 3;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Extent {
    pub(super) protocols: Protocols,
    pub(super) ranges: [Range; DIMENSIONS],
}

impl Extent {
    /// What a rule is about among the packets of a family that go in its direction.
    pub(super) fn of(rule: &Rule, family: Family) -> Option<Self> {
        let (source, destination) = ends(rule, family)?;
        let mut protocols = Protocols::named(rule.protocol).and(Protocols::of_family(family));
        let (for_ports, from_ports) = (ports(rule.ports)?, ports(rule.source_ports)?);
        if (for_ports, from_ports) != (EVERY_PORT, EVERY_PORT) {
            protocols = protocols.and(Protocols::with_ports());
        }
        if protocols.is_empty() {
            return None;
        }
        let (local, remote) = match rule.direction {
            Direction::Ingress => (destination, source),
            Direction::Egress => (source, destination),
        };
        let ranges = [for_ports, from_ports, addresses(local, family), addresses(remote, family)];
        Some(Self { protocols, ranges })
    }

    /// How many packets are in it.
    fn count(&self) -> Count {
        let of = |dimension: usize| Count::of_range(self.ranges[dimension].0, self.ranges[dimension].1);
        let ports = of(SOURCE_PORT).times(of(DESTINATION_PORT));
        of(LOCAL).times(of(REMOTE)).times(self.protocols.count(ports))
    }
}

/// How many packets a rule is about.
pub(crate) fn packet_count(rule: &Rule) -> Count {
    let extents = Family::ALL.into_iter().filter_map(|family| Extent::of(rule, family));
    extents.map(|extent| extent.count()).sum()
}

fn ports(named: PortRange) -> Option<Range> {
    match named {
        PortRange::None | PortRange::EVERY => Some(EVERY_PORT),
        PortRange::Ports { low, high } => (low <= high).then_some((low.into(), high.into())),
    }
}

fn addresses(named: Option<&Prefix>, family: Family) -> Range {
    named.map_or_else(|| every_address(family), |prefix| range_of(prefix.net()))
}

/// A rule of two policies: what it does in the one and in the other, nothing where it is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) before: Option<Policy>,
    pub(super) after: Option<Policy>,
    pub(super) extent: Extent,
}

impl Entry {
    /// Whether it is another thing to the one policy than to the other.
    pub(super) fn differs(&self) -> bool {
        self.before != self.after
    }
}

/// The rules of two classes that are about packets of a family and go in a direction, in an order that is deciding order
/// in both. Rules that say the same are one.
pub(super) fn entries(
    before: &PolicyClass,
    after: &PolicyClass,
    direction: Direction,
    family: Family,
) -> Vec<Entry> {
    let mut entries: Vec<((u8, bool), Entry)> = Vec::new();
    let mut add = |rules: &[Rule], (is_before, is_after): (bool, bool)| {
        for rule in rules.iter().filter(|rule| rule.direction == direction) {
            if let Some(extent) = Extent::of(rule, family) {
                let policy = |is_in: bool| is_in.then_some(rule.policy);
                let entry = Entry { before: policy(is_before), after: policy(is_after), extent };
                entries.push((PlacedRule::rank(rule), entry));
            }
        }
    };
    for group in before.groups() {
        add(&group.rules, (true, after.group(group.id) == Some(group)));
    }
    for group in after.groups().iter().filter(|group| before.group(group.id) != Some(group)) {
        add(&group.rules, (false, true));
    }
    entries.sort_unstable_by_key(|(rank, entry)| (*rank, entry.extent));
    entries.dedup_by(|(rank, entry), (kept_rank, kept)| {
        let same = rank == kept_rank && entry.extent == kept.extent;
        if same {
            kept.before = kept.before.or(entry.before);
            kept.after = kept.after.or(entry.after);
        }
        same
    });
    entries.into_iter().map(|(_, entry)| entry).collect()
}
