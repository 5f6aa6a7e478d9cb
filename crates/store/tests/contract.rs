//! What every store does, checked on both.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{ops::ControlFlow, path::Path};

use store::{Batch, FjallStore, MemoryStore, Options, Snapshot, Store, StoreError, Table};

fn records(store: &dyn Store, table: Table, from: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    store
        .scan(table, from, &mut |key, value| {
            records.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    records
}

fn keys_of(snapshot: &dyn Snapshot, table: Table) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    snapshot
        .scan(table, &[], &mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    keys
}

fn put(table: Table, key: &str, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(table, key, value);
    batch
}

fn contract(store: &mut dyn Store) {
    assert_eq!(store.revision(), 0);
    let mut batch = put(Table::Entities, "b", "1");
    batch.put(Table::Entities, "a", "2");
    batch.put(Table::History, "a", "3");
    store.commit(5, &batch).unwrap();
    assert_eq!(store.revision(), 5);

    for offered in [0, 4, 5] {
        let refused = store.commit(offered, &Batch::new()).unwrap_err();
        assert!(matches!(refused, StoreError::RevisionConflict { current: 5, .. }));
        assert!(!refused.needs_recovery());
    }
    let refused = store.commit(6, &put(Table::Meta, "", "no empty keys")).unwrap_err();
    assert!(matches!(refused, StoreError::TooLarge { what: "key", .. }));

    let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    assert_eq!(records(store, Table::Entities, b""), [pair("a", "2"), pair("b", "1")]);
    assert_eq!(records(store, Table::Entities, b"aa"), [pair("b", "1")]);
    assert_eq!(records(store, Table::Nonces, b""), []);
    assert_eq!(store.get(Table::History, b"a").unwrap().unwrap(), b"3");
    assert_eq!(store.get(Table::History, b"b").unwrap(), None);

    let mut seen = 0;
    store
        .scan(Table::Entities, &[], &mut |_, _| {
            seen += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(seen, 1);

    let snapshot = store.snapshot().unwrap();
    let mut batch = Batch::new();
    batch.delete(Table::Entities, "a");
    batch.delete(Table::Entities, "never there");
    store.commit(6, &batch).unwrap();
    store.write_unsynced(&put(Table::Nonces, "n", "")).unwrap();
    assert_eq!(store.revision(), 6, "an unsynced write makes no revision");
    store.commit(7, &Batch::new()).unwrap();
    assert_eq!(store.revision(), 7);
    assert_eq!(snapshot.revision(), 5);
    assert_eq!(keys_of(&*snapshot, Table::Entities), [b"a", b"b"]);
    assert!(keys_of(&*snapshot, Table::Nonces).is_empty());
    assert_eq!(records(store, Table::Entities, b""), [pair("b", "1")]);

    drop(snapshot);
    store.recover().unwrap();
    assert_eq!(store.revision(), 7);
    assert_eq!(records(store, Table::Entities, b""), [pair("b", "1")]);
    assert_eq!(records(store, Table::Nonces, b""), [pair("n", "")]);
}

fn open(path: &Path) -> FjallStore {
    FjallStore::open(path, &Options::default()).unwrap()
}

#[test]
fn memory() {
    contract(&mut MemoryStore::new());
}

#[test]
fn fjall() {
    let directory = tempfile::tempdir().unwrap();
    contract(&mut open(directory.path()));
    for _ in 0..3 {
        let mut store = open(directory.path());
        let revision = store.revision();
        assert_eq!(records(&store, Table::Entities, b"").len(), 1);
        assert_eq!(store.get(Table::Nonces, b"n").unwrap().unwrap(), b"");
        store.commit(revision + 1, &put(Table::Meta, "again", "1")).unwrap();
    }
    assert_eq!(open(directory.path()).revision(), 10);
}

#[test]
fn memory_fails_as_ordered() {
    use store::FailedCommit::{Absent, Present};
    let mut store = MemoryStore::new();
    let failures = store.failures();
    for (outcome, expected) in [(Present, 1), (Absent, 1)] {
        failures.fail_commit(outcome);
        let revision = store.revision() + 1;
        let batch = put(Table::Entities, &format!("{outcome:?}"), "1");
        assert!(store.commit(revision, &batch).unwrap_err().needs_recovery());
        assert!(matches!(store.get(Table::Entities, b"x"), Err(StoreError::NeedsRecovery)));
        assert!(matches!(store.snapshot().err(), Some(StoreError::NeedsRecovery)));
        failures.fail_recoveries(1);
        assert!(store.recover().is_err());
        assert!(matches!(store.commit(9, &batch), Err(StoreError::NeedsRecovery)));
        store.recover().unwrap();
        assert_eq!(store.revision(), expected);
        assert_eq!(records(&store, Table::Entities, b"").len(), 1);
    }
}

#[test]
fn fjall_keeps_what_is_large() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { cache_bytes: 1 << 20, write_buffer_bytes: 1 << 20 };
    let mut store = FjallStore::open(directory.path(), &options).unwrap();
    let value = vec![7; 20_000];
    for revision in 1..=400_u32 {
        let mut batch = Batch::new();
        batch.put(Table::Entities, revision.to_be_bytes(), value.clone());
        batch.put(Table::History, revision.to_be_bytes(), value.clone());
        store.commit(u64::from(revision), &batch).unwrap();
    }
    store.recover().unwrap();
    drop(store);
    let store = FjallStore::open(directory.path(), &options).unwrap();
    assert_eq!(store.revision(), 400);
    for table in [Table::Entities, Table::History] {
        let found = records(&store, table, b"");
        assert_eq!(found.len(), 400);
        assert!(found.iter().all(|(_, found)| *found == value));
    }
}
