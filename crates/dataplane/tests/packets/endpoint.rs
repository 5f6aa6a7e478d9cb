//! The ends of conversations: sockets that send and receive stamped packets.
#![allow(unsafe_code, reason = "raw sockets are made by the C library")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::fd::{FromRawFd, OwnedFd},
    time::Duration,
};

use crate::{support::frame, topology::Family, world::Moment};

/// Who sent a packet, its number, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub from_client: bool,
    pub sequence: u64,
    pub sent: Moment,
}

const MAGIC: [u8; 7] = *b"ravelin";
pub const STAMP_BYTES: usize = 24;

impl Stamp {
    pub fn to_bytes(self) -> [u8; STAMP_BYTES] {
        let mut bytes = [0; STAMP_BYTES];
        bytes[..7].copy_from_slice(&MAGIC);
        bytes[7] = self.from_client.into();
        bytes[8..16].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[16..].copy_from_slice(&self.sent.0.to_be_bytes());
        bytes
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; STAMP_BYTES] = bytes.get(..STAMP_BYTES)?.try_into().ok()?;
        let number = |from: usize| u64::from_be_bytes(bytes[from..from + 8].try_into().unwrap());
        (bytes[..7] == MAGIC).then(|| Self {
            from_client: bytes[7] == 1,
            sequence: number(8),
            sent: Moment(number(16)),
        })
    }
}

/// One end. Nothing here waits, but for a TCP connection that is being made.
pub trait Endpoint: Send {
    /// Sends, where it knows to whom. Gives whether the kernel took it.
    fn send(&mut self, stamp: Stamp) -> bool;
    /// Takes all that has arrived.
    fn receive(&mut self, take: &mut dyn FnMut(Stamp));
}

/// UDP, or ICMP queries by a raw socket.
pub struct Datagrams {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    query: Option<Query>,
}

/// What an ICMP end sends and receives.
struct Query {
    family: Family,
    id: Option<u16>,
    asks: bool,
}

impl Datagrams {
    pub fn client(to: SocketAddr) -> Self {
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        Self::new(UdpSocket::bind(any).unwrap(), Some(to), None)
    }

    pub fn client_from(from: SocketAddr, to: SocketAddr) -> Self {
        Self::new(UdpSocket::bind(from).unwrap(), Some(to), None)
    }

    pub fn server(at: SocketAddr) -> Self {
        Self::new(UdpSocket::bind(at).unwrap(), None, None)
    }

    pub fn pinging(to: SocketAddr, id: u16) -> Self {
        let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
        let peer = SocketAddr::new(to.ip(), 0);
        Self::new(raw(family), Some(peer), Some(Query { family, id: Some(id), asks: true }))
    }

    pub fn pinged(family: Family) -> Self {
        Self::new(raw(family), None, Some(Query { family, id: None, asks: false }))
    }

    fn new(socket: UdpSocket, peer: Option<SocketAddr>, query: Option<Query>) -> Self {
        socket.set_nonblocking(true).unwrap();
        Self { socket, peer, query }
    }
}

fn raw(family: Family) -> UdpSocket {
    let (domain, protocol) = match family {
        Family::V4 => (libc::AF_INET, libc::IPPROTO_ICMP),
        Family::V6 => (libc::AF_INET6, libc::IPPROTO_ICMPV6),
    };
    // SAFETY: no pointers are given.
    let socket = unsafe { libc::socket(domain, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) };
    assert!(socket >= 0, "a raw socket");
    // SAFETY: it is a new one, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(socket) }.into()
}

impl Query {
    fn kind(&self, request: bool) -> u8 {
        match (self.family, request) {
            (Family::V4, true) => 8,
            (Family::V4, false) => 0,
            (Family::V6, true) => 128,
            (Family::V6, false) => 129,
        }
    }

    fn message(&self, stamp: Stamp) -> Option<Vec<u8>> {
        let mut bytes = [&frame::echo(self.kind(self.asks), self.id?)[..], &stamp.to_bytes()].concat();
        let sum = frame::checksum(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        Some(bytes)
    }

    /// The payload, where the message is of this conversation.
    fn payload<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let header = if self.family == Family::V4 { usize::from(bytes.first()? & 0xf) * 4 } else { 0 };
        let message = bytes.get(header..)?;
        let id = u16::from_be_bytes([*message.get(4)?, *message.get(5)?]);
        if message[0] != self.kind(!self.asks) || self.id.is_some_and(|own| self.asks && own != id) {
            return None;
        }
        self.id = Some(id);
        message.get(8..)
    }
}

impl Endpoint for Datagrams {
    fn send(&mut self, stamp: Stamp) -> bool {
        let Some(peer) = self.peer else { return false };
        let bytes = match &self.query {
            Some(query) => query.message(stamp),
            None => Some(stamp.to_bytes().to_vec()),
        };
        bytes.is_some_and(|bytes| self.socket.send_to(&bytes, peer).is_ok())
    }

    fn receive(&mut self, take: &mut dyn FnMut(Stamp)) {
        let mut buffer = [0; 2048];
        loop {
            let (length, from) = match self.socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // An ICMP error about what was sent before.
                Err(_) => continue,
            };
            let payload = match &mut self.query {
                Some(query) => query.payload(&buffer[..length]),
                None => Some(&buffer[..length]),
            };
            if let Some(stamp) = payload.and_then(Stamp::read) {
                self.peer.get_or_insert(from);
                take(stamp);
            }
        }
    }
}

/// TCP.
pub struct Stream {
    state: State,
    /// What is to be sent before anything else.
    unsent: Vec<u8>,
    /// What has arrived of a stamp that is not whole.
    begun: Vec<u8>,
}

enum State {
    Calls(SocketAddr),
    Listens(TcpListener),
    Speaks(TcpStream),
}

impl Stream {
    pub fn client(to: SocketAddr) -> Self {
        Self::new(State::Calls(to))
    }

    pub fn server(at: SocketAddr) -> Self {
        let listener = TcpListener::bind(at).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self::new(State::Listens(listener))
    }

    fn new(state: State) -> Self {
        Self { state, unsent: Vec::new(), begun: Vec::new() }
    }

    fn stream(&mut self) -> Option<&mut TcpStream> {
        let made = match &self.state {
            State::Calls(to) => TcpStream::connect_timeout(to, Duration::from_millis(300)).ok(),
            State::Listens(listener) => listener.accept().ok().map(|(stream, _)| stream),
            State::Speaks(_) => None,
        };
        if let Some(stream) = made {
            stream.set_nodelay(true).unwrap();
            stream.set_nonblocking(true).unwrap();
            self.state = State::Speaks(stream);
        }
        match &mut self.state {
            State::Speaks(stream) => Some(stream),
            _ => None,
        }
    }
}

impl Endpoint for Stream {
    fn send(&mut self, stamp: Stamp) -> bool {
        let before = std::mem::take(&mut self.unsent);
        let Some(stream) = self.stream() else { return false };
        let accepts = before.is_empty();
        let bytes = if accepts { stamp.to_bytes().to_vec() } else { before };
        let written = stream.write(&bytes).unwrap_or(0);
        if accepts && written == 0 {
            return false;
        }
        self.unsent = bytes[written..].to_vec();
        accepts
    }

    fn receive(&mut self, take: &mut dyn FnMut(Stamp)) {
        if matches!(self.state, State::Calls(_)) {
            return;
        }
        let mut buffer = [0; 4096];
        while let Some(length) = self.stream().and_then(|stream| stream.read(&mut buffer).ok()) {
            self.begun.extend(&buffer[..length]);
            if length == 0 {
                break;
            }
        }
        while self.begun.len() >= STAMP_BYTES {
            take(Stamp::read(&self.begun).expect("a stamp"));
            self.begun.drain(..STAMP_BYTES);
        }
    }
}
