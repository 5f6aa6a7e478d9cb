//! Benchmarks: figures against floors that are measured in the same run, on the same disk, in interleaved rounds.
//!
//! Run by `cargo xtask bench <name>`, which also runs those of the dataplane, a program of their own. Nothing here is a test: a ratio is printed beside what it is meant to be, and a
//! noisy machine makes it worse.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod api;
mod floor;
mod leave;
mod load;
mod people;
mod scale;
mod seed;
mod server;
mod statistics;
mod visitor;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Benchmarks of Ravelin.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Cli {
    /// The server's binary; built by `cargo xtask bench`.
    #[arg(long, value_name = "FILE", default_value = "target/release/ravelin")]
    binary: PathBuf,
    /// Where data directories are made: it is this disk that is measured.
    #[arg(long, value_name = "DIR", default_value = "target")]
    disk: PathBuf,
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Signed calls over HTTP: a durable Leave and a filtered DescribeInstances, at 1 and 64 connections, with few and
    /// many instances; and the floors: fdatasync, and a call that does nothing.
    Api {
        /// Rounds; the median of them is reported.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Seconds that each measurement of a round takes.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Instances of the small server.
        #[arg(long, default_value_t = 1_000)]
        few: usize,
        /// Instances of the large server.
        #[arg(long, default_value_t = 100_000)]
        many: usize,
    },
    /// A large state: how long until it can be served from disk, and how much memory it takes.
    Scale {
        /// Instances, each with its primary network interface.
        #[arg(long, default_value_t = 1_000_000)]
        instances: usize,
        /// Security groups; each interface is in one of them.
        #[arg(long, default_value_t = 10_000)]
        groups: usize,
    },
    /// Previews, explanations, events and findings on a large state, beside a call that does nothing.
    People {
        /// Rounds; the median of them is reported.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Seconds that each measurement of a round takes.
        #[arg(long, default_value_t = 1.0)]
        seconds: f64,
        /// Instances, each with its primary network interface.
        #[arg(long, default_value_t = 100_000)]
        instances: usize,
        /// Security groups; some interfaces are in five of them, the others in one.
        #[arg(long, default_value_t = 10_000)]
        groups: usize,
        /// Rules of each group.
        #[arg(long, default_value_t = 100)]
        rules: usize,
    },
    Leave(leave::Options),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.benchmark {
        Benchmark::Api { rounds, seconds, few, many } => {
            let plan = api::Plan { rounds: rounds.max(1), seconds, few, many };
            api::run(&cli.binary, &cli.disk, &plan)
        }
        Benchmark::Scale { instances, groups } => scale::run(&cli.binary, &cli.disk, instances, groups),
        Benchmark::People { rounds, seconds, instances, groups, rules } => {
            let plan = people::Plan { rounds: rounds.max(1), seconds, instances, groups, rules };
            people::run(&cli.binary, &cli.disk, &plan)
        }
        Benchmark::Leave(options) => leave::run(&cli.binary, &cli.disk, &options),
    }
}
