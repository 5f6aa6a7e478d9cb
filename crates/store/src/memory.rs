//! A store in memory, for tests of the crates above: the same contract, and failures on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Batch, Identity, Snapshot, Store, StoreError, StoreId, Table, Visitor, Write};

type Records = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// How a commit that was told to fail turns out at recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedCommit {
    /// The change is there after recovery.
    Present,
    /// The change is not there after recovery.
    Absent,
}

#[derive(Debug, Default)]
struct Orders {
    commits: VecDeque<FailedCommit>,
    recoveries: u32,
}

/// Tells a [`MemoryStore`] to fail, also while somebody else owns the store.
#[derive(Clone, Debug, Default)]
pub struct Failures(Arc<Mutex<Orders>>);

impl Failures {
    /// Lets one more of the coming commits (in the order of these calls) fail.
    pub fn fail_commit(&self, outcome: FailedCommit) {
        self.with(|orders| orders.commits.push_back(outcome));
    }

    /// Lets the next `count` calls of `recover` fail.
    pub fn fail_recoveries(&self, count: u32) {
        self.with(|orders| orders.recoveries = count);
    }

    fn with<T>(&self, change: impl FnOnce(&mut Orders) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A store in memory. It forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Arc<Records>,
    revision: u64,
    failures: Failures,
    /// What recovery will find, after a commit failed.
    failed: Option<(Arc<Records>, u64)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle to order failures with.
    pub fn failures(&self) -> Failures {
        self.failures.clone()
    }

    fn healthy(&self) -> Result<(), StoreError> {
        if self.failed.is_some() { Err(StoreError::NeedsRecovery) } else { Ok(()) }
    }

    fn after(&self, batch: &Batch) -> Arc<Records> {
        let mut records = self.records.clone();
        apply(Arc::make_mut(&mut records), batch);
        records
    }
}

fn apply(records: &mut Records, batch: &Batch) {
    for (table, key, write) in batch.writes() {
        match write {
            Write::Put(value) => records.insert((table, key.to_vec()), value.to_vec()),
            Write::Delete => records.remove(&(table, key.to_vec())),
        };
    }
}

fn scan(records: &Records, table: Table, from: &[u8], visitor: &mut Visitor<'_>) {
    for ((at, key), value) in records.range((table, from.to_vec())..) {
        if *at != table || visitor(key, value) == ControlFlow::Break(()) {
            return;
        }
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> Identity {
        Identity { store_id: StoreId(0), restored_from: None }
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn commit(&mut self, revision: u64, batch: &Batch) -> Result<(), StoreError> {
        self.healthy()?;
        batch.check()?;
        if revision <= self.revision {
            return Err(StoreError::RevisionConflict { current: self.revision, offered: revision });
        }
        match self.failures.with(|orders| orders.commits.pop_front()) {
            None => {
                apply(Arc::make_mut(&mut self.records), batch);
                self.revision = revision;
                return Ok(());
            }
            Some(FailedCommit::Present) => self.failed = Some((self.after(batch), revision)),
            Some(FailedCommit::Absent) => self.failed = Some((self.records.clone(), self.revision)),
        }
        Err(StoreError::CommitFailed { source: Box::new(io::Error::other("ordered by a test")) })
    }

    fn write_unsynced(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.healthy()?;
        batch.check()?;
        apply(Arc::make_mut(&mut self.records), batch);
        Ok(())
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.healthy()?;
        Ok(self.records.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError> {
        self.healthy()?;
        scan(&self.records, table, from, visitor);
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.healthy()?;
        Ok(Box::new(MemorySnapshot {
            records: self.records.clone(),
            revision: self.revision,
            identity: self.identity(),
        }))
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        let ordered = self.failures.with(|orders| {
            let ordered = orders.recoveries > 0;
            orders.recoveries = orders.recoveries.saturating_sub(1);
            ordered
        });
        if ordered {
            if self.failed.is_none() {
                self.failed = Some((self.records.clone(), self.revision));
            }
            let source = io::Error::other("ordered by a test");
            return Err(StoreError::Io { action: "recover", path: "memory".into(), source });
        }
        if let Some((records, revision)) = self.failed.take() {
            self.records = records;
            self.revision = revision;
        }
        Ok(())
    }
}

struct MemorySnapshot {
    records: Arc<Records>,
    revision: u64,
    identity: Identity,
}

impl Snapshot for MemorySnapshot {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError> {
        scan(&self.records, table, from, visitor);
        Ok(())
    }
}
