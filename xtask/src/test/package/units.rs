//! The units: systemd takes them, with the drop-ins that are given as examples, and they are as closed as they say.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, ensure};

use super::{Check, Checked, Packaged, is_installed, said};
use crate::{
    console,
    deb::{EXAMPLES, UNITS},
};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "systemd takes the units", run: systemd_takes_the_units },
    Check {
        name: "systemd takes the drop-ins of the examples",
        run: systemd_takes_the_drop_ins_of_the_examples,
    },
    Check { name: "units may do no more than they need", run: units_may_do_no_more_than_they_need },
    Check {
        name: "nothing touches what is in force when the agent stops",
        run: nothing_touches_what_is_in_force_when_the_agent_stops,
    },
];

/// The most that `systemd-analyze security` may say of a unit, in tenths: from 0, closed, to 100, open.
const EXPOSURE_MAX: &[(&str, u32)] =
    &[("ravelin.service", 15), ("ravelin-agent-restore.service", 22), ("ravelin-agent.service", 23)];
/// Which unit a drop-in of the examples is for.
const DROP_INS: &[(&str, &str)] = &[
    ("lab-node.conf", "ravelin-agent.service"),
    ("tls-credentials.conf", "ravelin.service"),
    ("require-enforcement.conf", "ravelin-example.service"),
];
/// Stands for a service of the host that is made to wait.
const WAITING: &str = "[Service]\nExecStart=/usr/bin/ravelin serve\n";

const MISSING: &str = "systemd is not installed";

/// Whether systemd can be asked about units below another root.
fn is_missing() -> bool {
    !is_installed("systemd-analyze") || !Path::new("/usr/lib/systemd/system/sysinit.target").exists()
}

fn systemd_takes_the_units(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    if is_missing() {
        return Ok(Checked::Skipped(MISSING.into()));
    }
    provide_units_of_the_system(packaged)?;
    UNITS.iter().try_for_each(|unit| verify(packaged, unit))?;
    Ok(Checked::Passed)
}

fn systemd_takes_the_drop_ins_of_the_examples(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    if is_missing() {
        return Ok(Checked::Skipped(MISSING.into()));
    }
    provide_units_of_the_system(packaged)?;
    let units = packaged.path("/etc/systemd/system");
    fs::create_dir_all(&units)?;
    fs::write(units.join("ravelin-example.service"), WAITING)?;
    let examples: Vec<&str> = EXAMPLES.iter().copied().filter(|name| name.ends_with(".conf")).collect();
    ensure!(examples.len() == DROP_INS.len(), "a drop-in is not checked: {examples:?}");
    for (example, unit) in DROP_INS {
        let folder = units.join(format!("{unit}.d"));
        fs::create_dir_all(&folder)?;
        let from = packaged.path("/usr/share/doc/ravelin/examples").join(example);
        fs::copy(&from, folder.join(example)).with_context(|| format!("there is no {example}"))?;
        let verified = verify(packaged, unit);
        fs::remove_dir_all(&folder)?;
        verified?;
    }
    Ok(Checked::Passed)
}

/// Puts the units that ours are ordered by beside them.
fn provide_units_of_the_system(packaged: &Packaged<'_>) -> anyhow::Result<()> {
    let mut copy = Command::new("cp");
    copy.args(["--archive", "--no-clobber", "/usr/lib/systemd/system/."])
        .arg(packaged.path("/usr/lib/systemd/system"));
    said(copy).map(drop)
}

fn verify(packaged: &Packaged<'_>, unit: &str) -> anyhow::Result<()> {
    let mut verify = Command::new("systemd-analyze");
    verify.arg(format!("--root={}", packaged.root.display())).args([
        "verify",
        "--man=no",
        "--recursive-errors=no",
        unit,
    ]);
    let text = said(verify)?;
    ensure!(text.is_empty(), "{unit}: {text}");
    Ok(())
}

fn units_may_do_no_more_than_they_need(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    if is_missing() {
        return Ok(Checked::Skipped(MISSING.into()));
    }
    ensure!(EXPOSURE_MAX.len() == UNITS.len(), "a unit has no bound");
    for (unit, most) in EXPOSURE_MAX {
        let mut judge = Command::new("systemd-analyze");
        judge.arg(format!("--root={}", packaged.root.display()));
        judge.args(["security", "--offline=yes", "--no-pager", &format!("--threshold={most}"), unit]);
        let text = said(judge)?;
        let last = text.lines().last().unwrap_or_default();
        console::say(&format!("      {}", last.trim_start_matches(|c: char| !c.is_ascii_alphanumeric())));
    }
    Ok(Checked::Passed)
}

/// A unit that took something out of force when it stops would open a host whose agent crashes.
fn nothing_touches_what_is_in_force_when_the_agent_stops(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    for unit in ["ravelin-agent.service", "ravelin-agent-restore.service"] {
        let text = fs::read_to_string(packaged.path(&format!("/usr/lib/systemd/system/{unit}")))?;
        for setting in ["ExecStop=", "ExecStopPost=", "ExecReload=", "SuccessAction=", "FailureAction="] {
            ensure!(!text.lines().any(|line| line.starts_with(setting)), "{unit} has {setting}");
        }
    }
    for script in ["postinst", "prerm", "postrm"] {
        let text = fs::read_to_string(packaged.repository.path("packaging/debian").join(script))?;
        // What it says to people stands in backticks; what it runs does not.
        let runs = text
            .lines()
            .any(|line| line.trim_start().starts_with("ravelin ") || line.contains("/usr/bin/ravelin"));
        ensure!(!runs, "{script} runs ravelin");
    }
    Ok(Checked::Passed)
}
