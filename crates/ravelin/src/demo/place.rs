//! Where the demo's data lies: a directory that is held by a lock, so that a later demo can tell one that was killed from one
//! that runs.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use nix::{
    fcntl::{Flock, FlockArg},
    unistd::geteuid,
};

/// What the names of these directories begin with.
pub(super) const PREFIX: &str = "ravelin-demo-";
/// The file that a demo holds while it runs.
const LOCK: &str = "demo.lock";

/// Holds a directory until this is dropped, or the process ends in whatever way.
///
/// # Errors
/// The file cannot be made or locked.
pub(super) fn hold(place: &Path) -> io::Result<Flock<File>> {
    let fresh = place.join("demo.lock.new");
    let lock = Flock::lock(File::create(&fresh)?, FlockArg::LockExclusiveNonblock);
    let lock = lock.map_err(|(_, error)| io::Error::from(error))?;
    // Under its name it is locked from the first moment on.
    fs::rename(&fresh, place.join(LOCK))?;
    Ok(lock)
}

/// Removes what demos of this user have left that were killed. What cannot be removed stays.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // Of a link this is about the link itself.
        let found = entry.metadata().ok().filter(|found| is_ours && found.is_dir());
        if found.is_none_or(|found| found.uid() != geteuid().as_raw()) {
            continue;
        }
        let Ok(file) = File::open(entry.path().join(LOCK)) else { continue };
        if let Ok(_free) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_demo_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let [killed, running, others] = ["ravelin-demo-a", "ravelin-demo-b", "other-demo-c"].map(make);
        drop(hold(&killed).unwrap());
        drop(hold(&others).unwrap());
        let held = hold(&running).unwrap();
        let unheld = make("ravelin-demo-d");
        sweep(folder.path());
        assert!(!killed.exists() && running.exists() && others.exists() && unheld.exists());
        drop(held);
        sweep(folder.path());
        assert!(!running.exists());
    }
}
