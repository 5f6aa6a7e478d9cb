//! What the standard library's sockets do not offer: many datagrams in one call, and closing with a reset.
#![allow(unsafe_code, reason = "sendmmsg, recvmmsg and setsockopt are calls of the C library")]

use std::{
    io, mem,
    net::{TcpListener, TcpStream, UdpSocket},
    os::fd::{AsRawFd, RawFd},
    ptr,
    time::Duration,
};

/// Datagrams in one call.
pub const BATCH: usize = MESSAGES as usize;
const MESSAGES: libc::c_uint = 64;

fn set<T>(socket: RawFd, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(mem::size_of::<T>()).unwrap_or(0);
    // SAFETY: the value lives through the call, and its length is given.
    let result = unsafe { libc::setsockopt(socket, level, option, ptr::from_ref(value).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Closing it then sends a reset, and keeps nothing.
///
/// # Errors
/// The kernel refuses.
pub fn reset_when_closed(stream: &TcpStream) -> io::Result<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    set(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, &linger)
}

/// Room for more datagrams than ever wait.
///
/// # Errors
/// The kernel refuses.
pub fn make_room(socket: &UdpSocket) -> io::Result<()> {
    let bytes: libc::c_int = 8 << 20;
    set(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &bytes)
}

/// Accepting then fails where nobody connects for so long.
///
/// # Errors
/// The kernel refuses.
pub fn limit_waiting(listener: &TcpListener, time: Duration) -> io::Result<()> {
    let seconds = libc::time_t::try_from(time.as_secs().max(1)).unwrap_or(libc::time_t::MAX);
    let limit = libc::timeval { tv_sec: seconds, tv_usec: 0 };
    set(listener.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVTIMEO, &limit)
}

/// Datagrams of one length, for one call.
pub struct Batch<const LENGTH: usize> {
    messages: Box<[libc::mmsghdr; BATCH]>,
    /// What the messages point to, and what their pointers lead to.
    _vectors: Box<[libc::iovec; BATCH]>,
    _bytes: Box<[[u8; LENGTH]; BATCH]>,
}

impl<const LENGTH: usize> Batch<LENGTH> {
    /// Of zeros.
    pub fn new() -> Self {
        let mut bytes = Box::new([[0; LENGTH]; BATCH]);
        let vector = libc::iovec { iov_base: ptr::null_mut(), iov_len: LENGTH };
        let mut vectors = Box::new([vector; BATCH]);
        for (vector, bytes) in vectors.iter_mut().zip(bytes.iter_mut()) {
            vector.iov_base = bytes.as_mut_ptr().cast();
        }
        // SAFETY: all zero is a message without an address, data and ancillary data.
        let mut messages: Box<[libc::mmsghdr; BATCH]> = Box::new(unsafe { mem::zeroed() });
        for (message, vector) in messages.iter_mut().zip(vectors.iter_mut()) {
            message.msg_hdr.msg_iov = &raw mut *vector;
            message.msg_hdr.msg_iovlen = 1;
        }
        Self { messages, _vectors: vectors, _bytes: bytes }
    }

    /// Sends all of them; gives how many were.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn send(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        // SAFETY: the messages, vectors and bytes are in boxes that live as long as this, and so many they are.
        counted(unsafe { libc::sendmmsg(socket.as_raw_fd(), self.messages.as_mut_ptr(), MESSAGES, 0) })
    }

    /// Receives one at least, and as many as there are; gives how many there were.
    ///
    /// # Errors
    /// The socket's time-out is over; the kernel refuses.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        let (messages, flags) = (self.messages.as_mut_ptr(), libc::MSG_WAITFORONE);
        // SAFETY: as above; there is no time-out to point to.
        counted(unsafe { libc::recvmmsg(socket.as_raw_fd(), messages, MESSAGES, flags, ptr::null_mut()) })
    }
}

fn counted(result: libc::c_int) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
