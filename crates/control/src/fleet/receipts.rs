//! Which nodes each generation concerns, and when each of them confirmed it. Pure, and bounded.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{NodeId, UnixMillis};
use tokio::sync::Notify;

/// A moment, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// The time of day.
    pub(super) at: UnixMillis,
    /// How long the control plane has been running: for differences.
    pub(super) running: Duration,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The most generations that every node has confirmed, and as many that some have not.
    pub(super) generations: usize,
    /// The most nodes of all generations together.
    pub(super) nodes: usize,
}

/// When a node confirmed a generation, and how long that took there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Confirmation {
    pub(super) at: Moment,
    /// From the arrival of the update that had the generation to the end of the read-back.
    pub(super) took: Duration,
    /// To the last store that put it in force.
    pub(super) switched: Option<Duration>,
}

/// What became of a generation at a node that it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// It has not confirmed it.
    Open,
    Confirmed(Confirmation),
    /// The node was deleted before it confirmed it.
    Deleted,
}

/// The receipt of one generation.
#[derive(Debug)]
pub(super) struct Receipt {
    pub(super) durable: Moment,
    /// In the order of their ids.
    pub(super) nodes: Box<[(NodeId, End)]>,
    open: usize,
    /// Who waits for it.
    waiting: Option<Arc<Notify>>,
}

/// What is known of a generation.
#[derive(Debug)]
pub(super) enum Known<'a> {
    /// It concerned nodes, and each has confirmed it or was deleted.
    Settled(Option<&'a Receipt>),
    Open(&'a Receipt),
    /// It was made before this process began, or too long ago.
    Forgotten,
}

/// The receipts.
#[derive(Debug)]
pub(super) struct Receipts {
    open: BTreeMap<u64, Receipt>,
    settled: BTreeMap<u64, Receipt>,
    /// How many nodes all receipts have.
    nodes: usize,
    /// The newest generation of which there might be no receipt although it concerned nodes.
    forgotten: u64,
}

impl Receipts {
    /// Nothing is known of this generation and those before it.
    pub(super) fn after(generation: u64) -> Self {
        Self { open: BTreeMap::new(), settled: BTreeMap::new(), nodes: 0, forgotten: generation }
    }

    /// Nothing is known of this generation and those before it, unless there is a receipt.
    pub(super) fn forget_through(&mut self, generation: u64) {
        self.forgotten = self.forgotten.max(generation);
    }

    /// Adds a generation that concerns these nodes, which are in order. Gives those that are forgotten for it, and
    /// their nodes that have not confirmed them.
    pub(super) fn add(
        &mut self,
        generation: u64,
        durable: Moment,
        nodes: impl Iterator<Item = NodeId>,
        bounds: Bounds,
    ) -> Vec<(u64, Receipt)> {
        let nodes: Box<[(NodeId, End)]> = nodes.map(|node| (node, End::Open)).collect();
        self.nodes += nodes.len();
        let open = nodes.len();
        self.open.insert(generation, Receipt { durable, nodes, open, waiting: None });
        let mut forgotten = Vec::new();
        // The newest stays in any case: somebody is about to wait for it.
        loop {
            let crowded = self.nodes > bounds.nodes;
            if crowded && self.forget_settled() {
                continue;
            }
            if self.open.len() == 1 || !crowded && self.open.len() <= bounds.generations {
                return forgotten;
            }
            forgotten.extend(self.forget_open());
        }
    }

    fn forget_open(&mut self) -> Option<(u64, Receipt)> {
        let (generation, receipt) = self.open.pop_first()?;
        self.nodes -= receipt.nodes.len();
        self.forget_through(generation);
        receipt.wake();
        Some((generation, receipt))
    }

    fn forget_settled(&mut self) -> bool {
        let Some((generation, receipt)) = self.settled.pop_first() else { return false };
        self.nodes -= receipt.nodes.len();
        self.forget_through(generation);
        true
    }

    /// A node is done with a generation. Gives when that was durable, if it was open.
    pub(super) fn end(&mut self, generation: u64, node: NodeId, end: End, bounds: Bounds) -> Option<Moment> {
        let receipt = self.open.get_mut(&generation)?;
        let place = receipt.nodes.binary_search_by_key(&node, |(id, _)| *id).ok()?;
        let own = &mut receipt.nodes[place].1;
        if *own != End::Open {
            return None;
        }
        *own = end;
        receipt.open -= 1;
        let durable = receipt.durable;
        if receipt.open == 0
            && let Some(mut receipt) = self.open.remove(&generation)
        {
            receipt.wake();
            receipt.waiting = None;
            self.settled.insert(generation, receipt);
            while self.settled.len() > bounds.generations {
                self.forget_settled();
            }
        }
        Some(durable)
    }

    /// What is known of a generation.
    pub(super) fn of(&self, generation: u64) -> Known<'_> {
        match (self.open.get(&generation), self.settled.get(&generation)) {
            (Some(receipt), _) => Known::Open(receipt),
            (None, Some(receipt)) => Known::Settled(Some(receipt)),
            (None, None) if generation <= self.forgotten => Known::Forgotten,
            (None, None) => Known::Settled(None),
        }
    }

    /// When a generation that is open was durable.
    pub(super) fn durable(&self, generation: u64) -> Option<Moment> {
        self.open.get(&generation).map(|receipt| receipt.durable)
    }

    /// What is notified when a generation is not open any more; none: it is not open.
    pub(super) fn waiting(&mut self, generation: u64) -> Option<Arc<Notify>> {
        let receipt = self.open.get_mut(&generation)?;
        Some(Arc::clone(receipt.waiting.get_or_insert_default()))
    }

    /// Everything after this generation is settled; it is [`u64::MAX`] where something is open.
    pub(super) fn settled_after(&self) -> u64 {
        if self.open.is_empty() { self.forgotten } else { u64::MAX }
    }

    /// How many generations some node has not confirmed.
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Wakes everybody who waits.
    pub(super) fn wake_all(&self) {
        self.open.values().for_each(Receipt::wake);
    }
}

impl Receipt {
    fn wake(&self) {
        if let Some(waiting) = &self.waiting {
            waiting.notify_waiters();
        }
    }

    /// The nodes that have not confirmed it.
    pub(super) fn unconfirmed(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes.iter().filter(|(_, end)| *end == End::Open).map(|(node, _)| *node)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn node(number: u8) -> NodeId {
        NodeId::from_entropy(number.into())
    }

    fn moment(number: u64) -> Moment {
        Moment { at: UnixMillis(0), running: Duration::from_millis(number) }
    }

    fn confirmed(number: u64) -> End {
        End::Confirmed(Confirmation { at: moment(number), took: Duration::ZERO, switched: None })
    }

    #[test]
    fn a_receipt_is_settled_by_the_last_of_its_nodes() {
        let bounds = Bounds { generations: 10, nodes: 10 };
        let mut receipts = Receipts::after(4);
        assert!(receipts.add(5, moment(1), [node(1), node(2)].into_iter(), bounds).is_empty());
        assert_eq!(receipts.end(5, node(3), End::Deleted, bounds), None, "it does not concern that one");
        assert_eq!(receipts.end(5, node(1), confirmed(3), bounds), Some(moment(1)));
        assert_eq!(receipts.end(5, node(1), End::Deleted, bounds), None, "it has confirmed it already");
        assert!(matches!(receipts.of(5), Known::Open(_)) && receipts.waiting(5).is_some());
        assert_eq!(receipts.end(5, node(2), End::Deleted, bounds), Some(moment(1)));
        let Known::Settled(Some(receipt)) = receipts.of(5) else { panic!("it is not settled") };
        let ends = [(node(1), confirmed(3)), (node(2), End::Deleted)];
        assert_eq!(receipt.nodes.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(ends));
        assert!(receipts.waiting(5).is_none());
        assert!(matches!(receipts.of(4), Known::Forgotten));
        assert!(matches!(receipts.of(6), Known::Settled(None)));
    }

    proptest! {
        /// Whatever happens, the bounds hold, and of what is not forgotten the truth is told.
        #[test]
        fn the_bounds_hold_and_nothing_is_invented(
            events in prop::collection::vec(prop_oneof![
                prop::collection::btree_set(0u8..5, 1..5).prop_map(Ok),
                (0u64..60, 0u8..5).prop_map(Err),
            ], 1..60),
            bounds in (1usize..6, 4usize..12).prop_map(|(generations, nodes)| Bounds { generations, nodes }),
        ) {
            let mut receipts = Receipts::after(0);
            let mut open: BTreeMap<u64, BTreeSet<u8>> = BTreeMap::new();
            for (event, generation) in events.into_iter().zip(1u64..) {
                match event {
                    Ok(nodes) => {
                        let ids: BTreeSet<NodeId> = nodes.iter().map(|number| node(*number)).collect();
                        receipts.add(generation, moment(generation), ids.into_iter(), bounds);
                        open.insert(generation, nodes);
                    }
                    Err((generation, number)) => {
                        receipts.end(generation, node(number), confirmed(99), bounds);
                        open.get_mut(&generation).map(|nodes| nodes.remove(&number));
                    }
                }
                prop_assert!(receipts.open.len() <= bounds.generations.max(1));
                prop_assert!(receipts.settled.len() <= bounds.generations);
                prop_assert!(receipts.nodes <= bounds.nodes || receipts.open.len() == 1);
                let counted = receipts.open.values().chain(receipts.settled.values());
                prop_assert_eq!(receipts.nodes, counted.map(|receipt| receipt.nodes.len()).sum::<usize>());
                let after = receipts.settled_after();
                for (generation, nodes) in &open {
                    prop_assert!(*generation <= after || matches!(receipts.of(*generation), Known::Settled(_)));
                    match receipts.of(*generation) {
                        Known::Forgotten => {}
                        Known::Settled(receipt) => prop_assert!(receipt.is_some() && nodes.is_empty()),
                        Known::Open(receipt) => {
                            let expected = nodes.iter().map(|number| node(*number)).collect();
                            prop_assert_eq!(receipt.unconfirmed().collect::<BTreeSet<_>>(), expected);
                        }
                    }
                }
            }
        }
    }
}
