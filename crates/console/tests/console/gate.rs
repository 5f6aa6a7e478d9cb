//! A store whose commits wait while somebody keeps its gate closed.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use store::{Batch, Identity, MemoryStore, Snapshot, Store, StoreError, Table, Visitor};

/// Whether it is closed, and who waits before it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

struct Gated {
    store: MemoryStore,
    gate: Gate,
}

impl Gate {
    /// A store with a gate before it, which is open.
    pub(crate) fn before(store: MemoryStore) -> (Box<dyn Store>, Self) {
        let gate = Self::default();
        (Box::new(Gated { store, gate: gate.clone() }), gate)
    }

    pub(crate) fn close(&self) {
        *self.0.0.lock() = true;
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock() = false;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut closed = self.0.0.lock();
        self.0.1.wait_while(&mut closed, |closed| *closed);
    }
}

impl Store for Gated {
    fn identity(&self) -> Identity {
        self.store.identity()
    }

    fn revision(&self) -> u64 {
        self.store.revision()
    }

    fn commit(&mut self, revision: u64, batch: &Batch) -> Result<(), StoreError> {
        self.gate.pass();
        self.store.commit(revision, batch)
    }

    fn write_unsynced(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.store.write_unsynced(batch)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError> {
        self.store.scan(table, from, visitor)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.snapshot()
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        self.store.recover()
    }
}
