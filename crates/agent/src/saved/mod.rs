//! What was wanted last, on disk: from it a node enforces after a reboot, before it has spoken to anybody.
//!
//! The file is a snapshot with room behind it for the changes that follow, so that a change of one interface costs one
//! small write and not the writing of everything. When the room is used up the file is replaced as a whole: whoever reads
//! it finds the one before or the new one.
//!
//! A change is [added](Saved::add) before it is brought into force, and [on disk](Saved::sync) before it is confirmed.
//! Where the process is killed in between, the file has the change already and the next process brings it into force;
//! where the machine stops, the kernel has lost everything and the file has the change or not, which nobody has confirmed.
//! So what was confirmed is never taken back, whatever ends when.

mod layout;

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use policy::Delta;
use protocol::{desired, node};
use thiserror::Error;

use crate::{
    files::{self, FileError},
    wanted::Wanted,
};

/// The name of the file.
const FILE: &str = "state";

/// Why what was wanted cannot be read or written.
#[derive(Debug, Error)]
pub enum SavedError {
    /// The file cannot be read, or not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not one that this program writes, or it is damaged. It is left as it is.
    #[error(
        "{} is not a state of an agent, or is damaged ({why}); it is left as it is, and so is what is in force: remove it, and the control plane says anew what is wanted",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// More is wanted than can be saved.
    #[error("what is wanted is longer than can be saved: bind fewer interfaces to this node")]
    TooLong,
}

/// The state file of an agent.
#[derive(Debug)]
pub struct Saved {
    path: PathBuf,
    /// None: there is none yet, or what it holds is not known after an error.
    file: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Where the next change goes, and how far the file goes, in bytes.
    end: usize,
    size: usize,
    /// How much room there was at first, in bytes.
    room: usize,
    /// Whether something was written that may not be on disk.
    dirty: bool,
}

impl Saved {
    /// Opens the state file in a directory, and reads what was wanted last; none: nothing was ever. Whoever calls this is
    /// the only one who has the directory.
    ///
    /// # Errors
    /// [`SavedError`].
    pub fn open(directory: &Path) -> Result<(Self, Option<Wanted>), SavedError> {
        let path = directory.join(FILE);
        let failed = |what| FileError::of(what, &path);
        let file = match files::open(&path, OpenOptions::new().read(true).write(true)) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                return Ok((Self { path, file: None }, None));
            }
            opened => opened?,
        };
        let mut bytes = Vec::new();
        let most = layout::FILE_BYTES_MAX as u64 + 1;
        (&file).take(most).read_to_end(&mut bytes).map_err(failed("read"))?;
        let damaged = |why| SavedError::Damaged { path: path.clone(), why };
        let layout::Content { wanted, start, end, remains } = layout::read(&bytes).map_err(damaged)?;
        let size = bytes.len();
        if remains {
            // The remains of a change that was never confirmed.
            file.write_all_at(&vec![0; size - end], end as u64).map_err(failed("write"))?;
        }
        // The process before may have been killed before it waited for the disk. What was read is confirmed from here on.
        file.sync_data().map_err(failed("write"))?;
        files::sync_directory_of(&path)?;
        let open = Open { file, end, size, room: size - start, dirty: false };
        Ok((Self { path, file: Some(open) }, Some(wanted)))
    }

    /// Removes the state file in a directory, durably; does nothing where there is none.
    ///
    /// # Errors
    /// [`SavedError::File`].
    pub fn remove(directory: &Path) -> Result<(), SavedError> {
        Ok(files::remove(&directory.join(FILE))?)
    }

    /// Adds a change from one generation to another, which a run of the control plane made, to what is wanted, where there
    /// is room for it. It outlives this process at once, and the machine after [`sync`](Self::sync). Otherwise the answer is
    /// false, and [`replace`](Self::replace) is to be called with what is wanted after the change.
    ///
    /// # Errors
    /// [`SavedError::File`]; after that there is no room.
    pub fn add(&mut self, from: u64, generation: u64, run: u64, delta: &Delta) -> Result<bool, SavedError> {
        let Some(open) = &mut self.file else { return Ok(false) };
        let change = node::Delta { run, ..desired::to_delta(from, generation, delta) };
        let Some(record) = layout::record(open.end, &change) else { return Ok(false) };
        if record.len() > open.size - open.end {
            return Ok(false);
        }
        open.dirty = true;
        let written = open.file.write_all_at(&record, open.end as u64);
        open.end += record.len();
        written.map_err(|source| self.lost(source))?;
        Ok(true)
    }

    /// Waits until what was added is on disk.
    ///
    /// # Errors
    /// [`SavedError::File`]: it is not known what is on disk; the file is to be [replaced](Self::replace).
    pub fn sync(&mut self) -> Result<(), SavedError> {
        match &mut self.file {
            Some(open) if open.dirty => match open.file.sync_data() {
                Ok(()) => open.dirty = false,
                Err(source) => return Err(self.lost(source)),
            },
            _ => {}
        }
        Ok(())
    }

    /// Whether the file should be replaced when there is time: its room is used up but for a quarter.
    pub fn is_filling(&self) -> bool {
        self.file.as_ref().is_some_and(|open| (open.size - open.end) * 4 < open.room)
    }

    /// Replaces the file by one that says what is wanted, durably, for its owner alone.
    ///
    /// # Errors
    /// [`SavedError`]: the one before is still there, and has no room.
    pub fn replace(&mut self, wanted: &Wanted) -> Result<(), SavedError> {
        self.file = None;
        let (bytes, end) = layout::file_of(wanted).ok_or(SavedError::TooLong)?;
        let file = files::replace(&self.path, &bytes)?;
        let size = bytes.len();
        self.file = Some(Open { file, end, size, room: size - end, dirty: false });
        Ok(())
    }

    /// What the file holds is not known any more.
    fn lost(&mut self, source: io::Error) -> SavedError {
        self.file = None;
        FileError::of("write", &self.path)(source).into()
    }
}

#[cfg(test)]
mod tests;
