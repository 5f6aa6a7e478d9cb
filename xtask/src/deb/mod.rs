//! `cargo xtask deb`: the Debian package of the one program, with the units that run it.
//!
//! The same program, tree and `SOURCE_DATE_EPOCH` give the same package, byte for byte. What lies where in it is said by
//! `contents.rs`; the files that are written for it are in `packaging/`.

mod contents;
mod control;
mod licences;
mod program;
mod tree;

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

pub(crate) use self::{
    contents::{CONFIGURATION, EXAMPLES, UNITS},
    program::Program,
};
use self::{control::Control, tree::Tree};
use crate::{
    console,
    process::{self, Cargo},
    repository::Repository,
};

/// What `cargo xtask deb` is told.
#[derive(Debug, Args)]
#[command(
    after_help = "SOURCE_DATE_EPOCH is the time that everything in the package bears; without it, that of the last commit. \
                  DEBFULLNAME and DEBEMAIL say who maintains the package."
)]
pub(crate) struct Arguments {
    /// Packages this program, and builds none. It must run here, since it prints its own man pages and completions.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// How a package is compressed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Compression {
    /// As small as every Debian can unpack it.
    Small,
    /// At once: for tests.
    Fast,
}

/// Builds the program, if none was given, and the package. Tells whether the program compiles.
///
/// # Errors
/// Why there is no package.
pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> anyhow::Result<bool> {
    let binary = match &arguments.binary {
        Some(binary) => binary.clone(),
        None => {
            if !Cargo::new(repository)
                .arguments(&["build", "--release", "--locked", "-p", "ravelin"])
                .run()?
            {
                return Ok(false);
            }
            repository.built("release/ravelin")
        }
    };
    let package =
        build(repository, &Program::read(&binary)?, &repository.built("debian"), Compression::Small)?;
    console::say(&format!("{}: {} bytes", package.display(), fs::metadata(&package)?.len()));
    console::say(&format!("install it with `apt install {}`", package.display()));
    Ok(true)
}

/// Builds the package of a program into a directory, and says where it is.
///
/// # Errors
/// A tool of Debian is missing, the program does not run, or a file cannot be read or written.
pub(crate) fn build(
    repository: &Repository,
    program: &Program,
    directory: &std::path::Path,
    compression: Compression,
) -> anyhow::Result<PathBuf> {
    let time = time(repository)?;
    let mut tree = Tree::new(directory.join("tree"), time)?;
    contents::fill(&mut tree, repository, program)?;
    let control = Control { program, maintainer: maintainer(), time };
    control.write(&mut tree, repository)?;
    tree.finish()?;
    let package = directory.join(format!("ravelin_{}_{}.deb", program.version, program.architecture));
    let mut command = Command::new("dpkg-deb");
    command.arg("--root-owner-group").env("SOURCE_DATE_EPOCH", time.to_string());
    command.args(match compression {
        Compression::Small => ["-Zxz", "-z9"],
        Compression::Fast => ["-Zgzip", "-z1"],
    });
    command.arg("--build").arg(tree.root()).arg(&package);
    must(command, "dpkg-deb")?;
    tree.remove()?;
    Ok(package)
}

/// The time that everything in the package bears, in seconds since 1970.
fn time(repository: &Repository) -> anyhow::Result<u64> {
    if let Ok(text) = env::var("SOURCE_DATE_EPOCH") {
        return text.parse().context("SOURCE_DATE_EPOCH is to be a number of seconds since 1970");
    }
    let root = repository.root().to_string_lossy();
    let commit = process::ask("git", &["-C", &root, "log", "-1", "--format=%ct"]);
    commit
        .and_then(|text| text.parse().ok())
        .context("this is no checkout of git: set SOURCE_DATE_EPOCH, in seconds since 1970")
}

/// Who maintains the package: whoever builds it says so, as for other packages of Debian.
fn maintainer() -> String {
    let name = env::var("DEBFULLNAME").unwrap_or_else(|_| "The contributors to Ravelin".to_owned());
    let address = env::var("DEBEMAIL").unwrap_or_else(|_| "ravelin@localhost".to_owned());
    format!("{name} <{address}>")
}

/// Runs a program that says nothing where all goes well.
fn must(mut command: Command, name: &str) -> anyhow::Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot start {name}; Debian has it"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    ensure!(output.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    Ok(output.stdout)
}
