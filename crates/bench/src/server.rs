//! A server process of the benchmark's own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// The access key of every server here.
pub const KEY_ID: &str = "bench";
/// Its secret.
pub const KEY_SECRET: &str = "bench-secret";

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Kept open: a server whose ready lines nobody can read does not serve.
    _output: BufReader<ChildStdout>,
    /// `127.0.0.1:port`.
    pub address: String,
    /// How long it took from its start to its ready line.
    pub ready_after: Duration,
}

/// The program, without the settings of whoever runs the benchmark: they would be measured, too.
pub fn program(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RAVELIN_") {
            command.env_remove(name);
        }
    }
    command
}

impl Server {
    /// Starts a server on a data directory.
    ///
    /// # Errors
    /// It cannot be started, or does not say that it is ready.
    pub fn start(binary: &Path, data: &Path) -> anyhow::Result<Self> {
        Self::start_with(binary, data, &[])
    }

    /// Starts a server on a data directory, with further arguments.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(binary: &Path, data: &Path, further: &[&str]) -> anyhow::Result<Self> {
        let started = Instant::now();
        let mut child = program(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"])
            .arg(data)
            .args(further)
            .env("RAVELIN_ACCESS_KEY_ID", KEY_ID)
            .env("RAVELIN_ACCESS_KEY_SECRET", KEY_SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut output = BufReader::new(child.stdout.take().context("the server has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let ready_after = started.elapsed();
        let Some(address) = line.trim().strip_prefix("ready http://") else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("the server is not ready: {line:?}");
        };
        Ok(Self { child, _output: output, address: address.trim_end_matches('/').into(), ready_after })
    }

    /// The resident memory of the whole process, now and at its most, in bytes.
    ///
    /// # Errors
    /// The process has ended.
    pub fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            number.map(|kib| kib * 1024).with_context(|| format!("no {name} in the process status"))
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
