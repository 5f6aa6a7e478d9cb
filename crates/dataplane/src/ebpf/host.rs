//! What else the kernel is asked: devices, clocks, the file system of pins, and whether every CPU has moved on.
#![allow(unsafe_code, reason = "ioctl, statfs, mount, membarrier and others are calls of the C library")]

use std::{
    ffi::{CStr, CString},
    fs::File,
    io,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    time::Duration,
};

use crate::{error::DataplaneError, interface::Device};

/// The magic number of the BPF file system (linux/magic.h).
const BPF_FS_MAGIC: u64 = 0xcafe_4a11;
/// `ARPHRD_ETHER` of linux/if_arp.h.
const ETHERNET: u16 = 1;

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub(crate) fn system(call: impl Into<String>) -> impl FnOnce(io::Error) -> DataplaneError {
    let call = call.into();
    |source| match source.raw_os_error() {
        Some(libc::EPERM) => DataplaneError::NotPermitted,
        _ => DataplaneError::System { call, source },
    }
}

fn request() -> libc::ifreq {
    // SAFETY: all zero is a value of it.
    unsafe { std::mem::zeroed() }
}

fn set_name(request: &mut libc::ifreq, name: &str) -> bool {
    let fits = !name.is_empty() && name.len() < request.ifr_name.len();
    if fits {
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from.cast_signed() as libc::c_char;
        }
    }
    fits
}

/// Asks about a device of the thread's network namespace.
fn ask(number: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: no pointers are given.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    check(fd)?;
    // SAFETY: it was just made.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: these requests read and write one ifreq.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), number, &raw mut *request) })
}

/// The name of a device; none where it is gone.
pub(crate) fn device_name(ifindex: u32) -> Result<Option<String>, DataplaneError> {
    let mut request = request();
    request.ifr_ifru.ifru_ifindex = ifindex.cast_signed();
    match ask(libc::SIOCGIFNAME, &mut request) {
        Ok(()) => {
            let bytes: Vec<u8> =
                request.ifr_name.iter().take_while(|c| **c != 0).map(|c| c.cast_unsigned()).collect();
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
        Err(error) => Err(system("the name of a device")(error)),
    }
}

impl Device {
    /// The device of this name in the thread's network namespace.
    ///
    /// # Errors
    /// [`DataplaneError::NoDevice`]; the kernel refuses.
    pub fn named(name: &str) -> Result<Self, DataplaneError> {
        let mut request = request();
        let none = || DataplaneError::NoDevice { name: name.to_owned(), ifindex: 0 };
        if !set_name(&mut request, name) {
            return Err(none());
        }
        match ask(libc::SIOCGIFINDEX, &mut request) {
            Ok(()) => {
                // SAFETY: the request has filled in this field.
                let ifindex = unsafe { request.ifr_ifru.ifru_ifindex }.cast_unsigned();
                Ok(Self { ifindex, name: name.into() })
            }
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Err(none()),
            Err(error) => Err(system("the index of a device")(error)),
        }
    }

    /// Whether it is there, is called so, and is an Ethernet device.
    pub(crate) fn check(&self) -> Result<(), DataplaneError> {
        let name = self.name.to_string();
        match device_name(self.ifindex)? {
            None => return Err(DataplaneError::NoDevice { name, ifindex: self.ifindex }),
            Some(found) if found != name => {
                return Err(DataplaneError::OtherName { ifindex: self.ifindex, name, found });
            }
            Some(_) => {}
        }
        let mut request = request();
        set_name(&mut request, &name);
        ask(libc::SIOCGIFHWADDR, &mut request).map_err(system("the hardware type of a device"))?;
        // SAFETY: the request has filled in this field.
        let hardware = unsafe { request.ifr_ifru.ifru_hwaddr }.sa_family;
        if hardware == ETHERNET { Ok(()) } else { Err(DataplaneError::NotEthernet { name, hardware }) }
    }
}

/// The time since the machine was started, as programs in the kernel read it.
pub(crate) fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes one timespec; this clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Waits until every packet that was being judged when this was called has been.
///
/// Programs run inside read-side critical sections of RCU, and `MEMBARRIER_CMD_GLOBAL` waits for a grace period.
pub(crate) fn wait_for_readers() -> io::Result<()> {
    const GLOBAL: libc::c_int = 1;
    // SAFETY: no pointers are given.
    if unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Mounts a BPF file system where there is none.
pub(crate) fn mount_bpf(path: &Path) -> Result<(), DataplaneError> {
    let failed = |source| DataplaneError::NoBpfFileSystem { path: path.display().to_string(), source };
    let text =
        CString::new(path.as_os_str().as_bytes()).map_err(|_| failed(io::ErrorKind::InvalidInput.into()))?;
    if is_bpf(&text).map_err(failed)? {
        return Ok(());
    }
    let kind = c"bpf";
    // SAFETY: all strings end with zero and live through the call; there are no data.
    let result = unsafe { libc::mount(kind.as_ptr(), text.as_ptr(), kind.as_ptr(), 0, std::ptr::null()) };
    check(result).map_err(failed)
}

fn is_bpf(path: &CStr) -> io::Result<bool> {
    // SAFETY: all zero is a value of it.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with zero; one statfs is written.
    check(unsafe { libc::statfs(path.as_ptr(), &raw mut found) })?;
    Ok(found.f_type.cast_unsigned() == BPF_FS_MAGIC)
}

/// As whom this process runs.
pub(crate) fn user() -> u32 {
    // SAFETY: no pointers are given; it cannot fail.
    unsafe { libc::geteuid() }
}

/// A directory that this process has locked, until this is dropped or the process ends.
pub(crate) struct Lock(File);

impl Lock {
    /// Locks a directory; none where another one has it.
    pub(crate) fn take(directory: File) -> io::Result<Option<Self>> {
        match flock(&directory, libc::LOCK_EX | libc::LOCK_NB) {
            Ok(()) => Ok(Some(Self(directory))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // To close it is not enough: a child that another thread is just starting has the file, too, until it runs its
        // program. Where unlocking fails, closing does it at last.
        let _ = flock(&self.0, libc::LOCK_UN);
    }
}

fn flock(file: &File, operation: libc::c_int) -> io::Result<()> {
    // SAFETY: no pointers are given.
    check(unsafe { libc::flock(file.as_raw_fd(), operation) })
}

/// The indexes of the devices of the thread's network namespace.
pub(crate) fn devices() -> io::Result<Vec<u32>> {
    // SAFETY: it takes nothing and gives an array that ends with an entry of index 0, or null.
    let first = unsafe { libc::if_nameindex() };
    if first.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut indexes = Vec::new();
    for place in 0.. {
        // SAFETY: no entry up to here had the index 0, so that there is another one.
        let index = unsafe { (*first.add(place)).if_index };
        if index == 0 {
            break;
        }
        indexes.push(index);
    }
    // SAFETY: it is what if_nameindex gave, and nothing of it is kept.
    unsafe { libc::if_freenameindex(first) };
    Ok(indexes)
}
