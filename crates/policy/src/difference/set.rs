//! Sets of addresses and of ports, as ranges.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::count::Count;
use crate::packet::Family;

/// From the first to the last number, both included.
pub(super) type Range = (u128, u128);

/// A set of numbers, as its maximal ranges in ascending order: a set has one form.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ranges(Arc<[Range]>);

impl Ranges {
    /// The set of what is in any of the ranges.
    pub(super) fn new(mut ranges: Vec<Range>) -> Self {
        ranges.retain(|(first, last)| first <= last);
        ranges.sort_unstable();
        let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(before) if before.1.checked_add(1).is_none_or(|next| first <= next) => {
                    before.1 = before.1.max(last);
                }
                _ => joined.push((first, last)),
            }
        }
        Self(joined.into())
    }

    pub(super) fn as_slice(&self) -> &[Range] {
        &self.0
    }

    pub(super) fn contains(&self, number: u128) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).is_some_and(|place| number <= self.0[place].1)
    }

    pub(super) fn count(&self) -> Count {
        self.0.iter().map(|(first, last)| Count::of_range(*first, *last)).sum()
    }

    /// What is in this set and in the range.
    pub(super) fn within(&self, (first, last): Range) -> Self {
        let common = self.0.iter().map(|range| (range.0.max(first), range.1.min(last)));
        Self(common.filter(|(first, last)| first <= last).collect())
    }

    /// Whether a number of the range is in this set.
    pub(super) fn meets(&self, (first, last): Range) -> bool {
        let before = self.0.partition_point(|range| range.1 < first);
        self.0.get(before).is_some_and(|range| range.0 <= last)
    }

    /// What of the range is not in this set.
    fn missing_in(&self, (first, last): Range) -> Vec<Range> {
        let mut missing = Vec::new();
        let mut next = Some(first);
        for range in self.within((first, last)).0.iter() {
            if let (Some(begin), Some(before)) = (next, range.0.checked_sub(1)) {
                missing.push((begin, before));
            }
            next = range.1.checked_add(1);
        }
        missing.extend(next.map(|begin| (begin, last)));
        missing.retain(|(first, last)| first <= last);
        missing
    }
}

/// The range of all ports, 0 included.
pub(super) const EVERY_PORT: Range = (0, u16::MAX as u128);

/// A set of ports, 0 to 65535.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSet(pub(super) Ranges);

impl PortSet {
    /// Every port, 0 included.
    pub fn every() -> Self {
        Self(Ranges::new(vec![EVERY_PORT]))
    }

    /// The set of the ports in any of the ranges.
    pub fn new(ranges: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        let ranges = ranges.into_iter().map(|range| ((*range.start()).into(), (*range.end()).into()));
        Self(Ranges::new(ranges.collect()))
    }

    /// The fewest ranges that are the set, ascending.
    #[allow(clippy::cast_possible_truncation, reason = "the set was made of ports")]
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u16>> {
        self.0.as_slice().iter().map(|(first, last)| *first as u16..=*last as u16)
    }

    /// Whether it is every port.
    pub fn is_every(&self) -> bool {
        self.0.as_slice() == [EVERY_PORT]
    }

    /// Whether no port is in it.
    pub fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    /// Whether the port is in it.
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(port.into())
    }

    /// How many ports are in it.
    pub fn count(&self) -> Count {
        self.0.count()
    }
}

/// A set of addresses of one family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressSet {
    pub(super) family: Family,
    pub(super) ranges: Ranges,
}

impl AddressSet {
    /// Every address of the family.
    pub fn every(family: Family) -> Self {
        Self { family, ranges: Ranges::new(vec![every_address(family)]) }
    }

    /// The set of the addresses of this family that are in any of the prefixes.
    pub fn new(family: Family, prefixes: impl IntoIterator<Item = IpNet>) -> Self {
        let own = prefixes.into_iter().filter(|prefix| Family::of(prefix.network()) == family);
        Self { family, ranges: Ranges::new(own.map(range_of).collect()) }
    }

    /// What of this set is in none of the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let own = self.ranges.as_slice().iter();
        let ranges = if self.family == other.family {
            own.flat_map(|range| other.ranges.missing_in(*range)).collect()
        } else {
            own.copied().collect()
        };
        Self { family: self.family, ranges: Ranges::new(ranges) }
    }

    /// What is in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The fewest prefixes that are the set, ascending.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> {
        let family = self.family;
        self.ranges.as_slice().iter().flat_map(move |range| prefixes_of(family, *range))
    }

    /// The smallest prefix that the whole set is in, and what of that is not in the set, as the fewest prefixes: how sets
    /// with gaps are told in few words. None for the empty set.
    pub fn with_exceptions(&self) -> Option<(IpNet, Self)> {
        let (first, last) = (self.ranges.as_slice().first()?.0, self.ranges.as_slice().last()?.1);
        // At most 128, the bits of an address.
        let free = u8::try_from(128 - (first ^ last).leading_zeros()).unwrap_or(u8::MAX);
        let hull = prefix_at(self.family, first, free)?;
        let missing = Ranges::new(self.ranges.missing_in(range_of(hull)));
        Some((hull, Self { family: self.family, ranges: missing }))
    }

    /// Whether it is every address of the family.
    pub fn is_every(&self) -> bool {
        self.ranges.as_slice() == [every_address(self.family)]
    }

    /// Whether no address is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.as_slice().is_empty()
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        Family::of(address) == self.family && self.ranges.contains(bits(address))
    }

    /// How many addresses are in it.
    pub fn count(&self) -> Count {
        self.ranges.count()
    }
}

/// An address as a number.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The range of all addresses of a family.
pub(super) fn every_address(family: Family) -> Range {
    (0, u128::MAX >> (128 - family.bits()))
}

/// The range of the addresses in a prefix.
pub(super) fn range_of(prefix: IpNet) -> Range {
    (bits(prefix.network()), bits(prefix.broadcast()))
}

/// The fewest prefixes that make a range.
fn prefixes_of(family: Family, (first, last): Range) -> impl Iterator<Item = IpNet> {
    let mut next = Some(first);
    std::iter::from_fn(move || {
        let first = next.filter(|first| *first <= last)?;
        // As many free bits as the first address has zeros at its end, and as fit before the last.
        let room = last - first;
        let fits = room.checked_add(1).map_or(128, u128::ilog2);
        let free = first.trailing_zeros().min(fits).min(family.bits().into());
        let prefix = prefix_at(family, first, u8::try_from(free).ok()?)?;
        next = range_of(prefix).1.checked_add(1);
        Some(prefix)
    })
}

/// The prefix that an address is in and whose last bits are free.
fn prefix_at(family: Family, address: u128, free: u8) -> Option<IpNet> {
    let length = family.bits().checked_sub(free)?;
    Some(match family {
        Family::Ipv4 => {
            let address = Ipv4Addr::from_bits(u32::try_from(address).ok()?);
            IpNet::V4(Ipv4Net::new(address, length).ok()?.trunc())
        }
        Family::Ipv6 => IpNet::V6(Ipv6Net::new(Ipv6Addr::from_bits(address), length).ok()?.trunc()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(prefixes: &[&str]) -> AddressSet {
        let prefixes: Vec<IpNet> = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
        AddressSet::new(Family::of(prefixes[0].network()), prefixes)
    }

    fn texts(set: &AddressSet) -> Vec<String> {
        set.prefixes().map(|prefix| prefix.to_string()).collect()
    }

    #[test]
    fn ranges_that_touch_are_one() {
        let ports = PortSet::new([80..=80, 1..=79, 90..=95, 92..=100, 65_535..=65_535]);
        assert_eq!(ports.ranges().collect::<Vec<_>>(), [1..=80, 90..=100, 65_535..=65_535]);
        assert!(ports.contains(80) && !ports.contains(81) && !ports.contains(0));
        assert_eq!(ports.count(), Count::from(92));
        assert!(PortSet::every().contains(0) && PortSet::every().is_every() && PortSet::new([]).is_empty());
    }

    #[test]
    fn a_set_is_the_fewest_prefixes() {
        assert_eq!(texts(&set(&["10.0.0.0/25", "10.0.0.128/25", "10.0.1.0/24"])), ["10.0.0.0/23"]);
        assert_eq!(texts(&set(&["0.0.0.0/1", "128.0.0.0/1"])), ["0.0.0.0/0"]);
        assert_eq!(texts(&set(&["::/1", "8000::/1"])), ["::/0"]);
        assert_eq!(texts(&set(&["10.0.0.1/32", "10.0.0.2/31"])), ["10.0.0.1/32", "10.0.0.2/31"]);
        assert_eq!(texts(&set(&["ffff::/16", "fffe::/16"])), ["fffe::/15"]);
        assert!(AddressSet::every(Family::Ipv6).is_every() && !set(&["::/1"]).is_every());
    }

    #[test]
    fn a_set_with_a_gap_is_a_prefix_with_an_exception() {
        let all = AddressSet::every(Family::Ipv4);
        let rest = all.without(&set(&["10.0.0.0/8"]));
        assert_eq!(rest.prefixes().count(), 8);
        let (hull, exceptions) = rest.with_exceptions().unwrap();
        assert_eq!(
            (hull.to_string(), texts(&exceptions)),
            ("0.0.0.0/0".to_owned(), vec!["10.0.0.0/8".to_owned()])
        );
        let (hull, exceptions) = set(&["2001:db8::1/128"]).with_exceptions().unwrap();
        assert!(hull.to_string() == "2001:db8::1/128" && exceptions.is_empty());
        assert!(all.without(&all).with_exceptions().is_none());
        assert_eq!(all.without(&AddressSet::every(Family::Ipv6)), all);
    }
}
