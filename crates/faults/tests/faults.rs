//! The library against a plain program, `dd`, and the ledger it keeps.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use faults::{Control, Faults, Loss, UNLIMITED, lose_unsynced};

struct Bench {
    _directory: tempfile::TempDir,
    root: PathBuf,
    control: Control,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    fs::create_dir(root.join("watched")).unwrap();
    fs::write(root.join("ten-thousand"), vec![b'x'; 10_000]).unwrap();
    let control = Control::create(&root.join("control")).unwrap();
    Bench { _directory: directory, root, control }
}

impl Bench {
    fn file(&self) -> PathBuf {
        self.root.join("watched/file")
    }

    /// Runs `dd` to the file in the watched directory; says whether it succeeded.
    fn dd(&self, to: &Path, options: &[&str]) -> bool {
        Command::new("dd")
            .arg(format!("if={}", self.root.join("ten-thousand").display()))
            .arg(format!("of={}", to.display()))
            .args(["bs=1000", "status=none"])
            .args(options)
            .env("LD_PRELOAD", faults::library())
            .env(faults::DIRECTORY_VARIABLE, self.root.join("watched"))
            .env(faults::CONTROL_VARIABLE, self.control.path())
            .env(faults::LEDGER_VARIABLE, self.root.join("ledger"))
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    fn lose(&self, loss: Loss) -> usize {
        lose_unsynced(&self.root.join("ledger"), &self.root.join("watched"), loss).unwrap()
    }
}

#[test]
fn without_orders_nothing_fails() {
    let bench = bench();
    assert!(bench.dd(&bench.file(), &["conv=fdatasync"]));
    assert_eq!(fs::read(bench.file()).unwrap(), vec![b'x'; 10_000]);
}

#[test]
fn space_runs_out_in_the_watched_directory_only() {
    let bench = bench();
    bench.control.set(&Faults { space_bytes: 2_500, ..Faults::default() }).unwrap();
    assert!(!bench.dd(&bench.file(), &[]));
    assert_eq!(fs::read(bench.file()).unwrap().len(), 2_500);
    assert!(bench.dd(&bench.root.join("elsewhere"), &[]));
}

#[test]
fn writes_and_synchronisations_fail_when_their_turn_comes() {
    let bench = bench();
    bench.control.set(&Faults { after: 4, write_errors: 1, ..Faults::default() }).unwrap();
    assert!(!bench.dd(&bench.file(), &[]));
    assert!(fs::read(bench.file()).unwrap().len() <= 4_000);
    bench
        .control
        .set(&Faults { sync_errors: 1, path_contains: "other".into(), ..Faults::default() })
        .unwrap();
    assert!(bench.dd(&bench.file(), &["conv=fdatasync"]));
    bench.control.set(&Faults { sync_errors: 1, ..Faults::default() }).unwrap();
    assert!(!bench.dd(&bench.file(), &["conv=fdatasync"]));
    bench.control.set(&Faults { short_writes: UNLIMITED, ..Faults::default() }).unwrap();
    assert!(bench.dd(&bench.file(), &[]));
    assert_eq!(fs::read(bench.file()).unwrap().len(), 10_000);
}

#[test]
fn what_was_not_synchronised_is_lost() {
    let bench = bench();
    fs::write(bench.file(), vec![b'o'; 3_000]).unwrap();
    assert!(bench.dd(&bench.file(), &["conv=notrunc", "seek=2"]));
    assert_eq!(fs::metadata(bench.file()).unwrap().len(), 12_000);
    assert_eq!(bench.lose(Loss::All), 10);
    assert_eq!(fs::read(bench.file()).unwrap(), vec![b'o'; 3_000]);

    assert!(bench.dd(&bench.file(), &["conv=notrunc,fdatasync"]));
    assert_eq!(bench.lose(Loss::All), 0);
    assert_eq!(fs::read(bench.file()).unwrap(), vec![b'x'; 10_000]);
}

#[test]
fn a_failed_synchronisation_is_not_made_good_by_a_later_one() {
    let bench = bench();
    bench.control.set(&Faults { sync_errors: 1, ..Faults::default() }).unwrap();
    assert!(!bench.dd(&bench.file(), &["conv=fdatasync", "count=2"]));
    assert!(bench.dd(&bench.file(), &["conv=notrunc,fdatasync", "seek=2", "count=1"]));
    assert!(bench.lose(Loss::All) > 0);
    let expected = [vec![0; 2_000], vec![b'x'; 1_000]].concat();
    assert!(fs::read(bench.file()).unwrap() == expected);
}

#[test]
fn torn_writes_keep_whole_pages() {
    let bench = bench();
    let kept_of = |seed| {
        assert!(bench.dd(&bench.file(), &[]));
        bench.lose(Loss::Torn(seed));
        fs::read(bench.file()).unwrap().iter().filter(|byte| **byte == b'x').count()
    };
    let kept: Vec<usize> = (1..8).map(kept_of).collect();
    assert!(kept.iter().any(|count| *count > 0 && *count < 10_000), "{kept:?}");
}
