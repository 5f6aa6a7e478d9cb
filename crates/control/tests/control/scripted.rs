//! A store that does what a test tells it to: stands still in a commit or a recovery, fails, panics.

use std::{sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex};
use store::{Batch, FailedCommit, Identity, MemoryStore, Snapshot, Store, StoreError, Table, Visitor};

const HELD_MAX: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Orders {
    /// Commits and recoveries stand still from this one on, counted from 1.
    held_from: Option<usize>,
    /// How often a commit or recovery began.
    entered: usize,
    fail_unsynced: bool,
    panic_in_commit: bool,
    /// The writer has dropped the store.
    gone: bool,
}

/// The test's side.
#[derive(Clone, Default)]
pub struct Script(Arc<(Mutex<Orders>, Condvar)>);

impl Script {
    /// From now on commits and recoveries stand still at their beginning.
    pub fn close(&self) {
        self.with(|orders| orders.held_from = Some(orders.entered + 1));
    }

    /// Commits and recoveries stand still from this one on, counted from 1; those before it go on.
    pub fn hold_from(&self, number: usize) {
        self.with(|orders| orders.held_from = Some(number));
    }

    /// Waits until the writer has dropped the store.
    pub fn wait_for_end(&self) {
        let mut orders = self.0.0.lock();
        self.0.1.wait_while(&mut orders, |orders| !orders.gone);
    }

    /// They go on.
    pub fn open(&self) {
        self.with(|orders| orders.held_from = None);
    }

    /// How many commits and recoveries have begun.
    pub fn entered(&self) -> usize {
        self.0.0.lock().entered
    }

    /// Waits until this many commits and recoveries have begun.
    pub fn wait_for_entry(&self, count: usize) {
        let mut orders = self.0.0.lock();
        self.0.1.wait_while(&mut orders, |orders| orders.entered < count);
    }

    /// Lets the next unsynced write fail.
    pub fn fail_unsynced(&self) {
        self.with(|orders| orders.fail_unsynced = true);
    }

    /// Lets the next commit panic.
    pub fn panic_in_commit(&self) {
        self.with(|orders| orders.panic_in_commit = true);
    }

    fn with(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.0.0.lock());
        self.0.1.notify_all();
    }

    fn pass(&self) -> bool {
        let mut orders = self.0.0.lock();
        orders.entered += 1;
        self.0.1.notify_all();
        let number = orders.entered;
        let held = |orders: &mut Orders| orders.held_from.is_some_and(|from| number >= from);
        // A test that has failed lets go of nothing: it should end all the same.
        let waited = self.0.1.wait_while_for(&mut orders, held, HELD_MAX);
        assert!(!waited.timed_out(), "the test holds the store and does nothing");
        orders.panic_in_commit
    }
}

/// The writer's side.
pub struct Scripted {
    inner: Box<dyn Store>,
    script: Script,
    broken: bool,
}

impl Scripted {
    pub fn new(inner: impl Store + 'static) -> (Self, Script) {
        let script = Script::default();
        (Self { inner: Box::new(inner), script: script.clone(), broken: false }, script)
    }

    pub fn memory(fill: impl FnOnce(&mut MemoryStore)) -> (Self, Script, store::Failures) {
        let mut memory = MemoryStore::new();
        fill(&mut memory);
        let failures = memory.failures();
        let (store, script) = Self::new(memory);
        (store, script, failures)
    }

    fn healthy(&self) -> Result<(), StoreError> {
        if self.broken { Err(StoreError::NeedsRecovery) } else { Ok(()) }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.script.with(|orders| orders.gone = true);
    }
}

impl Store for Scripted {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }
    fn revision(&self) -> u64 {
        self.inner.revision()
    }
    fn commit(&mut self, revision: u64, batch: &Batch) -> Result<(), StoreError> {
        self.healthy()?;
        assert!(!self.script.pass(), "ordered by a test");
        self.inner.commit(revision, batch)
    }
    fn write_unsynced(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.healthy()?;
        if std::mem::take(&mut self.script.0.0.lock().fail_unsynced) {
            self.broken = true;
            return Err(StoreError::CommitFailed { source: "ordered by a test".into() });
        }
        self.inner.write_unsynced(batch)
    }
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(table, key)
    }
    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError> {
        self.inner.scan(table, from, visitor)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.inner.snapshot()
    }
    fn recover(&mut self) -> Result<(), StoreError> {
        self.script.pass();
        self.inner.recover()?;
        self.broken = false;
        Ok(())
    }
}

/// What a failed commit may turn out to be.
pub const BOTH: [FailedCommit; 2] = [FailedCommit::Present, FailedCommit::Absent];
