//! Two policies, taken apart dimension by dimension until each part has one verdict in each of them.
//!
//! A decision diagram (as Gouda and Liu use for firewalls, 2007): a node stands for the packets of which some dimensions are
//! decided, and has a branch for each set of values of the next one that lead to the same rest. Where all values lead to
//! the same there is no node, and equal nodes are one. So a part is worked out once, however often it comes up, and the
//! diagram is the same whatever rules it was made of. Only parts that some rule of one policy alone is about are looked at,
//! with the rules that meet such a one: elsewhere both policies decide the same.

use std::collections::HashMap;

use model::rule::Policy;

use super::{
    extent::{DIMENSIONS, Entry, LOCAL, REMOTE},
    interner::{SetId, Sets},
    protocols::Protocols,
    region::Space,
    set::{Range, Ranges},
    sweep::{Edges, Places, Switches},
};
use crate::packet::ProtocolKind;

/// A node, or how the verdicts of a part compare.
pub(super) type NodeId = u32;
/// The verdicts are the same.
pub(super) const SAME: NodeId = 0;
/// Dropped before, accepted after.
pub(super) const OPENS: NodeId = 1;
/// Accepted before, dropped after.
pub(super) const CLOSES: NodeId = 2;
/// There was no work left to find out.
pub(super) const UNKNOWN: NodeId = 3;
const NODES_FROM: NodeId = 4;

/// The most boxes with which every entry is compared.
const BOXES_MAX: usize = 8;
/// How much may be done, and what was found.
pub(super) struct Work {
    /// How many rules and intervals may still be looked at.
    pub(super) left: usize,
    /// Whether the first difference that is found is enough.
    pub(super) until_first: bool,
    /// Whether a difference was found.
    pub(super) found: bool,
}

impl Work {
    pub(super) fn new(left: usize) -> Self {
        Self { left, until_first: false, found: false }
    }

    /// Counts work, and says whether to go on.
    pub(super) fn go_on(&mut self, units: usize) -> bool {
        self.left = self.left.saturating_sub(units);
        self.left > 0 && !(self.until_first && self.found)
    }
}

/// Where a set of values leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Branch {
    pub(super) child: NodeId,
    pub(super) set: SetId,
}

/// The diagram of the packets of one family that go in one direction.
pub(super) struct Diagram {
    /// The root of each protocol; protocols with the same root are together. Those without a difference are left out.
    pub(super) roots: Vec<(Protocols, NodeId)>,
    nodes: Vec<Node>,
    /// All values of each dimension.
    every: [SetId; DIMENSIONS],
}

/// A node: the dimension that it is about, and where its values lead. Values that are in no branch make no difference.
type Node = (usize, Box<[Branch]>);

impl Diagram {
    /// Makes the diagram of the packets of a space. `implicit` is what happens where no entry is about a packet.
    pub(super) fn new(
        entries: &[Entry],
        space: &Space,
        implicit: Policy,
        sets: &mut Sets,
        work: &mut Work,
    ) -> Self {
        let mut builder = Builder::new(entries, space, implicit, sets, work);
        Self { roots: builder.roots(), nodes: builder.nodes, every: builder.every }
    }

    /// A node; none for what is no node, but a verdict.
    pub(super) fn node(&self, id: NodeId) -> Option<(usize, &[Branch])> {
        let (dimension, branches) = &self.nodes[id.checked_sub(NODES_FROM)? as usize];
        Some((*dimension, branches))
    }

    /// All values of each dimension.
    pub(super) fn every(&self) -> [SetId; DIMENSIONS] {
        self.every
    }
}

/// Makes a diagram.
struct Builder<'a> {
    entries: &'a [Entry],
    space: &'a Space,
    implicit: Policy,
    edges: Edges,
    /// What is asked of entries most often, by itself.
    sides: Vec<Sides>,
    sets: &'a mut Sets,
    work: &'a mut Work,
    every: [SetId; DIMENSIONS],
    nodes: Vec<Node>,
    ids: HashMap<Node, NodeId>,
    /// For each dimension the nodes of the entries that are left, which decide what the node is.
    known: [HashMap<Box<[u16]>, NodeId>; DIMENSIONS],
}

impl<'a> Builder<'a> {
    fn new(
        entries: &'a [Entry],
        space: &'a Space,
        implicit: Policy,
        sets: &'a mut Sets,
        work: &'a mut Work,
    ) -> Self {
        let every = space.dimensions.each_ref().map(|set| sets.intern(set.clone()));
        let sides = entries.iter().map(|entry| Sides::of(entry, space)).collect();
        let edges = Edges::new(entries);
        let (nodes, ids, known) = (Vec::new(), HashMap::new(), Default::default());
        Self { entries, space, implicit, edges, sides, sets, work, every, nodes, ids, known }
    }

    fn roots(&mut self) -> Vec<(Protocols, NodeId)> {
        let mut roots: Vec<(Protocols, NodeId)> = Vec::new();
        for kind in self.space.protocols.iter() {
            let root = self.root(kind);
            match roots.iter_mut().find(|(_, known)| *known == root) {
                Some((protocols, _)) => *protocols = protocols.or(Protocols::one(kind)),
                None => roots.push((Protocols::one(kind), root)),
            }
        }
        roots.retain(|(_, root)| *root != SAME);
        roots
    }

    fn root(&mut self, kind: ProtocolKind) -> NodeId {
        let live = (0..).zip(self.entries).filter(|(_, entry)| entry.extent.protocols.contains(kind));
        let live: Vec<u16> = live.map(|(place, _)| place).collect();
        if kind.has_ports() {
            return self.node(0, &live);
        }
        // A protocol without ports counts as one that is the same at every port.
        if self.space.has_every_port() { self.node(LOCAL, &live) } else { SAME }
    }

    /// The node of the packets that all these entries may be about, apart from this dimension and those after it.
    fn node(&mut self, dimension: usize, live: &[u16]) -> NodeId {
        if !self.work.go_on(live.len()) {
            return UNKNOWN;
        }
        let live = self.relevant(dimension, live);
        if let Some(verdict) = self.only_verdict(dimension, &live) {
            self.work.found |= verdict != SAME;
            return verdict;
        }
        // One entry at least is not about everything.
        let is_named = |at: &usize| live.iter().any(|place| !self.side(*place).covers[*at]);
        let dimension = (dimension..REMOTE).find(is_named).unwrap_or(REMOTE);
        if let Some(known) = self.known[dimension].get(live.as_slice()) {
            return *known;
        }
        let node = self.sweep(dimension, &live);
        self.known[dimension].insert(live.into(), node);
        node
    }

    fn side(&self, place: u16) -> &Sides {
        &self.sides[usize::from(place)]
    }

    /// The entries that can decide: none after one that is about everything, none at the end that says what is so without
    /// it, and none that meets no entry of one policy alone.
    fn relevant(&self, dimension: usize, live: &[u16]) -> Vec<u16> {
        let (mut open_before, mut open_after) = (true, true);
        let mut relevant = Vec::with_capacity(live.len());
        for &place in live {
            let side = self.side(place);
            let (before, after) = (open_before && side.before.is_some(), open_after && side.after.is_some());
            if !before && !after {
                continue;
            }
            relevant.push(place);
            if side.is_all_from <= dimension {
                open_before &= !before;
                open_after &= !after;
                if !open_before && !open_after {
                    break;
                }
            }
        }
        let says_something = |place: &u16| {
            let side = self.side(*place);
            side.before.into_iter().chain(side.after).any(|policy| policy != self.implicit)
        };
        relevant.truncate(relevant.iter().rposition(says_something).map_or(0, |last| last + 1));
        self.retain_meeting(dimension, &mut relevant);
        relevant
    }

    /// Keeps the entries that meet one of one policy alone, from this dimension on: one of a few, else the smallest box
    /// around all of them.
    fn retain_meeting(&self, dimension: usize, relevant: &mut Vec<u16>) {
        let of = |place: u16| &self.edges.of[usize::from(place)];
        let differing = relevant.iter().filter(|place| self.side(**place).differs());
        let mut boxes: Vec<Places> = differing.map(|place| *of(*place)).collect();
        if boxes.len() > BOXES_MAX {
            let around = |one: Places, other: Places| {
                std::array::from_fn(|at| (one[at].0.min(other[at].0), one[at].1.max(other[at].1)))
            };
            boxes = boxes.into_iter().reduce(around).into_iter().collect();
        }
        let meets = |one: &Places, other: &Places| {
            (dimension..DIMENSIONS).rev().all(|at| one[at].0 < other[at].1 && other[at].0 < one[at].1)
        };
        relevant.retain(|place| boxes.iter().any(|other| meets(of(*place), other)));
    }

    /// How the verdicts compare, where they are the same for all packets of a part.
    fn only_verdict(&self, dimension: usize, relevant: &[u16]) -> Option<NodeId> {
        let (mut before, mut after) = (Verdicts::default(), Verdicts::default());
        let mut differs = false;
        for place in relevant {
            let side = self.side(*place);
            let is_all = side.is_all_from <= dimension;
            before.add(side.before, is_all);
            after.add(side.after, is_all);
            differs |= side.differs();
        }
        if !differs {
            return Some(SAME);
        }
        Some(compared(before.only(self.implicit)?, after.only(self.implicit)?))
    }

    /// Goes through the values of a dimension.
    fn sweep(&mut self, dimension: usize, live: &[u16]) -> NodeId {
        let mut found: Vec<(NodeId, Range)> = Vec::new();
        let space = self.space;
        for range in space.dimensions[dimension].as_slice() {
            self.sweep_range(dimension, live, *range, &mut found);
        }
        // Stable: the ranges of a child stay ascending. Children stand in the order of their first values, which does
        // not depend on when they were found.
        found.sort_by_key(|(child, _)| *child);
        let mut groups: Vec<&[(NodeId, Range)]> = found.chunk_by(|a, b| a.0 == b.0).collect();
        groups.sort_by_key(|group| group[0].1);
        let branches = groups.into_iter().map(|group| {
            let ranges = Ranges::new(group.iter().map(|(_, range)| *range).collect());
            Branch { child: group[0].0, set: self.sets.intern(ranges) }
        });
        let branches = branches.collect();
        self.intern((dimension, branches))
    }

    fn sweep_range(
        &mut self,
        dimension: usize,
        live: &[u16],
        (first, last): Range,
        found: &mut Vec<(NodeId, Range)>,
    ) {
        let mut on = Switches::new(live.len());
        let mut events: Vec<(u32, u16)> = Vec::with_capacity(live.len() * 2);
        for (place, &entry) in (0..).zip(live) {
            let (begin, end) = self.entries[usize::from(entry)].extent.ranges[dimension];
            if end < first || begin > last {
                continue;
            }
            let (from, to) = self.edges.of[usize::from(entry)][dimension];
            match begin <= first {
                true => on.toggle(place, self.side(entry).differs()),
                false => events.push((from, place)),
            }
            if end < last {
                events.push((to, place));
            }
        }
        events.sort_unstable();
        let mut begin = first;
        for same_edge in events.chunk_by(|a, b| a.0 == b.0) {
            let edge = self.edges.values[dimension][same_edge[0].0 as usize];
            self.add_interval(dimension, live, &on, (begin, edge - 1), found);
            for (_, place) in same_edge {
                on.toggle(*place, self.side(live[usize::from(*place)]).differs());
            }
            begin = edge;
        }
        self.add_interval(dimension, live, &on, (begin, last), found);
    }

    /// Adds where an interval leads in which these entries are switched on.
    fn add_interval(
        &mut self,
        dimension: usize,
        live: &[u16],
        on: &Switches,
        interval: Range,
        found: &mut Vec<(NodeId, Range)>,
    ) {
        if on.differing == 0 {
            return;
        }
        let child = if !self.work.go_on(1 + live.len() / 64) {
            UNKNOWN
        } else if dimension == REMOTE {
            self.verdict(live, on)
        } else {
            let rest: Vec<u16> = on.places().map(|place| live[place]).collect();
            self.node(dimension + 1, &rest)
        };
        if child != SAME {
            found.push((child, interval));
        }
    }

    /// How the verdicts compare where these entries are about the packet, and no others.
    fn verdict(&mut self, live: &[u16], on: &Switches) -> NodeId {
        let (mut before, mut after) = (None, None);
        for place in on.places() {
            let side = self.side(live[place]);
            before = before.or(side.before);
            after = after.or(side.after);
            if before.is_some() && after.is_some() {
                break;
            }
        }
        let verdict = compared(before.unwrap_or(self.implicit), after.unwrap_or(self.implicit));
        self.work.found |= verdict != SAME;
        verdict
    }

    /// The node; what it leads to where all values lead to the same.
    fn intern(&mut self, node: Node) -> NodeId {
        match *node.1 {
            [] => return SAME,
            [Branch { child, set }] if set == self.every[node.0] => return child,
            _ => {}
        }
        let next = NodeId::try_from(self.nodes.len()).map_or(NodeId::MAX, |count| count + NODES_FROM);
        *self.ids.entry(node).or_insert_with_key(|node| {
            self.nodes.push(node.clone());
            next
        })
    }
}

fn compared(before: Policy, after: Policy) -> NodeId {
    match (before, after) {
        (Policy::Drop, Policy::Accept) => OPENS,
        (Policy::Accept, Policy::Drop) => CLOSES,
        _ => SAME,
    }
}

/// What an entry says, apart from what it is about.
struct Sides {
    before: Option<Policy>,
    after: Option<Policy>,
    /// In which dimensions it is about everything that is looked at.
    covers: [bool; DIMENSIONS],
    /// The first dimension from which on it is; [`DIMENSIONS`] if there is none.
    is_all_from: usize,
}

impl Sides {
    fn of(entry: &Entry, space: &Space) -> Self {
        let covers = std::array::from_fn(|dimension| {
            let (first, last) = entry.extent.ranges[dimension];
            space.dimensions[dimension].as_slice().iter().all(|range| first <= range.0 && range.1 <= last)
        });
        let is_all_from = covers.iter().rposition(|covers| !covers).map_or(0, |last| last + 1);
        Self { before: entry.before, after: entry.after, covers, is_all_from }
    }

    /// Whether it is another thing to the one policy than to the other.
    fn differs(&self) -> bool {
        self.before != self.after
    }
}

/// The verdicts that there are in one policy.
#[derive(Default)]
struct Verdicts {
    first: Option<Policy>,
    are_mixed: bool,
    /// Whether one of them is about everything, so that none is left to what is so without a rule.
    is_covered: bool,
}

impl Verdicts {
    fn add(&mut self, policy: Option<Policy>, is_all: bool) {
        let Some(policy) = policy else { return };
        self.are_mixed |= *self.first.get_or_insert(policy) != policy;
        self.is_covered |= is_all;
    }

    /// The verdict, if there is but one.
    fn only(&self, implicit: Policy) -> Option<Policy> {
        let first = self.first.unwrap_or(implicit);
        let is_one = !self.are_mixed && (self.is_covered || first == implicit);
        is_one.then_some(first)
    }
}
