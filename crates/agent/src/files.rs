//! Files that are replaced as a whole, for their owner alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Why a file cannot be read or written.
#[derive(Debug, Error)]
#[error("cannot {what} {}", path.display())]
pub struct FileError {
    /// What was to be done.
    pub what: &'static str,
    /// Which file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// What failed on which file.
    pub(crate) fn of(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}

/// Opens a file that is there. What is no file is refused: to read a pipe would be to wait for somebody to write it.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> Result<File, FileError> {
    let opened = options.custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).open(path);
    let is_file = |file: File| match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    };
    opened.and_then(is_file).map_err(FileError::of("open", path))
}

/// Replaces a file: whoever reads it finds all of the old one or all of the new one, also after a power cut. When this
/// returns the new one is on disk. It gives the new file, to write on.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<File, FileError> {
    let new = path.with_extension("new");
    // One that is left of a process that was killed may be readable by others.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(FileError::of("remove", &new)(error));
        }
        _ => {}
    }
    let mut options = OpenOptions::new();
    let made = options.read(true).write(true).create_new(true).mode(0o600).open(&new);
    let mut file = made.map_err(FileError::of("make", &new))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(FileError::of("write", &new))?;
    fs::rename(&new, path).map_err(FileError::of("replace", path))?;
    sync_directory_of(path)?;
    Ok(file)
}

/// Removes a file durably; does nothing where there is none.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FileError::of("remove", path)(error)),
        Ok(()) => sync_directory_of(path),
    }
}

/// A name is the directory's, and so it is on disk when the directory is.
pub(crate) fn sync_directory_of(path: &Path) -> Result<(), FileError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(FileError::of("write", directory))
}
