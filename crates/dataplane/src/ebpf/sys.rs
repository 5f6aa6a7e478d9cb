//! bpf(2): the commands that are needed here and that the loader's library does not offer.
//!
//! Everything unsafe about that system call is here. Keys and values are plain bytes, whose lengths are checked against
//! the map's; a [`Map`] knows them from the kernel.
#![allow(unsafe_code, reason = "bpf(2) takes pointers in a union of integers")]

use std::{
    ffi::CString,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// Numbers of `enum bpf_cmd` of linux/bpf.h.
mod command {
    pub(super) const MAP_CREATE: libc::c_int = 0;
    pub(super) const MAP_LOOKUP: libc::c_int = 1;
    pub(super) const MAP_UPDATE: libc::c_int = 2;
    pub(super) const MAP_DELETE: libc::c_int = 3;
    pub(super) const MAP_GET_NEXT_KEY: libc::c_int = 4;
    pub(super) const PROG_LOAD: libc::c_int = 5;
    pub(super) const OBJ_PIN: libc::c_int = 6;
    pub(super) const OBJ_GET: libc::c_int = 7;
    pub(super) const PROG_TEST_RUN: libc::c_int = 10;
    pub(super) const OBJ_GET_INFO: libc::c_int = 15;
    pub(super) const PROG_QUERY: libc::c_int = 16;
    pub(super) const MAP_LOOKUP_BATCH: libc::c_int = 24;
    pub(super) const LINK_CREATE: libc::c_int = 28;
    pub(super) const LINK_UPDATE: libc::c_int = 29;
    pub(super) const LINK_DETACH: libc::c_int = 34;
}

/// `BPF_MAP_TYPE_ARRAY`.
pub(crate) const MAP_TYPE_ARRAY: u32 = 2;
/// `BPF_MAP_TYPE_RINGBUF`.
pub(crate) const MAP_TYPE_RINGBUF: u32 = 27;
/// `BPF_F_MMAPABLE`.
pub(crate) const MMAPABLE: u32 = 1 << 10;
/// `BPF_F_BEFORE`: before all others, where no other is named.
const BEFORE: u32 = 1 << 3;
/// The most programs of a hook that are asked for (`BPF_MPROG_MAX`).
const PROGRAMS_MAX: usize = 64;

/// Calls bpf(2) with an attribute made of 64-bit words, whose unused rest is zero.
fn bpf<const WORDS: usize>(command: libc::c_int, attribute: &mut [u64; WORDS]) -> io::Result<i32> {
    // SAFETY: the kernel reads and writes the attribute only within the length given. Each pointer in it is to memory
    // that its caller keeps borrowed for the call, and that is as long as the kernel takes it to be: see the callers.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command, attribute.as_mut_ptr(), std::mem::size_of_val(attribute))
    };
    match i32::try_from(result) {
        Ok(value) if value >= 0 => Ok(value),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Two 32-bit fields as they lie in one word.
fn pair(first: u32, second: u32) -> u64 {
    let [a, b, c, d] = first.to_ne_bytes();
    let [e, f, g, h] = second.to_ne_bytes();
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// The two 32-bit fields of a word.
fn halves(word: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = word.to_ne_bytes();
    (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h]))
}

fn fd_number(fd: &impl AsFd) -> u32 {
    fd.as_fd().as_raw_fd().cast_unsigned()
}

fn address<T: ?Sized>(of: *const T) -> u64 {
    of.cast::<()>().addr() as u64
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the kernel has just returned it as a new descriptor, which nobody else has.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn path_text(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Pins an object. Nothing may have the path.
pub(crate) fn pin(object: &impl AsFd, path: &Path) -> io::Result<()> {
    let text = path_text(path)?;
    bpf(command::OBJ_PIN, &mut [address(text.as_ptr()), pair(fd_number(object), 0)]).map(drop)
}

/// What is pinned at a path.
pub(crate) fn pinned(path: &Path) -> io::Result<OwnedFd> {
    let text = path_text(path)?;
    bpf(command::OBJ_GET, &mut [address(text.as_ptr()), 0]).map(owned)
}

/// The kernel's information about an object, as 64-bit words of its `struct bpf_*_info`.
fn info<const WORDS: usize>(object: &impl AsFd) -> io::Result<[u64; WORDS]> {
    let mut info = [0u64; WORDS];
    let length = u32::try_from(std::mem::size_of_val(&info)).map_err(io::Error::other)?;
    let attribute = &mut [pair(fd_number(object), length), address(info.as_mut_ptr())];
    bpf(command::OBJ_GET_INFO, attribute)?;
    Ok(info)
}

/// What a map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MapShape {
    pub(crate) kind: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) entries: u32,
    pub(crate) flags: u32,
}

/// A map, and what the kernel says that it is.
#[derive(Debug)]
pub(crate) struct Map {
    fd: OwnedFd,
    shape: MapShape,
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Map {
    /// Makes a map. Names are at most 15 bytes long.
    pub(crate) fn create(shape: MapShape, name: &str) -> io::Result<Self> {
        let mut text = [0u8; 16];
        let length = name.len().min(15);
        text[..length].copy_from_slice(&name.as_bytes()[..length]);
        let [low, high] = [0, 8].map(|from| word(&text, from));
        let attribute = &mut [
            pair(shape.kind, shape.key_size),
            pair(shape.value_size, shape.entries),
            pair(shape.flags, 0),
            0, // numa node, first half of the name: see below
            0,
            0,
        ];
        // map_flags, inner_map_fd, numa_node, then the name from byte 28 on.
        let mut bytes = [0u8; 48];
        for (place, value) in attribute.iter().enumerate() {
            bytes[place * 8..place * 8 + 8].copy_from_slice(&value.to_ne_bytes());
        }
        bytes[28..36].copy_from_slice(&low.to_ne_bytes());
        bytes[36..44].copy_from_slice(&high.to_ne_bytes());
        for (place, value) in attribute.iter_mut().enumerate() {
            *value = word(&bytes, place * 8);
        }
        let fd = owned(bpf(command::MAP_CREATE, attribute)?);
        Self::from_fd(fd)
    }

    /// The same map by a descriptor of its own.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()?, shape: self.shape })
    }

    /// The map behind a descriptor.
    pub(crate) fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let words: [u64; 3] = info(&fd)?;
        let ((kind, _), (key_size, value_size), (entries, flags)) =
            (halves(words[0]), halves(words[1]), halves(words[2]));
        Ok(Self { fd, shape: MapShape { kind, key_size, value_size, entries, flags } })
    }

    pub(crate) fn shape(&self) -> MapShape {
        self.shape
    }

    fn check(&self, key: Option<&[u8]>, value: Option<usize>) -> io::Result<()> {
        let fits = key.is_none_or(|key| key.len() == self.shape.key_size as usize)
            && value.is_none_or(|length| length == self.shape.value_size as usize);
        if fits { Ok(()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// The value of a key; none where the key is not there.
    pub(crate) fn lookup(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.check(Some(key), None)?;
        let mut value = vec![0u8; (self.shape.value_size as usize).next_multiple_of(8)];
        let attribute =
            &mut [pair(fd_number(self), 0), address(key.as_ptr()), address(value.as_mut_ptr()), 0];
        match bpf(command::MAP_LOOKUP, attribute) {
            Ok(_) => {
                value.truncate(self.shape.value_size as usize);
                Ok(Some(value))
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the value of a key.
    pub(crate) fn update(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.check(Some(key), Some(value.len()))?;
        let attribute = &mut [pair(fd_number(self), 0), address(key.as_ptr()), address(value.as_ptr()), 0];
        bpf(command::MAP_UPDATE, attribute).map(drop)
    }

    /// Deletes a key; false where it was not there.
    pub(crate) fn delete(&self, key: &[u8]) -> io::Result<bool> {
        self.check(Some(key), None)?;
        match bpf(command::MAP_DELETE, &mut [pair(fd_number(self), 0), address(key.as_ptr()), 0, 0]) {
            Ok(_) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Every key that is there throughout the call.
    pub(crate) fn keys(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        while keys.len() < self.shape.entries as usize {
            let mut next = vec![0u8; self.shape.key_size as usize];
            let previous = keys.last().map_or(0, |key| address(key.as_ptr()));
            let attribute = &mut [pair(fd_number(self), 0), previous, address(next.as_mut_ptr()), 0];
            match bpf(command::MAP_GET_NEXT_KEY, attribute) {
                Ok(_) => keys.push(next),
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    /// Values of an array from an index on.
    pub(crate) fn read_array(&self, from: u32, values: &mut [u64]) -> io::Result<()> {
        if self.shape.kind != MAP_TYPE_ARRAY || self.shape.value_size != 8 || self.shape.key_size != 4 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let count = u32::try_from(values.len()).map_err(io::Error::other)?;
        let Some(before) = from.checked_sub(1) else {
            return self.read_array_batch(None, values, count);
        };
        self.read_array_batch(Some(before), values, count)
    }

    fn read_array_batch(&self, before: Option<u32>, values: &mut [u64], count: u32) -> io::Result<()> {
        let mut keys = vec![0u32; values.len()];
        let mut after = 0u32;
        let attribute = &mut [
            before.as_ref().map_or(0, |before| address(&raw const *before)),
            address(&raw mut after),
            address(keys.as_mut_ptr()),
            address(values.as_mut_ptr()),
            pair(count, fd_number(self)),
            0,
            0,
        ];
        match bpf(command::MAP_LOOKUP_BATCH, attribute) {
            // The end of the array was reached.
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
            _ => {}
        }
        if halves(attribute[4]).0 == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Calls `each` with keys and values of a hash, in batches, until it says no. An entry that comes or goes meanwhile
    /// may be seen or not.
    pub(crate) fn each(&self, mut each: impl FnMut(&[u8], &[u8]) -> bool) -> io::Result<()> {
        let (key_size, value_size) =
            (self.shape.key_size as usize, (self.shape.value_size as usize).next_multiple_of(8));
        let mut batch = 4096u32.min(self.shape.entries.max(64));
        let mut token = 0u32;
        let mut begun = false;
        loop {
            let mut keys = vec![0u8; key_size * batch as usize];
            let mut values = vec![0u8; value_size * batch as usize];
            let mut next = token;
            let attribute = &mut [
                if begun { address(&raw const token) } else { 0 },
                address(&raw mut next),
                address(keys.as_mut_ptr()),
                address(values.as_mut_ptr()),
                pair(batch, fd_number(self)),
                0,
                0,
            ];
            let end = match bpf(command::MAP_LOOKUP_BATCH, attribute) {
                Ok(_) => false,
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
                // One bucket is longer than a batch.
                Err(error) if error.raw_os_error() == Some(libc::ENOSPC) && batch < 1 << 20 => {
                    batch *= 2;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let count = (halves(attribute[4]).0 as usize).min(batch as usize);
            let pairs = keys.chunks_exact(key_size).zip(values.chunks_exact(value_size)).take(count);
            for (key, value) in pairs {
                if !each(key, &value[..self.shape.value_size as usize]) {
                    return Ok(());
                }
            }
            if end {
                return Ok(());
            }
            (token, begun) = (next, true);
        }
    }
}

fn word(bytes: &[u8], from: usize) -> u64 {
    let mut word = [0u8; 8];
    word.copy_from_slice(&bytes[from..from + 8]);
    u64::from_ne_bytes(word)
}

/// What the kernel says about a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProgramInfo {
    pub(crate) id: u32,
    /// The kernel's digest of its instructions.
    pub(crate) tag: u64,
    /// How many instructions the verifier has looked at.
    pub(crate) verified: u32,
}

pub(crate) fn program_info(program: &impl AsFd) -> io::Result<ProgramInfo> {
    let words: [u64; 29] = info(program)?;
    Ok(ProgramInfo { id: halves(words[0]).1, tag: words[1], verified: halves(words[27]).0 })
}

/// Which of the two hooks of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub(crate) enum Hook {
    /// `BPF_TCX_INGRESS`: what comes from the device.
    Ingress = 46,
    /// `BPF_TCX_EGRESS`: what goes to the device.
    Egress = 47,
}

/// Attaches a program to a device, before all others that hang there. The link ends when nothing holds it.
pub(crate) fn create_link(program: &impl AsFd, ifindex: u32, hook: Hook) -> io::Result<OwnedFd> {
    let attribute = &mut [pair(fd_number(program), ifindex), pair(hook as u32, BEFORE), 0, 0];
    bpf(command::LINK_CREATE, attribute).map(owned)
}

/// Puts another program into a link, atomically.
pub(crate) fn update_link(link: &impl AsFd, program: &impl AsFd) -> io::Result<()> {
    bpf(command::LINK_UPDATE, &mut [pair(fd_number(link), fd_number(program)), 0]).map(drop)
}

/// Ends a link, whoever holds it.
pub(crate) fn detach_link(link: &impl AsFd) -> io::Result<()> {
    bpf(command::LINK_DETACH, &mut [pair(fd_number(link), 0)]).map(drop)
}

/// What the kernel says about a link of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkInfo {
    pub(crate) id: u32,
    pub(crate) program: u32,
    /// 0 where the device is gone.
    pub(crate) ifindex: u32,
}

pub(crate) fn link_info(link: &impl AsFd) -> io::Result<LinkInfo> {
    let words: [u64; 3] = info(link)?;
    Ok(LinkInfo { id: halves(words[0]).1, program: halves(words[1]).0, ifindex: halves(words[2]).0 })
}

/// The ids of the programs at a hook, in the order in which they run.
pub(crate) fn programs_at(ifindex: u32, hook: Hook) -> io::Result<Vec<u32>> {
    let mut ids = [0u32; PROGRAMS_MAX];
    let attribute = &mut [
        pair(ifindex, hook as u32),
        0,
        address(ids.as_mut_ptr()),
        pair(64, 0), // PROGRAMS_MAX
        0,
        0,
        0,
        0,
    ];
    bpf(command::PROG_QUERY, attribute)?;
    Ok(ids[..(halves(attribute[3]).0 as usize).min(PROGRAMS_MAX)].to_vec())
}

/// Whether the verifier knows a helper function, by its number in linux/bpf.h.
pub(crate) fn knows_helper(number: u32) -> io::Result<bool> {
    // call `number`; exit
    let code: [u64; 2] = [pair(0x85, number), pair(0x95, 0)];
    let mut log = vec![0u8; 4096];
    let attribute = &mut [
        pair(1, 2), // BPF_PROG_TYPE_SOCKET_FILTER, two instructions
        address(code.as_ptr()),
        address(c"Apache-2.0".as_ptr()),
        pair(1, 4096), // the log's level and size
        address(log.as_mut_ptr()),
        0,
    ];
    match bpf(command::PROG_LOAD, attribute) {
        Ok(fd) => {
            drop(owned(fd));
            Ok(true)
        }
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Err(error),
        Err(_) => {
            let text = String::from_utf8_lossy(&log);
            Ok(!["invalid func", "unknown func", "program of this type"].iter().any(|no| text.contains(no)))
        }
    }
}

/// What a test run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TestRun {
    /// What the program returned.
    pub(crate) returned: u32,
    /// `cb` of the packet afterwards.
    pub(crate) cb: [u32; 5],
    /// Nanoseconds a run, on average.
    pub(crate) duration_ns: u32,
}

/// Where `ifindex` and `cb` lie in `struct __sk_buff`, and how much of it is given.
const SKB_IFINDEX: usize = 40;
const SKB_CB: usize = 48;
const SKB_BYTES: usize = 192;

/// Runs a program on a packet as if it were at a device.
pub(crate) fn test_run(program: &impl AsFd, ifindex: u32, packet: &[u8], repeat: u32) -> io::Result<TestRun> {
    let mut given = [0u8; SKB_BYTES];
    given[SKB_IFINDEX..SKB_IFINDEX + 4].copy_from_slice(&ifindex.to_ne_bytes());
    let mut taken = [0u8; SKB_BYTES];
    let size = u32::try_from(packet.len()).map_err(io::Error::other)?;
    let attribute = &mut [
        pair(fd_number(program), 0),
        pair(size, 0),
        address(packet.as_ptr()),
        0,
        pair(repeat, 0),
        pair(192, 192), // SKB_BYTES
        address(given.as_ptr()),
        address(taken.as_mut_ptr()),
        0,
        0,
    ];
    bpf(command::PROG_TEST_RUN, attribute)?;
    let mut cb = [0u32; 5];
    for (place, value) in cb.iter_mut().enumerate() {
        let mut bytes = [0u8; 4];
        bytes.copy_from_slice(&taken[SKB_CB + place * 4..SKB_CB + place * 4 + 4]);
        *value = u32::from_ne_bytes(bytes);
    }
    Ok(TestRun { returned: halves(attribute[0]).1, cb, duration_ns: halves(attribute[4]).1 })
}

/// Whether the kernel has tcx: it then answers what hangs at the loopback device.
pub(crate) fn has_tcx() -> bool {
    !matches!(programs_at(1, Hook::Ingress), Err(error) if error.raw_os_error() == Some(libc::EINVAL))
}

/// A program of a hook that drops every packet.
pub(crate) fn load_dropper() -> io::Result<OwnedFd> {
    const CLASSIFIER: u32 = 3;
    // r0 = TC_ACT_SHOT; exit
    let code: [u64; 2] = [pair(0xb4, 2), pair(0x95, 0)];
    let attribute =
        &mut [pair(CLASSIFIER, 2), address(code.as_ptr()), address(c"Apache-2.0".as_ptr()), 0, 0, 0];
    bpf(command::PROG_LOAD, attribute).map(owned)
}
