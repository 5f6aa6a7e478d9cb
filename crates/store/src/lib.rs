//! What is durable.
//!
//! One trait, [`Store`]: four ordered tables of byte keys and byte values, changed by atomic batches, each of which
//! makes one revision (the generation of the control plane). [`FjallStore`] keeps them in a directory, on an embedded
//! engine; [`MemoryStore`] keeps them in memory, for tests of the crates above, and fails when it is told to.
//!
//! The shape leaves room for a distributed store behind the same trait: ordered keys, atomic batches, compare on
//! revision. This crate must not know what the bytes mean: no model, no encoding, no clock.

mod backup;
mod batch;
mod directory;
mod engine;
mod error;
mod files;
mod fjall_store;
mod journal;
mod journal_batch;
mod manifest;
mod mark;
mod memory;
mod restore;

use std::ops::ControlFlow;

pub use backup::{BackupReport, backup};
pub use batch::{Batch, MAX_BATCH_WRITES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Write};
pub use error::{Cause, StoreError};
pub use fjall_store::{FjallStore, Options};
pub use memory::{FailedCommit, Failures, MemoryStore};
pub use restore::restore;

/// The tables of a store. The set is fixed: it is part of the format on disk and of backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// What exists now.
    Entities,
    /// What each generation changed.
    History,
    /// Nonces of requests that were seen.
    Nonces,
    /// The owner's notes about the whole, such as its own schema version.
    Meta,
}

impl Table {
    /// All tables, in the order in which a backup holds them.
    pub const ALL: [Table; 4] = [Table::Entities, Table::History, Table::Nonces, Table::Meta];

    pub(crate) fn index(self) -> usize {
        match self {
            Table::Entities => 0,
            Table::History => 1,
            Table::Nonces => 2,
            Table::Meta => 3,
        }
    }
}

/// The random name a store gets when it is created, kept by its backups and by what is restored from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(pub u128);

impl std::fmt::Display for StoreId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// Which store this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name of the store. A restored store keeps the name of the one that was backed up.
    pub store_id: StoreId,
    /// The revision of the backup this store was restored from, if it was. Whoever confirmed a later revision of the
    /// same store knows by this that revisions between the two were lost, and that their numbers are used again.
    pub restored_from: Option<u64>,
}

/// Gets each key and value of a scan in key order; `Break` ends the scan.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// A durable map of ordered byte keys, with one writer.
///
/// After [`StoreError::CommitFailed`] or any other error for which [`StoreError::needs_recovery`] is true, every call
/// but [`Store::recover`] fails with [`StoreError::NeedsRecovery`]: what an engine shows after a failed write need not
/// be what is on disk, so nothing is answered from it.
pub trait Store: Send {
    /// Which store this is.
    fn identity(&self) -> Identity;

    /// The revision of the last batch that is known to be durable; 0 while there was none. After a failed commit the
    /// answer is the one from before, until [`Store::recover`] found out.
    fn revision(&self) -> u64;

    /// Applies `batch` as a whole and returns when it is on disk. `revision` names the result and must be greater
    /// than [`Store::revision`]. The batch may be empty: the revision is recorded all the same.
    ///
    /// # Errors
    /// [`StoreError::RevisionConflict`] and [`StoreError::TooLarge`]: nothing was tried, the store goes on.
    /// [`StoreError::CommitFailed`]: whether the batch is there is unknown until [`Store::recover`]; if
    /// [`Store::revision`] is then `revision`, it is.
    fn commit(&mut self, revision: u64, batch: &Batch) -> Result<(), StoreError>;

    /// Applies `batch` as a whole without a revision of its own and without waiting for the disk: it survives the end
    /// of this process, a power failure before the next commit may undo it.
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn write_unsynced(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// The value at `key`.
    ///
    /// # Errors
    /// [`StoreError::Read`] if the data cannot be read or its checksum is wrong.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the records of `table` in key order, from `from` (inclusive; empty for all).
    ///
    /// # Errors
    /// [`StoreError::Read`] if the data cannot be read or its checksum is wrong; records already visited were good.
    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError>;

    /// A consistent view of this moment, to be read by another thread while commits go on; see [`backup`].
    /// [`Store::recover`] ends it: its next read fails.
    ///
    /// # Errors
    /// [`StoreError::NeedsRecovery`].
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Closes the store, makes what the files show durable, reopens it and takes what is there. To be called after a
    /// failure; harmless otherwise. When it fails because the cause persists (the disk is still full) nothing is lost
    /// and it may be called again until it succeeds.
    ///
    /// # Errors
    /// Whatever opening a store may answer, and [`StoreError::SnapshotInUse`] while a reader does not let go.
    fn recover(&mut self) -> Result<(), StoreError>;
}

/// A consistent view of a store at one revision.
pub trait Snapshot: Send {
    /// Which store this is a view of.
    fn identity(&self) -> Identity;

    /// The revision it shows. Unsynced writes made after that revision and before the snapshot are in it too.
    fn revision(&self) -> u64;

    /// As [`Store::scan`].
    ///
    /// # Errors
    /// As [`Store::scan`], and [`StoreError::NeedsRecovery`] after the store was closed or recovered.
    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError>;
}
