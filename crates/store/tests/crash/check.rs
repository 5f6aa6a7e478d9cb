//! What the batches of the writer look like, and whether a store holds exactly the first so many of them.

use std::{ops::ControlFlow, path::Path};

use store::{Batch, FjallStore, Options, Store, Table};

/// Small buffers, so that tables are written and merged all the time.
pub(crate) const OPTIONS: Options = Options { cache_bytes: 1 << 20, write_buffer_bytes: 2 << 20 };

const REPLACED: [&str; 3] = ["a", "m", "z"];

fn value(revision: u64, bytes: usize) -> Vec<u8> {
    let byte = u8::try_from(revision % 251).unwrap();
    [revision.to_be_bytes().to_vec(), vec![byte; bytes]].concat()
}

fn is_value_of(value: &[u8], revision: u64) -> bool {
    value.len() >= 8 && *value == self::value(revision, value.len() - 8)
}

/// Batch number `revision`: changes in every table that are only right together.
pub(crate) fn batch(revision: u64, bytes: usize) -> Batch {
    let mut batch = Batch::new();
    let odd = usize::try_from(revision * 37 % 101).unwrap();
    for key in REPLACED {
        batch.put(Table::Entities, key, value(revision, 40 + odd));
    }
    batch.put(Table::History, revision.to_be_bytes(), value(revision, bytes * (odd + 1) / 50));
    batch.put(Table::Meta, "last", value(revision, 0));
    batch.delete(Table::Nonces, (revision - 1).to_be_bytes());
    batch.put(Table::Nonces, revision.to_be_bytes(), "");
    batch
}

/// A record that is written without waiting.
pub(crate) fn unsynced(revision: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(Table::Nonces, "unsynced", value(revision, 300));
    batch
}

fn records(store: &dyn Store, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    store
        .scan(table, &[], &mut |key, value| {
            records.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    records
}

/// Opens the store and requires batches 1 to its revision, each whole; and that its revision is `acknowledged` or at
/// most `more` later (tried, but not acknowledged when the process ended). Returns the revision.
pub(crate) fn store(path: &Path, acknowledged: u64, more: u64) -> u64 {
    let store = FjallStore::open(path, &OPTIONS).unwrap();
    let revision = store.revision();
    assert!(revision >= acknowledged, "acknowledged {acknowledged}, found {revision}");
    assert!(revision <= acknowledged + more, "acknowledged {acknowledged}, found {revision}");
    let history = records(&store, Table::History);
    assert_eq!(history.len(), usize::try_from(revision).unwrap());
    for (number, (key, value)) in (1..).zip(&history) {
        assert_eq!(*key, u64::to_be_bytes(number));
        assert!(is_value_of(value, number), "history {number}");
    }
    if revision > 0 {
        let entities = records(&store, Table::Entities);
        assert_eq!(entities.len(), REPLACED.len());
        assert!(entities.iter().all(|(_, value)| is_value_of(value, revision)), "half of batch {revision}");
        assert!(is_value_of(&store.get(Table::Meta, b"last").unwrap().unwrap(), revision));
        let mut nonces = records(&store, Table::Nonces);
        nonces.retain(|(key, _)| key != b"unsynced");
        assert_eq!(nonces, [(revision.to_be_bytes().to_vec(), vec![])]);
    }
    revision
}
