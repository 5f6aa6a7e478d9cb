//! The difference of two policies: exactly the packets whose verdicts differ, as a minimal list of pieces.
//!
//! **Pieces.** A [`Piece`] is a direction, an effect (it opens or it closes) and a product of sets: protocols, sources,
//! destinations, source ports and destination ports. A packet is in it if each of its properties is in the set for it. Of
//! IPv4 and IPv6 a piece is about one, or about any two addresses of either. A protocol without ports has a place in the
//! product as one that is the same at every port, so a piece with such a protocol has every port. Sets of addresses are
//! given as CIDR prefixes and sets of ports as ranges, the fewest that are the set.
//!
//! **Exact.** A packet is in one piece if [`evaluate()`](crate::evaluate()) decides it otherwise after than before, and in
//! none if it does not; the piece has the effect. So pieces do not overlap.
//!
//! **Minimal.** No two pieces can be merged: of no two is there a piece that is about the packets of both and no others.
//! This is so if and only if no two pieces with the same direction, effect and family agree in all their sets but one, and
//! what is equal for any IPv4 and any IPv6 addresses is one piece. For take two products A x B and C x D that have no packet
//! in common and are together a product, which then is P x Q with P = A or C, Q = B or D. If A has something that C has
//! not, then B must be all of Q; if C has something that A has not, then D must be all of Q. Were A and C different, and B
//! and D too, only one of these could be so, say the first; but then C lies in A and D in B, and they have packets in
//! common. So A = C or B = D; and with one set as A and the others as B the same holds for products of five.
//! It is not claimed that no other list would be shorter: to find the fewest boxes is NP-complete in three dimensions and
//! more (Dielissen and Kaldewaij, 1991).
//!
//! **Canonical.** The list depends on what the two policies mean and not on how they say it: other groups, another order,
//! rules that decide nothing or are split in two give the same list.
//!
//! **Quick.** A packet that no rule of one policy alone is about is decided the same by both. Elsewhere, and only there, the
//! policies are taken apart, with the rules that meet such a one, and each part once.
//!
//! **Bounded.** [`Bounds`] say how much is done and listed. Where that is not enough, what is listed is still exact, and the
//! [`Difference`] says that there is more. Boxes in four dimensions can be arranged so that their differences have more
//! pieces than anybody would read; rules that people write are far from it.

mod count;
mod diagram;
mod extent;
mod interner;
mod join;
mod merge;
mod piece;
mod protocols;
mod region;
mod set;
mod single;
mod sweep;

pub use self::{
    count::Count,
    piece::{Addresses, Effect, Piece},
    protocols::Protocols,
    region::Region,
    set::{AddressSet, PortSet},
};
use self::{diagram::Work, extent::entries, join::Pieces};
pub(crate) use self::{
    extent::packet_count,
    single::{Budget, SingleRule, SingleRules, is_about_something},
};
use crate::{class::PolicyClass, packet::Family, text::Flow};

/// How much is done for a difference, and how much of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most pieces that are listed.
    pub pieces_max: usize,
    /// The most rules and intervals that are looked at, all together: a million of them takes some forty milliseconds.
    pub work_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { pieces_max: 1_000, work_max: 2_000_000 }
    }
}

/// What differs between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pieces: Vec<Piece>,
    left_out: usize,
    opens_count: usize,
    closes_count: usize,
    is_whole: bool,
    count: Count,
}

impl Difference {
    /// What differs, in both directions.
    pub fn between(before: &PolicyClass, after: &PolicyClass, bounds: Bounds) -> Self {
        Self::within(before, after, &Region::every(), bounds)
    }

    /// What differs among the packets of a region. Two pieces that the region cuts out of one are not merged beyond it.
    pub fn within(before: &PolicyClass, after: &PolicyClass, region: &Region, bounds: Bounds) -> Self {
        Self::with_work(before, after, region, bounds).0
    }

    /// As [`Difference::within`], and how much was done for it, as [`Bounds::work_max`] counts.
    pub fn with_work(
        before: &PolicyClass,
        after: &PolicyClass,
        region: &Region,
        bounds: Bounds,
    ) -> (Self, usize) {
        let mut work = Work::new(bounds.work_max);
        let (mut pieces, mut is_whole) = (Vec::new(), true);
        for direction in region.directions() {
            let mut found = Pieces::new(direction);
            for family in Family::ALL {
                let entries = entries(before, after, direction, family);
                found.add(&entries, &region.space(family), &mut work);
            }
            is_whole &= found.are_whole();
            pieces.extend(found.finish());
        }
        pieces.sort_unstable();
        let count = pieces.iter().map(Piece::count).sum();
        let closes_count = pieces.iter().filter(|piece| piece.effect() == Effect::Closes).count();
        let opens_count = pieces.len() - closes_count;
        let mut difference = Self { pieces, left_out: 0, opens_count, closes_count, is_whole, count };
        difference.list_most(bounds.pieces_max);
        (difference, bounds.work_max - work.left)
    }

    /// Lists so many pieces at the most. What opens is left out before anything that closes: it can wait to be read.
    pub fn list_most(&mut self, pieces_max: usize) {
        let over = self.pieces.len().saturating_sub(pieces_max);
        if over > 0 {
            self.pieces.sort_unstable_by(|one, other| (other.effect(), one).cmp(&(one.effect(), other)));
            self.pieces.truncate(pieces_max);
            self.pieces.sort_unstable();
            self.left_out += over;
        }
    }

    /// The pieces, in their order: ingress first, and what opens before what closes.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// How many pieces there are beside those that are listed, because they are more than [`Bounds::pieces_max`].
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// How many pieces open something, those that are left out included.
    pub fn opens_count(&self) -> usize {
        self.opens_count
    }

    /// How many pieces close something, those that are left out included.
    pub fn closes_count(&self) -> usize {
        self.closes_count
    }

    /// Whether everything was looked at. If not, because it would have taken more than [`Bounds::work_max`], there may be
    /// more pieces than are listed or left out, or larger ones.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether nothing differs. What is not known not to differ is not empty.
    pub fn is_empty(&self) -> bool {
        self.is_whole && self.pieces.is_empty() && self.left_out == 0
    }

    /// How many packets differ, those of pieces that are left out included; at least as many, where it is not whole.
    pub fn count(&self) -> Count {
        self.count
    }

    /// The listed piece that the packet which begins a flow is in.
    pub fn piece_of(&self, flow: &Flow) -> Option<&Piece> {
        self.pieces.iter().find(|piece| piece.contains_flow(flow))
    }
}
