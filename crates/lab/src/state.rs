//! What is remembered of a lab beside what the kernel says: its file, and the number of its last change.
//!
//! It lies under /run, because a lab does not outlive the machine's run either. It is written before anything is made,
//! so that after a crash the number is not used again.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::error::LabError;

/// Where labs are remembered.
const DIRECTORY: &str = "/run/ravelin/lab";
const FILE: &str = "lab.toml";
const STATE: &str = "state.json";

/// Where a lab stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The number of the last change.
    pub generation: u64,
    /// Whether it was carried out to its end.
    pub complete: bool,
}

/// What is remembered of one lab.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Where it stands.
    pub standing: Standing,
    /// The file that was applied last.
    pub text: String,
}

/// The directory of a lab.
pub fn directory(lab: &str) -> PathBuf {
    Path::new(DIRECTORY).join(lab)
}

/// The labs that are remembered, in alphabetical order.
pub fn labs() -> Vec<String> {
    let Ok(entries) = fs::read_dir(DIRECTORY) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| crate::name::is_lab(name));
    names.sort_unstable();
    names
}

/// What is remembered of a lab; none where nothing is.
///
/// # Errors
/// It cannot be read.
pub fn read(lab: &str) -> Result<Option<Remembered>, LabError> {
    let Some(state) = read_file(&directory(lab).join(STATE))? else { return Ok(None) };
    let standing = serde_json::from_str(&state).map_err(|source| LabError::State {
        what: format!("{} is damaged; run `ravelin lab down {lab}`", directory(lab).join(STATE).display()),
        source: source.into(),
    })?;
    let text = read_file(&directory(lab).join(FILE))?.unwrap_or_default();
    Ok(Some(Remembered { standing, text }))
}

fn read_file(path: &Path) -> Result<Option<String>, LabError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|error| failed("read", path, error)),
    }
}

/// The right to change a lab, while it is held: nobody else on this host has it.
#[derive(Debug)]
pub struct Held {
    lab: String,
    // Held for its lock alone.
    _lock: Flock<File>,
}

impl Held {
    /// Takes the right to change a lab, and makes its directory.
    ///
    /// # Errors
    /// Another process has it; the directory cannot be made.
    pub fn take(lab: &str) -> Result<Self, LabError> {
        let path = directory(lab);
        loop {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|error| failed("make", &path, error))?;
            let opened = match File::open(&path) {
                // Another process has removed it in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(|error| failed("open", &path, error))?,
            };
            let lock = match Flock::lock(opened, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => lock,
                Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
                    return Err(LabError::Busy { lab: lab.to_owned() });
                }
                Err((_, error)) => return Err(failed("lock", &path, error.into())),
            };
            if is_at(&lock, &path) {
                return Ok(Self { lab: lab.to_owned(), _lock: lock });
            }
        }
    }

    /// Remembers what is about to be applied, or that it is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, remembered: &Remembered) -> Result<(), LabError> {
        let path = directory(&self.lab);
        replace(&path.join(FILE), remembered.text.as_bytes())?;
        let standing = serde_json::to_vec(&remembered.standing)
            .map_err(|error| failed("write", &path.join(STATE), error.into()))?;
        replace(&path.join(STATE), &standing)
    }

    /// Forgets the lab.
    ///
    /// # Errors
    /// Its directory cannot be removed.
    pub fn forget(self) -> Result<(), LabError> {
        let path = directory(&self.lab);
        fs::remove_dir_all(&path).map_err(|error| failed("remove", &path, error))?;
        // The directories above are removed where this was the last lab, and stay where it was not.
        let above = path.ancestors().skip(1).take(2);
        above.for_each(|path| drop(fs::remove_dir(path)));
        Ok(())
    }
}

/// Whether this open directory is the one at the path, and not one that was removed.
fn is_at(open: &File, path: &Path) -> bool {
    let identity = |data: fs::Metadata| (data.dev(), data.ino());
    let (open, there) = (open.metadata().map(identity), fs::metadata(path).map(identity));
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

/// Writes a file so that it is there with all of its content or as it was.
fn replace(path: &Path, content: &[u8]) -> Result<(), LabError> {
    let beside = path.with_extension("new");
    let written = File::create(&beside).and_then(|mut file| file.write_all(content));
    written.and_then(|()| fs::rename(&beside, path)).map_err(|error| failed("write", path, error))
}

fn failed(what: &str, path: &Path, source: io::Error) -> LabError {
    if source.kind() == io::ErrorKind::PermissionDenied {
        return LabError::NotRoot;
    }
    LabError::State { what: format!("cannot {what} {}", path.display()), source }
}
