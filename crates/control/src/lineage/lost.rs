//! Generations that were lost: a backup was restored that was older than they are. Pure, but for reading and writing them.
//!
//! Somebody may still hold to them: a node that was told one of them enforces what this store knows nothing of. So that
//! it can be told apart for ever, their numbers are not given again: a restored store goes on with numbers so high that
//! the lost ones cannot have come to them. Which numbers that leaves out is kept with the first change after it.

use model::UnixMillis;
use store::{Batch, Identity, Store, Table};

use super::pairs;
use crate::load::{HexKey, OpenError};

/// Where the table `Meta` keeps them.
const KEY: &[u8] = b"lost_generations";

/// How many numbers are left out at least, whatever the clock says.
const LEFT_OUT_MIN: u64 = 1_000_000;

/// The numbers that were left out by one restored backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    /// The last generation of the backup.
    after: u64,
    /// The last number that is left out.
    through: u64,
}

/// Generations that were lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LostGenerations {
    gaps: Vec<Gap>,
    /// Whether the last one is not in the store yet.
    unsaved: bool,
}

impl LostGenerations {
    /// Reads them. A store that has just been restored has lost what came after its revision.
    pub(crate) fn load(store: &dyn Store, now: UnixMillis) -> Result<Self, OpenError> {
        let found = store.get(Table::Meta, KEY).map_err(|source| OpenError::Store { source })?;
        let pairs = pairs::read(&found.unwrap_or_default()).map_err(|source| OpenError::Damaged {
            table: Table::Meta,
            key: HexKey(KEY.to_vec()),
            source,
        })?;
        let gaps = pairs.into_iter().map(|(after, through)| Gap { after, through }).collect();
        Ok(Self { gaps, unsaved: false }.restored(store.identity(), store.revision(), now))
    }

    fn restored(mut self, identity: Identity, revision: u64, now: UnixMillis) -> Self {
        let known = self.gaps.last().is_some_and(|gap| gap.after >= revision);
        if identity.restored_from == Some(revision) && !known {
            // Microseconds: nobody makes changes so fast that counting would come to a number that time has not passed.
            let time = u64::try_from(now.0).unwrap_or(0).saturating_mul(1000);
            self.gaps.push(Gap { after: revision, through: time.max(revision + LEFT_OUT_MIN) });
            self.unsaved = true;
        }
        self
    }

    /// The highest number that must not be given any more, where `revision` is that of the store.
    pub(crate) fn highest(&self, revision: u64) -> u64 {
        self.gaps.last().map_or(revision, |gap| gap.through.max(revision))
    }

    /// Whether this was never a generation of this store, or is none any more.
    pub(crate) fn contains(&self, generation: u64) -> bool {
        self.gaps.iter().any(|gap| gap.after < generation && generation <= gap.through)
    }

    /// Adds what is not in the store yet to the batch of a change.
    pub(crate) fn put(&self, batch: &mut Batch) {
        if self.unsaved {
            batch.put(Table::Meta, KEY, pairs::written(self.gaps.iter().map(|own| (own.after, own.through))));
        }
    }

    /// What was put is in the store.
    pub(crate) fn saved(&mut self) {
        self.unsaved = false;
    }
}

#[cfg(test)]
mod tests {
    use store::StoreId;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn identity(restored_from: Option<u64>) -> Identity {
        Identity { store_id: StoreId(1), restored_from }
    }

    #[test]
    fn a_restored_store_goes_on_where_nobody_has_counted_to() {
        let none = LostGenerations::default().restored(identity(None), 40, NOW);
        assert_eq!((none.highest(40), none.contains(41)), (40, false));
        let lost = LostGenerations::default().restored(identity(Some(40)), 40, NOW);
        assert_eq!(lost.highest(40), 1_800_000_000_000_000);
        let contained = [40, 41, 1_800_000_000_000_000, 1_800_000_000_000_001].map(|of| lost.contains(of));
        assert_eq!(contained, [false, true, true, false]);
        // A second time before there was any change, and later, when there were some.
        assert_eq!(lost.clone().restored(identity(Some(40)), 40, NOW), lost);
        let later = lost.highest(40) + 7;
        assert_eq!(lost.clone().restored(identity(Some(40)), later, NOW), lost);
        assert_eq!(lost.highest(later), later);
    }

    #[test]
    fn a_clock_that_is_wrong_leaves_out_a_million() {
        let lost = LostGenerations::default().restored(identity(Some(40)), 40, UnixMillis(-5));
        assert_eq!(lost.highest(40), 1_000_040);
        let again = lost.restored(identity(Some(1_000_050)), 1_000_050, UnixMillis(0));
        assert_eq!(again.highest(1_000_050), 2_000_050);
        assert!(again.contains(1_000_040) && !again.contains(1_000_050) && again.contains(1_000_051));
    }
}
