//! Leaves nothing behind, whatever happens: everything that is measured runs in process, mount and network namespaces of
//! its own, which end with their first process.
//!
//! The process that people start does nothing but watch: it ends the other one when it is interrupted, when the time is
//! over, or when it is killed itself, and removes what lies on disk.

use std::{
    env,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail, ensure};
use nix::{
    sched::{CloneFlags, unshare},
    unistd::Uid,
};
use tokio::signal::unix::{SignalKind, signal};

use super::namespace::mount_own;

/// How the directories of runs begin; one without a process that holds its lock is what a kill has left.
const PREFIX: &str = "bench-leave-";
const LOCK: &str = "lock";
/// Where the inner process finds the directory of its run.
const VARIABLE: &str = "RAVELIN_BENCH_LEAVE_DIRECTORY";

/// The directory of this run, where this is the inner process.
pub fn directory() -> Option<PathBuf> {
    env::var_os(VARIABLE).map(PathBuf::from)
}

/// Starts this program again with the same arguments, confined, and watches over it.
///
/// # Errors
/// This process may not; the run fails, is interrupted, or takes longer than `time`.
pub fn watch(disk: &Path, time: Duration) -> anyhow::Result<()> {
    ensure!(
        Uid::effective().is_root(),
        "only root can make network namespaces and load programs: run this as root"
    );
    remove_leftovers(disk)?;
    let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(disk)?;
    let lock = File::create(directory.path().join(LOCK))?;
    lock.lock()?;
    let mut inner = start(&fs::canonicalize(directory.path())?)?;
    let ended = wait(&mut inner, time);
    // The first process of a process namespace takes all others with it.
    let _ = inner.kill();
    let _ = inner.wait();
    ended
}

/// Removes directories of runs that were killed.
fn remove_leftovers(disk: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(disk)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let lock = File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            fs::remove_dir_all(entry.path()).with_context(|| {
                format!("removing {}, which a killed run has left", entry.path().display())
            })?;
        }
    }
    Ok(())
}

fn start(directory: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.args(env::args_os().skip(1)).env(VARIABLE, directory).stdin(Stdio::piped());
    // A thread of its own: whoever asks for a process namespace can start no more threads.
    let started = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWPID).map_err(io::Error::from)?;
        command.spawn()
    });
    started.join().map_err(|_| anyhow!("a thread panicked"))?.context("namespaces of its own")
}

fn wait(inner: &mut Child, time: Duration) -> anyhow::Result<()> {
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        let mut hang_ups = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                _ = interrupts.recv() => bail!("interrupted"),
                _ = terminations.recv() => bail!("terminated"),
                _ = hang_ups.recv() => bail!("the terminal has gone"),
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
            if let Some(status) = inner.try_wait()? {
                ensure!(status.success(), "the benchmark has failed");
                return Ok(());
            }
            ensure!(
                began.elapsed() < time,
                "the benchmark took longer than {} s: give it more with --seconds-max, or less to do",
                time.as_secs()
            );
        }
    })
}

/// What the inner process does first: it ends with the one that watches, sees its own processes alone, and has a BPF
/// file system that nobody else has. To be called before there are other threads.
///
/// # Errors
/// The kernel refuses.
pub fn settle() -> anyhow::Result<()> {
    mount_own(&[("proc", "/proc"), ("bpf", "/sys/fs/bpf")])?;
    thread::Builder::new().name("watch".into()).spawn(|| {
        // Ends when the other end is closed, which is when the process that watches is gone.
        let _ = io::stdin().read(&mut [0; 1]);
        process::exit(1);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_whose_lock_nobody_holds_is_removed_and_another_is_not() {
        let disk = tempfile::tempdir().unwrap();
        let [mine, left] = ["1", "2"].map(|name| {
            let directory = disk.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&directory).unwrap();
            (File::create(directory.join(LOCK)).unwrap(), directory)
        });
        mine.0.lock().unwrap();
        let other = disk.path().join("data");
        fs::create_dir(&other).unwrap();
        remove_leftovers(disk.path()).unwrap();
        assert!(mine.1.exists() && other.exists() && !left.1.exists());
    }
}
