//! Backups: consistent while commits go on, whole or refused.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    ops::ControlFlow,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
};

use store::{Batch, FjallStore, Options, Store, StoreError, Table, backup, restore};

fn open(path: &Path) -> FjallStore {
    FjallStore::open(path, &Options::default()).unwrap()
}

/// Batch `revision` sets the same number in two tables and adds a line of history.
fn commit(store: &mut FjallStore, revision: u64) {
    let mut batch = Batch::new();
    batch.put(Table::Entities, "now", revision.to_be_bytes());
    batch.put(Table::Meta, "now", revision.to_be_bytes());
    batch.put(Table::History, revision.to_be_bytes(), vec![3; 500]);
    store.commit(revision, &batch).unwrap();
}

fn check(store: &FjallStore, revision: u64) {
    assert_eq!(store.revision(), revision);
    for table in [Table::Entities, Table::Meta] {
        assert_eq!(store.get(table, b"now").unwrap().unwrap(), revision.to_be_bytes());
    }
    let mut lines = 0;
    store
        .scan(Table::History, &[], &mut |_, value| {
            assert_eq!(value, vec![3; 500]);
            lines += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(lines, revision);
}

struct Backup {
    directory: tempfile::TempDir,
    file: PathBuf,
    store: FjallStore,
}

/// A store at revision 40 and a backup of it.
fn backup_of_forty() -> Backup {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup");
    let mut store = open(&directory.path().join("data"));
    (1..=40).for_each(|revision| commit(&mut store, revision));
    backup(&*store.snapshot().unwrap(), &file).unwrap();
    Backup { directory, file, store }
}

#[test]
fn taken_while_commits_go_on_and_restored() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup");
    let mut store = open(&directory.path().join("data"));
    (1..=300).for_each(|revision| commit(&mut store, revision));
    let snapshot = store.snapshot().unwrap();
    let destination = file.clone();
    let thread = thread::spawn(move || backup(&*snapshot, &destination).unwrap());
    (301..=400).for_each(|revision| commit(&mut store, revision));
    let report = thread.join().unwrap();
    assert_eq!((report.revision, report.records), (300, 302));
    assert_eq!(report.store_id, store.identity().store_id);
    assert_eq!(report.bytes, fs::metadata(&file).unwrap().len());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let restored = directory.path().join("restored");
    assert_eq!(restore(&file, &restored).unwrap(), report);
    let mut copy = open(&restored);
    check(&copy, 300);
    assert_eq!(copy.identity().store_id, store.identity().store_id);
    assert_eq!((copy.identity().restored_from, store.identity().restored_from), (Some(300), None));
    commit(&mut copy, 301);
    drop(copy);
    check(&open(&restored), 301);
    check(&store, 400);
}

#[test]
fn an_empty_store() {
    let directory = tempfile::tempdir().unwrap();
    let (data, file, restored) =
        (directory.path().join("data"), directory.path().join("backup"), directory.path().join("restored"));
    assert_eq!(backup(&*open(&data).snapshot().unwrap(), &file).unwrap().records, 0);
    restore(&file, &restored).unwrap();
    assert_eq!(open(&restored).revision(), 0);
}

#[test]
fn nothing_is_overwritten() {
    let Backup { directory, file, store } = backup_of_forty();
    let before = fs::read(&file).unwrap();
    let refused = backup(&*store.snapshot().unwrap(), &file);
    assert!(matches!(refused, Err(StoreError::Exists { .. })));
    assert!(fs::read(&file).unwrap() == before);
    for taken in ["data", "other"] {
        let target = directory.path().join(taken);
        fs::create_dir_all(&target).unwrap();
        fs::write(target.join("something"), "").unwrap();
        assert!(matches!(restore(&file, &target), Err(StoreError::Exists { .. })));
    }
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn a_truncated_damaged_or_foreign_file_is_refused() {
    let Backup { directory, file, .. } = backup_of_forty();
    let whole = fs::read(&file).unwrap();
    let target = directory.path().join("restored");
    let refused = |bytes: &[u8]| {
        let damaged = directory.path().join("damaged");
        fs::write(&damaged, bytes).unwrap();
        let error = restore(&damaged, &target).expect_err("it was restored");
        assert!(matches!(error, StoreError::BadBackup { .. } | StoreError::NewerFormat { .. }), "{error:?}");
        assert!(!target.exists() || fs::read_dir(&target).unwrap().next().is_none());
    };
    for length in (0..whole.len()).step_by(1_111).chain([whole.len() - 1]) {
        refused(&whole[..length]);
    }
    for offset in (0..whole.len()).step_by(1_013) {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x40;
        refused(&bytes);
    }
    refused(&[whole.as_slice(), b"more"].concat());
    refused(b"#!/bin/sh\necho not a backup, but long enough to be one\n");
    restore(&file, &target).unwrap();
    check(&open(&target), 40);
}

#[test]
fn an_interrupted_restore_is_not_a_store() {
    let Backup { directory, file, .. } = backup_of_forty();
    let target = directory.path().join("restored");
    restore(&file, &target).unwrap();
    fs::write(target.join("RESTORING"), "").unwrap();
    let refused = FjallStore::open(&target, &Options::default());
    assert!(matches!(refused, Err(StoreError::RestoreUnfinished { .. })));
}

#[test]
fn recovery_ends_a_snapshot() {
    let Backup { mut store, directory: _directory, .. } = backup_of_forty();
    let snapshot = store.snapshot().unwrap();
    let reader = thread::spawn(move || {
        // Reads on until the store takes the snapshot away.
        while snapshot.scan(Table::History, &[], &mut |_, _| ControlFlow::Continue(())).is_ok() {}
    });
    store.recover().unwrap();
    reader.join().unwrap();
    check(&store, 40);
}
