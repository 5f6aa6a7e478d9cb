//! The units under a systemd that really runs them: a copy of this machine's root is booted in a container, twice, and is gone
//! afterwards.

use std::{fs, process::Command};

use anyhow::ensure;

use super::{Check, Checked, Packaged, is_installed, said};
use crate::process;

pub(super) const CHECKS: &[Check] = &[Check {
    name: "the services run as closed as they are, and a reboot restores",
    run: the_services_run_as_closed_as_they_are_and_a_reboot_restores,
}];

/// Makes the container, and boots it.
const OUTSIDE: &str = include_str!("booting.sh");
/// What is done in it.
const INSIDE: &str = include_str!("booted.sh");

fn the_services_run_as_closed_as_they_are_and_a_reboot_restores(
    packaged: &Packaged<'_>,
) -> anyhow::Result<Checked> {
    if process::ask("id", &["-u"]).as_deref() != Some("0") {
        return Ok(Checked::Skipped("that takes root".into()));
    }
    if !is_installed("systemd-nspawn") {
        return Ok(Checked::Skipped("systemd-nspawn is not installed (Debian: systemd-container)".into()));
    }
    let inside = packaged.root.with_file_name("booted.sh");
    fs::write(&inside, INSIDE)?;
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "sh", "-euc", OUTSIDE, "sh"]).arg(&packaged.file).arg(&inside);
    let text = said(unshare)?;
    if !text.contains("booted\n") {
        return Ok(Checked::Skipped("this machine boots no container".into()));
    }
    ensure!(text.ends_with("all is well\n"), "{text}");
    Ok(Checked::Passed)
}
