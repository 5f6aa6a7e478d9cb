//! The Debian package, made of the program that tests use: what is in it, that Debian's and systemd's own tools take it, and
//! that it is installed, upgraded and removed.

mod booting;
mod content;
mod examples;
mod installation;
mod units;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, bail};

use super::{
    World,
    counts::Counts,
    debian::{BINUTILS, DPKG, GZIP},
    rust,
    step::{Outcome, Step},
};
use crate::{
    console,
    deb::{self, Compression, Program},
    process,
    repository::Repository,
};

/// The steps.
pub(super) const STEPS: &[Step] =
    &[Step { name: "package", summary: "the Debian package: contents, settings, units, installation", run }];

/// A package, and what a check needs besides.
struct Packaged<'a> {
    repository: &'a Repository,
    program: Program,
    /// The package.
    file: PathBuf,
    /// What is in it, unpacked.
    root: PathBuf,
}

/// What came of a check that did not fail.
enum Checked {
    /// It passed.
    Passed,
    /// It was not made, and why.
    Skipped(String),
}

/// What is checked of a package.
#[derive(Clone, Copy)]
struct Check {
    name: &'static str,
    run: fn(&Packaged<'_>) -> anyhow::Result<Checked>,
}

fn run(world: &World<'_>) -> anyhow::Result<Outcome> {
    if let Some(missing) = world.installer.provide(&[DPKG, BINUTILS, GZIP])? {
        return Ok(Outcome::skipped(missing));
    }
    let Some(binary) = rust::program(world.repository)? else {
        return Ok(Outcome::failed("the program does not compile"));
    };
    let packaged = Packaged::build(world.repository, Program::read(&binary)?)?;
    let mut counts = Counts::default();
    let mut reasons = Vec::new();
    let checks = [content::CHECKS, examples::CHECKS, units::CHECKS, installation::CHECKS, booting::CHECKS];
    for check in checks.concat() {
        let (word, one, reason) = match (check.run)(&packaged) {
            Ok(Checked::Passed) => ("passed", Counts::PASSED, None),
            Ok(Checked::Skipped(reason)) => ("skipped", Counts::SKIPPED, Some(reason)),
            Err(error) => ("FAILED", Counts::FAILED, Some(format!("{error:#}"))),
        };
        counts += one;
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        console::say(&format!("      {word:<8}{}{reason}", check.name));
        if !reason.is_empty() {
            reasons.push(format!("{word}: {}", check.name));
        }
    }
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    Ok(Outcome { counts, reason })
}

impl<'a> Packaged<'a> {
    fn build(repository: &'a Repository, program: Program) -> anyhow::Result<Self> {
        let directory = repository.built("debian-test");
        let file = deb::build(repository, &program, &directory, Compression::Fast)?;
        let root = directory.join("root");
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
        }
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(&file).arg(&root);
        said(unpack)?;
        Ok(Self { repository, program, file, root })
    }

    /// Where a file of the package lies, unpacked.
    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The packaged program, to be told what to do, without the settings of whoever runs the tests.
    fn ravelin(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("/usr/bin/ravelin"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RAVELIN_") {
                command.env_remove(name);
            }
        }
        command.args(arguments);
        command
    }
}

/// Runs a program and gives what it printed, both ways.
///
/// # Errors
/// It fails; with what it printed.
fn said(mut command: Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{name} failed:\n{}", text.trim_end());
    }
    Ok(text)
}

/// Whether a program is there that not every Debian has.
fn is_installed(program: &str) -> bool {
    process::works(program, &["--version"])
}
