//! The ledger: which bytes of which file were written and not synchronised, and what was there before.
//!
//! A sequence of entries, appended by the preloaded library before each write and truncation and after each
//! synchronisation. Numbers are in the machine's order: it never leaves the machine.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

const PAGE_BYTES: u64 = 4096;
/// A change over this size is preallocation: lost or kept as one.
const PREALLOCATION_BYTES: u64 = 16 << 20;

/// Which file: the inode and the time it was created at, in nanoseconds, since inode numbers are used again.
pub(crate) type FileId = (u64, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Change = 1,
    Synced = 2,
    SyncFailed = 3,
}

/// One entry. A change covers `length` bytes from `offset`; before it the file had `size` bytes and `before` was at
/// `offset`, followed by zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) file: FileId,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) size: u64,
    pub(crate) before: Vec<u8>,
}

impl Entry {
    #[cfg_attr(not(any(feature = "preload", test)), allow(dead_code, reason = "the library writes entries"))]
    pub(crate) fn encode(&self) -> Vec<u8> {
        let length = self.before.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut bytes = vec![self.kind as u8];
        for number in [self.file.0, self.file.1, self.offset, self.length, self.size, length as u64] {
            bytes.extend_from_slice(&number.to_ne_bytes());
        }
        bytes.extend_from_slice(&self.before[..length]);
        bytes
    }

    /// The entry at the beginning of `bytes` and what follows it; `None` at the end, which may be torn.
    fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (kind, mut rest) = bytes.split_first()?;
        let kind = match kind {
            1 => Kind::Change,
            2 => Kind::Synced,
            _ => Kind::SyncFailed,
        };
        let mut numbers = [0; 6];
        for number in &mut numbers {
            let (bytes, after) = rest.split_first_chunk::<8>()?;
            *number = u64::from_ne_bytes(*bytes);
            rest = after;
        }
        let [inode, created, offset, length, size, before] = numbers;
        let (before, rest) = rest.split_at_checked(usize::try_from(before).ok()?)?;
        Some((Self { kind, file: (inode, created), offset, length, size, before: before.to_vec() }, rest))
    }
}

/// How much of what was not synchronised is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it.
    All,
    /// Each page of it or not, decided by this seed: a torn write, later pages kept and earlier ones lost included.
    Torn(u64),
}

/// Takes from the files under `directory` what the program wrote and did not synchronise, as a power failure would.
/// The program must have ended. Returns how many changes were (at least partly) lost.
///
/// # Errors
/// If a file cannot be read or written.
pub fn lose_unsynced(ledger: &Path, directory: &Path, loss: Loss) -> io::Result<usize> {
    let bytes = fs::read(ledger)?;
    let mut histories: HashMap<FileId, History> = HashMap::new();
    let mut rest = bytes.as_slice();
    while let Some((entry, after)) = Entry::decode(rest) {
        histories.entry(entry.file).or_default().take(entry);
        rest = after;
    }
    let mut files = HashMap::new();
    find_files(directory, &mut files)?;
    let mut choice = match loss {
        Loss::All => Choice::All,
        Loss::Torn(seed) => Choice::Some(seed | 1),
    };
    let mut lost = 0;
    let mut ids: Vec<_> = histories.keys().copied().collect();
    ids.sort_unstable();
    for id in ids {
        if let (Some(history), Some(path)) = (histories.get(&id), files.get(&id)) {
            lost += history.undo(path, &mut choice)?;
        }
    }
    fs::write(ledger, [])?;
    Ok(lost)
}

/// What happened to one file.
#[derive(Default)]
struct History {
    /// Changes, and whether each is durable. A change that a failed synchronisation was to make durable never is.
    changes: Vec<(Entry, Fate)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pending,
    Durable,
    Doomed,
}

impl History {
    fn take(&mut self, entry: Entry) {
        let fate = match entry.kind {
            Kind::Change => return self.changes.push((entry, Fate::Pending)),
            Kind::Synced => Fate::Durable,
            Kind::SyncFailed => Fate::Doomed,
        };
        for (_, pending) in self.changes.iter_mut().filter(|(_, old)| *old == Fate::Pending) {
            *pending = fate;
        }
    }

    fn undo(&self, path: &Path, choice: &mut Choice) -> io::Result<usize> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut kept: Vec<Range<u64>> = Vec::new();
        let mut lost = 0;
        for (entry, fate) in self.changes.iter().rev() {
            let range = entry.offset..entry.offset + entry.length;
            if *fate == Fate::Durable {
                kept.push(range);
                continue;
            }
            for page in pages(range) {
                if choice.loses() {
                    restore(&file, entry, page, &kept)?;
                } else {
                    kept.push(page);
                }
            }
            let end = kept.iter().map(|range| range.end).max().unwrap_or(0);
            file.set_len(entry.size.max(end))?;
            lost += 1;
        }
        Ok(lost)
    }
}

/// Puts back what was at `page` before `entry` (zeros where the file was shorter), except where later changes are
/// kept. Preallocation was zeros before and after.
fn restore(file: &File, entry: &Entry, page: Range<u64>, kept: &[Range<u64>]) -> io::Result<()> {
    if page.end - page.start > PAGE_BYTES {
        return Ok(());
    }
    for offset in page {
        if !kept.iter().any(|range| range.contains(&offset)) {
            let index = usize::try_from(offset - entry.offset).unwrap_or(usize::MAX);
            let byte = entry.before.get(index).copied().unwrap_or(0);
            file.write_all_at(&[byte], offset)?;
        }
    }
    Ok(())
}

fn pages(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let step = if range.end - start > PREALLOCATION_BYTES { range.end } else { PAGE_BYTES };
        let end = ((start / step + 1) * step).min(range.end);
        let page = start..end;
        start = end;
        (!page.is_empty()).then_some(page)
    })
}

enum Choice {
    All,
    Some(u64),
}

impl Choice {
    fn loses(&mut self) -> bool {
        match self {
            Self::All => true,
            Self::Some(state) => {
                // xorshift64: any spread of bits will do.
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                *state & 1 == 0
            }
        }
    }
}

fn find_files(directory: &Path, files: &mut HashMap<FileId, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_files(&entry.path(), files)?;
        } else if entry.file_type()?.is_file() {
            let metadata = entry.metadata()?;
            let created = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let created = created.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0));
            files.insert((metadata.ino(), created), entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_written_and_a_torn_one_is_the_end() {
        let entry =
            Entry { kind: Kind::Change, file: (7, 8), offset: 9, length: 4, size: 11, before: vec![1, 0, 2] };
        let bytes = entry.encode();
        assert_eq!(Entry::decode(&bytes).unwrap(), (entry, &[][..]));
        assert!(Entry::decode(&bytes[..bytes.len() - 1]).is_none());
    }
}
