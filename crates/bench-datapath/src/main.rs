//! Benchmarks of the dataplane: what a packet costs with and without rules, and what a change of rules costs.
//!
//! Run as root by `cargo xtask bench datapath` and `cargo xtask bench switch`. Real packets go between network namespaces
//! that have no names and end with this process; what is pinned is removed when it ends, also where it is interrupted.
//! This crate knows neither the control plane nor its state, so that it is built quickly.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

mod datapath;
mod enforcement;
mod figures;
mod namespace;
mod profile;
mod rules;
mod socket;
mod switch;
mod system;
mod topology;
mod traffic;

use anyhow::ensure;
use clap::{Parser, Subcommand};

/// Benchmarks of Ravelin's dataplane; as root.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Cli {
    /// The CPU that everything runs on; the last one, if it is not given.
    #[arg(long)]
    cpu: Option<usize>,
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Small UDP packets, TCP requests, connections and streams between two instances, on one bridge and routed: without a
    /// filter, with 10, 100 and 1,000 rules, while they are switched, and with nftables.
    Datapath(datapath::Options),
    /// One switch of a class, with and without reading it back, compiling and loading 10 and 1,000 rules; the same with
    /// many live flows in the table; and loading the same rules with nft.
    Switch {
        /// Rounds, in which every case is measured in turn.
        #[arg(long, default_value_t = 20)]
        rounds: usize,
        /// Measurements of a case in each round.
        #[arg(long, default_value_t = 100)]
        times: usize,
        /// Live flows in the table.
        #[arg(long, default_value_t = 100_000)]
        flows: u32,
    },
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    ensure!(system::is_root(), "only root can load programs and make network namespaces: run this as root");
    system::pin_to(cli.cpu)?;
    system::notice_interrupts();
    match cli.benchmark {
        Benchmark::Datapath(options) => datapath::run(&options),
        Benchmark::Switch { rounds, times, flows } => switch::run(rounds.max(1), times.max(1), flows),
    }
}
