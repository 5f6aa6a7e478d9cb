//! Network namespaces without names: they end with the last descriptor and the last device in them.
#![allow(unsafe_code, reason = "unshare and setns are calls of the C library")]

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::fd::AsRawFd as _,
    process::{self, Command, Stdio},
    thread,
};

use anyhow::{Context as _, anyhow, ensure};

/// A network namespace.
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
            // SAFETY: no pointers are given.
            if unsafe { libc::unshare(libc::CLONE_NEWNET) } < 0 {
                return Err(io::Error::last_os_error());
            }
            File::open("/proc/thread-self/ns/net")
        });
        let file = made.join().map_err(|_| anyhow!("a thread panicked"))?.context("a network namespace")?;
        let namespace = Self { file };
        namespace.set(&[
            ("ipv6/conf/all/disable_ipv6", "1"),
            ("ipv6/conf/default/disable_ipv6", "1"),
            // Where nobody answers, it shows within seconds.
            ("ipv4/tcp_syn_retries", "1"),
        ])?;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Where another process finds it.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.file.as_raw_fd())
    }

    /// Moves this thread into it, for good.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn enter(&self) -> anyhow::Result<()> {
        // SAFETY: the descriptor is that of a network namespace and is open.
        if unsafe { libc::setns(self.file.as_raw_fd(), libc::CLONE_NEWNET) } < 0 {
            return Err(io::Error::last_os_error()).context("entering a network namespace");
        }
        Ok(())
    }

    /// Does something in it, on a thread of its own.
    ///
    /// # Errors
    /// What that gives.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter()?;
                act()
            });
            inside.join().map_err(|_| anyhow!("a thread panicked"))?
        })
    }

    /// Writes settings below `/proc/sys/net`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn set(&self, settings: &[(&str, &str)]) -> anyhow::Result<()> {
        self.within(|| {
            for (name, value) in settings {
                fs::write(format!("/proc/sys/net/{name}"), value)
                    .with_context(|| format!("setting net/{name}"))?;
            }
            Ok(())
        })
    }

    /// Gives `ip` of iproute2 these lines.
    ///
    /// # Errors
    /// It is not there; it refuses.
    pub fn ip(&self, lines: &str) -> anyhow::Result<()> {
        self.within(|| feed(Command::new("ip").args(["-batch", "-"]), lines))
    }

    /// Gives `nft` these lines, as one transaction.
    ///
    /// # Errors
    /// It is not there; it refuses.
    pub fn nft(&self, lines: &str) -> anyhow::Result<()> {
        self.within(|| feed(Command::new("nft").args(["-f", "-"]), lines))
    }
}

fn feed(command: &mut Command, lines: &str) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}: install it"))?;
    if let Some(mut input) = child.stdin.take() {
        // Where it has gone away, what it says is the error.
        let _ = input.write_all(lines.as_bytes());
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{name} refuses: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
