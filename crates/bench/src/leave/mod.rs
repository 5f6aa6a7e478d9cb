//! A Leave, from the request until the nodes that it concerns have confirmed it, and until the last packet that it ends.
//!
//! Everything is the program as it is: control planes, agents that joined them, devices, packets; each node is a network
//! namespace. Beside it, in the same rounds, is measured what a Leave cannot do without: a call, a commit to disk, a
//! switch that is read back, and a message with its answer.

mod caller;
mod confinement;
mod namespace;
mod network;
mod node;
mod options;
mod others;
mod report;
mod round;
mod rules;
mod series;
mod site;
mod switch;
mod tls;

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

pub use self::options::Options;
use self::{
    namespace::Namespace,
    options::Amounts,
    round::{Floors, Round},
    site::{Site, Size},
};

/// Measures, and prints the tables.
///
/// # Errors
/// This process is not root's; the kernel or the program refuses; it takes too long.
pub fn run(binary: &Path, disk: &Path, options: &Options) -> anyhow::Result<()> {
    let Some(directory) = confinement::directory() else {
        return confinement::watch(disk, options.time_max());
    };
    confinement::settle()?;
    // This thread, and all that it starts.
    Namespace::new()?.enter()?;
    network::prepare_control_plane()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _sites = runtime.block_on(measure(&fs::canonicalize(binary)?, &directory, options.amounts()))?;
    // All of them at once, so that none reports that another has gone.
    process::exit(0)
}

/// Measures and prints; gives what it was measured on.
async fn measure(binary: &Path, directory: &Path, amounts: Amounts) -> anyhow::Result<[Site; 2]> {
    let mut sites = build(binary, directory, amounts).await?;
    let mut floors = Floors::open(directory, amounts.rules)?;
    let mut rounds = Vec::new();
    for number in 1..=amounts.rounds {
        progress(&format!("round {number} of {} ...", amounts.rounds));
        rounds.push(Round::measure(&mut floors, &mut sites, amounts).await?);
    }
    report::print(&sites, &rounds, amounts);
    Ok(sites)
}

/// The small site and the large one.
async fn build(binary: &Path, directory: &Path, amounts: Amounts) -> anyhow::Result<[Site; 2]> {
    let Amounts { nodes, interfaces, few, at_once, rules, .. } = amounts;
    let small = Size { nodes: 1, interfaces: few, leavers: few / 2, rules };
    let large = Size { nodes, interfaces, leavers: at_once, rules };
    progress("making the sites ...");
    let directory_of = |name: &str| -> anyhow::Result<PathBuf> {
        let directory = directory.join(name);
        fs::create_dir_all(directory.join("data"))?;
        Ok(directory)
    };
    Ok([
        Site::build(binary, &directory_of("small")?, small, (0, 1)).await?,
        Site::build(binary, &directory_of("large")?, large, (1, 2)).await?,
    ])
}

#[allow(clippy::print_stderr, reason = "progress")]
fn progress(text: &str) {
    eprintln!("{text}");
}
