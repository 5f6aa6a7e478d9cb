//! The control file: numbers that a test sets and the preloaded library reads and counts down, at each call.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// For the numbers of [`Faults`]: without end.
pub const UNLIMITED: u64 = u64::MAX;

pub(crate) const FIELDS: usize = 6;
pub(crate) const AFTER: usize = 0;
pub(crate) const KILL: usize = 1;
pub(crate) const SYNC_ERRORS: usize = 2;
pub(crate) const WRITE_ERRORS: usize = 3;
pub(crate) const SHORT_WRITES: usize = 4;
pub(crate) const SPACE: usize = 5;
pub(crate) const PATH_OFFSET: usize = 64;
pub(crate) const CONTROL_BYTES: usize = 256;

/// Which calls fail, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Only files whose path contains this; empty for all.
    pub path_contains: String,
    /// So many calls pass before anything below happens.
    pub after: u64,
    /// The process kills itself with SIGKILL at the next call, instead of making it.
    pub kill: bool,
    /// So many synchronisations fail with EIO. As with a real disk, what they were to make durable stays lost, also if
    /// a later one succeeds.
    pub sync_errors: u64,
    /// So many writes and truncations fail with EIO.
    pub write_errors: u64,
    /// So many writes take half of their bytes.
    pub short_writes: u64,
    /// So many bytes can be written until writes fail with ENOSPC.
    pub space_bytes: u64,
}

impl Default for Faults {
    /// No faults.
    fn default() -> Self {
        Self {
            path_contains: String::new(),
            after: 0,
            kill: false,
            sync_errors: 0,
            write_errors: 0,
            short_writes: 0,
            space_bytes: UNLIMITED,
        }
    }
}

/// The test's end of the control file.
#[derive(Debug)]
pub struct Control {
    file: File,
    path: PathBuf,
}

impl Control {
    /// Creates the file, without faults. Its path goes into [`crate::CONTROL_VARIABLE`].
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let control = Self { file, path: path.to_owned() };
        control.set(&Faults::default())?;
        Ok(control)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets the faults for the calls from now on.
    ///
    /// # Errors
    /// If the path pattern is too long or the file cannot be written.
    pub fn set(&self, faults: &Faults) -> io::Result<()> {
        let mut bytes = vec![0; CONTROL_BYTES];
        let mut fields = [0; FIELDS];
        fields[AFTER] = faults.after;
        fields[KILL] = u64::from(faults.kill);
        fields[SYNC_ERRORS] = faults.sync_errors;
        fields[WRITE_ERRORS] = faults.write_errors;
        fields[SHORT_WRITES] = faults.short_writes;
        fields[SPACE] = faults.space_bytes;
        for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_ne_bytes());
        }
        let pattern = faults.path_contains.as_bytes();
        bytes
            .get_mut(PATH_OFFSET..PATH_OFFSET + pattern.len())
            .ok_or_else(|| io::Error::other("the path pattern is too long"))?
            .copy_from_slice(pattern);
        self.file.write_all_at(&bytes, 0)
    }

    /// How many calls pass before faults begin: what is left of [`Faults::after`].
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn calls_left(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 8 * AFTER as u64)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}
