//! What the library was told (environment and control file) and what it notes (the ledger).

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    sync::{
        OnceLock,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use libc::c_int;

use super::{Target, system};
use crate::{
    CONTROL_VARIABLE, DIRECTORY_VARIABLE, LEDGER_VARIABLE, UNLIMITED,
    control::{
        AFTER, CONTROL_BYTES, FIELDS, KILL, PATH_OFFSET, SHORT_WRITES, SPACE, SYNC_ERRORS, WRITE_ERRORS,
    },
    ledger::{Entry, Kind},
};

/// The environment's settings, read once.
struct Settings {
    directory: Vec<u8>,
    /// The mapped control file: `FIELDS` numbers, then the path pattern.
    numbers: &'static [AtomicU64; FIELDS],
    pattern: &'static [AtomicU8; CONTROL_BYTES - PATH_OFFSET],
    ledger: Option<c_int>,
}

fn settings() -> Option<&'static Settings> {
    static SETTINGS: OnceLock<Option<Settings>> = OnceLock::new();
    SETTINGS.get_or_init(read_settings).as_ref()
}

fn read_settings() -> Option<Settings> {
    let variable = |name| std::env::var_os(name).map(OsString::into_vec);
    let directory = variable(DIRECTORY_VARIABLE)?;
    let control = system::map(&variable(CONTROL_VARIABLE)?, CONTROL_BYTES)?;
    // SAFETY: the mapping is at least `CONTROL_BYTES` long, page-aligned, never unmapped, and shared with other
    // processes, hence atomics only; `FIELDS` numbers end before `PATH_OFFSET`.
    let (numbers, pattern) = unsafe { (&*control.cast(), &*control.byte_add(PATH_OFFSET).cast()) };
    let ledger = variable(LEDGER_VARIABLE).and_then(|path| system::open_ledger(&path));
    Some(Settings { directory, numbers, pattern, ledger })
}

/// A file that is subject to faults.
pub(super) struct Watched {
    settings: &'static Settings,
    file: c_int,
    path: Vec<u8>,
}

/// What a call would do.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Write(usize),
    Truncate,
    Synchronise,
}

/// What happens to it.
pub(super) enum Verdict {
    Pass,
    Short(usize),
    IoError,
    NoSpace,
}

/// Whether the file is under the directory.
pub(super) fn watched(file: c_int) -> Option<Watched> {
    let settings = settings()?;
    let path = system::path_of(file)?;
    let below = path.strip_prefix(settings.directory.as_slice())?;
    (below.is_empty() || below.starts_with(b"/")).then_some(Watched { settings, file, path })
}

/// Counts one down if it is not zero; `UNLIMITED` stays. Says whether there was one.
fn take_one(counter: &AtomicU64) -> bool {
    let next = |count| match count {
        0 => None,
        UNLIMITED => Some(UNLIMITED),
        count => Some(count - 1),
    };
    counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
}

pub(super) fn decide(watched: &Watched, operation: Operation) -> Verdict {
    let numbers = watched.settings.numbers;
    let pattern: Vec<u8> = watched.settings.pattern.iter().map(|byte| byte.load(Ordering::Acquire)).collect();
    let pattern = pattern.split(|byte| *byte == 0).next().unwrap_or_default();
    let matches = pattern.is_empty() || watched.path.windows(pattern.len()).any(|window| window == pattern);
    if !matches || take_one(&numbers[AFTER]) {
        return Verdict::Pass;
    }
    if numbers[KILL].load(Ordering::Acquire) != 0 {
        system::kill_self();
    }
    match operation {
        Operation::Synchronise if take_one(&numbers[SYNC_ERRORS]) => Verdict::IoError,
        Operation::Write(_) | Operation::Truncate if take_one(&numbers[WRITE_ERRORS]) => Verdict::IoError,
        Operation::Write(length) if length > 1 && take_one(&numbers[SHORT_WRITES]) => {
            Verdict::Short(length / 2)
        }
        Operation::Write(length) => take_space(&numbers[SPACE], length),
        _ => Verdict::Pass,
    }
}

fn take_space(space: &AtomicU64, length: usize) -> Verdict {
    let wanted = length as u64;
    let before = space.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| match left {
        UNLIMITED => None,
        left => Some(left.saturating_sub(wanted)),
    });
    match before {
        Err(_) => Verdict::Pass,
        Ok(0) => Verdict::NoSpace,
        Ok(left) => Verdict::Short(length.min(usize::try_from(left).unwrap_or(length))),
    }
}

pub(super) fn note_write(watched: &Watched, target: Target, length: usize) {
    note(watched, |size| {
        let offset = match target {
            Target::Position => system::position(watched.file, size),
            Target::Offset(offset) => offset,
        };
        (offset, length as u64)
    });
}

pub(super) fn note_truncate(watched: &Watched, length: u64) {
    note(watched, |size| (length.min(size), size.abs_diff(length)));
}

/// Notes a change: `range` gets the file's size and says what the change covers (offset and length).
fn note(watched: &Watched, range: impl FnOnce(u64) -> (u64, u64)) {
    let Some(ledger) = watched.settings.ledger else { return };
    let Some((inode, created, size)) = system::describe(watched.file) else { return };
    let (offset, length) = range(size);
    let known = size.saturating_sub(offset).min(length);
    let before = system::read(&watched.path, offset, usize::try_from(known).unwrap_or(0));
    append(ledger, &Entry { kind: Kind::Change, file: (inode, created), offset, length, size, before });
}

pub(super) fn note_sync(watched: &Watched, done: bool) {
    let Some(ledger) = watched.settings.ledger else { return };
    let Some((inode, created, size)) = system::describe(watched.file) else { return };
    let kind = if done { Kind::Synced } else { Kind::SyncFailed };
    append(ledger, &Entry { kind, file: (inode, created), offset: 0, length: 0, size, before: vec![] });
}

fn append(ledger: c_int, entry: &Entry) {
    // The ledger is open for appending, so the system keeps entries of several threads apart.
    let bytes = entry.encode();
    // SAFETY: the pointer and the length are those of `bytes`.
    unsafe { system::write(ledger, bytes.as_ptr().cast(), bytes.len(), Target::Position) };
}
