//! Which run of the control plane made which generations. Pure, but for reading and writing them.
//!
//! A data directory that is put back, as a copy or as the snapshot of a volume, gives the numbers of generations a second
//! time, and nothing in it says so. So each process that makes a change has a random number, its run, which is kept with
//! its first change, and nodes are told it with each generation. A node that says it has a generation of another run than
//! the one that made it here enforces something that this store knows nothing of, however far its own numbers have come.

use model::context::Entropy;
use store::{Batch, Store, Table};

use super::pairs;
use crate::load::{HexKey, OpenError};

/// Where the table `Meta` keeps them.
const KEY: &[u8] = b"runs";

/// How many are kept, the newest: of generations of earlier ones it is not known which run made them.
const KEPT_MAX: usize = 4096;

/// A process that made generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// The last generation before its first.
    after: u64,
    /// Its number; never 0.
    id: u64,
}

/// The runs whose generations this store has, in their order, and the present one as the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    known: Vec<Run>,
    /// Whether the last one is not in the store yet.
    unsaved: bool,
}

impl Runs {
    /// Reads them, and begins another one.
    pub(crate) fn load(store: &dyn Store, entropy: &mut dyn Entropy) -> Result<Self, OpenError> {
        let found = store.get(Table::Meta, KEY).map_err(|source| OpenError::Store { source })?;
        let pairs = pairs::read(&found.unwrap_or_default()).map_err(|source| OpenError::Damaged {
            table: Table::Meta,
            key: HexKey(KEY.to_vec()),
            source,
        })?;
        let known = pairs.into_iter().map(|(after, id)| Run { after, id }).collect();
        // The lower half of the number: nothing is meant by it.
        #[allow(clippy::cast_possible_truncation)]
        let id = entropy.next() as u64;
        Ok(Self { known, unsaved: false }.begin(store.revision(), id.max(1)))
    }

    fn begin(mut self, after: u64, id: u64) -> Self {
        self.known.push(Run { after, id });
        let old = self.known.len().saturating_sub(KEPT_MAX);
        self.known.drain(..old);
        self.unsaved = true;
        self
    }

    /// The run that made a generation; 0: it is not known.
    pub(crate) fn of(&self, generation: u64) -> u64 {
        let later = self.known.partition_point(|run| run.after < generation);
        later.checked_sub(1).and_then(|last| self.known.get(last)).map_or(0, |run| run.id)
    }

    /// Whether a generation that somebody has of a run is another one than the one with its number here. Of what is not
    /// known, on one side or the other, it is not said.
    pub(crate) fn differs(&self, generation: u64, run: u64) -> bool {
        let own = self.of(generation);
        own != 0 && run != 0 && own != run
    }

    /// Adds what is not in the store yet to the batch of a change.
    pub(crate) fn put(&self, batch: &mut Batch) {
        if self.unsaved {
            batch.put(Table::Meta, KEY, pairs::written(self.known.iter().map(|own| (own.after, own.id))));
        }
    }

    /// What was put is in the store.
    pub(crate) fn saved(&mut self) {
        self.unsaved = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_of_the_run_that_made_it() {
        let runs = Runs::default().begin(0, 7).begin(40, 8).begin(40, 9);
        let made: Vec<u64> = [0, 1, 40, 41, u64::MAX].map(|of| runs.of(of)).into();
        // The run that made nothing has none.
        assert_eq!(made, [0, 7, 7, 9, 9]);
    }

    #[test]
    fn what_was_made_again_under_the_same_number_is_told_apart() {
        let before = Runs::default().begin(0, 7);
        let (went_on, put_back) = (before.clone().begin(40, 8), before.begin(40, 9));
        assert!(put_back.differs(41, went_on.of(41)));
        assert!(!put_back.differs(40, went_on.of(40)), "both have it");
        assert!(!put_back.differs(41, 0) && !put_back.differs(0, 8), "not known");
    }

    #[test]
    fn only_so_many_are_kept() {
        let runs = (1..=KEPT_MAX as u64 + 2).fold(Runs::default(), |runs, id| runs.begin(id * 10, id));
        assert_eq!(runs.known.len(), KEPT_MAX);
        assert_eq!([30, 31].map(|of| runs.of(of)), [0, 3]);
        assert!(!runs.differs(30, 99));
    }
}
