//! The directory of an agent: who this node is, and what was wanted of it last. One process at a time has it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    unistd::geteuid,
};
use thiserror::Error;

use crate::files::FileError;

/// Why a directory cannot be used.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// It cannot be made, or not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others may reach what lies in it.
    #[error(
        "the directory {} belongs to user {owner} and has the mode {mode:o}: the node's key lies there, and so it is to be the own of user {user} alone; correct it with `chown {user}` and `chmod 700`",
        path.display()
    )]
    OthersMayReach {
        /// Which one.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Its permissions.
        mode: u32,
        /// As whom this process runs.
        user: u32,
    },
    /// Another process has it.
    #[error(
        "another agent uses {}{}: stop that one first (`systemctl stop ravelin-agent`); what it has brought into force stays so",
        path.display(),
        of_process(.process)
    )]
    InUse {
        /// Which one.
        path: PathBuf,
        /// The number of its process; empty where that is not known.
        process: String,
    },
}

fn of_process(process: &str) -> String {
    if process.is_empty() { String::new() } else { format!(" (process {process})") }
}

/// A directory that this process alone has, until this is dropped or the process ends.
#[derive(Debug)]
pub struct AgentDirectory {
    path: PathBuf,
    _lock: Flock<File>,
}

impl AgentDirectory {
    /// Takes a directory, which is made where it is missing.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn take(path: &Path) -> Result<Self, DirectoryError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(FileError::of("make the directory", path))?;
        let found = fs::metadata(path).map_err(FileError::of("look at", path))?;
        let (owner, mode, user) = (found.uid(), found.mode() & 0o7777, geteuid().as_raw());
        if owner != user || mode & 0o077 != 0 {
            return Err(DirectoryError::OthersMayReach { path: path.to_owned(), owner, mode, user });
        }
        Ok(Self { path: path.to_owned(), _lock: lock(path)? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn lock(directory: &Path) -> Result<Flock<File>, DirectoryError> {
    let path = directory.join("lock");
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = opened.map_err(FileError::of("make", &path))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            // For people alone, who look for the process: where it cannot be written the lock holds all the same.
            let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
            Ok(lock)
        }
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let mut process = String::new();
            let _ = Read::by_ref(&mut file).take(32).read_to_string(&mut process);
            let process = process.trim().chars().filter(char::is_ascii_digit).collect();
            Err(DirectoryError::InUse { path: directory.to_owned(), process })
        }
        Err((_, error)) => Err(FileError::of("lock", &path)(io::Error::from(error)).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_process_has_a_directory_and_others_are_told_which() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("agent");
        let taken = AgentDirectory::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let refused = AgentDirectory::take(&path).unwrap_err();
        assert!(
            matches!(&refused, DirectoryError::InUse { process, .. } if *process == std::process::id().to_string())
        );
        assert!(refused.to_string().contains("systemctl stop"), "{refused}");
        drop(taken);
        AgentDirectory::take(&path).unwrap();
    }

    #[test]
    fn a_directory_that_others_may_reach_is_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o750)).unwrap();
        let refused = AgentDirectory::take(place.path()).unwrap_err();
        assert!(matches!(refused, DirectoryError::OthersMayReach { mode: 0o750, .. }), "{refused}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
