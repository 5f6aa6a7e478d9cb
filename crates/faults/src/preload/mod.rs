//! The interposed functions. Each asks [`state`] whether the file is watched and what is to happen, and otherwise
//! makes the system call that the C library would have made.

mod state;
mod system;

use libc::{EIO, ENOSPC, c_int, c_void, iovec, off_t, size_t, ssize_t};

use self::state::{Operation, Verdict};

/// Where a write goes.
#[derive(Clone, Copy)]
enum Target {
    /// To the file's own position, or its end if it was opened for appending.
    Position,
    /// To this offset.
    Offset(u64),
}

/// # Safety
/// As `write` of the C library: `data` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(file: c_int, data: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: the caller's promise is passed on unchanged.
    unsafe { write_to(file, data, length, Target::Position) }
}

/// # Safety
/// As `pwrite` of the C library: `data` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(file: c_int, data: *const c_void, length: size_t, offset: off_t) -> ssize_t {
    // SAFETY: the caller's promise is passed on unchanged.
    unsafe { write_to(file, data, length, Target::Offset(offset.cast_unsigned())) }
}

/// # Safety
/// As [`pwrite`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    file: c_int,
    data: *const c_void,
    length: size_t,
    offset: off_t,
) -> ssize_t {
    // SAFETY: the caller's promise is passed on unchanged.
    unsafe { pwrite(file, data, length, offset) }
}

/// # Safety
/// As `writev` of the C library: `parts` points to `count` vectors of readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(file: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    if state::watched(file).is_none() {
        // SAFETY: the caller's promise is passed on unchanged.
        return unsafe { system::writev(file, parts, count) };
    }
    // Writing the first part alone is a short write, which a caller must expect.
    for index in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: `parts` has `count` elements, by the caller's promise.
        let part = unsafe { *parts.add(index) };
        if part.iov_len > 0 {
            // SAFETY: a part is a range of readable bytes, by the caller's promise.
            return unsafe { write_to(file, part.iov_base, part.iov_len, Target::Position) };
        }
    }
    0
}

/// # Safety
/// `data` points to `length` readable bytes.
unsafe fn write_to(file: c_int, data: *const c_void, length: size_t, target: Target) -> ssize_t {
    let Some(watched) = state::watched(file) else {
        // SAFETY: the caller's promise is passed on unchanged.
        return unsafe { system::write(file, data, length, target) };
    };
    let length = match state::decide(&watched, Operation::Write(length)) {
        Verdict::Pass => length,
        Verdict::Short(length) => length,
        Verdict::IoError => return system::fail(EIO),
        Verdict::NoSpace => return system::fail(ENOSPC),
    };
    state::note_write(&watched, target, length);
    // SAFETY: `length` is at most what the caller promised.
    unsafe { system::write(file, data, length, target) }
}

/// As `fsync` of the C library.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    synchronise(file, system::fsync)
}

/// As `fdatasync` of the C library.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    synchronise(file, system::fdatasync)
}

fn synchronise(file: c_int, call: fn(c_int) -> c_int) -> c_int {
    let Some(watched) = state::watched(file) else { return call(file) };
    if let Verdict::IoError = state::decide(&watched, Operation::Synchronise) {
        state::note_sync(&watched, false);
        return system::fail(EIO) as c_int;
    }
    let result = call(file);
    state::note_sync(&watched, result == 0);
    result
}

/// As `ftruncate` of the C library.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(file: c_int, length: off_t) -> c_int {
    if let Some(watched) = state::watched(file) {
        if let Verdict::IoError = state::decide(&watched, Operation::Truncate) {
            return system::fail(EIO) as c_int;
        }
        state::note_truncate(&watched, length.cast_unsigned());
    }
    system::ftruncate(file, length)
}

/// As [`ftruncate`].
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(file: c_int, length: off_t) -> c_int {
    ftruncate(file, length)
}
