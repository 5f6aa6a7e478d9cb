//! Requests of rtnetlink.
#![allow(unsafe_code, reason = "sockets are calls of the C library")]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

const REQUEST: u16 = 0x1;
pub(super) const ACKNOWLEDGE: u16 = 0x4;
pub(super) const EXCLUSIVE: u16 = 0x200;
pub(super) const CREATE: u16 = 0x400;
pub(super) const DUMP: u16 = 0x300;
const MESSAGE_ERROR: u16 = 2;
const MESSAGE_DONE: u16 = 3;

pub(super) fn push_attribute(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    to.extend_from_slice(&length.to_ne_bytes());
    to.extend_from_slice(&kind.to_ne_bytes());
    to.extend_from_slice(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

pub(super) fn find_attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
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
pub(super) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    pub(super) fn new(kind: u16, flags: u16) -> Self {
        let mut bytes = vec![0; 16];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        Self { bytes }
    }

    /// Fields of 32 bits of what a message begins with.
    pub(super) fn fields(&mut self, fields: &[u32]) {
        for field in fields {
            self.bytes.extend_from_slice(&field.to_ne_bytes());
        }
    }

    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        push_attribute(&mut self.bytes, kind, value);
    }

    /// Sends it, and calls `each` with type and body of what is answered until that ends.
    pub(super) fn send(mut self, mut each: impl FnMut(u16, &[u8])) -> io::Result<()> {
        let length = u32::try_from(self.bytes.len()).map_err(io::Error::other)?;
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        let socket = socket()?;
        // SAFETY: the kernel reads as many bytes as there are.
        let sent = unsafe { libc::send(socket.as_raw_fd(), self.bytes.as_ptr().cast(), self.bytes.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        // Most answers are short: what is not written to it is no memory of this process either.
        let mut buffer: Vec<u8> = Vec::with_capacity(64 * 1024);
        loop {
            let room = buffer.spare_capacity_mut();
            // SAFETY: the kernel writes at most as many bytes as there is room.
            let got = unsafe { libc::recv(socket.as_raw_fd(), room.as_mut_ptr().cast(), room.len(), 0) };
            let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
            // SAFETY: the kernel has written as many, which is not more than there was room.
            unsafe { buffer.set_len(got) };
            let ended = read_messages(&buffer, &mut each)?;
            buffer.clear();
            if ended {
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
