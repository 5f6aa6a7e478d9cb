//! Faults of the disk below the store: errors of write and fdatasync, a full disk, lost and torn writes.

use std::path::PathBuf;

use faults::{Control, Faults, Loss, lose_unsynced};

use crate::{
    common::{AT_ONCE, Client, Launch, Server, choices::Choices, wait_until},
    workload::{Tally, Writer},
};

/// How many calls are made while a fault is there.
const CALLS: usize = 30;

/// A server on a disk that does what the test says.
struct Rig {
    directory: tempfile::TempDir,
    control: Control,
}

impl Rig {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let control = Control::create(&directory.path().join("control")).expect("a control file");
        Self { directory, control }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn ledger(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    fn start(&self) -> Server {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        Launch::on(&self.data())
            .set(AT_ONCE)
            .env("LD_PRELOAD", &faults::library().to_string_lossy())
            .env(faults::DIRECTORY_VARIABLE, &text(self.data()))
            .env(faults::CONTROL_VARIABLE, &self.control.path().to_string_lossy())
            .env(faults::LEDGER_VARIABLE, &text(self.ledger()))
            .start()
    }

    fn writer(&self, client: &Client) -> Writer {
        Writer::create(client, 0, Choices::from_seed(0x5eed))
    }

    /// Makes calls while the fault is there, then takes it away and waits until the server serves again.
    fn suffer(&self, writer: &mut Writer, client: &Client, fault: &Faults) -> Tally {
        let mut total = Tally::default();
        for _ in 0..10 {
            total += writer.step(client);
        }
        self.control.set(fault).expect("the fault can be set");
        let mut during = Tally::default();
        for _ in 0..CALLS {
            during += writer.step(client);
            if during.open > 0 {
                break;
            }
        }
        self.control.set(&Faults::default()).expect("the fault can be taken away");
        wait_until("the server serves again", || {
            let answer = client.try_v3("CreateSecurityGroup", &[("SecurityGroupName", "again")])?;
            (answer.code() == "").then_some(())
        });
        writer.verify(client);
        for _ in 0..10 {
            total += writer.step(client);
        }
        assert_eq!(total.acknowledged, 20, "before and after the fault everything is done");
        during
    }
}

fn suffers(fault: &Faults) {
    let rig = Rig::new();
    let mut server = rig.start();
    let client = server.client();
    let mut writer = rig.writer(&client);
    let during = rig.suffer(&mut writer, &client, fault);
    // How it was felt differs: after an error of fdatasync the recovered store may well have the change.
    let recoveries = server.metric("ravelin_control_recoveries_total");
    assert!(recoveries > 0.0 || during.open > 0, "the fault was not felt: {during:?}");
    // What the recovered server says must be what is on disk, too.
    server.kill();
    drop(server);
    let server = rig.start();
    writer.verify(&server.client());
}

#[test]
fn an_error_of_fdatasync_loses_nothing() {
    suffers(&Faults { sync_errors: 3, ..Faults::default() });
}

#[test]
fn an_error_of_write_loses_nothing() {
    suffers(&Faults { write_errors: 3, ..Faults::default() });
}

#[test]
fn a_full_disk_loses_nothing_and_is_survived() {
    suffers(&Faults { space_bytes: 600, ..Faults::default() });
}

#[test]
fn errors_for_a_long_time_are_survived() {
    suffers(&Faults { sync_errors: faults::UNLIMITED, ..Faults::default() });
}

#[test]
fn short_writes_are_no_error() {
    let rig = Rig::new();
    let server = rig.start();
    let client = server.client();
    let mut writer = rig.writer(&client);
    let fault = Faults { short_writes: 50, ..Faults::default() };
    let during = rig.suffer(&mut writer, &client, &fault);
    assert_eq!(during.acknowledged, CALLS as u64, "{during:?}");
}

/// kill -9, and then everything that was not synchronised is lost, or torn: a power failure.
fn power_fails(loss: impl Fn(u64) -> Loss) {
    let rig = Rig::new();
    let mut server = rig.start();
    let mut writer = rig.writer(&server.client());
    for round in 0..8 {
        let client = server.client();
        let mut tally = Tally::default();
        for _ in 0..10 + round * 3 {
            tally += writer.step(&client);
        }
        assert_eq!(tally.open, 0, "{tally:?}");
        server.kill();
        lose_unsynced(&rig.ledger(), &rig.data(), loss(round)).expect("writes can be lost");
        server = rig.start();
        writer.verify(&server.client());
    }
}

#[test]
fn lost_unsynced_writes_are_none_that_were_acknowledged() {
    power_fails(|_| Loss::All);
}

#[test]
fn a_torn_tail_is_none_that_was_acknowledged() {
    power_fails(|round| Loss::Torn(round * 0x9e37_79b9 + 1));
}
