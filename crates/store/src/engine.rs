//! The embedded engine, fjall: how it is set up, written and read.
//!
//! What of its behaviour matters here:
//! - A batch is written to the journal, synchronised, and only then shown to readers.
//! - After any failed write or synchronisation, its own background work included, it is poisoned and refuses writes.
//!   Its background thread ends then, and a writer that waits for that thread inside the engine waits for ever; so the
//!   waiting is done here, before the engine would, and ends when the engine is poisoned.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::Duration,
};

use fjall::{
    AbstractTree, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable,
    config::{FilterPolicy, FilterPolicyEntry},
};

use crate::{
    Batch, Cause, Options, StoreError, Table, Visitor, Write,
    journal_batch::{Link, REVISION_KEY, SYSTEM_TREE},
};

/// The trees the engine keeps: its own register of trees, ours for the store's records, and the four tables.
pub(crate) const TREES: u64 = 6;

/// The names of the tables' trees, in the order of [`Table::index`], and their parts of the write buffer in sixteenths.
const TABLE_TREES: [(&str, u64); 4] = [("entities", 6), ("history", 6), ("nonces", 2), ("meta", 1)];
const SYSTEM_NAME: &str = "store";
const RESTORED_KEY: &[u8] = b"restored_from";

/// Journals are kept until what is in them is in tables; over this size (bytes) tables are written for their sake.
const JOURNAL_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Buffers that wait to be written to tables, a tree: the engine itself waits, unwakeably, at 4.
const SEALED_BUFFERS_MAX: usize = 2;
/// Runs of unsorted tables, a tree: the engine itself waits, unwakeably, at 30.
const UNSORTED_RUNS_MAX: usize = 20;
const ROOM_POLL: Duration = Duration::from_millis(1);

/// A key and its value.
pub(crate) type Record = (Vec<u8>, Vec<u8>);

/// An open engine.
pub(crate) struct Engine {
    // Declared before the database: handles must be gone when it closes.
    system: Keyspace,
    tables: [Keyspace; 4],
    database: Database,
}

impl Engine {
    /// Opens the engine in `path`, or creates it.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        // The engine trusts its own files and panics on some kinds of damage.
        let opened = catch_unwind(AssertUnwindSafe(|| Self::try_open(path, options)));
        let opened = opened.map_err(|_| StoreError::damaged(path, "the engine gave up on its files"))?;
        let engine =
            opened.map_err(|source| StoreError::Engine { path: path.to_owned(), source: source.into() })?;
        if engine.system.id() == SYSTEM_TREE && engine.database.keyspace_count() + 1 == usize_of(TREES) {
            Ok(engine)
        } else {
            Err(StoreError::damaged(path, "its trees are not the ones that were created"))
        }
    }

    fn try_open(path: &Path, options: &Options) -> fjall::Result<Self> {
        let database = Database::builder(path)
            .cache_size(options.cache_bytes)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .worker_threads(1)
            .open()?;
        let share = options.write_buffer_bytes / 16;
        let tree = |name: &str, parts: u64| {
            database.keyspace(name, || {
                KeyspaceCreateOptions::default()
                    .max_memtable_size(share.saturating_mul(parts))
                    // Single keys are hardly ever read: the state of the control plane is in memory.
                    .filter_policy(FilterPolicy::all(FilterPolicyEntry::None))
            })
        };
        let system = tree(SYSTEM_NAME, 1)?;
        let [entities, history, nonces, meta] = TABLE_TREES;
        let tables = [
            tree(entities.0, entities.1)?,
            tree(history.0, history.1)?,
            tree(nonces.0, nonces.1)?,
            tree(meta.0, meta.1)?,
        ];
        Ok(Self { system, tables, database })
    }

    /// Closes it. Errors and panics of the closing are of no interest: what counts is what the files show then.
    pub(crate) fn close(self) {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self)));
    }

    /// Applies `batch`, and with it the record of the revision it makes; synchronised if it makes one.
    pub(crate) fn write(&self, batch: &Batch, link: Option<Link>) -> Result<(), Cause> {
        self.wait_for_room(batch)?;
        let mode = if link.is_some() { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut engine_batch = self.database.batch().durability(Some(mode));
        for (table, key, write) in batch.writes() {
            match write {
                Write::Put(value) => engine_batch.insert(self.table(table), key, value),
                Write::Delete => engine_batch.remove(self.table(table), key),
            }
        }
        if let Some(link) = link {
            engine_batch.insert(&self.system, REVISION_KEY, link.encode());
        }
        engine_batch.commit().map_err(Cause::from)
    }

    fn wait_for_room(&self, batch: &Batch) -> Result<(), Cause> {
        let mut touched = [false; 4];
        for (table, _, _) in batch.writes() {
            if let Some(touched) = touched.get_mut(table.index()) {
                *touched = true;
            }
        }
        let trees = self.tables.iter().zip(touched).filter(|(_, touched)| *touched).map(|(tree, _)| tree);
        for tree in trees.chain([&self.system]) {
            while tree.sealed_memtable_count() >= SEALED_BUFFERS_MAX
                || tree.tree.l0_run_count() >= UNSORTED_RUNS_MAX
            {
                // Writes nothing, and fails when the engine is poisoned.
                self.database.persist(PersistMode::Buffer)?;
                thread::sleep(ROOM_POLL);
            }
        }
        Ok(())
    }

    /// Records that this store was restored from a backup of `revision`, durably.
    pub(crate) fn note_restored(&self, revision: u64) -> Result<(), Cause> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.system, RESTORED_KEY, revision.to_be_bytes());
        batch.commit().map_err(Cause::from)
    }

    /// Fills an empty table with records in ascending key order, past the journal.
    pub(crate) fn ingest(
        &self,
        table: Table,
        records: &mut dyn FnMut() -> Result<Option<Record>, StoreError>,
    ) -> Result<u64, StoreError> {
        let failed = |source: fjall::Error| StoreError::CommitFailed { source: source.into() };
        let Some((key, value)) = records()? else { return Ok(0) };
        let mut ingestion = self.table(table).start_ingestion().map_err(failed)?;
        ingestion.write(key, value).map_err(failed)?;
        let mut count = 1;
        while let Some((key, value)) = records()? {
            ingestion.write(key, value).map_err(failed)?;
            count += 1;
        }
        ingestion.finish().map_err(failed)?;
        Ok(count)
    }

    /// The last commit's place in the chain; `None` in an engine nothing was ever committed to.
    pub(crate) fn link(&self) -> Result<Option<Link>, Cause> {
        let Some(value) = self.system.get(REVISION_KEY)? else { return Ok(None) };
        Link::decode(&value).map(Some).ok_or_else(|| "the record of the revision is malformed".into())
    }

    /// The revision of the backup it was restored from, if it was.
    pub(crate) fn restored_from(&self) -> Result<Option<u64>, Cause> {
        let Some(value) = self.system.get(RESTORED_KEY)? else { return Ok(None) };
        let value: [u8; 8] = value.as_ref().try_into()?;
        Ok(Some(u64::from_be_bytes(value)))
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.table(table).get(key).map_err(read_error)?;
        Ok(value.map(|value| value.to_vec()))
    }

    pub(crate) fn view(&self) -> fjall::Snapshot {
        self.database.snapshot()
    }

    /// Visits the records of `table` as `view` shows them. `go_on` is asked before each.
    pub(crate) fn scan(
        &self,
        view: &fjall::Snapshot,
        (table, from): (Table, &[u8]),
        go_on: &dyn Fn() -> Result<(), StoreError>,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), StoreError> {
        for record in view.range(self.table(table), from..) {
            go_on()?;
            let (key, value) = record.into_inner().map_err(read_error)?;
            if visitor(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn table(&self, table: Table) -> &Keyspace {
        let [entities, history, nonces, meta] = &self.tables;
        match table {
            Table::Entities => entities,
            Table::History => history,
            Table::Nonces => nonces,
            Table::Meta => meta,
        }
    }
}

fn read_error(source: fjall::Error) -> StoreError {
    StoreError::Read { source: source.into() }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
