//! Filters of the clsact queueing discipline, for kernels without tcx: the four requests of rtnetlink that it takes.
#![allow(unsafe_code, reason = "sockets are calls of the C library")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
};

use super::sys::Hook;

const RTM_NEWQDISC: u16 = 36;
const RTM_NEWTFILTER: u16 = 44;
const RTM_DELTFILTER: u16 = 45;
const RTM_GETTFILTER: u16 = 46;
const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;
const EXCLUSIVE: u16 = 0x200;
const CREATE: u16 = 0x400;
const DUMP: u16 = 0x300;
const MESSAGE_ERROR: u16 = 2;
const MESSAGE_DONE: u16 = 3;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_CHAIN: u16 = 11;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
const TCA_BPF_ID: u16 = 11;
/// The program's result is the verdict.
const DIRECT_ACTION: u32 = 1;
/// The parent of the discipline, of its filters at ingress and at egress.
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_INGRESS: u32 = 0xffff_fff2;
const CLSACT_EGRESS: u32 = 0xffff_fff3;
/// The discipline's own handle.
const CLSACT_HANDLE: u32 = 0xffff_0000;
/// Our filter: the first priority, every protocol (`ETH_P_ALL`), the first handle.
const PRIORITY: u32 = 1;
const EVERY_PROTOCOL: u16 = 3;
pub(crate) const HANDLE: u32 = 1;

/// A filter at a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) priority: u32,
    pub(crate) handle: u32,
    /// The program's id; 0 where it is another kind of filter.
    pub(crate) program: u32,
    /// What whoever attached it called it: whose it is.
    pub(crate) name: Box<[u8]>,
}

impl Filter {
    /// Whether it stands where ours does.
    pub(crate) fn in_our_place(&self) -> bool {
        self.priority == PRIORITY && self.handle == HANDLE
    }
}

fn parent(hook: Hook) -> u32 {
    match hook {
        Hook::Ingress => CLSACT_INGRESS,
        Hook::Egress => CLSACT_EGRESS,
    }
}

fn information() -> u32 {
    PRIORITY << 16 | u32::from(EVERY_PROTOCOL.to_be())
}

/// Attaches a program as a filter of the first priority, before those that have it already; or puts it in the place of
/// the one with this handle, which is atomic.
pub(crate) fn attach(
    program: &impl AsFd,
    ifindex: u32,
    hook: Hook,
    handle: u32,
    name: &str,
) -> io::Result<()> {
    let mut discipline = Request::new(RTM_NEWQDISC, CREATE | EXCLUSIVE | ACKNOWLEDGE);
    discipline.target(ifindex, CLSACT_HANDLE, CLSACT, 0);
    discipline.attribute(TCA_KIND, b"clsact\0");
    match discipline.send(|_, _| {}) {
        Err(error) if error.raw_os_error() != Some(libc::EEXIST) => return Err(error),
        _ => {}
    }
    let mut filter = Request::new(RTM_NEWTFILTER, CREATE | ACKNOWLEDGE);
    filter.target(ifindex, handle, parent(hook), information());
    filter.attribute(TCA_KIND, b"bpf\0");
    let mut options = Vec::new();
    let fd = program.as_fd().as_raw_fd().cast_unsigned();
    push_attribute(&mut options, TCA_BPF_FD, &fd.to_ne_bytes());
    push_attribute(&mut options, TCA_BPF_NAME, &[name.as_bytes(), &[0]].concat());
    push_attribute(&mut options, TCA_BPF_FLAGS, &DIRECT_ACTION.to_ne_bytes());
    filter.attribute(TCA_OPTIONS, &options);
    filter.send(|_, _| {})
}

/// Removes the filter of the first priority with this handle; nothing where it is not there.
pub(crate) fn detach(ifindex: u32, hook: Hook, handle: u32) -> io::Result<()> {
    let mut filter = Request::new(RTM_DELTFILTER, ACKNOWLEDGE);
    filter.target(ifindex, handle, parent(hook), information());
    filter.attribute(TCA_KIND, b"bpf\0");
    match filter.send(|_, _| {}) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINVAL | libc::ENODEV)) => {
            Ok(())
        }
        other => other,
    }
}

/// The filters at a hook, in the order in which they run: of those of one priority the newest first, as they are told.
pub(crate) fn filters(ifindex: u32, hook: Hook) -> io::Result<Vec<Filter>> {
    let mut request = Request::new(RTM_GETTFILTER, DUMP);
    request.target(ifindex, 0, parent(hook), 0);
    let mut found = Vec::new();
    let result = request.send(|kind, body| {
        if kind == RTM_NEWTFILTER && body.len() >= 20 {
            found.extend(read_filter(body));
        }
    });
    match result {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENODEV | libc::ENOENT)) => {}
        other => other?,
    }
    found.sort_by_key(|filter: &Filter| filter.priority);
    Ok(found)
}

/// A filter from a message; none for what only announces a priority, and for a chain that only another filter leads to.
fn read_filter(body: &[u8]) -> Option<Filter> {
    let number = |from: usize| Some(u32::from_ne_bytes(body.get(from..from + 4)?.try_into().ok()?));
    let (handle, information) = (number(8)?, number(16)?);
    if find_attribute(&body[20..], TCA_CHAIN).is_some_and(|chain| chain != [0; 4]) {
        return None;
    }
    let options = find_attribute(&body[20..], TCA_OPTIONS)?;
    let program =
        find_attribute(options, TCA_BPF_ID).and_then(|id| Some(u32::from_ne_bytes(id.try_into().ok()?)));
    let name = find_attribute(options, TCA_BPF_NAME).unwrap_or_default();
    let name = name.strip_suffix(&[0]).unwrap_or(name).into();
    Some(Filter { priority: information >> 16, handle, program: program.unwrap_or(0), name })
}

fn push_attribute(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    to.extend_from_slice(&length.to_ne_bytes());
    to.extend_from_slice(&kind.to_ne_bytes());
    to.extend_from_slice(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

fn find_attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    const KIND: u16 = 0x3fff;
    while attributes.len() >= 4 {
        let length = u16::from_ne_bytes([attributes[0], attributes[1]]) as usize;
        let kind = u16::from_ne_bytes([attributes[2], attributes[3]]) & KIND;
        let value = attributes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// One request.
struct Request {
    bytes: Vec<u8>,
}

impl Request {
    fn new(kind: u16, flags: u16) -> Self {
        let mut bytes = vec![0; 16];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        Self { bytes }
    }

    /// `struct tcmsg`.
    fn target(&mut self, ifindex: u32, handle: u32, parent: u32, information: u32) {
        for field in [0, ifindex, handle, parent, information] {
            self.bytes.extend_from_slice(&field.to_ne_bytes());
        }
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        push_attribute(&mut self.bytes, kind, value);
    }

    /// Sends it, and calls `each` with type and body of what is answered until that ends.
    fn send(mut self, mut each: impl FnMut(u16, &[u8])) -> io::Result<()> {
        let length = u32::try_from(self.bytes.len()).map_err(io::Error::other)?;
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        let socket = socket()?;
        // SAFETY: the kernel reads as many bytes as there are.
        let sent = unsafe { libc::send(socket.as_raw_fd(), self.bytes.as_ptr().cast(), self.bytes.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut buffer = vec![0u8; 64 * 1024];
        loop {
            // SAFETY: the kernel writes at most as many bytes as there are.
            let got = unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
            let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
            if read_messages(&buffer[..got], &mut each)? {
                return Ok(());
            }
        }
    }
}

/// Reads messages; whether the answer has ended.
fn read_messages(mut bytes: &[u8], each: &mut impl FnMut(u16, &[u8])) -> io::Result<bool> {
    while bytes.len() >= 16 {
        let length = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
        let Some(body) = bytes.get(16..length) else { return Err(io::ErrorKind::InvalidData.into()) };
        match kind {
            MESSAGE_ERROR | MESSAGE_DONE => {
                let code = body.get(..4).and_then(|code| code.try_into().ok()).map_or(0, i32::from_ne_bytes);
                return if code == 0 { Ok(true) } else { Err(io::Error::from_raw_os_error(-code)) };
            }
            _ => each(kind, body),
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are given.
    let fd =
        unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just made.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
