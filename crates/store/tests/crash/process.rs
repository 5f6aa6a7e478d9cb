//! The process under test and its surroundings.

use std::{
    env, fs,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use faults::{Control, Faults, Loss, lose_unsynced};
use store::{FjallStore, Store};

use crate::check::{OPTIONS, batch, unsynced};

const STORE_VARIABLE: &str = "STORE_CRASH_DIRECTORY";
const BYTES_VARIABLE: &str = "STORE_CRASH_VALUE_BYTES";

/// The process: commits batch after batch, recovers whenever it must, and says so, until it is killed.
#[test]
#[ignore = "the process that the other tests start and kill"]
fn writer() {
    let path = PathBuf::from(env::var_os(STORE_VARIABLE).unwrap());
    let bytes = env::var(BYTES_VARIABLE).unwrap().parse().unwrap();
    let mut store = FjallStore::open(&path, &OPTIONS).unwrap();
    say("\nopened");
    loop {
        let revision = store.revision() + 1;
        let mut written = Ok(());
        if revision.is_multiple_of(3) {
            written = store.write_unsynced(&unsynced(revision));
        }
        match written.and_then(|()| store.commit(revision, &batch(revision, bytes))) {
            Ok(()) => say(&format!("acknowledged {revision}")),
            Err(error) => {
                assert!(error.needs_recovery(), "{error:?}");
                say(&format!("failed {revision}"));
                while let Err(error) = store.recover() {
                    say(&format!("recovery-failed {error:?}"));
                    // The cause takes a moment to go away; there is nothing to wait for.
                    std::thread::sleep(Duration::from_millis(2));
                }
                say(&format!("recovered {}", store.revision()));
            }
        }
    }
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").unwrap();
    output.flush().unwrap();
}

/// What the process said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Acknowledged(u64),
    Failed(u64),
    Recovered(u64),
    RecoveryFailed,
}

/// A directory for a store, and the means to make it fail.
pub(crate) struct Bench {
    _directory: tempfile::TempDir,
    root: PathBuf,
    disk: PathBuf,
    control: Control,
    mounted: bool,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let disk = root.join("disk");
        fs::create_dir(&disk).unwrap();
        let control = Control::create(&root.join("control")).unwrap();
        Self { _directory: directory, root, disk, control, mounted: false }
    }

    /// With a file system of its own of 16 MiB; `None` if there may be none.
    pub(crate) fn on_small_disk() -> Option<Self> {
        let mut bench = Self::new();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "ravelin-test"])
            .arg(&bench.disk)
            .stderr(Stdio::null())
            .status();
        bench.mounted = mount.is_ok_and(|status| status.success());
        bench.mounted.then_some(bench)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.disk.join("data")
    }

    pub(crate) fn faults(&self, faults: &Faults) {
        self.control.set(faults).unwrap();
    }

    pub(crate) fn start(&self, faults: &Faults, value_bytes: usize) -> Writer {
        self.faults(faults);
        let mut command = writer_command(&self.store(), value_bytes);
        command
            .env("LD_PRELOAD", faults::library())
            .env(faults::DIRECTORY_VARIABLE, &self.disk)
            .env(faults::CONTROL_VARIABLE, self.control.path())
            .env(faults::LEDGER_VARIABLE, self.ledger());
        Writer::start(command)
    }

    pub(crate) fn start_without_faults(&self, value_bytes: usize) -> Writer {
        Writer::start(writer_command(&self.store(), value_bytes))
    }

    /// Takes away what the killed process did not synchronise.
    pub(crate) fn lose(&self, loss: Loss) -> usize {
        lose_unsynced(&self.ledger(), &self.disk, loss).unwrap()
    }

    fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    pub(crate) fn fill_disk(&self) {
        let mut filler = fs::File::create(self.disk.join("filler")).unwrap();
        for block in [1 << 16, 1 << 10, 1] {
            while filler.write_all(&vec![1; block]).is_ok() {}
        }
    }

    pub(crate) fn free_disk(&self) {
        fs::remove_file(self.disk.join("filler")).unwrap();
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if self.mounted {
            let unmounted = Command::new("umount").arg(&self.disk).status();
            assert!(unmounted.is_ok_and(|status| status.success()));
        }
    }
}

fn writer_command(store: &Path, value_bytes: usize) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "process::writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(STORE_VARIABLE, store)
        .env(BYTES_VARIABLE, value_bytes.to_string());
    command
}

/// The running process; killed at the latest when it is dropped.
pub(crate) struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What it says next; `None` when it has ended.
    pub(crate) fn next(&mut self) -> Option<Said> {
        loop {
            let line = self.lines.next()?.unwrap();
            let mut words = line.split_whitespace();
            let (word, number) = (words.next(), words.next().and_then(|number| number.parse().ok()));
            match (word, number) {
                (Some("acknowledged"), Some(revision)) => return Some(Said::Acknowledged(revision)),
                (Some("failed"), Some(revision)) => return Some(Said::Failed(revision)),
                (Some("recovered"), Some(revision)) => return Some(Said::Recovered(revision)),
                (Some("recovery-failed"), _) => return Some(Said::RecoveryFailed),
                // What the test harness says.
                _ => {}
            }
        }
    }

    /// Waits until `count` more batches are acknowledged.
    pub(crate) fn acknowledge(&mut self, count: u64, mut acknowledged: u64) -> u64 {
        let mut seen = 0;
        while seen < count {
            match self.next().expect("the writer ended") {
                Said::Acknowledged(revision) => {
                    assert_eq!(revision, acknowledged + 1);
                    (acknowledged, seen) = (revision, seen + 1);
                }
                Said::Recovered(revision) => acknowledged = revision,
                Said::Failed(_) | Said::RecoveryFailed => {}
            }
        }
        acknowledged
    }

    /// Kills it and returns what it had acknowledged.
    pub(crate) fn kill(&mut self, acknowledged: u64) -> u64 {
        self.child.kill().unwrap();
        self.wait(acknowledged)
    }

    /// Waits for its end and returns what it had acknowledged.
    pub(crate) fn wait(&mut self, mut acknowledged: u64) -> u64 {
        while let Some(said) = self.next() {
            if let Said::Acknowledged(revision) = said {
                assert_eq!(revision, acknowledged + 1);
                acknowledged = revision;
            }
        }
        self.child.wait().unwrap();
        acknowledged
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
