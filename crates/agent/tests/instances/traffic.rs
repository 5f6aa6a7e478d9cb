//! Connections between instances, and processes in them.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use agent::instances::names;
use host::in_namespace;
use model::InstanceId;

use crate::node::PATIENCE;

/// How long what is not permitted is tried: several times a round trip here, and before the first SYN is sent again.
const REFUSAL: Duration = Duration::from_millis(400);
const PORT: u16 = 7_000;

/// In the namespace of an instance.
pub(crate) fn within<T: Send>(instance: InstanceId, work: impl FnOnce() -> T + Send) -> T {
    in_namespace(&names::namespace(instance), work).unwrap()
}

/// A server of an instance, at all its addresses, that sends back what it gets. It ends with the test's process.
pub(crate) fn serve(instance: InstanceId) {
    let listener = match within(instance, || TcpListener::bind("[::]:7000")) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => return,
        listener => listener.unwrap(),
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(stream));
        }
    });
}

fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// A connection from an instance that must come about.
#[track_caller]
pub(crate) fn connect(from: InstanceId, to: IpAddr) -> TcpStream {
    let address = SocketAddr::new(to, PORT);
    let stream = within(from, || TcpStream::connect_timeout(&address, PATIENCE));
    let mut stream = stream.unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
    assert!(answers(&mut stream, PATIENCE), "{from} to {to}");
    stream
}

/// A connection from an instance must not come about.
#[track_caller]
pub(crate) fn cannot_connect(from: InstanceId, to: IpAddr) {
    let address = SocketAddr::new(to, PORT);
    let stream = within(from, || TcpStream::connect_timeout(&address, REFUSAL));
    let error = stream.expect_err("it must not connect");
    let refused = [ErrorKind::TimedOut, ErrorKind::HostUnreachable, ErrorKind::NetworkUnreachable];
    assert!(refused.contains(&error.kind()), "{from} to {to}: {error}");
}

/// Whether what is sent on a connection comes back.
fn answers(stream: &mut TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut buffer = [0; 5];
    stream.write_all(b"hello").is_ok() && stream.read_exact(&mut buffer).is_ok() && &buffer == b"hello"
}

/// Nothing comes back on a connection any more.
#[track_caller]
pub(crate) fn is_cut(stream: &mut TcpStream) {
    assert!(!answers(stream, REFUSAL), "it still answers");
}

/// A process in the namespace of an instance that ends when it is killed alone.
pub(crate) fn stubborn(instance: InstanceId) -> Child {
    let mut child = within(instance, || {
        Command::new("sh")
            .args(["-c", "trap '' TERM; echo ready; while true; do sleep 1; done"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let mut said = [0; 5];
    child.stdout.take().unwrap().read_exact(&mut said).unwrap();
    child
}

/// Waits until a process has ended.
#[track_caller]
pub(crate) fn has_ended(mut child: Child) {
    let until = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it still runs");
        thread::sleep(Duration::from_millis(10));
    }
}
