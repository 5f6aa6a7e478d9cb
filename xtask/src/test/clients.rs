//! The clients that people have, driven against a running server: each in an environment of its own under the target
//! directory, made from pinned versions and kept until those change.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use super::{
    World,
    counts::Counts,
    debian::{CHROMIUM, CURL, FONTS, NODE, NPM, OPENSSL, PYTHON, PYTHON_VENV},
    rust::{self, plain},
    step::{Outcome, Step},
};
use crate::{console, process, repository::Repository};

/// The steps.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "python",
        summary: "the current and the old Python SDK, and captured requests",
        run: python,
    },
    Step { name: "node", summary: "the generic client of Node", run: node },
    Step { name: "browser", summary: "what people see, in Chromium", run: browser },
];

/// What says, in an environment, what it was made from.
const STAMP: &str = "made-from";

fn python(world: &World<'_>) -> anyhow::Result<Outcome> {
    if let Some(missing) = world.installer.provide(&[PYTHON, PYTHON_VENV])? {
        return Ok(Outcome::skipped(missing));
    }
    let Some(binary) = rust::program(world.repository)? else {
        return Ok(Outcome::failed("the server does not compile"));
    };
    let python = python_environment(world.repository)?;
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "--quiet"]).current_dir(world.repository.path("tests/clients/python"));
    // No bytecode in the tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("RAVELIN_BINARY", binary);
    let finished = process::show(command)?;
    Ok(Outcome::of_tests(finished.success, Counts::of_pytest(&plain(&finished.text))))
}

/// The Python of an environment with the pinned packages.
fn python_environment(repository: &Repository) -> anyhow::Result<PathBuf> {
    let directory = repository.built("clients/python");
    let requirements = repository.path("tests/clients/python/requirements.txt");
    let python = directory.join("bin/python");
    let version = process::ask("python3", &["--version"]).unwrap_or_default();
    let stamp = stamp(&version, &requirements)?;
    if is_made_from(&directory, &stamp) && process::works(&python, &["--version"]) {
        return Ok(python);
    }
    console::say(&format!("      making an environment in {}", directory.display()));
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&directory);
    must(make, "python3 -m venv")?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
    install.arg("--requirement").arg(&requirements);
    must(install, "pip install")?;
    keep_stamp(&directory, &stamp)?;
    Ok(python)
}

fn node(world: &World<'_>) -> anyhow::Result<Outcome> {
    if let Some(missing) = world.installer.provide(&[NODE, NPM])? {
        return Ok(Outcome::skipped(missing));
    }
    let Some(binary) = rust::program(world.repository)? else {
        return Ok(Outcome::failed("the server does not compile"));
    };
    run_node_tests(node_tests(world.repository, "node", &binary)?)
}

fn browser(world: &World<'_>) -> anyhow::Result<Outcome> {
    // What the explorer gives to copy is run as people run it: by curl and openssl, by Python, by the program itself.
    let needed = [CHROMIUM, FONTS, NODE, NPM, CURL, OPENSSL, PYTHON, PYTHON_VENV];
    if let Some(missing) = world.installer.provide(&needed)? {
        return Ok(Outcome::skipped(missing));
    }
    let Some(binary) = rust::program(world.repository)? else {
        return Ok(Outcome::failed("the server does not compile"));
    };
    python_environment(world.repository)?;
    let tests = node_tests(world.repository, "browser", &binary)?;
    run_node_tests(if is_lab_possible() { in_lab(&tests) } else { tests })
}

/// What runs the tests in a directory of `tests/clients` that are written for Node.
fn node_tests(repository: &Repository, name: &str, binary: &Path) -> anyhow::Result<Command> {
    let tests = repository.path("tests/clients").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&tests)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    files.sort();
    let mut command = node_command(repository, name, binary)?;
    command.args(["--test", "--test-reporter=spec"]);
    // Files are independent; of two processors it would use one. Older ones cannot be told.
    if process::ask("node", &["--help"]).is_some_and(|help| help.contains("--test-concurrency")) {
        command.arg("--test-concurrency=2");
    }
    command.args(files).current_dir(tests);
    Ok(command)
}

/// Runs tests that are written for Node.
fn run_node_tests(command: Command) -> anyhow::Result<Outcome> {
    let finished = process::show(command)?;
    Ok(Outcome::of_tests(finished.success, Counts::of_node(&plain(&finished.text))))
}

/// Node, in the environment of a directory of `tests/clients`.
fn node_command(repository: &Repository, name: &str, binary: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new("node");
    command.env("NODE_PATH", node_environment(repository, name)?).env("RAVELIN_BINARY", binary);
    command.env("RAVELIN_PYTHON", repository.built("clients/python/bin/python"));
    // The servers are on this host, whatever the way to others is.
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env_remove(name);
    }
    Ok(command)
}

/// The modules of an environment with the locked packages.
fn node_environment(repository: &Repository, name: &str) -> anyhow::Result<PathBuf> {
    let source = repository.path("tests/clients").join(name);
    let directory = repository.built("clients").join(name);
    let modules = directory.join("node_modules");
    let version = process::ask("node", &["--version"]).unwrap_or_default();
    let stamp = stamp(&version, &source.join("package-lock.json"))?;
    if is_made_from(&directory, &stamp) && modules.is_dir() {
        return Ok(modules);
    }
    console::say(&format!("      making an environment in {}", directory.display()));
    fs::create_dir_all(&directory)?;
    for name in ["package.json", "package-lock.json"] {
        let from = source.join(name);
        fs::copy(&from, directory.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let mut install = Command::new("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&directory);
    must(install, "npm ci")?;
    keep_stamp(&directory, &stamp)?;
    Ok(modules)
}

/// Makes pictures of the console's pages in a directory. Tells whether all went well.
///
/// # Errors
/// Something that it needs is not installed, or does not run.
pub(super) fn screenshots(world: &World<'_>, directory: &Path) -> anyhow::Result<bool> {
    if let Some(missing) = world.installer.provide(&[CHROMIUM, FONTS, NODE, NPM])? {
        bail!("{missing}");
    }
    let Some(binary) = rust::program(world.repository)? else { bail!("the server does not compile") };
    let node = node_command(world.repository, "browser", &binary)?;
    let mut command = if is_lab_possible() { in_lab(&node) } else { node };
    command.arg(world.repository.path("tests/clients/browser/screenshots.js")).arg(directory);
    Ok(process::show(command)?.success)
}

/// What makes a place in which a lab node can run and nothing of it stays: namespaces for network and mounts, with the
/// loopback switched on. What comes after it runs there.
const LAB: [&str; 6] = [
    "--net",
    "--mount",
    "sh",
    "-c",
    "mount -t bpf bpf /sys/fs/bpf && mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && exec \"$@\"",
    "sh",
];

/// Whether such a place can be made here: that takes root, and a kernel with BPF.
fn is_lab_possible() -> bool {
    process::works("unshare", &[&LAB[..], &["nsenter", "--version"]].concat())
}

/// The same command in such a place. It is told.
fn in_lab(command: &Command) -> Command {
    let mut inside = Command::new("unshare");
    inside.args(LAB).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        inside.current_dir(directory);
    }
    inside.env("RAVELIN_LAB", "1");
    inside
}

fn must(command: Command, what: &str) -> anyhow::Result<()> {
    if !process::show(command)?.success {
        bail!("{what} failed");
    }
    Ok(())
}

/// What an environment is made from: the interpreter's version and the file with the pinned packages.
fn stamp(version: &str, file: &Path) -> anyhow::Result<String> {
    let pinned = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(format!("{version}\n{pinned}"))
}

fn is_made_from(directory: &Path, stamp: &str) -> bool {
    fs::read_to_string(directory.join(STAMP)).is_ok_and(|kept| kept == stamp)
}

/// Written last: an environment that is half made has none.
fn keep_stamp(directory: &Path, stamp: &str) -> anyhow::Result<()> {
    fs::write(directory.join(STAMP), stamp)
        .with_context(|| format!("cannot write to {}", directory.display()))
}
