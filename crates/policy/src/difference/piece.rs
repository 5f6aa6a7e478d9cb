//! Pieces: what differs, as products of sets.

use std::net::IpAddr;

use model::rule::Direction;

use super::{
    count::Count,
    protocols::Protocols,
    set::{AddressSet, PortSet},
};
use crate::{
    packet::{Family, Packet, ProtocolKind},
    text::Flow,
};

/// Which way verdicts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// What was dropped is accepted.
    Opens,
    /// What was accepted is dropped.
    Closes,
}

/// Between which addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Addresses {
    /// Any two addresses of one family, whichever.
    Every,
    /// Addresses of one family.
    Between {
        /// Where packets come from.
        sources: AddressSet,
        /// Where they go.
        destinations: AddressSet,
    },
}

/// Packets whose verdicts differ in the same way: all those with one of the protocols, from one of the sources and source
/// ports, for one of the destinations and destination ports. Protocols without ports are there with every port only.
///
/// Pieces are listed in the order of their properties, as they stand here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piece {
    direction: Direction,
    effect: Effect,
    protocols: Protocols,
    destination_ports: PortSet,
    source_ports: PortSet,
    addresses: Addresses,
}

impl Piece {
    /// A piece, in the one form that it has: protocols that its family cannot have are left out, and ICMP between any
    /// IPv4 addresses is ICMP between any addresses. None where it would be about no packet, where its addresses are of
    /// two families, or where it names ports and a protocol without them.
    pub fn new(
        (direction, effect): (Direction, Effect),
        protocols: Protocols,
        addresses: Addresses,
        (source_ports, destination_ports): (PortSet, PortSet),
    ) -> Option<Self> {
        let (protocols, addresses) = match addresses {
            Addresses::Every => (protocols, Addresses::Every),
            Addresses::Between { sources, destinations } => {
                let family = sources.family();
                let is_none = sources.is_empty() || destinations.is_empty();
                if family != destinations.family() || is_none {
                    return None;
                }
                let protocols = protocols.and(Protocols::of_family(family));
                let is_every = sources.is_every() && destinations.is_every();
                let is_icmp = protocols.and(Protocols::of_family(family.other())).is_empty();
                let between = Addresses::Between { sources, destinations };
                (protocols, if is_every && is_icmp { Addresses::Every } else { between })
            }
        };
        let names_ports = !source_ports.is_every() || !destination_ports.is_every();
        let is_none = protocols.is_empty() || source_ports.is_empty() || destination_ports.is_empty();
        let is_piece = !is_none && (!names_ports || protocols.have_ports());
        is_piece.then_some(Self { direction, effect, protocols, addresses, source_ports, destination_ports })
    }

    /// Which way its packets go, seen from the interface.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether its packets are accepted from now on, or dropped.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Its protocols.
    pub fn protocols(&self) -> Protocols {
        self.protocols
    }

    /// Where its packets come from and go.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The addresses at the other end; none where they are any of both families.
    pub fn remote(&self) -> Option<&AddressSet> {
        let Addresses::Between { sources, destinations } = &self.addresses else { return None };
        Some(if self.direction == Direction::Ingress { sources } else { destinations })
    }

    /// The addresses at the interface's own end; none where they are any of both families.
    pub fn local(&self) -> Option<&AddressSet> {
        let Addresses::Between { sources, destinations } = &self.addresses else { return None };
        Some(if self.direction == Direction::Ingress { destinations } else { sources })
    }

    /// The ports that its packets are from.
    pub fn source_ports(&self) -> &PortSet {
        &self.source_ports
    }

    /// The ports that its packets are for.
    pub fn destination_ports(&self) -> &PortSet {
        &self.destination_ports
    }

    /// Whether packets of the family can be in it.
    pub fn is_of(&self, family: Family) -> bool {
        let addresses = match &self.addresses {
            Addresses::Every => true,
            Addresses::Between { sources, .. } => sources.family() == family,
        };
        addresses && !self.protocols.and(Protocols::of_family(family)).is_empty()
    }

    /// Whether a packet that goes in its direction is in it.
    pub fn contains(&self, packet: &Packet) -> bool {
        let kind = ProtocolKind::of(packet);
        self.protocols.contains(kind)
            && self.is_between(packet.source(), packet.destination())
            && (!kind.has_ports()
                || self.source_ports.contains(packet.source_port())
                    && self.destination_ports.contains(packet.destination_port()))
    }

    fn is_between(&self, source: IpAddr, destination: IpAddr) -> bool {
        match &self.addresses {
            Addresses::Every => true,
            Addresses::Between { sources, destinations } => {
                sources.contains(source) && destinations.contains(destination)
            }
        }
    }

    /// Whether the packet that begins a flow is in it.
    pub fn contains_flow(&self, flow: &Flow) -> bool {
        flow.direction == self.direction && self.contains(&flow.first)
    }

    /// How many packets are in it.
    pub fn count(&self) -> Count {
        let ports = self.source_ports.count().times(self.destination_ports.count());
        let of_family = |sources: &AddressSet, destinations: &AddressSet| {
            let protocols = self.protocols.and(Protocols::of_family(sources.family()));
            sources.count().times(destinations.count()).times(protocols.count(ports))
        };
        match &self.addresses {
            Addresses::Between { sources, destinations } => of_family(sources, destinations),
            Addresses::Every => {
                let every = Family::ALL.map(AddressSet::every);
                every.iter().map(|every| of_family(every, every)).sum()
            }
        }
    }
}
