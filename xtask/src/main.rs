//! What developers run: `cargo xtask test`, `cargo xtask bench`, `cargo xtask bpf`.
//!
//! Imports none of the workspace's crates, so that it works when they do not compile.

mod bpf;
mod console;
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
    /// Builds the benchmarks and the server as they are released, and runs a benchmark.
    Bench {
        /// What the benchmarks are told; `--help` lists it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds the kernel object of the dataplane.
    Bpf(bpf::Arguments),
}

fn main() -> ExitCode {
    let done = Repository::find().and_then(|repository| match Arguments::parse().task {
        Task::Test(arguments) => test::run(&repository, &arguments),
        Task::Bench { arguments } => bench(&repository, &arguments),
        Task::Bpf(arguments) => bpf::run(&repository, &arguments),
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

fn bench(repository: &Repository, arguments: &[String]) -> anyhow::Result<bool> {
    let built = Cargo::new(repository)
        .arguments(&["build", "--release", "-p", "ravelin", "-p", "ravelin-bench"])
        .run()?;
    if !built {
        return Ok(false);
    }
    let mut run =
        Cargo::new(repository).arguments(&["run", "--quiet", "--release", "-p", "ravelin-bench", "--"]);
    for argument in arguments {
        run = run.arguments(&[argument]);
    }
    run.run()
}
