//! `cargo xtask bpf`: builds the kernel object of the dataplane, or checks that the one in the tree is what its source says.
//! Only one version of the compiler gives the same bytes.

use std::{env, fs, path::Path, process::Command};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::{
    console,
    process::{self, works},
    repository::Repository,
};

/// The compiler, and the only version of it that the object is built with: Debian 12's.
const CLANG: &str = "clang-14";
const CLANG_VERSION: &str = "14.0.6";
/// What takes the debugging sections out and leaves the types.
const STRIP: &str = "llvm-strip-14";
/// Where the sources are.
const SOURCES: &str = "crates/dataplane/bpf";
/// The file that includes the others.
const MAIN: &str = "ravelin.bpf.c";
/// The object in the tree.
const OBJECT: &str = "crates/dataplane/bpf/ravelin.bpf.o";
/// The most instructions that the verifier may look at in a program: a form of the same code that it follows branch by branch
/// takes hundreds of thousands, and older kernels more.
const INSTRUCTIONS_MAX: u64 = 20_000;
/// Loads an object in a mount namespace with a BPF file system of its own, which goes with its pins when this ends.
const LOAD: &str = "mount -t bpf bpf /sys/fs/bpf && exec bpftool --debug prog loadall \"$1\" /sys/fs/bpf/checked type classifier";

/// What `cargo xtask bpf` is told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Builds elsewhere, compares with the object in the tree, and prints how many instructions the verifier looks at.
    #[arg(long)]
    check: bool,
}

/// Builds, or checks. Tells whether the object is in order.
///
/// # Errors
/// The compiler is not there or of another version, or the source does not compile.
pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> anyhow::Result<bool> {
    if arguments.check {
        return check(repository);
    }
    let object = repository.path(OBJECT);
    compile(repository, &object)?;
    console::say(&format!("{OBJECT}: {} bytes", fs::metadata(&object)?.len()));
    Ok(true)
}

/// Builds again and compares; then lets the verifier of this machine's kernel look at the programs, where that can be done.
///
/// # Errors
/// As of [`run`].
pub(crate) fn check(repository: &Repository) -> anyhow::Result<bool> {
    let built = repository.built("bpf/ravelin.bpf.o");
    compile(repository, &built)?;
    let kept = repository.path(OBJECT);
    let same = fs::read(&built)? == fs::read(&kept).with_context(|| format!("cannot read {OBJECT}"))?;
    if !same {
        console::note(&format!(
            "{OBJECT} is not what its source compiles to: run `cargo xtask bpf` and commit it"
        ));
    }
    Ok(verify(&built)? && same)
}

fn compile(repository: &Repository, object: &Path) -> anyhow::Result<()> {
    let found = process::ask(CLANG, &["--version"]).with_context(|| {
        format!("{CLANG} is not installed; Debian 12 has it, with llvm-14 and libbpf-dev")
    })?;
    if !found.contains(&format!("version {CLANG_VERSION}")) {
        let first = found.lines().next().unwrap_or_default();
        bail!("the object is built with clang {CLANG_VERSION}, Debian 12's; this is {first}");
    }
    if let Some(directory) = object.parent() {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let sources = repository.path(SOURCES);
    let mut clang = Command::new(CLANG);
    clang
        .current_dir(&sources)
        .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Wextra", "-Werror"]);
    // asm/types.h lies beside the headers of this machine's own architecture, and is the same in all of them.
    clang.arg(format!("-I/usr/include/{}-linux-gnu", env::consts::ARCH));
    clang.arg(format!("-ffile-prefix-map={}=bpf", sources.display()));
    clang.args(["-c", MAIN, "-o"]).arg(object);
    succeed(clang, CLANG)?;
    let mut strip = Command::new(STRIP);
    strip.arg("-g").arg(object);
    succeed(strip, STRIP)
}

fn succeed(command: Command, name: &str) -> anyhow::Result<()> {
    let finished = process::show(command)?;
    finished.success.then_some(()).with_context(|| format!("{name} failed"))
}

/// Prints the verifier's counts. Tells whether the kernel takes the programs, within the bound; true where nobody can ask it.
fn verify(object: &Path) -> anyhow::Result<bool> {
    if process::ask("id", &["-u"]).as_deref() != Some("0") || !works("bpftool", &["version"]) {
        console::say("the verifier was not asked: that takes root and bpftool");
        return Ok(true);
    }
    let mut load = Command::new("unshare");
    load.args(["--mount", "sh", "-c", LOAD, "sh"]).arg(object);
    let output = load.output().context("cannot start unshare")?;
    let log = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let end: Vec<&str> = log.lines().rev().take(20).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        console::note(&format!("the kernel does not take the programs:\n{}", end.join("\n")));
        return Ok(false);
    }
    let counts = instructions(&log);
    for (program, count) in &counts {
        console::say(&format!(
            "{program}: the verifier looks at {count} instructions (at most {INSTRUCTIONS_MAX})"
        ));
    }
    if counts.is_empty() {
        console::note("bpftool printed no counts of the verifier");
    }
    Ok(!counts.is_empty() && counts.iter().all(|(_, count)| *count <= INSTRUCTIONS_MAX))
}

/// How many instructions the verifier looked at, by program, in what bpftool prints with `--debug`.
fn instructions(log: &str) -> Vec<(String, u64)> {
    let mut counts = Vec::new();
    let mut program = None;
    for line in log.lines() {
        if line.contains("BEGIN PROG LOAD LOG") {
            program = line.split('\'').nth(1);
        }
        let count = line.strip_prefix("processed ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        if let (Some(name), Some(count)) = (program, count) {
            counts.push((name.to_owned(), count));
            program = None;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::instructions;

    #[test]
    fn counts_are_read_by_program() {
        let log = "libbpf: prog 'one': -- BEGIN PROG LOAD LOG --\n0: R1=ctx()\nprocessed 12 insns (limit 1000000)\n\
                   -- END PROG LOAD LOG --\nlibbpf: prog 'two': -- BEGIN PROG LOAD LOG --\nprocessed 7 insns\n";
        assert_eq!(instructions(log), [("one".to_owned(), 12), ("two".to_owned(), 7)]);
    }
}
