//! The two ends of a flow, and how records go through their sockets.

use std::{
    io::{self, IoSliceMut},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::{Duration, Instant, SystemTime},
};

use nix::{
    errno::Errno,
    libc,
    sys::{
        socket::{
            ControlMessageOwned, MsgFlags, RecvMsg, SockaddrStorage, recvmsg, send, setsockopt,
            sockopt::{Linger, RcvBuf, RcvBufForce, ReceiveTimestampns},
        },
        time::TimeSpec,
    },
};

use crate::{
    record::{self, LENGTH, Stream},
    tally::Arrival,
};

/// How long a reader waits before it looks whether the flow is over.
const LOOK: Duration = Duration::from_millis(20);
/// Room for records that nobody has read yet, in bytes: those of many seconds.
const ROOM: usize = 4 << 20;
/// The most that is read at once, in bytes.
const READ: usize = 64 * LENGTH;
/// How long a server waits for a connection that its client has already.
const ACCEPT: Duration = Duration::from_secs(2);

/// What carries a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A connection.
    Tcp,
    /// A datagram a record.
    Udp,
}

impl Protocol {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

/// Where a flow is to arrive.
#[derive(Debug)]
pub struct Server(Waiting);

#[derive(Debug)]
enum Waiting {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Server {
    /// Waits for a flow at an address of the calling thread's namespace.
    ///
    /// # Errors
    /// The address is taken or not there.
    pub fn listen(protocol: Protocol, address: SocketAddr) -> io::Result<Self> {
        Ok(Self(match protocol {
            Protocol::Tcp => Waiting::Tcp(TcpListener::bind(address)?),
            Protocol::Udp => Waiting::Udp(UdpSocket::bind(address)?),
        }))
    }

    /// Where it waits.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn address(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Waiting::Tcp(listener) => listener.local_addr(),
            Waiting::Udp(socket) => socket.local_addr(),
        }
    }

    /// Its end of the flow of this client. Connections of others are closed.
    pub(crate) fn meet(self, client: SocketAddr) -> io::Result<End> {
        match self.0 {
            Waiting::Udp(socket) => {
                // What others send is not taken for a record of the flow.
                socket.connect(client)?;
                End::new(Wire::Udp(socket))
            }
            Waiting::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                let begun = Instant::now();
                loop {
                    match listener.accept() {
                        Ok((stream, peer)) if peer == client => {
                            stream.set_nonblocking(false)?;
                            return End::new(Wire::Tcp(stream));
                        }
                        Ok(_) => {}
                        Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                        Err(_) if begun.elapsed() > ACCEPT => return Err(io::ErrorKind::TimedOut.into()),
                        Err(_) => std::thread::sleep(Duration::from_millis(1)),
                    }
                }
            }
        }
    }
}

/// Where a flow begins.
#[derive(Debug)]
pub struct Client(Wire);

impl Client {
    /// Connects from the calling thread's namespace. With UDP nothing is sent, and nothing waited for.
    ///
    /// # Errors
    /// Nobody answers in time (`TimedOut`), or nobody listens (`ConnectionRefused`); there is no way to the address.
    pub fn connect(protocol: Protocol, to: SocketAddr, patience: Duration) -> io::Result<Self> {
        Ok(Self(match protocol {
            Protocol::Tcp => Wire::Tcp(TcpStream::connect_timeout(&to, patience)?),
            Protocol::Udp => {
                let any = match to {
                    SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                    SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(to)?;
                Wire::Udp(socket)
            }
        }))
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Wire::Tcp(stream) => stream.local_addr(),
            Wire::Udp(socket) => socket.local_addr(),
        }
    }

    pub(crate) fn end(self) -> io::Result<End> {
        End::new(self.0)
    }
}

#[derive(Debug)]
enum Wire {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

/// One end of a flow that runs. One thread sends, one receives.
#[derive(Debug)]
pub(crate) struct End(Wire);

/// What became of a record that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The kernel has it.
    Yes,
    /// The kernel has so many of its bytes: the rest has to follow.
    Part(usize),
    /// The kernel has no room or no way now.
    NotNow,
    /// The connection is over.
    Over,
}

impl End {
    fn new(wire: Wire) -> io::Result<Self> {
        let end = Self(wire);
        // More than others may have, where the process may.
        if setsockopt(&end.fd(), RcvBufForce, &ROOM).is_err() {
            setsockopt(&end.fd(), RcvBuf, &ROOM)?;
        }
        setsockopt(&end.fd(), ReceiveTimestampns, &true)?;
        match &end.0 {
            Wire::Udp(socket) => socket.set_read_timeout(Some(LOOK))?,
            Wire::Tcp(stream) => {
                stream.set_read_timeout(Some(LOOK))?;
                stream.set_nodelay(true)?;
                // Closed with a reset: a connection that was cut would keep its namespace for minutes otherwise.
                setsockopt(&end.fd(), Linger, &libc::linger { l_onoff: 1, l_linger: 0 })?;
            }
        }
        Ok(end)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Wire::Tcp(stream) => stream.as_fd(),
            Wire::Udp(socket) => socket.as_fd(),
        }
    }

    /// Sends what is left of a record, without waiting.
    pub(crate) fn send(&self, bytes: &[u8]) -> Sent {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match (send(self.fd().as_raw_fd(), bytes, flags), &self.0) {
            (Ok(count), _) if count == bytes.len() => Sent::Yes,
            (Ok(count), _) => Sent::Part(count),
            (Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS), _) | (Err(_), Wire::Udp(_)) => Sent::NotNow,
            (Err(_), Wire::Tcp(_)) => Sent::Over,
        }
    }

    /// Receives what there is, or waits for a moment; none: the connection is over.
    pub(crate) fn receive(&self, stream: &mut Stream) -> Option<Vec<Arrival>> {
        self.receive_with(MsgFlags::empty(), stream)
    }

    /// Receives one piece of what is there, and does not wait; none: the connection is over.
    pub(crate) fn receive_now(&self, stream: &mut Stream) -> Option<Vec<Arrival>> {
        self.receive_with(MsgFlags::MSG_DONTWAIT, stream)
    }

    fn receive_with(&self, flags: MsgFlags, stream: &mut Stream) -> Option<Vec<Arrival>> {
        let mut bytes = [0; READ];
        let mut room = nix::cmsg_space!(TimeSpec);
        let mut vectors = [IoSliceMut::new(&mut bytes)];
        let received =
            recvmsg::<SockaddrStorage>(self.fd().as_raw_fd(), &mut vectors, Some(&mut room), flags);
        let (count, at) = match received {
            Ok(message) => (message.bytes, stamp(&message).unwrap_or_else(SystemTime::now)),
            // What an error of ICMP told about a datagram is nothing of the next one.
            Err(error) if error == Errno::EAGAIN || error == Errno::EINTR || self.is_udp() => {
                return Some(Vec::new());
            }
            Err(_) => return None,
        };
        let numbers = match &self.0 {
            Wire::Udp(_) => record::decode(&bytes[..count]).into_iter().collect(),
            Wire::Tcp(_) if count == 0 => return None,
            Wire::Tcp(_) => stream.take(&bytes[..count]),
        };
        Some(numbers.into_iter().map(|number| Arrival { number, at }).collect())
    }

    pub(crate) fn is_udp(&self) -> bool {
        matches!(self.0, Wire::Udp(_))
    }
}

/// When the kernel had what was received last.
fn stamp(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<SystemTime> {
    let stamp = message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
        _ => None,
    })?;
    Some(SystemTime::UNIX_EPOCH + Duration::from(stamp))
}
