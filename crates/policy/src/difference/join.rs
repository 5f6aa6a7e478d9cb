//! The pieces of both families, together.

use std::collections::HashMap;

use model::rule::Direction;

use super::{
    diagram::{Diagram, Work},
    extent::{DESTINATION_PORT, Entry, LOCAL, REMOTE, SOURCE_PORT},
    interner::{SetId, Sets},
    merge::{Draft, merged, ways},
    piece::{Addresses, Effect, Piece},
    protocols::Protocols,
    region::Space,
    set::{AddressSet, PortSet},
};
use crate::{
    evaluate::implicit,
    packet::{Family, ProtocolKind},
};

/// The pieces of one direction while they are made.
pub(super) struct Pieces {
    direction: Direction,
    sets: Sets,
    /// In the order of [`Family::ALL`].
    drafts: [Vec<Draft>; 2],
    is_whole: bool,
}

/// What pieces of both families must agree in to be one, where they are about any addresses: all but ICMP, which is of one
/// family anyway.
type Common = (Effect, Protocols, SetId, SetId);

impl Pieces {
    pub(super) fn new(direction: Direction) -> Self {
        Self { direction, sets: Sets::default(), drafts: Default::default(), is_whole: true }
    }

    /// Adds what differs among the packets of a space of one family.
    pub(super) fn add(&mut self, entries: &[Entry], space: &Space, work: &mut Work) {
        if space.is_empty() || !entries.iter().any(Entry::differs) {
            return;
        }
        let diagram = Diagram::new(entries, space, implicit(self.direction).policy, &mut self.sets, work);
        let (drafts, is_whole) = ways(&diagram);
        self.drafts[space.family as usize] = merged(drafts, &mut self.sets);
        self.is_whole &= is_whole;
    }

    /// Whether nothing was passed over.
    pub(super) fn are_whole(&self) -> bool {
        self.is_whole
    }

    /// The pieces.
    pub(super) fn finish(mut self) -> Vec<Piece> {
        let [ipv4, ipv6] = std::mem::take(&mut self.drafts);
        let (every4, rest4) = self.split(ipv4, Family::Ipv4);
        let (mut every6, rest6) = self.split(ipv6, Family::Ipv6);
        let mut pieces = Vec::with_capacity(rest4.len() + rest6.len() + every4.len() + every6.len());
        for (common, draft4) in every4 {
            match every6.remove(&common) {
                Some(draft6) => pieces.extend(
                    self.piece(&Draft { protocols: draft4.protocols.or(draft6.protocols), ..draft4 }, None),
                ),
                None => pieces.extend(self.piece(&draft4, Some(Family::Ipv4))),
            }
        }
        pieces.extend(every6.values().filter_map(|draft| self.piece(draft, Some(Family::Ipv6))));
        pieces.extend(rest4.iter().filter_map(|draft| self.piece(draft, Some(Family::Ipv4))));
        pieces.extend(rest6.iter().filter_map(|draft| self.piece(draft, Some(Family::Ipv6))));
        pieces
    }

    /// The drafts that are about any addresses of the family, by what they have in common with the other's, and the rest.
    fn split(&self, drafts: Vec<Draft>, family: Family) -> (HashMap<Common, Draft>, Vec<Draft>) {
        let icmp = Protocols::one(ProtocolKind::Icmp).or(Protocols::one(ProtocolKind::Icmpv6));
        let every = AddressSet::every(family).ranges;
        let is_every =
            |draft: &Draft| [LOCAL, REMOTE].iter().all(|end| *self.sets.get(draft.sets[*end]) == every);
        let (every, rest): (Vec<Draft>, Vec<Draft>) = drafts.into_iter().partition(is_every);
        let common = |draft: &Draft| {
            let Draft { effect, protocols, sets } = *draft;
            (effect, protocols.without(icmp), sets[DESTINATION_PORT], sets[SOURCE_PORT])
        };
        // What is about any addresses and equal in this was one piece already.
        (every.into_iter().map(|draft| (common(&draft), draft)).collect(), rest)
    }

    /// The piece of a draft of one family, or of any addresses.
    fn piece(&self, draft: &Draft, family: Option<Family>) -> Option<Piece> {
        let addresses = match family {
            None => Addresses::Every,
            Some(family) => {
                let set = |end: usize| AddressSet { family, ranges: self.sets.get(draft.sets[end]).clone() };
                let (sources, destinations) = match self.direction {
                    Direction::Ingress => (set(REMOTE), set(LOCAL)),
                    Direction::Egress => (set(LOCAL), set(REMOTE)),
                };
                Addresses::Between { sources, destinations }
            }
        };
        let ports = |end: usize| PortSet(self.sets.get(draft.sets[end]).clone());
        let ports = (ports(SOURCE_PORT), ports(DESTINATION_PORT));
        Piece::new((self.direction, draft.effect), draft.protocols, addresses, ports)
    }
}
