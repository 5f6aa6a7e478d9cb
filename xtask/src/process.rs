//! Running programs: what they print is shown as it comes, and kept for whoever counts.

use std::{
    ffi::{OsStr, OsString},
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
};

use anyhow::Context as _;

use crate::repository::Repository;

/// How a program ended, and what it printed.
pub(crate) struct Finished {
    /// Whether it says that all went well.
    pub(crate) success: bool,
    /// Standard output, then standard error.
    pub(crate) text: String,
}

/// Runs a program and shows what it prints.
///
/// # Errors
/// It cannot be started.
pub(crate) fn show(mut command: Command) -> anyhow::Result<Finished> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let out = child.stdout.take().map(|pipe| thread::spawn(move || forward(pipe, io::stdout())));
    let err = child.stderr.take().map(|pipe| thread::spawn(move || forward(pipe, io::stderr())));
    let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
    let mut text = String::new();
    for reader in [out, err].into_iter().flatten() {
        text.push_str(&reader.join().unwrap_or_default());
    }
    Ok(Finished { success: status.success(), text })
}

fn forward(pipe: impl Read, mut to: impl Write) -> String {
    let mut text = String::new();
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
        // A reader that has gone away must not stop the task.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    text
}

/// What a program prints to standard output, or nothing where it is not there or fails.
pub(crate) fn ask(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program is there and does what these arguments ask.
pub(crate) fn works(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    ask(program, arguments).is_some()
}

/// A call of Cargo, the one that runs this program.
pub(crate) struct Cargo {
    command: Command,
}

impl Cargo {
    /// In this tree.
    pub(crate) fn new(repository: &Repository) -> Self {
        let mut command = Command::new(Self::program());
        command.current_dir(repository.root());
        if io::IsTerminal::is_terminal(&io::stderr()) {
            command.env("CARGO_TERM_COLOR", "always");
        }
        Self { command }
    }

    /// The program.
    pub(crate) fn program() -> OsString {
        std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
    }

    /// Whether a subcommand is installed.
    pub(crate) fn has(subcommand: &str) -> bool {
        works(Self::program(), &[subcommand, "--version"])
    }

    /// With these arguments.
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// The command itself.
    pub(crate) fn command(self) -> Command {
        self.command
    }

    /// Runs it with this program's own input and output, and tells whether all went well.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn run(mut self) -> anyhow::Result<bool> {
        Ok(self.command.status().context("cannot start cargo")?.success())
    }
}
