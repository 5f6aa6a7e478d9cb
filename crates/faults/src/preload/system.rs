//! System calls without the C library's wrappers, which are the ones interposed.

use libc::{c_int, c_long, c_void, iovec, off_t, size_t, ssize_t};

use super::Target;

fn narrow(result: c_long) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

/// Sets `errno` and returns what a failed call returns.
pub(super) fn fail(error: c_int) -> ssize_t {
    // SAFETY: the C library returns a valid pointer to this thread's own `errno`.
    unsafe { *libc::__errno_location() = error };
    -1
}

/// # Safety
/// `data` points to `length` readable bytes.
pub(super) unsafe fn write(file: c_int, data: *const c_void, length: size_t, target: Target) -> ssize_t {
    // SAFETY: the arguments are those of the system call, and `data` is readable by the caller's promise.
    let result = unsafe {
        match target {
            Target::Position => libc::syscall(libc::SYS_write, file, data, length),
            Target::Offset(offset) => libc::syscall(libc::SYS_pwrite64, file, data, length, offset),
        }
    };
    result as ssize_t
}

/// # Safety
/// `parts` points to `count` vectors of readable bytes.
pub(super) unsafe fn writev(file: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the arguments are those of the system call, and the parts are readable by the caller's promise.
    unsafe { libc::syscall(libc::SYS_writev, file, parts, count) as ssize_t }
}

pub(super) fn fsync(file: c_int) -> c_int {
    // SAFETY: the call takes no pointers; a bad descriptor is an error.
    narrow(unsafe { libc::syscall(libc::SYS_fsync, file) })
}

pub(super) fn fdatasync(file: c_int) -> c_int {
    // SAFETY: the call takes no pointers; a bad descriptor is an error.
    narrow(unsafe { libc::syscall(libc::SYS_fdatasync, file) })
}

pub(super) fn ftruncate(file: c_int, length: off_t) -> c_int {
    // SAFETY: the call takes no pointers; a bad descriptor is an error.
    narrow(unsafe { libc::syscall(libc::SYS_ftruncate, file, length) })
}

/// The path of an open file, as the system knows it.
pub(super) fn path_of(file: c_int) -> Option<Vec<u8>> {
    let link = format!("/proc/self/fd/{file}\0");
    let mut path = vec![0_u8; 4096];
    // SAFETY: `link` ends with a zero byte and `path` is writable for its length.
    let length = unsafe { libc::readlink(link.as_ptr().cast(), path.as_mut_ptr().cast(), path.len()) };
    path.truncate(usize::try_from(length).ok()?);
    Some(path)
}

/// The inode, the time of creation in nanoseconds, and the size of an open file.
pub(super) fn describe(file: c_int) -> Option<(u64, u64, u64)> {
    // SAFETY: all-zero bytes are a valid `statx`, which has only integers.
    let mut found: libc::statx = unsafe { std::mem::zeroed() };
    let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME;
    // SAFETY: the path is an empty C string and `found` is writable.
    let result = unsafe { libc::statx(file, c"".as_ptr(), libc::AT_EMPTY_PATH, mask, &raw mut found) };
    let created = if found.stx_mask & libc::STATX_BTIME == 0 {
        0
    } else {
        found.stx_btime.tv_sec.cast_unsigned() * 1_000_000_000 + u64::from(found.stx_btime.tv_nsec)
    };
    (result == 0).then_some((found.stx_ino, created, found.stx_size))
}

/// Where the next write to an open file goes.
pub(super) fn position(file: c_int, size: u64) -> u64 {
    // SAFETY: the calls take no pointers; a bad descriptor is an error.
    let (flags, position) =
        unsafe { (libc::fcntl(file, libc::F_GETFL), libc::lseek(file, 0, libc::SEEK_CUR)) };
    if flags & libc::O_APPEND != 0 { size } else { u64::try_from(position).unwrap_or(0) }
}

/// Up to `length` bytes at `offset` of the file at `path`; the descriptor at hand may be write-only.
pub(super) fn read(path: &[u8], offset: u64, length: usize) -> Vec<u8> {
    let path = [path, b"\0"].concat();
    let mut bytes = vec![0_u8; length];
    let mut done = 0;
    // SAFETY: `path` ends with a zero byte; the descriptor is closed once and used in between only; each read writes
    // at most what is left of `bytes`.
    unsafe {
        let file = libc::open(path.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC);
        while done < length {
            let at = off_t::try_from(offset).unwrap_or(0) + off_t::try_from(done).unwrap_or(0);
            match libc::pread(file, bytes.as_mut_ptr().add(done).cast(), length - done, at) {
                count @ 1.. => done += count.cast_unsigned(),
                _ => break,
            }
        }
        libc::close(file);
    }
    bytes.truncate(done);
    bytes
}

/// Opens the ledger for appending.
pub(super) fn open_ledger(path: &[u8]) -> Option<c_int> {
    let path = [path, b"\0"].concat();
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
    // SAFETY: `path` ends with a zero byte.
    let file = unsafe { libc::open(path.as_ptr().cast(), flags, 0o600) };
    (file >= 0).then_some(file)
}

/// Maps the control file, shared with whoever writes it; for the life of the process.
pub(super) fn map(path: &[u8], length: usize) -> Option<*mut c_void> {
    let path = [path, b"\0"].concat();
    // SAFETY: `path` ends with a zero byte; the descriptor is closed once; the mapping is new and never unmapped.
    let address = unsafe {
        let file = libc::open(path.as_ptr().cast(), libc::O_RDWR | libc::O_CLOEXEC);
        if file < 0 {
            return None;
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let address = libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, file, 0);
        libc::close(file);
        address
    };
    (address != libc::MAP_FAILED).then_some(address)
}

/// Ends this process as `kill -9` does.
pub(super) fn kill_self() {
    // SAFETY: the calls take no pointers.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}
