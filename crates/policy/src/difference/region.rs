//! The packets that a difference is asked for.

use std::ops::RangeInclusive;

use ipnet::IpNet;
use model::rule::Direction;

use super::{
    extent::{DESTINATION_PORT, DIMENSIONS, Extent, LOCAL, REMOTE, SOURCE_PORT},
    protocols::Protocols,
    set::{AddressSet, EVERY_PORT, PortSet, Ranges},
};
use crate::packet::Family;

/// Which packets a difference is asked for: all of them, or those of a direction or with some protocols, ports or addresses. Where it names
/// ports, packets of protocols without ports are not in it.
#[derive(Debug, Clone)]
pub struct Region {
    direction: Option<Direction>,
    protocols: Protocols,
    destination_ports: PortSet,
    /// In the order of [`Family::ALL`].
    local: [AddressSet; 2],
    remote: [AddressSet; 2],
}

impl Region {
    /// All packets.
    pub fn every() -> Self {
        let every = || Family::ALL.map(AddressSet::every);
        let destination_ports = PortSet::every();
        let protocols = Protocols::EVERY;
        Self { direction: None, protocols, destination_ports, local: every(), remote: every() }
    }

    /// Those of them that go in a direction.
    #[must_use]
    pub fn of_direction(self, direction: Direction) -> Self {
        Self { direction: Some(direction), ..self }
    }

    /// Those of them with these protocols.
    #[must_use]
    pub fn of_protocols(self, protocols: Protocols) -> Self {
        Self { protocols: self.protocols.and(protocols), ..self }
    }

    /// Those of them that are for these ports.
    #[must_use]
    pub fn for_ports(self, ports: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        Self { destination_ports: PortSet::new(ports), ..self }
    }

    /// Those whose address at the interface's own end is in one of the prefixes: of a family of which there is none, no
    /// packet. Packets with another address do not pass the interface, whatever rules say.
    #[must_use]
    pub fn of_local(self, prefixes: &[IpNet]) -> Self {
        Self { local: Family::ALL.map(|family| AddressSet::new(family, prefixes.iter().copied())), ..self }
    }

    /// Those whose address at the other end is in one of the prefixes.
    #[must_use]
    pub fn of_remote(self, prefixes: &[IpNet]) -> Self {
        Self { remote: Family::ALL.map(|family| AddressSet::new(family, prefixes.iter().copied())), ..self }
    }

    /// The directions of its packets.
    pub(super) fn directions(&self) -> impl Iterator<Item = Direction> {
        let both = [Direction::Ingress, Direction::Egress].into_iter();
        both.filter(|direction| self.direction.is_none_or(|one| one == *direction))
    }

    /// What of it is of a family.
    pub(super) fn space(&self, family: Family) -> Space {
        let place = family as usize;
        let mut dimensions: [Ranges; DIMENSIONS] = Default::default();
        dimensions[DESTINATION_PORT] = self.destination_ports.0.clone();
        dimensions[SOURCE_PORT] = PortSet::every().0;
        dimensions[LOCAL] = self.local[place].ranges.clone();
        dimensions[REMOTE] = self.remote[place].ranges.clone();
        Space { protocols: self.protocols.and(Protocols::of_family(family)), dimensions, family }
    }
}

/// The packets of one family that are looked at.
#[derive(Debug, Clone)]
pub(super) struct Space {
    pub(super) family: Family,
    pub(super) protocols: Protocols,
    pub(super) dimensions: [Ranges; DIMENSIONS],
}

impl Space {
    /// What a rule is about.
    pub(super) fn of_extent(extent: &Extent, family: Family) -> Self {
        let dimensions = extent.ranges.map(|range| Ranges::new(vec![range]));
        Self { family, protocols: extent.protocols, dimensions }
    }

    /// What of it a rule is about.
    pub(super) fn within(&self, extent: &Extent) -> Self {
        let mut space = self.clone();
        space.protocols = space.protocols.and(extent.protocols);
        for (set, range) in space.dimensions.iter_mut().zip(extent.ranges) {
            *set = set.within(range);
        }
        space
    }

    /// Whether a rule may be about packets of it.
    pub(super) fn meets(&self, extent: &Extent) -> bool {
        !self.protocols.and(extent.protocols).is_empty()
            && self.dimensions.iter().zip(extent.ranges).all(|(set, range)| set.meets(range))
    }

    /// Whether it has all ports, at both ends.
    pub(super) fn has_every_port(&self) -> bool {
        [DESTINATION_PORT, SOURCE_PORT].iter().all(|port| self.dimensions[*port].as_slice() == [EVERY_PORT])
    }

    /// Whether no packet is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.protocols.is_empty() || self.dimensions.iter().any(|set| set.as_slice().is_empty())
    }
}
