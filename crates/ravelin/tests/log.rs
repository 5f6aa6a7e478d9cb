//! The log costs lines, never an answer: whoever reads it may be slow, gone, or out of disk.

mod common;

use std::{
    fs::File,
    process::{Command, Stdio},
};

use common::{AT_ONCE, Launch};

/// More changes than a pipe that nobody reads has room for the lines of.
const CHANGES: usize = 1_000;

fn makes_changes(launch: Launch) {
    let mut server = launch.env("RAVELIN_LOG", "info").set(AT_ONCE).start();
    let client = server.client();
    for number in 0..CHANGES {
        let name = format!("group-{number}");
        let made = client.v3("CreateSecurityGroup", &[("SecurityGroupName", &name)]);
        assert_eq!(made.code(), "", "{made:?}");
    }
    let stop =
        Command::new("kill").arg(server.process_id().to_string()).status().expect("kill can be started");
    assert!(stop.success());
    let ended = server.wait();
    assert!(ended.success(), "the server ends with {ended:?}");
}

#[test]
fn a_log_on_a_full_disk_stops_nothing() {
    let data = tempfile::tempdir().expect("a directory");
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    makes_changes(Launch::on(data.path()).log_to(full.into()));
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let data = tempfile::tempdir().expect("a directory");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    makes_changes(Launch::on(data.path()).log_to(writer.into()));
    drop(reader);
}

#[test]
fn a_log_whose_reader_is_gone_stops_nothing() {
    let data = tempfile::tempdir().expect("a directory");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    makes_changes(Launch::on(data.path()).log_to(Stdio::from(writer)));
}
