//! The four loads. Each has a client and a server, on threads in the namespaces of two instances; the client goes on when the
//! server has answered or has read, and so nothing is sent that is not counted.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    sync::atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};

use crate::{
    namespace::Namespace,
    socket::{BATCH, Batch, limit_waiting, make_room, reset_when_closed},
    system::Meter,
};

/// Where the servers are.
pub const PORT: u16 = 5000;
/// Bytes of a small datagram: with its headers, it fills the smallest frame.
const DATAGRAM: usize = 22;
/// Bytes of a request and of its answer.
const REQUEST: usize = 64;
/// Bytes of one write of a stream.
const CHUNK: usize = 64 * 1024;
/// Datagrams on their way at a time, at most.
const WINDOW: u64 = 4 * BATCH as u64;
/// After so long without an answer, something is lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// A load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Load {
    /// Small datagrams one way.
    Udp,
    /// One TCP connection: a request, its answer, the next request.
    Requests,
    /// A connection, a byte each way, a reset; the next connection.
    Connections,
    /// One TCP connection with as much as fits, one way.
    Stream,
}

impl Load {
    /// Every load, in the order of the tables' columns.
    pub const ALL: [Self; 4] = [Self::Udp, Self::Requests, Self::Connections, Self::Stream];

    /// The head of its column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP, kpackets/s",
            Self::Requests => "TCP requests/s",
            Self::Connections => "TCP connections/s",
            Self::Stream => "TCP stream, Gbit/s",
        }
    }

    /// Of what its column counts, in one.
    pub fn unit(self) -> f64 {
        match self {
            Self::Udp => 1e3,
            Self::Requests | Self::Connections => 1.0,
            Self::Stream => 1e9,
        }
    }
}

/// Two instances, the second of which serves.
pub struct Ends<'a> {
    /// Where the client is.
    pub client: &'a Namespace,
    /// Where the server is.
    pub server: &'a Namespace,
    /// The server's address.
    pub address: Ipv4Addr,
}

/// Runs a load for so long. Meanwhile, `beside` is called over and
/// over on this thread.
///
/// # Errors
/// Nothing arrives; the kernel refuses; `beside` fails.
pub fn run(
    load: Load,
    ends: &Ends<'_>,
    time: Duration,
    mut beside: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Measured> {
    let server = ends.server.within(|| Ok(Server::bind(load)?))?;
    let (received, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let address = SocketAddrV4::new(ends.address, PORT);
    thread::scope(|scope| {
        // Profilers tell threads apart by their names.
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        let serving = thread("server").spawn_scoped(scope, || server.serve(load, &received, &over))?;
        let asking = thread("client").spawn_scoped(scope, || {
            let asked = ends.client.enter().and_then(|()| {
                Ok(match load {
                    Load::Udp => send_datagrams(address, time, &received),
                    Load::Requests => ask(address, time),
                    Load::Connections => connect(address, time),
                    Load::Stream => stream(address, time, &received),
                }?)
            });
            over.store(true, SeqCst);
            asked
        })?;
        let mut worked = Ok(());
        while !over.load(SeqCst) && worked.is_ok() {
            worked = beside();
        }
        let measured = asking.join().map_err(|_| anyhow!("a thread panicked"))?;
        let measured = measured.with_context(|| format!("{} to {address}", load.name()))?;
        serving.join().map_err(|_| anyhow!("a thread panicked"))?.context("serving")?;
        worked.map(|()| measured)
    })
}

/// What a load gave.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Packets, answers, connections or bits in a second of the CPU, which is busy all the time: what other processes take
    /// of it does not count.
    pub rate: f64,
    /// How much of the time the CPU was ours.
    pub share: f64,
}

#[allow(clippy::cast_precision_loss, reason = "far less than 2^52 of whatever it is")]
fn measured(count: u64, meter: &Meter) -> Measured {
    let (elapsed, worked) = (meter.elapsed().as_secs_f64(), meter.worked().as_secs_f64());
    Measured { rate: count as f64 / worked, share: worked / elapsed }
}

enum Server {
    Datagrams(UdpSocket),
    Connections(TcpListener),
}

impl Server {
    fn bind(load: Load) -> io::Result<Self> {
        let here = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
        if load != Load::Udp {
            let listener = TcpListener::bind(here)?;
            limit_waiting(&listener, PATIENCE)?;
            return Ok(Self::Connections(listener));
        }
        let socket = UdpSocket::bind(here)?;
        make_room(&socket)?;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        Ok(Self::Datagrams(socket))
    }

    fn serve(&self, load: Load, received: &AtomicU64, over: &AtomicBool) -> io::Result<()> {
        match self {
            Self::Datagrams(socket) => receive_datagrams(socket, received, over),
            Self::Connections(listener) => match load {
                Load::Connections => answer_connections(listener),
                Load::Stream => read_stream(&accept(listener)?, received),
                _ => answer(&accept(listener)?),
            },
        }
    }
}

fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn receive_datagrams(socket: &UdpSocket, received: &AtomicU64, over: &AtomicBool) -> io::Result<()> {
    let mut batch = Batch::<DATAGRAM>::new();
    while !over.load(Relaxed) {
        match batch.receive(socket) {
            Ok(count) => received.fetch_add(count as u64, Relaxed),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

fn send_datagrams(to: SocketAddrV4, time: Duration, received: &AtomicU64) -> io::Result<Measured> {
    let socket = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(to)?;
    let mut batch = Batch::<DATAGRAM>::new();
    let (mut sent, begun) = (0, Meter::start());
    while begun.elapsed() < time {
        sent += batch.send(&socket)? as u64;
        let full = Instant::now();
        while sent - received.load(Relaxed) > WINDOW {
            if full.elapsed() > PATIENCE {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::yield_now();
        }
    }
    Ok(measured(received.load(Relaxed), &begun))
}

fn open(to: SocketAddrV4) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to.into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn ask(to: SocketAddrV4, time: Duration) -> io::Result<Measured> {
    let mut stream = open(to)?;
    let mut bytes = [1; REQUEST];
    let (mut count, begun) = (0, Meter::start());
    while begun.elapsed() < time {
        stream.write_all(&bytes)?;
        stream.read_exact(&mut bytes)?;
        count += 1;
    }
    Ok(measured(count, &begun))
}

fn answer(mut stream: &TcpStream) -> io::Result<()> {
    let mut bytes = [0; REQUEST];
    loop {
        match stream.read_exact(&mut bytes) {
            Ok(()) => stream.write_all(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn connect(to: SocketAddrV4, time: Duration) -> io::Result<Measured> {
    let (mut count, begun) = (0, Meter::start());
    loop {
        // A byte of 0 ends it.
        let last = begun.elapsed() >= time;
        let mut stream = TcpStream::connect(to)?;
        reset_when_closed(&stream)?;
        let mut byte = [u8::from(!last)];
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        count += 1;
        if last {
            return Ok(measured(count, &begun));
        }
    }
}

/// Answers each connection, and keeps it until the next one comes: then the client has reset it.
fn answer_connections(listener: &TcpListener) -> io::Result<()> {
    let mut before = accept(listener)?;
    loop {
        let mut byte = [0];
        before.read_exact(&mut byte)?;
        before.write_all(&byte)?;
        if byte == [0] {
            return Ok(());
        }
        before = listener.accept()?.0;
    }
}

fn stream(to: SocketAddrV4, time: Duration, received: &AtomicU64) -> io::Result<Measured> {
    let mut stream = open(to)?;
    let chunk = vec![0; CHUNK];
    let begun = Meter::start();
    while begun.elapsed() < time {
        stream.write_all(&chunk)?;
    }
    Ok(measured(received.load(Relaxed) * 8, &begun))
}

fn read_stream(mut stream: &TcpStream, received: &AtomicU64) -> io::Result<()> {
    let mut chunk = vec![0; 2 * CHUNK];
    loop {
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            count => received.fetch_add(count as u64, Relaxed),
        };
    }
}
