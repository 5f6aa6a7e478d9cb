//! All nodes, the receipts of what concerns them, and how changes come to both. Pure: what time it is, and what the state
//! says, are arguments.

use std::collections::BTreeMap;

use model::{NodeId, node::Digest};
use policy::Delta;

use super::{
    Ended,
    receipts::{Bounds, End, Moment, Receipts},
    slot::{Slot, Slots},
};
use crate::{lineage::Lineage, settings::FleetSettings};

/// What a change means for nodes.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    /// The generation of the change.
    pub(crate) generation: u64,
    /// The nodes that it concerns, and what changes for each.
    pub(crate) deltas: BTreeMap<NodeId, Delta>,
    /// Nodes that changed, and the certificates that are good from then on; none: the node was deleted.
    pub(crate) nodes: Vec<(NodeId, Option<Vec<Digest>>)>,
    /// A node that is to obey although it has regressed.
    pub(crate) readmitted: Option<NodeId>,
}

/// All nodes.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) slots: Slots,
    pub(super) receipts: Receipts,
    /// The last generation that is on disk and was added here.
    pub(super) durable: u64,
    /// The generation from which on everything is known that concerns nodes.
    pub(super) began: u64,
    /// About how many bytes are kept for nodes.
    pub(super) pending_bytes: usize,
    pub(super) stopping: bool,
    /// Whether nobody waits for nodes any more.
    pub(super) impatient: bool,
    /// Which generations nodes may hold to.
    pub(super) lineage: Lineage,
    /// The last number of a connection or a question.
    numbers: u64,
    pub(super) settings: FleetSettings,
}

impl Roster {
    pub(super) fn new(generation: u64, lineage: Lineage, settings: FleetSettings) -> Self {
        Self {
            slots: Slots::new(),
            receipts: Receipts::after(generation),
            durable: generation,
            began: generation,
            pending_bytes: 0,
            stopping: false,
            impatient: false,
            lineage,
            numbers: 0,
            settings,
        }
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds { generations: self.settings.receipts_max, nodes: self.settings.receipt_nodes_max }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Takes up changes that are on disk, up to a generation.
    pub(super) fn publish(&mut self, staged: Vec<Staged>, generation: u64, now: Moment) {
        for Staged { generation, deltas, nodes, readmitted } in staged {
            self.receipt(generation, &deltas, now);
            for (node, delta) in deltas {
                self.add(node, generation, delta);
            }
            for (node, certificates) in nodes {
                self.node(node, certificates.as_deref(), now);
            }
            if let Some(node) = readmitted {
                self.readmit(node);
            }
        }
        self.durable = self.durable.max(generation);
    }

    fn receipt(&mut self, generation: u64, deltas: &BTreeMap<NodeId, Delta>, now: Moment) {
        if deltas.is_empty() {
            return;
        }
        let forgotten = self.receipts.add(generation, now, deltas.keys().copied(), self.bounds());
        for (generation, receipt) in forgotten {
            for node in receipt.unconfirmed() {
                let slot = self.slots.get_mut(&node);
                if let Some(slot) = slot.filter(|slot| slot.awaited.front() == Some(&generation)) {
                    slot.awaited.pop_front();
                    slot.forgotten += 1;
                    slot.forgotten_through = generation;
                }
            }
        }
        for node in deltas.keys() {
            let slot = self.slots.entry(*node).or_insert_with(|| Slot::new(self.began));
            slot.awaited.push_back(generation);
            slot.behind_since.get_or_insert(now);
        }
    }

    /// Changes what is known of a node, and counts what is kept for it anew. None: nothing is known of it.
    pub(super) fn change<T>(&mut self, node: NodeId, change: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        let slot = self.slots.get_mut(&node)?;
        let before = slot.backlog.bytes();
        let changed = change(slot);
        self.pending_bytes = self.pending_bytes - before + slot.backlog.bytes();
        Some(changed)
    }

    fn add(&mut self, node: NodeId, generation: u64, delta: Delta) {
        let bytes_max = self.settings.pending_bytes_max;
        self.change(node, |slot| {
            slot.resting = false;
            slot.backlog.add(generation, delta, bytes_max);
            slot.wake();
        });
        if self.pending_bytes > self.settings.pending_bytes_total_max {
            self.relieve();
        }
    }

    /// Keeps nothing for nodes that are not connected; where that does not help, for nobody.
    fn relieve(&mut self) {
        for everybody in [false, true] {
            // Who costs nothing is not made to take a snapshot.
            let slots = self.slots.values_mut().filter(|slot| slot.backlog.bytes() > 0);
            for slot in slots.filter(|slot| everybody || slot.connected().is_none()) {
                self.pending_bytes -= slot.backlog.bytes();
                slot.backlog.need_snapshot();
            }
            if self.pending_bytes <= self.settings.pending_bytes_total_max {
                return;
            }
        }
    }

    /// A node has changed: its certificates, or that it exists.
    fn node(&mut self, node: NodeId, certificates: Option<&[Digest]>, now: Moment) {
        let Some(certificates) = certificates else { return self.deleted(node) };
        let Some(slot) = self.slots.get_mut(&node) else { return };
        if slot.connected().is_some_and(|connection| !certificates.contains(&connection.certificate)) {
            slot.end(Ended::Revoked);
            slot.left_at = Some(now.at);
        }
    }

    fn deleted(&mut self, node: NodeId) {
        let Some(mut slot) = self.slots.remove(&node) else { return };
        slot.end(Ended::Deleted);
        self.pending_bytes -= slot.backlog.bytes();
        let bounds = self.bounds();
        for generation in slot.awaited {
            self.receipts.end(generation, node, End::Deleted, bounds);
        }
    }

    /// The state was replaced by what a failed store was found to hold: every node needs all of it. Of the generations
    /// up to `forgotten` nothing is known that is not known already.
    pub(super) fn replace(&mut self, generation: u64, forgotten: u64) {
        self.durable = generation;
        self.began = generation;
        self.receipts.forget_through(forgotten);
        self.pending_bytes = 0;
        for slot in self.slots.values_mut() {
            slot.resting = false;
            slot.backlog.need_snapshot();
            slot.wake();
        }
    }

    /// Ends all waiting, and lets nobody wait from now on.
    pub(super) fn stop_waiting(&mut self) {
        self.impatient = true;
        self.receipts.wake_all();
        self.stop_asking();
    }

    /// Ends all connections and all waiting.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.stop_waiting();
        self.slots.values_mut().for_each(|slot| slot.end(Ended::Stopping));
    }
}
