//! The mark: the last revision that was acknowledged, kept beside the engine.
//!
//! It is written after a commit is on disk and never synchronised, so it costs nothing and may lag after a power
//! failure; it never runs ahead of the data. An engine that comes up below the mark has lost something that was
//! acknowledged: a damaged or missing journal, or a disk that lied. Two slots are written in turn, each with its
//! checksum and in a sector of its own, so that a torn write costs one acknowledgement and not the mark.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::Path,
};

use xxhash_rust::xxh3::xxh3_64;

use crate::{StoreError, files};

const SLOT_BYTES: u64 = 512;
const SLOTS: u64 = 2;
const RECORD_BYTES: usize = 16;

/// The open mark of a store.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    next_slot: u64,
}

fn record(revision: u64) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    let (number, checksum) = record.split_at_mut(8);
    number.copy_from_slice(&revision.to_be_bytes());
    checksum.copy_from_slice(&xxh3_64(number).to_be_bytes());
    record
}

fn revision_in(slot: &[u8]) -> Option<u64> {
    let number: [u8; 8] = slot.get(..8)?.try_into().ok()?;
    let revision = u64::from_be_bytes(number);
    (slot.get(..RECORD_BYTES)? == record(revision)).then_some(revision)
}

/// Writes the mark durably, in place of an earlier one if there is one.
pub(crate) fn create(path: &Path, revision: u64) -> Result<(), StoreError> {
    let mut slot = record(revision).to_vec();
    slot.resize(usize::try_from(SLOT_BYTES).unwrap_or(RECORD_BYTES), 0);
    files::replace(path, &[&slot, &slot])
}

/// The revision the mark shows.
pub(crate) fn read(path: &Path) -> Result<u64, StoreError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(StoreError::damaged(path, "it is missing"));
        }
        read => read.map_err(StoreError::io("read", path))?,
    };
    bytes
        .chunks(usize::try_from(SLOT_BYTES).unwrap_or(RECORD_BYTES))
        .filter_map(revision_in)
        .max()
        .ok_or_else(|| StoreError::damaged(path, "it holds no revision with a right checksum"))
}

impl Mark {
    /// Opens the mark to note revisions in it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new().write(true).open(path).map_err(StoreError::io("open", path))?;
        Ok(Self { file, next_slot: 0 })
    }

    /// Notes that `revision` was acknowledged. A failure is only logged: the mark then lags, which is allowed.
    pub(crate) fn acknowledge(&mut self, revision: u64) {
        let offset = (self.next_slot % SLOTS) * SLOT_BYTES;
        self.next_slot = self.next_slot.wrapping_add(1);
        if let Err(error) = self.file.write_all_at(&record(revision), offset) {
            tracing::warn!(revision, %error, "the mark of the last acknowledged revision could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_whole_slot_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("MARK");
        create(&path, 7).unwrap();
        assert_eq!(read(&path).unwrap(), 7);
        let mut mark = Mark::open(&path).unwrap();
        mark.acknowledge(8);
        mark.acknowledge(9);
        assert_eq!(read(&path).unwrap(), 9);
        mark.file.write_all_at(b"torn", SLOT_BYTES).unwrap();
        assert_eq!(read(&path).unwrap(), 8);
        mark.file.write_all_at(b"torn", 0).unwrap();
        assert!(matches!(read(&path), Err(StoreError::Damaged { .. })));
    }
}
