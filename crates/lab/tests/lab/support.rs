//! What these tests share: connections that are tried and answered, and what is left on the host.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use host::namespace::set_parameter;
use lab::TemporaryLab;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

/// How long a connection may take that is permitted.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection is tried that is not: several times a round trip here, and before the first SYN is sent again.
const REFUSAL: Duration = Duration::from_millis(300);

/// Whether tests can run here; says so where they cannot.
pub(crate) fn is_root() -> bool {
    let root = lab::lab::require_root().is_ok();
    if !root {
        println!("skipped: labs need root");
    }
    root
}

/// A server of one instance, that sends back what it gets. It ends with the test's process.
pub(crate) fn serve(lab: &TemporaryLab, instance: &str, address: &str) {
    let address: SocketAddr = address.parse().unwrap();
    let listener = lab.on(instance, || TcpListener::bind(address).unwrap()).unwrap();
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

/// A connection from an instance; none where it is not permitted.
pub(crate) fn connect(
    lab: &TemporaryLab,
    instance: &str,
    address: &str,
    permitted: bool,
) -> Option<TcpStream> {
    let address: SocketAddr = address.parse().unwrap();
    let patience = if permitted { PATIENCE } else { REFUSAL };
    let stream = lab.on(instance, || TcpStream::connect_timeout(&address, patience)).unwrap();
    match stream {
        Ok(stream) => Some(stream),
        Err(error) => {
            assert!(!permitted, "{instance} to {address}: {error}");
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{instance} to {address}: {error}");
            None
        }
    }
}

/// Asserts that an instance can, or cannot, connect.
#[track_caller]
pub(crate) fn assert_connects(lab: &TemporaryLab, instance: &str, address: &str, permitted: bool) {
    let stream = connect(lab, instance, address, permitted);
    assert_eq!(stream.is_some(), permitted, "{instance} to {address}");
    if let Some(mut stream) = stream {
        assert!(answers(&mut stream, permitted), "{instance} to {address}");
    }
}

/// Whether what is sent on a connection comes back.
pub(crate) fn answers(stream: &mut TcpStream, expected: bool) -> bool {
    stream.set_read_timeout(Some(if expected { PATIENCE } else { REFUSAL })).unwrap();
    stream.write_all(b"hello").unwrap();
    let mut buffer = [0; 5];
    stream.read_exact(&mut buffer).is_ok() && &buffer == b"hello"
}

/// Whether an instance's ping is answered.
pub(crate) fn pings(lab: &TemporaryLab, instance: &str, address: &str, expected: bool) -> bool {
    let address: IpAddr = address.parse().unwrap();
    let (family, protocol, request) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp, 8),
        IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6, 128),
    };
    let socket = lab.on(instance, || {
        set_parameter("ipv4/ping_group_range", "0 0").unwrap();
        socket(family, SockType::Datagram, SockFlag::empty(), protocol).unwrap()
    });
    let socket = UdpSocket::from(socket.unwrap());
    socket.set_read_timeout(Some(if expected { PATIENCE } else { REFUSAL })).unwrap();
    // Type, code, checksum and identifier (the kernel's), sequence number.
    socket.send_to(&[request, 0, 0, 0, 0, 0, 0, 1], (address, 0)).unwrap();
    socket.recv(&mut [0; 64]).is_ok()
}

/// Everything on this host that has a lab's name: files of namespaces, pins, state; and devices of this namespace.
pub(crate) fn leftovers(lab: &str) -> Vec<String> {
    let mut found = Vec::new();
    for directory in ["/run/netns", "/sys/fs/bpf/ravelin", "/run/ravelin/lab", "/sys/class/net"] {
        let Ok(entries) = std::fs::read_dir(directory) else { continue };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let own = names.filter(|name| name.contains(lab)).map(|name| format!("{directory}/{name}"));
        found.extend(own);
    }
    found
}
