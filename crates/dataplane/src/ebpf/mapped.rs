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
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::sys::{MAP_TYPE_ARRAY, MMAPABLE, Map};

/// Values of an array, as 64-bit words.
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
        Self::map(map, 0, count, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Maps `count` words from the word `first` on, which begins a page.
    fn map(map: &Map, first: usize, count: usize, protection: libc::c_int) -> io::Result<Self> {
        let fd = map.as_fd().as_raw_fd();
        let offset = libc::off_t::try_from(first * 8).map_err(io::Error::other)?;
        // SAFETY: the kernel chooses the address; it checks that offset and length lie within the array.
        let address =
            unsafe { libc::mmap(std::ptr::null_mut(), count * 8, protection, libc::MAP_SHARED, fd, offset) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        match NonNull::new(address.cast()) {
            Some(first) => Ok(Self { first, count }),
            None => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }
}

/// Reads words of an array of words, from `first` on, through a mapping that is made for it alone: they come from the map
/// that the descriptor stands for, and not from what this process has written to another mapping. A call of the kernel
/// that copies elements takes a thousand times as long for a big plan.
pub(crate) fn read(map: &Map, first: u32, words: &mut [u64]) -> io::Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    let shape = map.shape();
    let end = first as usize + words.len();
    if shape.kind != MAP_TYPE_ARRAY || shape.value_size != 8 || end > shape.entries as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: no pointers are given.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_err(io::Error::other)? / 8;
    let begin = first as usize / page * page;
    let view = Words::map(map, begin, end - begin, libc::PROT_READ)?;
    for (to, from) in words.iter_mut().zip(&view[first as usize - begin..]) {
        *to = from.load(Relaxed);
    }
    Ok(())
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
