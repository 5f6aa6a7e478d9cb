//! The data directory: whose it is, in which format, and who has it open.
//!
//! ```text
//! FORMAT      magic line, format version, store id, checksum: written first, replaced only by migrations
//! LOCK        locked by the process that has the store open
//! MARK        the last acknowledged revision
//! RESTORING   present while a restore fills the directory
//! engine/     the engine's files; engine.new/ until they are complete
//! ```
//! What is refused is not touched: nothing is created or changed before the directory is known to be ours or empty.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

use crate::{StoreError, StoreId, files, mark};

const FORMAT: &str = "FORMAT";
const LOCK: &str = "LOCK";
const MARK: &str = "MARK";
const RESTORING: &str = "RESTORING";
const ENGINE: &str = "engine";
const MAGIC: &str = "Ravelin data directory, not to be edited";

/// Brings a directory from one format version to the next. It must be safe to run again after it was interrupted.
pub(crate) type Migration = fn(&Path) -> Result<(), StoreError>;

/// The migration at index `i` leads from version `i + 1` to `i + 2`. Version 1 is the first.
const MIGRATIONS: &[Migration] = &[];

/// A data directory that this process holds the lock of.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    store_id: StoreId,
    _lock: File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Format {
    version: u32,
    store_id: StoreId,
}

/// What is at a path, as far as it may be opened at all.
enum Content {
    Nothing,
    Ours(Format),
}

impl Directory {
    /// Takes the directory at `path`; makes it a data directory if it is missing or empty.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, MIGRATIONS)
    }

    fn open_with(path: &Path, migrations: &[Migration]) -> Result<Self, StoreError> {
        inspect(path, supported(migrations))?;
        files::create_directory(path)?;
        let lock = lock(path)?;
        // Looked at again: another process may have made it its own before we had the lock.
        let format = match inspect(path, supported(migrations))? {
            Content::Ours(format) => migrate(path, format, migrations)?,
            Content::Nothing => {
                let format = Format { version: supported(migrations), store_id: new_store_id(path)? };
                write_format(path, format)?;
                format
            }
        };
        Ok(Self { path: path.to_owned(), store_id: format.store_id, _lock: lock })
    }

    /// Takes an empty or missing directory to restore `store_id` into. Until [`Directory::end_restore`] it is refused
    /// by [`Directory::open`].
    pub(crate) fn begin_restore(path: &Path, store_id: StoreId) -> Result<Self, StoreError> {
        let taken = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(StoreError::io("list", path)(error)),
        };
        if taken {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        files::create_directory(path)?;
        files::replace(&path.join(RESTORING), &[])?;
        Ok(Self { path: path.to_owned(), store_id, _lock: lock(path)? })
    }

    /// Makes a restored directory valid. The mark must have been written.
    pub(crate) fn end_restore(&self) -> Result<(), StoreError> {
        write_format(&self.path, Format { version: supported(MIGRATIONS), store_id: self.store_id })?;
        remove(&self.path.join(RESTORING))?;
        files::sync_directory(&self.path)
    }

    /// Removes what a failed restore left, so that the directory is as empty as before.
    pub(crate) fn abandon_restore(self) -> Result<(), StoreError> {
        remove_all(&self.engine())?;
        for name in [MARK, FORMAT, LOCK, RESTORING] {
            remove(&self.path.join(name))?;
        }
        files::sync_directory(&self.path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.store_id
    }

    pub(crate) fn engine(&self) -> PathBuf {
        self.path.join(ENGINE)
    }

    pub(crate) fn mark(&self) -> PathBuf {
        self.path.join(MARK)
    }

    /// Lets `make` create the engine's files, unless they are there. They get their name when they are whole: what an
    /// interrupted creation left is removed, and nothing else ever is.
    pub(crate) fn create_engine(
        &self,
        make: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let engine = self.engine();
        if engine.try_exists().map_err(StoreError::io("look for", &engine))? {
            return Ok(());
        }
        if mark::read(&self.mark()).is_ok_and(|revision| revision > 0) {
            return Err(StoreError::damaged(engine, "it is missing"));
        }
        let unfinished = files::temporary_for(&engine);
        remove_all(&unfinished)?;
        files::create_directory(&unfinished)?;
        make(&unfinished)?;
        mark::create(&self.mark(), 0)?;
        fs::rename(&unfinished, &engine).map_err(StoreError::io("name", &engine))?;
        files::sync_directory(&self.path)
    }
}

fn supported(migrations: &[Migration]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX).saturating_add(1)
}

fn inspect(path: &Path, supported: u32) -> Result<Content, StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::Nothing),
        Err(error) => return Err(StoreError::io("list", path)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(StoreError::io("list", path))?.file_name());
    }
    if names.iter().any(|name| name == RESTORING) {
        return Err(StoreError::RestoreUnfinished { path: path.to_owned() });
    }
    if names.iter().any(|name| name == FORMAT) {
        return read_format(&path.join(FORMAT), path, supported).map(Content::Ours);
    }
    let temporary = files::temporary_for(Path::new(FORMAT));
    if names.iter().all(|name| name == LOCK || *name == temporary) {
        return Ok(Content::Nothing);
    }
    Err(StoreError::Foreign { path: path.to_owned() })
}

fn read_format(file: &Path, directory: &Path, supported: u32) -> Result<Format, StoreError> {
    let bytes = fs::read(file).map_err(StoreError::io("read", file))?;
    let text = String::from_utf8(bytes).map_err(|_| StoreError::damaged(file, "it is not text"))?;
    let mut lines = text.lines();
    if lines.next() != Some(MAGIC) {
        return Err(StoreError::damaged(file, "its first line is not ours"));
    }
    let version =
        lines.next().and_then(|line| line.strip_prefix("format ")).and_then(|text| text.parse().ok());
    let version: u32 = version.ok_or_else(|| StoreError::damaged(file, "it names no format version"))?;
    if version > supported {
        return Err(StoreError::NewerFormat { path: directory.to_owned(), found: version, supported });
    }
    let id = lines
        .next()
        .and_then(|line| line.strip_prefix("store "))
        .and_then(|id| u128::from_str_radix(id, 16).ok());
    let format = Format { version, store_id: StoreId(id.unwrap_or_default()) };
    if version == 0 || text != format_text(format) {
        return Err(StoreError::damaged(file, "its checksum is wrong"));
    }
    Ok(format)
}

fn format_text(format: Format) -> String {
    let text = format!("{MAGIC}\nformat {}\nstore {}\n", format.version, format.store_id);
    let checksum = xxh3_64(text.as_bytes());
    format!("{text}check {checksum:016x}\n")
}

fn write_format(path: &Path, format: Format) -> Result<(), StoreError> {
    files::replace(&path.join(FORMAT), &[format_text(format).as_bytes()])
}

fn migrate(path: &Path, mut format: Format, migrations: &[Migration]) -> Result<Format, StoreError> {
    let done = usize::try_from(format.version).unwrap_or(usize::MAX).saturating_sub(1);
    for migration in migrations.iter().skip(done) {
        migration(path)?;
        format.version += 1;
        write_format(path, format)?;
        tracing::info!(path = %path.display(), version = format.version, "the data directory was migrated");
    }
    Ok(format)
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = path.join(LOCK);
    let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&file);
    let lock = lock.map_err(StoreError::io("open", &file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &file)(error)),
    }
}

fn new_store_id(path: &Path) -> Result<StoreId, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Io {
        action: "draw a random store id for",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(StoreId(u128::from_be_bytes(bytes)))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    ignore_missing(fs::remove_file(path)).map_err(StoreError::io("remove", path))
}

fn remove_all(path: &Path) -> Result<(), StoreError> {
    ignore_missing(fs::remove_dir_all(path)).map_err(StoreError::io("remove", path))
}

fn ignore_missing(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add_a_file(path: &Path) -> Result<(), StoreError> {
        files::replace(&path.join("added-by-migration"), &[b"1"])
    }

    #[test]
    fn an_older_format_is_migrated_once_and_keeps_its_identity() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = Directory::open(&path).unwrap().store_id();
        let migrations: &[Migration] = &[add_a_file];
        assert_eq!(Directory::open_with(&path, migrations).unwrap().store_id(), first);
        assert!(path.join("added-by-migration").exists());
        remove(&path.join("added-by-migration")).unwrap();
        assert_eq!(Directory::open_with(&path, migrations).unwrap().store_id(), first);
        assert!(!path.join("added-by-migration").exists(), "a finished migration is not run again");
        let refused = Directory::open(&path);
        assert!(matches!(refused, Err(StoreError::NewerFormat { found: 2, supported: 1, .. })));
    }

    #[test]
    fn a_failed_migration_leaves_the_old_version() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        drop(Directory::open(&path).unwrap());
        let failing: &[Migration] = &[|path| Err(StoreError::damaged(path, "for the test"))];
        assert!(Directory::open_with(&path, failing).is_err());
        assert!(Directory::open(&path).is_ok());
    }
}
