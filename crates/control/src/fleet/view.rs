//! How far generations are in force, and how far nodes are behind: what callers are shown of the roster. Pure.

use std::{cmp::Reverse, time::Duration};

use model::NodeId;

use super::{
    Delay, Enforced, Enforcement, EnforcementState, Laggard, NodeEnforcement, NodeReceipt, Progress,
    receipts::{Confirmation, End, Known, Moment},
    roster::Roster,
};

/// How far a node is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Behind {
    /// How many generations concern it that it has not confirmed.
    pub(super) generations: u64,
    /// For how long the oldest of them has been on disk.
    pub(super) time: Duration,
}

/// All nodes together.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) connected: u64,
    /// Nodes that have not confirmed something that concerns them.
    pub(super) behind: u64,
    pub(super) regressed: u64,
    /// Generations that some node has not confirmed.
    pub(super) open: u64,
    pub(super) generations_behind_max: u64,
    pub(super) pending_bytes: u64,
    /// The nodes that are behind for the longest time.
    pub(super) furthest_behind: Vec<(NodeId, Behind)>,
}

impl Roster {
    /// How far a generation is in force; none: it has not been on disk.
    pub(super) fn enforcement(&self, generation: u64) -> Option<Enforcement> {
        if generation > self.durable {
            return None;
        }
        let (state, receipt) = match self.receipts.of(generation) {
            Known::Settled(receipt) => (EnforcementState::Confirmed, receipt),
            Known::Open(receipt) => (EnforcementState::Pending, Some(receipt)),
            Known::Forgotten => (EnforcementState::Unknown, None),
        };
        let nodes = receipt.into_iter().flat_map(|receipt| {
            let durable = receipt.durable;
            receipt.nodes.iter().map(move |(node, end)| {
                let progress = self.progress(generation, *node, *end, durable);
                NodeEnforcement { node: *node, progress }
            })
        });
        let durable_at = receipt.map(|receipt| receipt.durable.at);
        Some(Enforcement { generation, state, durable_at, nodes: nodes.collect() })
    }

    /// What is known of a generation at one node.
    pub(super) fn receipt_of(&self, generation: u64, node: NodeId) -> NodeReceipt {
        let receipt = match self.receipts.of(generation) {
            _ if generation > self.durable => return NodeReceipt::Unknown,
            Known::Forgotten => return NodeReceipt::Unknown,
            Known::Settled(None) => return NodeReceipt::Unconcerned,
            Known::Settled(Some(receipt)) | Known::Open(receipt) => receipt,
        };
        let Ok(place) = receipt.nodes.binary_search_by_key(&node, |(id, _)| *id) else {
            return NodeReceipt::Unconcerned;
        };
        NodeReceipt::Concerned(self.progress(generation, node, receipt.nodes[place].1, receipt.durable))
    }

    fn progress(&self, generation: u64, node: NodeId, end: End, durable: Moment) -> Progress {
        match end {
            End::Open => Progress::Behind(self.delay(node, generation)),
            End::Confirmed(Confirmation { at, took, switched }) => Progress::Confirmed {
                at: at.at,
                after: at.running.saturating_sub(durable.running),
                took,
                switched,
            },
            End::Deleted => Progress::Deleted,
        }
    }

    fn delay(&self, node: NodeId, generation: u64) -> Delay {
        self.slots.get(&node).map_or(Delay::NeverConnected, |slot| slot.delay(generation))
    }

    /// Whether a generation is in force, and where it is not.
    pub(super) fn enforced(&self, generation: u64) -> Enforced {
        match self.receipts.of(generation) {
            Known::Settled(_) => Enforced::Confirmed,
            Known::Forgotten => Enforced::Unknown,
            Known::Open(receipt) => {
                let laggard = |node| Laggard { node, delay: self.delay(node, generation) };
                Enforced::Laggards(receipt.unconfirmed().map(laggard).collect())
            }
        }
    }

    /// All nodes together, and by itself those that are behind for the longest time, this many at most.
    pub(super) fn totals(&self, now: Moment, most: usize) -> Totals {
        let slots = self.slots.values();
        let mut nodes: Vec<_> = self.slots.iter().map(|(node, slot)| (*node, slot.behind(now))).collect();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let behind = nodes.iter().filter(|(_, behind)| behind.generations > 0).count();
        let generations_behind_max = nodes.iter().map(|(_, behind)| behind.generations).max();
        nodes.sort_by_key(|(_, behind)| Reverse(behind.time));
        nodes.truncate(most);
        Totals {
            connected: count(slots.clone().filter(|slot| slot.connected().is_some()).count()),
            behind: count(behind),
            regressed: count(slots.filter(|slot| slot.regressed.is_some()).count()),
            open: count(self.receipts.open_count()),
            generations_behind_max: generations_behind_max.unwrap_or(0),
            pending_bytes: count(self.pending_bytes),
            furthest_behind: nodes,
        }
    }
}
