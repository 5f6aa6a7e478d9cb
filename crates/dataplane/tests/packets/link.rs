//! Frames as they are, sent from and taken at a device of an instance.
#![allow(unsafe_code, reason = "packet sockets are made by the C library")]

use std::{
    ffi::CString,
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsRawFd, FromRawFd},
};

use crate::{namespace::Namespace, support::wait_until, topology::Topology};

/// A packet socket of an instance's `eth0`.
pub struct Link(File);

impl Link {
    pub fn of(topology: &Topology, number: u8) -> Self {
        Self::at(topology.namespace(number), "eth0")
    }

    pub fn at(namespace: &Namespace, device: &str) -> Self {
        namespace.within(|| Self::open(device))
    }

    fn open(device: &str) -> Self {
        let every = u16::try_from(libc::ETH_P_ALL).unwrap().to_be();
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // Nothing is taken before it is bound to the device.
        // SAFETY: no pointers are given.
        let socket = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        assert!(socket >= 0, "a packet socket: {}", io::Error::last_os_error());
        // SAFETY: it is a new one, and nobody else's.
        let file = unsafe { File::from_raw_fd(socket) };
        let name = CString::new(device).unwrap();
        // SAFETY: all zero is a value of it.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap();
        address.sll_protocol = every;
        // SAFETY: the name ends with zero.
        address.sll_ifindex = unsafe { libc::if_nametoindex(name.as_ptr()) }.cast_signed();
        assert_ne!(address.sll_ifindex, 0, "no device {device}");
        let length = u32::try_from(size_of_val(&address)).unwrap();
        let one = 1i32;
        let option = (&raw const one).cast();
        // SAFETY: one int is read.
        let result = unsafe {
            libc::setsockopt(file.as_raw_fd(), libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, option, 4)
        };
        assert_eq!(result, 0, "PACKET_IGNORE_OUTGOING: {}", io::Error::last_os_error());
        // SAFETY: one address is read.
        let result = unsafe { libc::bind(file.as_raw_fd(), (&raw const address).cast(), length) };
        assert_eq!(result, 0, "bind: {}", io::Error::last_os_error());
        Self(file)
    }

    /// Sends a frame.
    #[track_caller]
    pub fn send(&self, frame: &[u8]) {
        self.try_send(frame).unwrap_or_else(|error| panic!("{frame:02x?}: {error}"));
    }

    /// Sends a frame, where the kernel takes it.
    pub fn try_send(&self, frame: &[u8]) -> io::Result<()> {
        (&self.0).write(frame).map(drop)
    }

    /// The next frame that has arrived.
    pub fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 70_000];
        let length = (&self.0).read(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }

    /// Frames that arrive up to one that is like this, which is left out. Frames stay in their order, so that what does
    /// not stand before it does not arrive at all.
    #[track_caller]
    pub fn receive_until(&self, last: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        wait_until("the last frame arrives", || {
            while let Some(frame) = self.receive() {
                if frame == last {
                    return true;
                }
                frames.push(frame);
            }
            false
        });
        frames
    }
}
