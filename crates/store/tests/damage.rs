//! Directories that must not be opened, and damage that must not pass for data.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
};

use store::{Batch, FjallStore, Options, Store, StoreError, Table};

const BATCHES: u64 = 12;

fn try_open(path: &Path) -> Result<FjallStore, StoreError> {
    FjallStore::open(path, &Options::default())
}

fn value(revision: u64) -> Vec<u8> {
    vec![u8::try_from(revision).unwrap(); 200]
}

/// A closed store with batches 1 to [`BATCHES`].
fn closed_store() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("data");
    let mut store = try_open(&path).unwrap();
    for revision in 1..=BATCHES {
        let mut batch = Batch::new();
        batch.put(Table::History, revision.to_be_bytes(), value(revision));
        store.commit(revision, &batch).unwrap();
    }
    drop(store);
    (parent, path)
}

/// Whether the store opens and holds all batches; an error is fine, less than all is not.
fn opens_whole(path: &Path) -> bool {
    let Ok(store) = try_open(path) else { return false };
    let mut found = Vec::new();
    let scanned = store.scan(Table::History, &[], &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    });
    if scanned.is_err() {
        return false;
    }
    let expected: Vec<_> =
        (1..=BATCHES).map(|number| (number.to_be_bytes().to_vec(), value(number))).collect();
    assert!(found == expected, "{} of {BATCHES} batches", found.len());
    assert_eq!(store.revision(), BATCHES);
    true
}

fn content(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(content(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

fn refused_untouched(path: &Path) -> StoreError {
    let before = content(path);
    let error = try_open(path).err().expect("it was opened");
    assert!(content(path) == before, "it was changed");
    error
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn flip(path: &Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x15], offset).unwrap();
}

#[test]
fn a_foreign_directory_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("letter.txt"), "dear").unwrap();
    let error = refused_untouched(directory.path());
    assert!(matches!(error, StoreError::Foreign { .. }));
    assert!(error.to_string().contains(&*directory.path().to_string_lossy()));
}

#[test]
fn a_newer_or_damaged_format_file_is_refused() {
    let (_parent, path) = closed_store();
    let file = path.join("FORMAT");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("format 1", "format 2")).unwrap();
    assert!(matches!(refused_untouched(&path), StoreError::NewerFormat { found: 2, supported: 1, .. }));
    for damaged in [text.replace("store ", "store f"), text.replace("format 1", "format 0"), String::new()] {
        fs::write(&file, damaged).unwrap();
        assert!(matches!(refused_untouched(&path), StoreError::Damaged { .. }));
    }
    fs::write(&file, text).unwrap();
    assert!(opens_whole(&path));
}

#[test]
fn one_process_at_a_time() {
    let (_parent, path) = closed_store();
    let store = try_open(&path).unwrap();
    assert!(matches!(try_open(&path), Err(StoreError::Locked { .. })));
    drop(store);
    assert!(opens_whole(&path));
}

#[test]
fn only_the_owner_can_read_it() {
    let (_parent, path) = closed_store();
    drop(try_open(&path).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in content(&path).into_keys() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        assert_eq!(mode(file.parent().unwrap()), 0o700, "{}", file.display());
    }
}

#[test]
fn a_flipped_byte_anywhere_in_the_journal_is_an_error() {
    let (parent, path) = closed_store();
    // Opened once more, the journal has no preallocated zeros behind the batches.
    drop(try_open(&path).unwrap());
    let journal = fs::metadata(path.join("engine/0.jnl")).unwrap().len();
    for offset in (0..journal).step_by(41) {
        let damaged = parent.path().join("damaged");
        copy(&path, &damaged);
        flip(&damaged.join("engine/0.jnl"), offset);
        assert!(!opens_whole(&damaged), "offset {offset}");
        fs::remove_dir_all(&damaged).unwrap();
    }
}

#[test]
fn a_cut_or_missing_journal_is_refused_untouched() {
    let (_parent, path) = closed_store();
    let journal = path.join("engine/0.jnl");
    let whole = fs::read(&journal).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for length in [used - 1, used - 300, used / 2] {
        fs::write(&journal, &whole[..length]).unwrap();
        assert!(matches!(refused_untouched(&path), StoreError::Damaged { .. }), "{length}");
    }
    fs::remove_file(&journal).unwrap();
    assert!(matches!(try_open(&path), Err(StoreError::Damaged { .. })));
}

#[test]
fn garbage_behind_the_last_batch_is_a_torn_end() {
    let (_parent, path) = closed_store();
    let journal = path.join("engine/0.jnl");
    let mut bytes = fs::read(&journal).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(used);
    // The beginning of a batch, the rest of which never reached the disk, and something that did from a later page.
    bytes.extend_from_slice(&[1, 2, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 2]);
    bytes.extend(vec![0; 5_000]);
    bytes.extend_from_slice(b"later page");
    fs::write(&journal, bytes).unwrap();
    assert!(opens_whole(&path));
}

#[test]
fn a_damaged_table_or_manifest_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("data");
    let options = Options { cache_bytes: 1 << 20, write_buffer_bytes: 16 };
    let mut store = FjallStore::open(&path, &options).unwrap();
    for revision in 1..=BATCHES {
        let mut batch = Batch::new();
        batch.put(Table::History, revision.to_be_bytes(), value(revision));
        store.commit(revision, &batch).unwrap();
    }
    // Each batch overflowed the buffer; recovery waits for what was begun to be written.
    store.recover().unwrap();
    drop(store);
    let files: Vec<PathBuf> = content(&path.join("engine/keyspaces")).into_keys().collect();
    assert!(files.iter().any(|file| file.components().any(|part| part.as_os_str() == "tables")));
    let (mut refused, mut unharmed) = (0, 0);
    for (index, file) in files.iter().enumerate() {
        let length = fs::metadata(file).unwrap().len();
        for offset in (index as u64 % 7..length).step_by(97) {
            let damaged = parent.path().join("damaged");
            copy(&path, &damaged);
            flip(&damaged.join(file.strip_prefix(&path).unwrap()), offset);
            // What it opens, it holds whole: asserted inside. Some bytes mean nothing (an unused filter, padding).
            if opens_whole(&damaged) {
                unharmed += 1
            } else {
                refused += 1
            }
            fs::remove_dir_all(&damaged).unwrap();
        }
    }
    assert!(refused > 0, "{refused} refused, {unharmed} unharmed");
}

#[test]
fn unsynced_writes_that_a_power_failure_took_are_passed_over() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("data");
    let mut store = try_open(&path).unwrap();
    let put = |key: &str, value: &[u8]| {
        let mut batch = Batch::new();
        batch.put(Table::Nonces, key, value);
        batch
    };
    store.commit(1, &put("first", b"1")).unwrap();
    store.write_unsynced(&put("lost", &[0xAB; 64])).unwrap();
    store.write_unsynced(&put("kept", b"2")).unwrap();
    store.commit(2, &put("second", b"3")).unwrap();
    drop(store);
    let journal = path.join("engine/0.jnl");
    let mut bytes = fs::read(&journal).unwrap();
    let lost = bytes.windows(64).position(|window| window == [0xAB; 64]).unwrap();
    bytes[lost - 20..lost + 64].fill(0);
    fs::write(&journal, bytes).unwrap();
    let store = try_open(&path).unwrap();
    assert_eq!(store.revision(), 2);
    assert_eq!(store.get(Table::Nonces, b"lost").unwrap(), None);
    for kept in ["first", "kept", "second"] {
        assert!(store.get(Table::Nonces, kept.as_bytes()).unwrap().is_some(), "{kept}");
    }
}
