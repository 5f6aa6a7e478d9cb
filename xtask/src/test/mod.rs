//! `cargo xtask test`: every test there is, in named and timed steps, with a summary whose last line counts.

mod bpf;
mod clients;
mod counts;
mod debian;
mod dependencies;
mod licence;
mod package;
mod rust;
mod step;

use std::{
    io::{self, Write},
    time::Instant,
};

use anyhow::bail;
use clap::Args;

use self::{
    counts::Counts,
    debian::Installer,
    step::{Outcome, Step},
};
use crate::{console, repository::Repository};

/// What `cargo xtask test` is told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Installs Debian packages that are missing: for the kernel object clang, llvm, libbpf, bpftool; for the tests of clients
    /// Python's venv, Node, npm, Chromium, curl, openssl.
    #[arg(long)]
    install: bool,
    /// Runs these steps alone; `--list` names them.
    #[arg(long, num_args = 1.., value_name = "NAME")]
    only: Vec<String>,
    /// Lists the steps.
    #[arg(long)]
    list: bool,
}

/// Everything a step may need.
struct World<'a> {
    repository: &'a Repository,
    installer: Installer,
}

/// Runs the steps. Tells whether none failed.
///
/// # Errors
/// A step is named that there is none of.
pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> anyhow::Result<bool> {
    let steps = [rust::STEPS, bpf::STEPS, dependencies::STEPS, package::STEPS, clients::STEPS].concat();
    if arguments.list {
        for step in &steps {
            console::say(&format!("{:<14}{}", step.name, step.summary));
        }
        return Ok(true);
    }
    for name in &arguments.only {
        if !steps.iter().any(|step| step.name == name) {
            bail!("there is no step {name:?}; `cargo xtask test --list` names them");
        }
    }
    let chosen: Vec<Step> = steps
        .into_iter()
        .filter(|step| arguments.only.is_empty() || arguments.only.iter().any(|name| name == step.name))
        .collect();
    let world = World { repository, installer: Installer::new(arguments.install) };
    Ok(report(&run_each(&world, &chosen)))
}

/// What `cargo xtask screenshots` is told.
#[derive(Debug, Args)]
pub(crate) struct ScreenshotArguments {
    /// Installs Debian packages that are missing: Chromium, Node, npm.
    #[arg(long)]
    install: bool,
    /// Where to write them; made if it is missing [default: target/screenshots].
    #[arg(value_name = "DIR")]
    directory: Option<std::path::PathBuf>,
}

/// Makes pictures of every page of the console, as root with those that show what a node does. Tells whether all went well.
///
/// # Errors
/// Something that it needs is not installed, or does not run.
pub(crate) fn screenshots(repository: &Repository, arguments: &ScreenshotArguments) -> anyhow::Result<bool> {
    let world = World { repository, installer: Installer::new(arguments.install) };
    let directory = arguments.directory.clone().unwrap_or_else(|| repository.built("screenshots"));
    clients::screenshots(&world, &directory)
}

struct Done {
    name: &'static str,
    seconds: f64,
    outcome: Outcome,
}

fn run_each(world: &World<'_>, steps: &[Step]) -> Vec<Done> {
    let mut done = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let title = format!("[{}/{}] {}: {}", index + 1, steps.len(), step.name, step.summary);
        console::say(&console::bold(&title));
        let _ = io::stdout().flush();
        let started = Instant::now();
        let outcome = (step.run)(world).unwrap_or_else(|error| Outcome::failed(format!("{error:#}")));
        let seconds = started.elapsed().as_secs_f64();
        console::say(&format!("      {} in {seconds:.1} s: {outcome}\n", step.name));
        done.push(Done { name: step.name, seconds, outcome });
    }
    done
}

/// Prints the summary. Its last line is the count of all tests; a step that counts none of its own is one.
fn report(done: &[Done]) -> bool {
    console::say(&console::bold("Summary"));
    let mut total = Counts::default();
    for Done { name, seconds, outcome } in done {
        total += outcome.counts;
        console::say(&format!("  {:<8}{name:<14}{seconds:>7.1} s  {outcome}", outcome.word()));
    }
    console::say(&total.to_string());
    total.failed == 0
}
