//! What developers run: `cargo xtask test`, `cargo xtask bench`, `cargo xtask bpf`, `cargo xtask deb`,
//! `cargo xtask screenshots`.
//!
//! Imports none of the workspace's crates, so that it works when they do not compile.

mod bpf;
mod console;
mod deb;
mod process;
mod repository;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{process::Cargo, repository::Repository};

/// What developers of Ravelin run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Runs all the tests: those of the crates, the checks of the tree, and the clients that people have.
    Test(test::Arguments),
    /// Builds the benchmarks and what they measure as it is released, and runs one: api, scale, people, and, as root, leave,
    /// datapath and switch.
    Bench {
        /// What the benchmarks are told; `--help` lists it, and `datapath --help` and `switch --help` those of the dataplane.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds the kernel object of the dataplane.
    Bpf(bpf::Arguments),
    /// Builds the Debian package, from the program as it is released.
    Deb(deb::Arguments),
    /// Makes pictures of every page of the console: desktop and phone, light and dark; as root, with a node behind them.
    Screenshots(test::ScreenshotArguments),
}

fn main() -> ExitCode {
    let done = Repository::find().and_then(|repository| match Arguments::parse().task {
        Task::Test(arguments) => test::run(&repository, &arguments),
        Task::Bench { arguments } => bench(&repository, &arguments),
        Task::Bpf(arguments) => bpf::run(&repository, &arguments),
        Task::Deb(arguments) => deb::run(&repository, &arguments),
        Task::Screenshots(arguments) => test::screenshots(&repository, &arguments),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            console::note(&format!("cargo xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The benchmarks of the dataplane, which are a program of their own: it does not need the control plane.
const OF_THE_DATAPLANE: [&str; 2] = ["datapath", "switch"];

fn bench(repository: &Repository, arguments: &[String]) -> anyhow::Result<bool> {
    let (program, built): (_, &[&str]) =
        if arguments.iter().any(|argument| OF_THE_DATAPLANE.contains(&argument.as_str())) {
            ("ravelin-bench-datapath", &["ravelin-bench-datapath"])
        } else {
            ("ravelin-bench", &["ravelin", "ravelin-bench"])
        };
    let mut build = Cargo::new(repository).arguments(&["build", "--release"]);
    for package in built {
        build = build.arguments(&["-p", package]);
    }
    if !build.run()? {
        return Ok(false);
    }
    let mut run = Cargo::new(repository).arguments(&["run", "--quiet", "--release", "-p", program, "--"]);
    for argument in arguments {
        run = run.arguments(&[argument]);
    }
    run.run()
}
