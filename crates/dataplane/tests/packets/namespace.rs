//! Network namespaces without names: they end with the last that holds them, so that nothing is left behind even where
//! the test is killed.
#![allow(unsafe_code, reason = "unshare and setns are calls of the C library")]

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsRawFd,
    panic::resume_unwind,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

/// A network namespace.
#[derive(Clone)]
pub struct Namespace(Arc<File>);

impl Namespace {
    /// A new one.
    pub fn new() -> Self {
        in_thread(|| {
            // SAFETY: no pointers are given.
            let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
            assert_eq!(result, 0, "unshare: {}", io::Error::last_os_error());
            Self::current()
        })
    }

    /// That of this thread.
    pub fn current() -> Self {
        Self(Arc::new(File::open("/proc/thread-self/ns/net").unwrap()))
    }

    /// What `ip` takes for its name.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Moves this thread into it.
    pub fn enter(&self) {
        // SAFETY: no pointers are given.
        let result = unsafe { libc::setns(self.0.as_raw_fd(), libc::CLONE_NEWNET) };
        assert_eq!(result, 0, "setns: {}", io::Error::last_os_error());
    }

    /// Does something in it. Sockets that are made there stay in it.
    pub fn within<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        in_thread(|| {
            self.enter();
            what()
        })
    }

    /// Runs lines of `ip -batch` in it.
    pub fn batch(&self, lines: &str) {
        self.within(|| run("ip", &["-batch", "-"], lines));
    }

    /// Sets a kernel parameter of it.
    pub fn set(&self, parameter: &str, value: &str) {
        let path = format!("/proc/sys/net/{parameter}");
        self.within(|| std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}")));
    }
}

fn in_thread<T: Send>(what: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(what).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs a program that reads its commands, in this thread's namespace.
pub fn run(program: &str, arguments: &[&str], input: &str) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {input}: {}", String::from_utf8_lossy(&output.stderr));
}
