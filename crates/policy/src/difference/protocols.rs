//! Sets of protocols.

use model::rule::Protocol;

use super::count::Count;
use crate::packet::{Family, ProtocolKind};

/// A set of the protocols that rules tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocols(u8);

impl Protocols {
    /// No protocol.
    pub const NONE: Self = Self(0);
    /// Every protocol.
    pub const EVERY: Self = Self((1 << ProtocolKind::ALL.len()) - 1);

    /// The one protocol.
    pub fn one(kind: ProtocolKind) -> Self {
        Self(1 << kind as u8)
    }

    /// The protocols that a rule is about which names this.
    pub fn named(protocol: Protocol) -> Self {
        ProtocolKind::ALL.into_iter().filter(|kind| kind.is_of(protocol)).collect()
    }

    /// The protocols that packets of a family can have: ICMP is of IPv4 and ICMPv6 of IPv6.
    pub fn of_family(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::EVERY.without(Self::one(ProtocolKind::Icmpv6)),
            Family::Ipv6 => Self::EVERY.without(Self::one(ProtocolKind::Icmp)),
        }
    }

    /// The protocols that have ports.
    pub fn with_ports() -> Self {
        ProtocolKind::ALL.into_iter().filter(|kind| kind.has_ports()).collect()
    }

    /// The protocols of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = ProtocolKind> {
        ProtocolKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }

    /// Whether the protocol is in it.
    pub fn contains(self, kind: ProtocolKind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Whether all its protocols have ports.
    pub fn have_ports(self) -> bool {
        self.without(Self::with_ports()).is_empty()
    }

    /// The protocols that are in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The protocols that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The protocols that are in this one alone.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// How many packets there are between two addresses with these protocols, where those with ports have so many pairs of
    /// ports.
    pub(super) fn count(self, port_pairs: Count) -> Count {
        // Of the 256 numbers each family has four with names of their own.
        let numbers = |kind| if kind == ProtocolKind::Other { Count::from(252) } else { Count::ONE };
        self.iter().map(|kind| if kind.has_ports() { port_pairs } else { numbers(kind) }).sum()
    }
}

impl FromIterator<ProtocolKind> for Protocols {
    fn from_iter<I: IntoIterator<Item = ProtocolKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, |all, kind| all.or(Self::one(kind)))
    }
}
