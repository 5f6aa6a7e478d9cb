//! What a service manager is told: a socket of its kind, and the program started with it.

mod common;

use std::{io::ErrorKind, os::unix::net::UnixDatagram, process::Command, time::Duration};

use common::Launch;

/// How long a word may take. Only a failure takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The next thing that the manager is told.
fn told(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("the manager is told something");
    String::from_utf8(bytes[..length].to_vec()).expect("text")
}

#[test]
fn a_server_says_when_it_serves_and_when_it_stops() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let data = place.path().join("data");
    let mut server = Launch::on(&data).env("NOTIFY_SOCKET", path.to_str().expect("text")).start();
    let ready = told(&socket);
    let lines: Vec<&str> = ready.lines().collect();
    assert_eq!(lines[0], "READY=1");
    assert!(lines[1].starts_with("STATUS=serving http://127.0.0.1:"), "{ready}");
    assert_eq!(lines.len(), 2, "{ready}");
    let stop = Command::new("kill").arg(server.process_id().to_string()).status().expect("kill");
    assert!(stop.success());
    assert_eq!(told(&socket).lines().next(), Some("STOPPING=1"));
    assert!(server.wait().success());
    socket.set_nonblocking(true).expect("a socket that does not wait");
    assert_eq!(socket.recv(&mut [0; 16]).expect_err("nothing more").kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_manager_that_is_gone_stops_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let gone = place.path().join("gone");
    let server = Launch::on(place.path()).env("NOTIFY_SOCKET", gone.to_str().expect("text")).start();
    let made = server.client().v3("CreateSecurityGroup", &[("SecurityGroupName", "web")]);
    assert_eq!(made.code(), "", "{made:?}");
}
