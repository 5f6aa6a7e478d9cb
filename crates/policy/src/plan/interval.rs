//! Tables of intervals: where each rule begins and ceases to be about a key.

use std::ops::RangeInclusive;

use ipnet::IpNet;
use model::{
    address::Prefix,
    rule::{PortRange, Rule},
};

use super::{Entry, Side, key_of, rows::Interner};

/// The keys of all IPv4 addresses.
const IPV4: RangeInclusive<u128> = 0xffff_0000_0000..=0xffff_ffff_ffff;
/// The keys of the IPv6 addresses before them.
const IPV6_BEFORE: RangeInclusive<u128> = 0..=*IPV4.start() - 1;
/// The keys of the IPv6 addresses after them.
const IPV6_AFTER: RangeInclusive<u128> = *IPV4.end() + 1..=u128::MAX;

/// Makes tables, one after the other, in the same memory.
#[derive(Default)]
pub(super) struct Intervals {
    addresses: Vec<(u128, usize)>,
    ports: Vec<(u16, usize)>,
}

impl Intervals {
    /// The table of the addresses at one side.
    pub(super) fn addresses<'a>(
        &mut self,
        rules: impl Iterator<Item = &'a Rule>,
        interner: &mut Interner,
        side: Side,
    ) -> Box<[Entry<u128>]> {
        self.addresses.clear();
        for (place, rule) in rules.enumerate() {
            each_address_range(rule, side, |range| {
                self.addresses.push((*range.start(), place));
                self.addresses.extend(range.end().checked_add(1).map(|end| (end, place)));
            });
        }
        table(&mut self.addresses, 0, interner)
    }

    /// The table of the ports at one side.
    pub(super) fn ports<'a>(
        &mut self,
        rules: impl Iterator<Item = &'a Rule>,
        interner: &mut Interner,
        side: Side,
    ) -> Box<[Entry<u16>]> {
        self.ports.clear();
        for (place, rule) in rules.enumerate() {
            let range = match side {
                Side::Source => rule.source_ports,
                Side::Destination => rule.ports,
            };
            match range {
                PortRange::None | PortRange::EVERY => self.ports.push((0, place)),
                PortRange::Ports { low, high } if low <= high => {
                    self.ports.push((low, place));
                    self.ports.extend(high.checked_add(1).map(|end| (end, place)));
                }
                PortRange::Ports { .. } => {}
            }
        }
        table(&mut self.ports, 0, interner)
    }
}

/// The table in which the rule at `place` is switched on and off at these keys. Where one rule's interval ends and
/// another one of its own begins, it is switched twice and so not at all.
fn table<K: Ord + Copy>(switches: &mut [(K, usize)], lowest: K, interner: &mut Interner) -> Box<[Entry<K>]> {
    if interner.is_empty() {
        return [].into();
    }
    switches.sort_unstable_by_key(|(key, _)| *key);
    let mut draft = interner.draft();
    let mut entries: Vec<Entry<K>> = Vec::with_capacity(switches.len() + 1);
    if switches.first().is_none_or(|(key, _)| *key > lowest) {
        entries.push(Entry { first: lowest, row: interner.intern(&draft) });
    }
    for same_key in switches.chunk_by(|a, b| a.0 == b.0) {
        same_key.iter().for_each(|(_, place)| draft.toggle(*place));
        let row = interner.intern(&draft);
        if entries.last().is_none_or(|last| last.row != row) {
            entries.push(Entry { first: same_key[0].0, row });
        }
    }
    entries.into()
}

/// The ranges of addresses that a rule is about at one side. A rule that names a prefix of one family at either side
/// is about that family; one that names none is about both.
fn each_address_range(rule: &Rule, side: Side, mut each: impl FnMut(RangeInclusive<u128>)) {
    let ipv4 = rule.source.is_some() || rule.destination.is_some();
    let ipv6 = rule.ipv6_source.is_some() || rule.ipv6_destination.is_some();
    if !ipv4 && !ipv6 {
        return each(0..=u128::MAX);
    }
    let (prefix, prefix6) = match side {
        Side::Source => (&rule.source, &rule.ipv6_source),
        Side::Destination => (&rule.destination, &rule.ipv6_destination),
    };
    if ipv4 {
        each_common(range_of(prefix.as_ref(), IPV4), IPV4, &mut each);
    }
    if ipv6 {
        let range = range_of(prefix6.as_ref(), 0..=u128::MAX);
        each_common(range.clone(), IPV6_BEFORE, &mut each);
        each_common(range, IPV6_AFTER, &mut each);
    }
}

fn each_common(
    one: RangeInclusive<u128>,
    other: RangeInclusive<u128>,
    each: &mut impl FnMut(RangeInclusive<u128>),
) {
    let common = *one.start().max(other.start())..=*one.end().min(other.end());
    if !common.is_empty() {
        each(common);
    }
}

fn range_of(prefix: Option<&Prefix>, every: RangeInclusive<u128>) -> RangeInclusive<u128> {
    let Some(prefix) = prefix else { return every };
    let (first, last) = match prefix.net() {
        IpNet::V4(net) => (net.network().into(), net.broadcast().into()),
        IpNet::V6(net) => (net.network().into(), net.broadcast().into()),
    };
    key_of(first)..=key_of(last)
}
