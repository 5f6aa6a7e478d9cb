//! A large state: time until it is served from disk, and memory.

use std::path::Path;

use crate::{seed, server::Server};

/// Makes the state, starts a server on it, and prints what that took.
pub fn run(binary: &Path, disk: &Path, instances: usize, groups: usize) -> anyhow::Result<()> {
    let data = tempfile::tempdir_in(disk)?;
    println!("making {instances} instances in {groups} groups ...");
    let begun = std::time::Instant::now();
    seed::seed(data.path(), instances, groups)?;
    println!("made in {:.1} s", begun.elapsed().as_secs_f64());
    let server = Server::start(binary, data.path())?;
    let (now, most) = server.memory()?;
    let ready = server.ready_after.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
    let each = |bytes: u64| bytes as f64 / instances as f64;
    println!("| | measured | meant |\n|---|---|---|");
    println!("| ready from disk | {ready:.1} s | at most 15 s |");
    println!("| memory of the process, an instance | {:.0} bytes | at most 2,048 bytes |", each(now));
    println!("| the same at its most | {:.0} bytes | |", each(most));
    Ok(())
}
