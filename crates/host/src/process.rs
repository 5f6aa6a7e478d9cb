//! The processes of a network namespace, and their end.
//!
//! A process is held by a descriptor from when it is found until it has ended: its number may be another's meanwhile.
//! Threads that entered a namespace while their process is in another one are not seen.

use std::{
    fs::{self, File, Metadata},
    io,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use thiserror::Error;

/// How long to wait between two looks at what is still there.
const PAUSE: Duration = Duration::from_millis(10);

/// Why processes could not be ended.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// It cannot be seen which processes there are.
    #[error(
        "cannot see which processes are in a network namespace: for those with more privileges it takes CAP_SYS_PTRACE"
    )]
    Unseen(#[source] io::Error),
    /// The namespace is that of this process, or of the first one.
    #[error("the network namespace is the one of this process or of the machine: nothing is ended in it")]
    Own,
    /// Some are still there.
    #[error("{count} processes of the network namespace do not end, the first of which is {first}")]
    Remaining {
        /// How many.
        count: usize,
        /// The number of the first.
        first: i32,
    },
}

/// A process that is held.
struct Held {
    number: i32,
    descriptor: OwnedFd,
}

/// Ends the processes of network namespaces: asks them to (SIGTERM), and after `grace` makes them (SIGKILL). Gives back
/// when they have ended. This process is never one of them.
///
/// # Errors
/// [`ProcessError`]; after `patience` some are still there.
pub fn end_all(namespaces: &[File], grace: Duration, patience: Duration) -> Result<(), ProcessError> {
    let wanted: Vec<(u64, u64)> = namespaces
        .iter()
        .map(|namespace| namespace.metadata().map(|of| identity(&of)))
        .collect::<Result<_, _>>()
        .map_err(ProcessError::Unseen)?;
    let spared = [Path::new("/proc/self/ns/net"), Path::new("/proc/1/ns/net")];
    let spared = spared.iter().filter_map(|path| fs::metadata(path).ok()).map(|of| identity(&of));
    if spared.into_iter().any(|own| wanted.contains(&own)) {
        return Err(ProcessError::Own);
    }
    let asked = all_in(&wanted)?;
    asked.iter().for_each(|process| signal(process, Signal::TERM));
    wait(&asked, Instant::now() + grace);
    let end = Instant::now() + patience;
    loop {
        // Whoever was started meanwhile, too.
        let remaining = all_in(&wanted)?;
        let Some(first) = remaining.first() else { return Ok(()) };
        if Instant::now() >= end {
            return Err(ProcessError::Remaining { count: remaining.len(), first: first.number });
        }
        remaining.iter().for_each(|process| signal(process, Signal::KILL));
        wait(&remaining, end.min(Instant::now() + PAUSE * 10));
    }
}

/// The numbers of the processes of a network namespace.
///
/// # Errors
/// [`ProcessError::Unseen`].
pub fn all_of(namespace: &File) -> Result<Vec<i32>, ProcessError> {
    let identity = identity(&namespace.metadata().map_err(ProcessError::Unseen)?);
    Ok(all_in(&[identity])?.into_iter().map(|process| process.number).collect())
}

fn identity(of: &Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}

fn all_in(wanted: &[(u64, u64)]) -> Result<Vec<Held>, ProcessError> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    // The first process is in none of them, and may have more privileges than this one.
    let spared = [own, 1];
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").map_err(ProcessError::Unseen)? {
        let name = entry.map_err(ProcessError::Unseen)?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(number) = number.filter(|number| !spared.contains(number)) {
            all.extend(held(number, wanted)?);
        }
    }
    Ok(all)
}

/// The process with this number, if it is in one of the namespaces and has not ended.
fn held(number: i32, wanted: &[(u64, u64)]) -> Result<Option<Held>, ProcessError> {
    let is_in = || {
        let namespace = unless_ended(fs::metadata(format!("/proc/{number}/ns/net")))?;
        Ok(namespace.is_some_and(|namespace| wanted.contains(&identity(&namespace))))
    };
    if !is_in()? {
        return Ok(None);
    }
    let Some(pid) = Pid::from_raw(number) else { return Ok(None) };
    let opened = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from);
    let Some(descriptor) = unless_ended(opened)? else { return Ok(None) };
    // Between the two it may have become another one.
    let held = Held { number, descriptor };
    Ok((is_in()? && !has_ended(&held)).then_some(held))
}

/// What is asked of a process; none: it has ended. One of which it cannot be seen where it is may be in any namespace.
fn unless_ended<T>(asked: io::Result<T>) -> Result<Option<T>, ProcessError> {
    let is_gone = |error: &io::Error| {
        let code = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
        matches!(code, Some(rustix::io::Errno::NOENT | rustix::io::Errno::SRCH))
    };
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(ProcessError::Unseen(error)),
    }
}

fn has_ended(process: &Held) -> bool {
    let mut events = [PollFd::new(&process.descriptor, PollFlags::IN)];
    let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut events, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// One that has ended meanwhile needs no signal.
fn signal(process: &Held, signal: Signal) {
    let _ = pidfd_send_signal(&process.descriptor, signal);
}

fn wait(processes: &[Held], until: Instant) {
    while Instant::now() < until && !processes.iter().all(has_ended) {
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_process_of_which_it_cannot_be_seen_where_it_is_is_not_taken_for_one_that_has_ended() {
        let asked = |error: Errno| unless_ended(Err::<(), _>(io::Error::from(error)));
        assert!(matches!(unless_ended(Ok(7)), Ok(Some(7))));
        for gone in [Errno::NOENT, Errno::SRCH] {
            assert!(matches!(asked(gone), Ok(None)), "{gone}");
        }
        for unseen in [Errno::ACCESS, Errno::PERM, Errno::MFILE, Errno::NOMEM] {
            assert!(matches!(asked(unseen), Err(ProcessError::Unseen(_))), "{unseen}");
        }
    }
}
