//! What is still to be told to one node: one merged change, or that it needs a snapshot. Pure.
//!
//! Changes merge as they come, so that a node that is slow or away costs no more than what it is to enforce. Where that
//! becomes too much, or where it is not known what the node has, all that is kept is that it needs a snapshot.

use std::{collections::VecDeque, mem};

use policy::Delta;

/// What is still to be told to one node.
#[derive(Debug)]
pub(super) struct Backlog {
    /// What is wanted of the node is the same from this generation on until `pending` begins. None: it needs a
    /// snapshot, and nothing is collected until one is being taken.
    since: Option<u64>,
    pending: Pending,
    /// The snapshot that it needs. Every further reason is another number, so that a snapshot that was taken before it
    /// is not taken for the answer to it.
    needed: Option<u64>,
    reasons: u64,
    /// Whether the node is to be told that nothing has changed.
    greet: bool,
    /// The generation that the node is at once it has obeyed what it was told.
    told: u64,
    /// The generation of the last snapshot that it was told.
    snapshot: Option<u64>,
    /// Generations that it was told and has not answered.
    unanswered: VecDeque<u64>,
}

/// Changes that were made and not told.
#[derive(Debug, Default)]
struct Pending {
    delta: Delta,
    /// The first generation in it; 0 while it is empty.
    first: u64,
    last: u64,
    /// About how many bytes it takes; sometimes more than it does.
    bytes: usize,
}

/// What to tell next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// A snapshot has to be taken.
    Snapshot,
    Delta {
        from: u64,
        generation: u64,
        delta: Delta,
    },
    Current {
        generation: u64,
    },
    /// Nothing, for now.
    Nothing,
}

impl Backlog {
    /// Of a node of which it is known that nothing was told since `generation`.
    pub(super) fn since(generation: u64) -> Self {
        Self {
            since: Some(generation),
            pending: Pending::default(),
            needed: None,
            reasons: 0,
            greet: false,
            told: 0,
            snapshot: None,
            unanswered: VecDeque::new(),
        }
    }

    /// A node has connected that is at a generation, while everything up to `durable` is on disk.
    pub(super) fn begin(&mut self, generation: u64, durable: u64) {
        self.unanswered.clear();
        self.snapshot = None;
        let until = self.pending.begins().min(durable.saturating_add(1));
        let fits = self.since.is_some_and(|since| since <= generation) && generation < until;
        (self.greet, self.told) = (fits, if fits { generation } else { 0 });
        if !fits {
            self.need_snapshot();
        }
    }

    /// Whatever the node has, it is to be told all of it.
    pub(super) fn need_snapshot(&mut self) {
        self.reasons += 1;
        self.needed = Some(self.reasons);
        self.since = None;
        self.pending = Pending::default();
    }

    /// Adds a change that is on disk. Where it is too much to keep, the node needs a snapshot instead.
    pub(super) fn add(&mut self, generation: u64, delta: Delta, bytes_max: usize) {
        // A snapshot that is being taken may show what was on its way to disk.
        if self.since.is_some_and(|since| since < generation) {
            self.pending.add(generation, delta);
            if self.pending.exceeds(bytes_max) {
                self.need_snapshot();
            }
        }
    }

    /// A snapshot is being taken that shows a generation: what follows is collected. Gives the number of what it is the
    /// answer to; none: it is not needed any more.
    pub(super) fn begin_snapshot(&mut self, generation: u64) -> Option<u64> {
        self.needed?;
        self.since = Some(generation);
        self.pending = Pending::default();
        self.needed
    }

    /// A snapshot was taken, and is told if it still is what is needed.
    pub(super) fn tell_snapshot(&mut self, number: u64, generation: u64) -> bool {
        let fits = self.needed == Some(number);
        if fits {
            (self.needed, self.greet, self.told) = (None, false, generation);
            self.snapshot = Some(generation);
            self.unanswered.push_back(generation);
        }
        fits
    }

    /// What to tell next, where everything up to `generation` is on disk and was added.
    pub(super) fn next(&mut self, generation: u64, unanswered_max: usize) -> Next {
        if self.unanswered.len() >= unanswered_max.max(1) {
            return Next::Nothing;
        }
        if self.needed.is_some() {
            return Next::Snapshot;
        }
        let greet = mem::take(&mut self.greet);
        if !self.pending.is_empty() {
            let pending = mem::take(&mut self.pending);
            self.since = Some(pending.last);
            let from = self.tell(generation);
            return Next::Delta { from, generation, delta: pending.delta };
        }
        if greet {
            self.tell(generation);
            return Next::Current { generation };
        }
        Next::Nothing
    }

    fn tell(&mut self, generation: u64) -> u64 {
        self.unanswered.push_back(generation);
        mem::replace(&mut self.told, generation)
    }

    /// The node has answered everything up to a generation.
    pub(super) fn answered(&mut self, generation: u64) {
        while self.unanswered.front().is_some_and(|told| *told <= generation) {
            self.unanswered.pop_front();
        }
    }

    /// The newest generation that the node may be at.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// The generation of the last snapshot that it was told on this connection.
    pub(super) fn snapshot(&self) -> Option<u64> {
        self.snapshot
    }

    /// About how many bytes are kept for it.
    pub(super) fn bytes(&self) -> usize {
        self.pending.bytes
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.first == 0
    }

    /// The first generation at which the node is wanted to be otherwise.
    fn begins(&self) -> u64 {
        if self.is_empty() { u64::MAX } else { self.first }
    }

    fn add(&mut self, generation: u64, delta: Delta) {
        if self.is_empty() {
            self.first = generation;
        }
        self.last = generation;
        self.bytes += delta.bytes();
        self.delta.merge(delta);
    }

    /// Whether it takes more bytes than it may. What was replaced by later changes counts until it matters; then it
    /// must be much, so that it does not matter again at once.
    fn exceeds(&mut self, bytes_max: usize) -> bool {
        if self.bytes <= bytes_max {
            return false;
        }
        self.bytes = self.delta.bytes();
        self.bytes > bytes_max / 2
    }
}
