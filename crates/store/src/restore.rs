//! Restoring a backup into a directory of its own, which becomes valid only when the whole backup was checked.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    BackupReport, Batch, MAX_KEY_BYTES, MAX_VALUE_BYTES, Options, StoreError, StoreId, Table,
    backup::{MAGIC, RECORD, TRAILER, VERSION},
    directory::Directory,
    engine::{Engine, Record},
    files,
    journal_batch::Link,
    mark,
};

/// Restores `backup` into `directory`, which must be missing or empty. The store keeps its id and notes the revision
/// it was restored from ([`crate::Identity::restored_from`]).
///
/// # Errors
/// [`StoreError::BadBackup`] and [`StoreError::NewerFormat`] if the file is not a whole backup this program can read;
/// [`StoreError::Exists`] if the directory is not empty. After an error the directory is empty, or, if even that
/// failed, refused by [`crate::FjallStore::open`].
pub fn restore(backup: &Path, directory: &Path) -> Result<BackupReport, StoreError> {
    let mut archive = Archive::open(backup)?;
    let directory = Directory::begin_restore(directory, archive.store_id)?;
    match fill(&mut archive, &directory) {
        Ok(report) => Ok(report),
        Err(error) => {
            if let Err(left) = directory.abandon_restore() {
                tracing::warn!(error = %left, "what the failed restore wrote could not be removed");
            }
            Err(error)
        }
    }
}

fn fill(archive: &mut Archive, directory: &Directory) -> Result<BackupReport, StoreError> {
    let path = directory.engine();
    files::create_directory(&path)?;
    let engine = Engine::open(&path, &Options::default())?;
    let records = fill_engine(archive, &engine);
    engine.close();
    let records = records?;
    files::restrict(directory.path())?;
    mark::create(&directory.mark(), archive.revision)?;
    directory.end_restore()?;
    Ok(BackupReport { store_id: archive.store_id, revision: archive.revision, records, bytes: archive.bytes })
}

fn fill_engine(archive: &mut Archive, engine: &Engine) -> Result<u64, StoreError> {
    let failed = |source| StoreError::CommitFailed { source };
    let mut records = 0;
    for table in Table::ALL {
        let mut last_key = Vec::new();
        records += engine.ingest(table, &mut || {
            let Some((key, value)) = archive.next_in(table)? else { return Ok(None) };
            if key <= last_key {
                return Err(archive.bad("its records are out of order"));
            }
            last_key.clone_from(&key);
            Ok(Some((key, value)))
        })?;
    }
    archive.end(records)?;
    engine.note_restored(archive.revision).map_err(failed)?;
    let link = Link { revision: archive.revision, previous: archive.revision };
    engine.write(&Batch::new(), Some(link)).map_err(failed)?;
    Ok(records)
}

/// A backup being read. Nothing it says is believed to be whole before [`Archive::end`].
struct Archive {
    path: PathBuf,
    file: BufReader<File>,
    hash: Sha256,
    bytes: u64,
    store_id: StoreId,
    revision: u64,
    /// What the next record's first bytes said, when it belongs to a later table.
    pending: Option<usize>,
}

impl Archive {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        let file = BufReader::with_capacity(1 << 18, file);
        let (path, hash) = (path.to_owned(), Sha256::new());
        let mut archive =
            Self { path, file, hash, bytes: 0, store_id: StoreId(0), revision: 0, pending: None };
        if &archive.array::<16>()? != MAGIC {
            return Err(archive.bad("it does not begin like one"));
        }
        let found = u32::from_be_bytes(archive.array()?);
        if found > VERSION {
            return Err(StoreError::NewerFormat { path: archive.path, found, supported: VERSION });
        }
        archive.store_id = StoreId(u128::from_be_bytes(archive.array()?));
        archive.revision = u64::from_be_bytes(archive.array()?);
        Ok(archive)
    }

    /// The next record if it is in `table`.
    fn next_in(&mut self, table: Table) -> Result<Option<Record>, StoreError> {
        let index = match self.pending {
            Some(index) => index,
            None => match self.array()? {
                [RECORD] => {
                    let [index] = self.array()?;
                    usize::from(index)
                }
                [TRAILER] => Table::ALL.len(),
                _ => return Err(self.bad("it holds something that is no record")),
            },
        };
        self.pending = Some(index);
        if index != table.index() {
            return Ok(None);
        }
        self.pending = None;
        let key_length = self.length(MAX_KEY_BYTES)?;
        let value_length = self.length(MAX_VALUE_BYTES)?;
        Ok(Some((self.take(key_length)?, self.take(value_length)?)))
    }

    /// Checks the trailer, after all tables were read.
    fn end(&mut self, records: u64) -> Result<(), StoreError> {
        if self.pending != Some(Table::ALL.len()) {
            return Err(self.bad("its tables are out of order"));
        }
        if u64::from_be_bytes(self.array()?) != records {
            return Err(self.bad("records are missing"));
        }
        let expected = self.hash.clone().finalize();
        if self.array::<32>()? != *expected {
            return Err(self.bad("its checksum is wrong"));
        }
        match self.file.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.bad("more follows after its end")),
            Err(error) => Err(StoreError::io("read", &self.path)(error)),
        }
    }

    fn bad(&self, detail: &'static str) -> StoreError {
        StoreError::BadBackup { path: self.path.clone(), detail }
    }

    fn length(&mut self, limit: usize) -> Result<usize, StoreError> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).unwrap_or(usize::MAX);
        if length > limit { Err(self.bad("a record is longer than one can be")) } else { Ok(length) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        self.file.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.bad("its end is missing"),
            _ => StoreError::io("read", &self.path)(error),
        })?;
        self.hash.update(&*bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}
