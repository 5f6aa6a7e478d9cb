//! Backups: one file with everything a snapshot shows.
//!
//! ```text
//! header   magic (16), format version u32, store id (16), revision u64
//! record   1, table u8, key length u32, value length u32, key, value      tables in order, keys ascending
//! trailer  0, number of records u64, SHA-256 of all bytes before the checksum (32)
//! ```
//! Numbers are big-endian. The file gets its name only when it is whole and on disk.

use std::{
    fs::{self, File},
    io::{self, BufWriter, ErrorKind, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{Snapshot, StoreError, StoreId, Table, files};

pub(crate) const MAGIC: &[u8; 16] = b"ravelin backup\r\n";
pub(crate) const VERSION: u32 = 1;
pub(crate) const RECORD: u8 = 1;
pub(crate) const TRAILER: u8 = 0;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The store it was taken of.
    pub store_id: StoreId,
    /// The revision it shows.
    pub revision: u64,
    /// The number of records in all tables.
    pub records: u64,
    /// The size of the file.
    pub bytes: u64,
}

/// Writes what `snapshot` shows to a new file at `destination`, readable by its owner alone. Commits go on meanwhile;
/// call it from a thread of its own.
///
/// # Errors
/// [`StoreError::Exists`] if there is a file already. After any error there is no file at `destination`.
pub fn backup(snapshot: &dyn Snapshot, destination: &Path) -> Result<BackupReport, StoreError> {
    let taken = destination.symlink_metadata().is_ok();
    if taken {
        return Err(StoreError::Exists { path: destination.to_owned() });
    }
    let temporary = Temporary(files::temporary_for(destination));
    let file = files::create(&temporary.0)?;
    let report = write_archive(snapshot, file, &temporary.0)?;
    // A link, unlike a rename, never replaces a file that has appeared meanwhile.
    fs::hard_link(&temporary.0, destination).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => StoreError::Exists { path: destination.to_owned() },
        _ => StoreError::io("name the backup", destination)(error),
    })?;
    drop(temporary);
    files::sync_directory(files::parent_of(destination))?;
    Ok(report)
}

/// A file that is removed at the end, whatever happens.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn write_archive(snapshot: &dyn Snapshot, file: File, path: &Path) -> Result<BackupReport, StoreError> {
    let identity = snapshot.identity();
    let mut archive =
        Archive { file: BufWriter::with_capacity(1 << 18, file), hash: Sha256::new(), bytes: 0 };
    let failed = |error: io::Error| StoreError::io("write", path)(error);
    archive.header(identity.store_id, snapshot.revision()).map_err(failed)?;
    let mut records = 0;
    for table in Table::ALL {
        let mut result = Ok(());
        snapshot.scan(table, &[], &mut |key, value| {
            result = archive.record(table, key, value);
            records += 1;
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result.map_err(failed)?;
    }
    let bytes = archive.trailer(records).map_err(failed)?;
    Ok(BackupReport { store_id: identity.store_id, revision: snapshot.revision(), records, bytes })
}

struct Archive {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Archive {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.file.write_all(bytes)
    }

    fn header(&mut self, store_id: StoreId, revision: u64) -> io::Result<()> {
        self.put(MAGIC)?;
        self.put(&VERSION.to_be_bytes())?;
        self.put(&store_id.0.to_be_bytes())?;
        self.put(&revision.to_be_bytes())
    }

    fn record(&mut self, table: Table, key: &[u8], value: &[u8]) -> io::Result<()> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
        let index = u8::try_from(table.index()).map_err(io::Error::other)?;
        self.put(&[RECORD, index])?;
        self.put(&length(key)?.to_be_bytes())?;
        self.put(&length(value)?.to_be_bytes())?;
        self.put(key)?;
        self.put(value)
    }

    /// Ends the archive durably and returns its size.
    fn trailer(mut self, records: u64) -> io::Result<u64> {
        self.put(&[TRAILER])?;
        self.put(&records.to_be_bytes())?;
        let checksum = self.hash.clone().finalize();
        self.put(&checksum)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(self.bytes)
    }
}
