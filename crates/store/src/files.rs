//! File operations that are durable when they return and readable by their owner alone.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::StoreError;

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Creates a file that must not exist.
pub(crate) fn create(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(StoreError::io("create", path))
}

/// Creates a directory, and those above it (with the usual mode) where they are missing.
pub(crate) fn create_directory(path: &Path) -> Result<(), StoreError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        result => result.map_err(StoreError::io("create directory", path))?,
    }
    sync_directory(parent_of(path))
}

/// Puts `parts`, one after the other, into a fresh file under a temporary name, and moves that over `path` once it is
/// on disk. A new inode has no history of failed synchronisations: what was written to it is there or is an error.
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> Result<(), StoreError> {
    let temporary = temporary_for(path);
    let written = write_fresh(&temporary, parts).and_then(|()| {
        fs::rename(&temporary, path).map_err(StoreError::io("move a fresh copy to", path))?;
        sync_directory(parent_of(path))
    });
    if written.is_err() {
        // On a full disk the copy must not stay in the way. If this fails too, the next attempt truncates it.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_fresh(path: &Path, parts: &[&[u8]]) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("write", path)(error);
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = create(path)?;
    for part in parts {
        file.write_all(part).map_err(failed)?;
    }
    file.sync_all().map_err(failed)
}

/// The name a file has while it is being written.
pub(crate) fn temporary_for(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Makes names that were created, moved or removed in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(StoreError::io("synchronise", path))
}

/// The directory a file is in.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Takes the rights of everybody else away from a directory and all that is in it. The engine creates files with the
/// process's file mode mask; until they are reached by this, the mode of the directory above keeps others out.
pub(crate) fn restrict(directory: &Path) -> Result<(), StoreError> {
    set_mode(directory, DIRECTORY_MODE)?;
    for entry in fs::read_dir(directory).map_err(StoreError::io("list", directory))? {
        let entry = entry.map_err(StoreError::io("list", directory))?;
        let kind = match entry.file_type() {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            kind => kind.map_err(StoreError::io("inspect", entry.path()))?,
        };
        if kind.is_dir() {
            restrict(&entry.path())?;
        } else if kind.is_file() {
            set_mode(&entry.path(), FILE_MODE)?;
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), StoreError> {
    match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
        // The engine's background thread removes files of its own at any time.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.map_err(StoreError::io("restrict the mode of", path)),
    }
}
