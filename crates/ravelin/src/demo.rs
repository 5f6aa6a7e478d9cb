//! The demo.

use std::process::ExitCode;

use crate::cli::DemoArguments;

/// Runs the demo.
pub fn run(_: &DemoArguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("the demo is being written")
}
