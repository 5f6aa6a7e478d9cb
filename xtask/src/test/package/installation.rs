//! Installing, upgrading, removing and purging, by dpkg itself, in a copy of this machine's root that is gone afterwards.

use std::process::Command;

use super::{Check, Checked, Packaged, is_installed, said};
use crate::process;

pub(super) const CHECKS: &[Check] = &[Check {
    name: "it is installed, upgraded, removed and purged",
    run: it_is_installed_upgraded_removed_and_purged,
}];

/// Runs in mount and process namespaces of its own.
const SCRIPT: &str = include_str!("installation.sh");

fn it_is_installed_upgraded_removed_and_purged(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    if process::ask("id", &["-u"]).as_deref() != Some("0") {
        return Ok(Checked::Skipped("that takes root".into()));
    }
    if !is_installed("adduser") {
        return Ok(Checked::Skipped("adduser is not installed".into()));
    }
    if process::ask("grep", &["-w", "overlay", "/proc/filesystems"]).is_none() {
        return Ok(Checked::Skipped("the kernel has no overlay file system".into()));
    }
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", SCRIPT, "sh"])
        .arg(&packaged.file);
    said(unshare)?;
    Ok(Checked::Passed)
}
