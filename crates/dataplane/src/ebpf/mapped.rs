//! Arrays of the kernel that lie in this process's memory, too.
//!
//! Everything unsafe about mapping them is here. What is mapped is shared with programs that run on other CPUs, and so it
//! is seen as atomics alone.
#![allow(unsafe_code, reason = "mmap gives a pointer")]

use std::{
    io,
    ops::Deref,
    os::fd::{AsFd, AsRawFd},
    ptr::NonNull,
    sync::atomic::AtomicU64,
};

use super::sys::{MAP_TYPE_ARRAY, MMAPABLE, Map};

/// All values of an array, as 64-bit words.
pub(crate) struct Words {
    first: NonNull<AtomicU64>,
    count: usize,
}

// SAFETY: the memory is mapped until the value is dropped, belongs to no thread, and is reached as atomics alone.
unsafe impl Send for Words {}
// SAFETY: as above; `&Words` gives `&[AtomicU64]` only.
unsafe impl Sync for Words {}

impl Words {
    /// Maps an array whose values are words, or made of words.
    pub(crate) fn of(map: &Map) -> io::Result<Self> {
        let shape = map.shape();
        if shape.kind != MAP_TYPE_ARRAY || shape.flags & MMAPABLE == 0 || !shape.value_size.is_multiple_of(8)
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let count = shape.entries as usize * (shape.value_size as usize / 8);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let fd = map.as_fd().as_raw_fd();
        // SAFETY: the kernel chooses the address; the length is that of the array, which the kernel checks.
        let address =
            unsafe { libc::mmap(std::ptr::null_mut(), count * 8, protection, libc::MAP_SHARED, fd, 0) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        match NonNull::new(address.cast()) {
            Some(first) => Ok(Self { first, count }),
            None => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }
}

impl Deref for Words {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `count` words are mapped from `first` on, page-aligned and initialised by the kernel, until drop.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nothing borrows from it any more.
        unsafe { libc::munmap(self.first.as_ptr().cast(), self.count * 8) };
    }
}
