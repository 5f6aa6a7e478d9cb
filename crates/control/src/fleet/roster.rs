//! All nodes, and the receipts of what concerns them. Pure: what time it is, and what the state says, are arguments.

use std::{collections::BTreeMap, sync::Arc};

use model::{NodeId, UnixMillis, node::Digest};
use policy::Delta;
use tokio::sync::{Notify, oneshot};

use super::{
    Answer, AskError, Delay, Ended, Enforced, Enforcement, EnforcementState, Hello, Laggard, NodeEnforcement,
    Progress, Question, Regression,
    backlog::Next,
    receipts::{Bounds, End, Known, Moment, Receipts},
    slot::{Connection, Regressed, Slot, Slots},
};
use crate::settings::FleetSettings;

/// What a change means for nodes.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    /// The generation of the change.
    pub(crate) generation: u64,
    /// The nodes that it concerns, and what changes for each.
    pub(crate) deltas: BTreeMap<NodeId, Delta>,
    /// Nodes that changed, and the certificates that are good from then on; none: the node was deleted.
    pub(crate) nodes: Vec<(NodeId, Option<Vec<Digest>>)>,
}

/// What a follower does next.
#[derive(Debug)]
pub(super) enum Step {
    /// It takes a snapshot.
    Snapshot,
    Delta {
        from: u64,
        generation: u64,
        delta: Delta,
    },
    Current {
        generation: u64,
    },
    Question {
        id: u64,
        question: Question,
    },
    /// It waits until it is woken.
    Wait,
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
    /// The last number of a connection or a question.
    numbers: u64,
    settings: FleetSettings,
}

impl Roster {
    pub(super) fn new(generation: u64, settings: FleetSettings) -> Self {
        Self {
            slots: Slots::new(),
            receipts: Receipts::after(generation),
            durable: generation,
            began: generation,
            pending_bytes: 0,
            stopping: false,
            numbers: 0,
            settings,
        }
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds { generations: self.settings.receipts_max, nodes: self.settings.receipt_nodes_max }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Takes up changes that are on disk, up to a generation.
    pub(super) fn publish(&mut self, staged: Vec<Staged>, generation: u64, now: Moment) {
        for Staged { generation, deltas, nodes } in staged {
            self.receipt(generation, &deltas, now);
            for (node, delta) in deltas {
                self.add(node, generation, delta);
            }
            for (node, certificates) in nodes {
                self.node(node, certificates.as_deref(), now);
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
                }
            }
        }
        for node in deltas.keys() {
            let slot = self.slots.entry(*node).or_insert_with(|| Slot::new(self.began));
            slot.awaited.push_back(generation);
            slot.behind_since.get_or_insert(now);
        }
    }

    fn add(&mut self, node: NodeId, generation: u64, delta: Delta) {
        let Some(slot) = self.slots.get_mut(&node) else { return };
        slot.resting = false;
        let before = slot.backlog.bytes();
        slot.backlog.add(generation, delta, self.settings.pending_bytes_max);
        let others = self.pending_bytes - before;
        self.pending_bytes = others + slot.backlog.bytes();
        slot.wake();
        if self.pending_bytes > self.settings.pending_bytes_total_max {
            self.relieve();
        }
    }

    /// Keeps nothing for nodes that are not connected; where that does not help, for nobody.
    fn relieve(&mut self) {
        for everybody in [false, true] {
            let slots = self.slots.values_mut();
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
        let Some(slot) = self.slots.get_mut(&node) else { return };
        let Some(certificates) = certificates else {
            slot.end(Ended::Deleted);
            self.pending_bytes -= slot.backlog.bytes();
            let bounds = self.bounds();
            if let Some(slot) = self.slots.remove(&node) {
                for generation in slot.awaited {
                    self.receipts.end(generation, node, End::Deleted, bounds);
                }
            }
            return;
        };
        if slot.connected().is_some_and(|connection| !certificates.contains(&connection.certificate)) {
            slot.end(Ended::Revoked);
            slot.left_at = Some(now.at);
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

    /// A node connects; gives the number of its connection and what wakes its follower.
    pub(super) fn follow(
        &mut self,
        node: NodeId,
        hello: Hello,
        now: Moment,
    ) -> Result<(u64, Arc<Notify>), Ended> {
        if self.stopping {
            return Err(Ended::Stopping);
        }
        let number = self.number();
        let (began, durable) = (self.began, self.durable);
        let generation = hello.generation;
        let slot = self.slots.entry(node).or_insert_with(|| Slot::new(began));
        slot.end(Ended::Replaced);
        let connection = Connection::new(number, hello, now.at);
        let wake = Arc::clone(&connection.wake);
        slot.connection = Some(connection);
        slot.heard_at = Some(now.at);
        slot.resting = false;
        self.pending_bytes -= slot.backlog.bytes();
        slot.backlog.begin(generation, durable);
        if generation > durable {
            slot.regress(generation, now.at);
        }
        self.pending_bytes += slot.backlog.bytes();
        Ok((number, wake))
    }

    /// What the follower with this number does next.
    pub(super) fn step(&mut self, node: NodeId, number: u64) -> Result<Step, Ended> {
        let slot = self.slots.get_mut(&node).ok_or(Ended::Deleted)?;
        let connection = slot.connection(number)?;
        if let Some((id, question)) = connection.questions.untold.pop_front() {
            return Ok(Step::Question { id, question });
        }
        if slot.held() {
            return Ok(Step::Wait);
        }
        let before = slot.backlog.bytes();
        let next = slot.backlog.next(self.durable, self.settings.unanswered_max);
        self.pending_bytes = self.pending_bytes - before + slot.backlog.bytes();
        Ok(match next {
            Next::Snapshot => Step::Snapshot,
            Next::Delta { from, generation, delta } => Step::Delta { from, generation, delta },
            Next::Current { generation } => Step::Current { generation },
            Next::Nothing => Step::Wait,
        })
    }

    /// A snapshot is taken for the follower with this number, which shows a generation. Gives the number of what it is
    /// the answer to; none: it is not needed any more.
    pub(super) fn begin_snapshot(
        &mut self,
        node: NodeId,
        number: u64,
        generation: u64,
    ) -> Result<Option<u64>, Ended> {
        let slot = self.slots.get_mut(&node).ok_or(Ended::Deleted)?;
        slot.connection(number)?;
        let before = slot.backlog.bytes();
        let begun = slot.backlog.begin_snapshot(generation);
        self.pending_bytes = self.pending_bytes - before + slot.backlog.bytes();
        Ok(begun)
    }

    /// The snapshot was taken. Gives whether it is to be obeyed although it is older; none: it is not what is needed.
    pub(super) fn tell_snapshot(
        &mut self,
        node: NodeId,
        number: u64,
        (answer_to, generation): (u64, u64),
    ) -> Result<Option<bool>, Ended> {
        let slot = self.slots.get_mut(&node).ok_or(Ended::Deleted)?;
        slot.connection(number)?;
        if let Some(regressed) = &mut slot.regressed
            && !regressed.regression.readmitted
            && generation >= regressed.regression.generation
        {
            // The node would take it for progress, and obey.
            regressed.untold = false;
        }
        if slot.held() || !slot.backlog.tell_snapshot(answer_to, generation) {
            return Ok(None);
        }
        Ok(Some(match &mut slot.regressed {
            None => false,
            Some(regressed) => {
                regressed.untold = false;
                regressed.regression.readmitted
            }
        }))
    }

    /// The follower with this number is gone.
    pub(super) fn leave(&mut self, node: NodeId, number: u64, now: UnixMillis) {
        let Some(slot) = self.slots.get_mut(&node) else { return };
        if slot.connection.as_ref().is_some_and(|connection| connection.number == number) {
            slot.connection = None;
            slot.left_at = Some(now);
        }
    }

    /// Lets a regressed node follow what is here. False: it is not regressed.
    pub(super) fn readmit(&mut self, node: NodeId) -> bool {
        let Some(slot) = self.slots.get_mut(&node) else { return false };
        let Some(regressed) = &mut slot.regressed else { return false };
        regressed.regression.readmitted = true;
        self.pending_bytes -= slot.backlog.bytes();
        slot.backlog.need_snapshot();
        slot.wake();
        true
    }

    /// Asks a node something; gives the question's number.
    pub(super) fn ask(
        &mut self,
        node: NodeId,
        question: Question,
        answer: oneshot::Sender<Answer>,
    ) -> Result<u64, AskError> {
        let id = self.number();
        let most = self.settings.questions_max;
        let slot = self.slots.get_mut(&node).ok_or(AskError::NotConnected)?;
        let connection = slot.connection.as_mut().filter(|connection| connection.ended.is_none());
        let questions = &mut connection.ok_or(AskError::NotConnected)?.questions;
        if questions.unanswered.len() >= most {
            return Err(AskError::Busy);
        }
        questions.unanswered.insert(id, answer);
        questions.untold.push_back((id, question));
        slot.wake();
        Ok(id)
    }

    /// Nobody wants to know any more.
    pub(super) fn withdraw(&mut self, node: NodeId, id: u64) {
        let connection = self.slots.get_mut(&node).and_then(|slot| slot.connection.as_mut());
        if let Some(Connection { questions, .. }) = connection {
            questions.unanswered.remove(&id);
            questions.untold.retain(|(untold, _)| *untold != id);
        }
    }

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

    fn progress(&self, generation: u64, node: NodeId, end: End, durable: Moment) -> Progress {
        match end {
            End::Open => Progress::Behind(self.delay(node, generation)),
            End::Confirmed(moment) => {
                Progress::Confirmed { at: moment.at, after: moment.running.saturating_sub(durable.running) }
            }
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

    /// Ends all connections and all waiting.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.slots.values_mut().for_each(|slot| slot.end(Ended::Stopping));
        self.receipts.wake_all();
    }
}

impl Slot {
    /// The node has been wanted to have a generation that was never given here.
    pub(super) fn regress(&mut self, generation: u64, found_at: UnixMillis) {
        let readmitted = self.regressed.is_some_and(|known| known.regression.readmitted);
        let regression = Regression { generation, found_at, readmitted };
        self.regressed = Some(Regressed { regression, untold: true });
        self.confirmed = None;
        self.backlog.need_snapshot();
    }
}
