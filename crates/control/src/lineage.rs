//! Which generations are this store's own, and which only have the number of one.
//!
//! Nodes hold to generations. Where a store goes back, because a backup was restored or an older copy of its directory was
//! put in its place, some of them are none of its own any more, and their numbers say nothing.

mod lost;
mod pairs;
mod runs;

use model::{UnixMillis, context::Entropy};
use store::{Batch, Store};

use self::{lost::LostGenerations, runs::Runs};
use crate::load::OpenError;

/// Which generations are this store's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    lost: LostGenerations,
    runs: Runs,
}

impl Lineage {
    /// Reads it, and begins another run.
    pub(crate) fn load(
        store: &dyn Store,
        entropy: &mut dyn Entropy,
        now: UnixMillis,
    ) -> Result<Self, OpenError> {
        Ok(Self { lost: LostGenerations::load(store, now)?, runs: Runs::load(store, entropy)? })
    }

    /// The highest number that must not be given any more, where `revision` is that of the store.
    pub(crate) fn highest(&self, revision: u64) -> u64 {
        self.lost.highest(revision)
    }

    /// The run that made a generation; 0: it is not known.
    pub(crate) fn run_of(&self, generation: u64) -> u64 {
        self.runs.of(generation)
    }

    /// Whether a generation of a run was never one of this store, or is none any more. Those that are on disk go up to
    /// `durable`.
    pub(crate) fn lacks(&self, generation: u64, run: u64, durable: u64) -> bool {
        generation > durable || self.lost.contains(generation) || self.runs.differs(generation, run)
    }

    /// Adds what is not in the store yet to the batch of a change.
    pub(crate) fn put(&self, batch: &mut Batch) {
        self.lost.put(batch);
        self.runs.put(batch);
    }

    /// What was put is in the store.
    pub(crate) fn saved(&mut self) {
        self.lost.saved();
        self.runs.saved();
    }
}
