//! What the engine does with a damaged journal when it is left alone. These are the reasons why the store checks
//! journals itself; when one of these tests fails after an upgrade of the engine, that check is to be thought over.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

fn open(path: &Path) -> fjall::Result<(Database, Keyspace)> {
    let database = Database::builder(path).worker_threads(1).open()?;
    let keyspace = database.keyspace("k", KeyspaceCreateOptions::default)?;
    Ok((database, keyspace))
}

/// Ten synchronised batches; then `damage` gets the used part of the journal.
fn reopened(damage: impl FnOnce(&mut Vec<u8>)) -> fjall::Result<usize> {
    let directory = tempfile::tempdir().unwrap();
    {
        let (database, keyspace) = open(directory.path()).unwrap();
        for number in 0..10_u8 {
            let mut batch = database.batch().durability(Some(PersistMode::SyncData));
            batch.insert(&keyspace, [number], [number; 100]);
            batch.commit().unwrap();
        }
    }
    let journal = directory.path().join("0.jnl");
    let mut bytes = fs::read(&journal).unwrap();
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    damage(&mut bytes);
    fs::write(&journal, bytes).unwrap();
    let (_database, keyspace) = open(directory.path())?;
    let mut found = 0;
    for record in keyspace.iter() {
        record.into_inner()?;
        found += 1;
    }
    Ok(found)
}

#[test]
fn an_unknown_byte_in_the_middle_silently_ends_the_journal() {
    assert_eq!(reopened(|_| {}).unwrap(), 10);
    let found = reopened(|bytes| {
        let batch = bytes.len() / 10;
        // The start marker of the sixth batch.
        bytes[batch * 5] = 0x55;
    });
    assert_eq!(found.unwrap(), 5);
}

#[test]
fn a_torn_last_batch_with_a_later_page_on_disk_is_refused() {
    let found = reopened(|bytes| {
        let batch = bytes.len() / 10;
        let value = bytes.len() - batch / 2;
        bytes[value..value + 20].fill(0);
    });
    assert!(found.is_err());
}
