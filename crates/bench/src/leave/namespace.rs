//! Network namespaces without names: they end with the last descriptor and the last process in them.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    process::{Child, Command},
    thread,
};

use anyhow::{Context as _, anyhow};
use host::{Netlink, namespace::set_parameter};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
};

/// A network namespace.
#[derive(Debug)]
pub struct Namespace {
    file: File,
}

impl Namespace {
    /// Makes one, with a loopback device that is up and without IPv6, whose own packets would disturb.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new() -> anyhow::Result<Self> {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from)?;
            File::open("/proc/thread-self/ns/net")
        });
        let file = made.join().map_err(|_| anyhow!("a thread panicked"))?.context("a network namespace")?;
        let namespace = Self { file };
        namespace.within(|| {
            for which in ["all", "default"] {
                set_parameter(&format!("ipv6/conf/{which}/disable_ipv6"), "1")?;
            }
            let netlink = Netlink::open()?;
            Ok(netlink.set_up(netlink.link("lo")?.index)?)
        })?;
        Ok(namespace)
    }

    /// Moves this thread into it, for good.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn enter(&self) -> anyhow::Result<()> {
        setns(&self.file, CloneFlags::CLONE_NEWNET)
            .map_err(io::Error::from)
            .context("entering a network namespace")
    }

    /// Does something in it, on a thread of its own.
    ///
    /// # Errors
    /// What that gives.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        aside(|| {
            self.enter()?;
            act()
        })
    }

    /// Starts a process in it that has a BPF file system and a directory `/run` which nobody else has.
    ///
    /// # Errors
    /// The kernel refuses; there is no such program.
    pub fn start(&self, command: &mut Command) -> anyhow::Result<Child> {
        let program = command.get_program().to_string_lossy().into_owned();
        self.within(|| {
            mount_own(&[("bpf", "/sys/fs/bpf"), ("tmpfs", "/run")])?;
            command.spawn().with_context(|| format!("cannot start {program}"))
        })
    }
}

/// Does something on a thread of its own, in the namespaces of this one: also what may not wait where others wait.
///
/// # Errors
/// What that gives.
pub fn aside<T: Send>(act: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    thread::scope(|scope| scope.spawn(act).join().map_err(|_| anyhow!("a thread panicked"))?)
}

/// Mounts file systems that this thread and the processes that it starts have alone, and that end with them.
///
/// # Errors
/// The kernel refuses.
pub fn mount_own(file_systems: &[(&str, &str)]) -> anyhow::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(io::Error::from).context("a mount namespace")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let mounts = file_systems.iter().map(|(kind, at)| (*kind, *at, MsFlags::empty()));
    for (kind, at, flags) in [("none", "/", private)].into_iter().chain(mounts) {
        mount(Some(kind), Path::new(at), Some(kind), flags, None::<&str>)
            .map_err(io::Error::from)
            .with_context(|| format!("mounting {kind} at {at}"))?;
    }
    Ok(())
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
