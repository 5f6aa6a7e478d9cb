//! The engine's journals, checked and put right before the engine reads them.
//!
//! What the engine does with bytes it does not understand, found by reading and confirmed by tests:
//! - An unknown tag, a wrong trailer or a length past the end of the file ends the journal, wherever it is. The file
//!   is cut there and every later batch is gone without an error.
//! - A wrong checksum or item count is an error, also when it is just the torn batch at the end: then a power failure
//!   that wrote the later of two pages makes the database refuse to open.
//! - The sequence number in a start marker is covered by no checksum.
//!
//! So the journals are read here first. Each commit carries the revision it was made from (its [`Link`]), and a commit
//! begins only after the one before it is on disk. Therefore:
//! - Whole batches whose links join are kept.
//! - Bytes that are no batch, at the end of the last journal, are a commit or unsynced writes that were never
//!   acknowledged; they are dropped. (That nothing acknowledged was among them is checked against the mark.)
//! - Bytes that are no batch, in the last journal, before a commit whose link joins the last commit before them, are
//!   unsynced writes that a power failure took; they are dropped and the commit is kept.
//! - Everything else is damage: a link that does not join, a sequence number that goes back, a gap between journals, a
//!   hole in a journal that was closed.

use std::{
    fs::{self, File},
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{
    StoreError, files,
    journal_batch::{self, JournalBatch},
};

const EXTENSION: &str = "jnl";
const CHUNK_BYTES: usize = 1 << 20;

/// What the journals hold.
#[derive(Debug)]
pub(crate) struct Journals {
    /// The revision of the last commit in them, if there is one.
    pub(crate) revision: Option<u64>,
    /// The last journal and the parts of it that are whole batches.
    active: Option<(PathBuf, Vec<Range<usize>>)>,
}

/// Where the chain of batches stands.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    sequence: Option<u64>,
    revision: Option<u64>,
}

impl Chain {
    fn joins(self, batch: &JournalBatch) -> bool {
        self.sequence.is_none_or(|last| batch.sequence > last)
            && match (self.revision, batch.link) {
                (Some(revision), Some(link)) => link.previous == revision && link.revision > revision,
                (None, Some(link)) => link.revision >= link.previous,
                (_, None) => true,
            }
    }

    fn take(&mut self, batch: &JournalBatch) {
        self.sequence = Some(batch.sequence);
        self.revision = batch.link.map(|link| link.revision).or(self.revision);
    }
}

/// Reads all journals in `engine` and changes nothing.
pub(crate) fn check(engine: &Path) -> Result<Journals, StoreError> {
    let journals = list(engine)?;
    let mut chain = Chain::default();
    let mut active = None;
    for (index, (number, path)) in journals.iter().enumerate() {
        if index > 0 && journals.get(index - 1).is_some_and(|(before, _)| before + 1 != *number) {
            return Err(StoreError::damaged(path, "the journal before it is missing"));
        }
        let bytes = read(path)?;
        let parts = check_one(path, &bytes, &mut chain, index + 1 == journals.len())?;
        active = Some((path.clone(), parts));
    }
    Ok(Journals { revision: chain.revision, active })
}

impl Journals {
    /// Replaces the last journal by a fresh copy of its whole batches. After a failed synchronisation the system may
    /// show bytes that are not on disk and report success the next time; a copy that is synchronised under its own
    /// name is on disk. Earlier journals were synchronised before the last one was begun.
    pub(crate) fn renew(&self) -> Result<(), StoreError> {
        let Some((path, parts)) = &self.active else { return Ok(()) };
        let bytes = read(path)?;
        let parts: Option<Vec<&[u8]>> = parts.iter().map(|part| bytes.get(part.clone())).collect();
        let parts = parts.ok_or_else(|| StoreError::damaged(path, "it changed while it was checked"))?;
        files::replace(path, &parts)
    }
}

fn list(engine: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(engine).map_err(StoreError::io("list", engine))? {
        let path = entry.map_err(StoreError::io("list", engine))?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let number = number.ok_or_else(|| StoreError::damaged(&path, "its name is not a number"))?;
            journals.push((number, path));
        }
    }
    journals.sort();
    Ok(journals)
}

/// The bytes of a journal up to the last that is not zero, rounded up: journals are preallocated.
fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let failed = |error| StoreError::io("read", path)(error);
    let mut file = File::open(path).map_err(failed)?;
    let zeros = vec![0; CHUNK_BYTES];
    let mut bytes = Vec::new();
    let mut skipped = 0;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    loop {
        chunk.clear();
        let limit = u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX);
        let length = (&mut file).take(limit).read_to_end(&mut chunk).map_err(failed)?;
        if length == 0 {
            return Ok(bytes);
        }
        if zeros.get(..length) == Some(chunk.as_slice()) {
            skipped += length;
        } else {
            bytes.resize(bytes.len() + skipped, 0);
            bytes.extend_from_slice(&chunk);
            skipped = 0;
        }
    }
}

/// The parts of a journal that are whole batches.
fn check_one(
    path: &Path,
    bytes: &[u8],
    chain: &mut Chain,
    last: bool,
) -> Result<Vec<Range<usize>>, StoreError> {
    let mut parts = Vec::new();
    let mut position = 0;
    loop {
        let part = take_run(path, bytes, position, chain)?;
        let end = part.end;
        if !part.is_empty() {
            parts.push(part);
        }
        let rest = bytes.get(end..).unwrap_or_default();
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(parts);
        }
        if !last {
            return Err(StoreError::damaged(
                path,
                format!("bytes from {end} on are no batch, in a closed journal"),
            ));
        }
        match next_commit(bytes, end + 1, *chain) {
            Some((at, true)) => {
                tracing::warn!(path = %path.display(), from = end, to = at, "unsynced writes were lost");
                position = at;
            }
            Some((at, false)) => {
                let detail = format!("bytes {end} to {at} are no batch, but acknowledged commits follow");
                return Err(StoreError::damaged(path, detail));
            }
            None => {
                tracing::warn!(path = %path.display(), from = end, "dropping the torn end of the journal");
                return Ok(parts);
            }
        }
    }
}

/// The run of whole batches that begins at `start`.
fn take_run(path: &Path, bytes: &[u8], start: usize, chain: &mut Chain) -> Result<Range<usize>, StoreError> {
    let mut end = start;
    while let Some(batch) = bytes.get(end..).and_then(journal_batch::parse) {
        if !chain.joins(&batch) {
            return Err(StoreError::damaged(
                path,
                format!("the batch at byte {end} does not follow the one before it"),
            ));
        }
        chain.take(&batch);
        end += batch.bytes;
    }
    Ok(start..end)
}

/// The next whole batch after a hole that can belong to this journal, and whether the commits join over the hole.
/// Batches that are no commits are passed over: they were made after the hole and before the commit that decides.
fn next_commit(bytes: &[u8], from: usize, chain: Chain) -> Option<(usize, bool)> {
    let mut first_whole = None;
    let mut position = from;
    while position < bytes.len() {
        let batch = bytes.get(position..).and_then(journal_batch::parse);
        match batch.filter(|batch| chain.sequence.is_none_or(|last| batch.sequence > last)) {
            Some(batch) => {
                let at = *first_whole.get_or_insert(position);
                if batch.link.is_some() {
                    return Some((at, chain.revision.is_some() && chain.joins(&batch)));
                }
                position += batch.bytes;
            }
            None => position += 1,
        }
    }
    first_whole.map(|at| (at, true))
}
