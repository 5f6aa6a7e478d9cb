//! What is in the package: files, what Debian is told, and settings that the program takes.

use std::{fs, process::Command};

use anyhow::{Context as _, bail, ensure};

use super::{Check, Checked, Packaged, is_installed, said};
use crate::deb::{self, CONFIGURATION, Compression};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "the same program gives the same package", run: the_same_program_gives_the_same_package },
    Check {
        name: "files are root's, and only root may write them",
        run: files_are_root_s_and_only_root_may_write_them,
    },
    Check { name: "Debian is told what there is", run: debian_is_told_what_there_is },
    Check { name: "the packaged program runs", run: the_packaged_program_runs },
    Check { name: "every setting of the examples is taken", run: every_setting_of_the_examples_is_taken },
    Check { name: "lintian finds nothing", run: lintian_finds_nothing },
];

fn the_same_program_gives_the_same_package(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    let directory = packaged.repository.built("debian-test/again");
    let again = deb::build(packaged.repository, &packaged.program, &directory, Compression::Fast)?;
    ensure!(fs::read(&again)? == fs::read(&packaged.file)?, "{} differs", again.display());
    fs::remove_dir_all(&directory)?;
    Ok(Checked::Passed)
}

fn files_are_root_s_and_only_root_may_write_them(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    let mut list = Command::new("dpkg-deb");
    list.arg("--contents").arg(&packaged.file);
    let listed = said(list)?;
    let lines: Vec<&str> = listed.lines().collect();
    ensure!(lines.len() > 100, "there are {} files only", lines.len());
    for line in lines {
        let mode = line.get(..10).context("a line without a mode")?;
        let expected = if mode.starts_with('d') || line.ends_with("./usr/bin/ravelin") {
            "rwxr-xr-x"
        } else {
            "rw-r--r--"
        };
        ensure!(mode.ends_with(expected) && line[10..].starts_with(" root/root "), "{line}");
    }
    Ok(Checked::Passed)
}

fn debian_is_told_what_there_is(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    let told = packaged.root.with_file_name("control");
    let mut unpack = Command::new("dpkg-deb");
    unpack.arg("--control").arg(&packaged.file).arg(&told);
    if told.exists() {
        fs::remove_dir_all(&told)?;
    }
    said(unpack)?;
    let control = fs::read_to_string(told.join("control"))?;
    ensure!(control.contains(&format!("\nVersion: {}\n", packaged.program.version)), "{control}");
    ensure!(control.contains("\nDepends: libc6 (>= 2."), "{control}");
    let conffiles = fs::read_to_string(told.join("conffiles"))?;
    let listed: Vec<&str> = conffiles.lines().collect();
    let there: Vec<String> = CONFIGURATION.iter().map(|name| format!("/etc/ravelin/{name}")).collect();
    ensure!(listed == there, "{conffiles}");
    let mut sums = Command::new("md5sum");
    sums.args(["--check", "--quiet"]).arg(told.join("md5sums")).current_dir(&packaged.root);
    said(sums)?;
    for script in ["postinst", "prerm", "postrm"] {
        let mut parse = Command::new("sh");
        parse.arg("-n").arg(told.join(script));
        said(parse)?;
    }
    Ok(Checked::Passed)
}

fn the_packaged_program_runs(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    for words in [&["--help"][..], &["serve", "--help"], &["agent", "--help"]] {
        let help = said(packaged.ravelin(words))?;
        ensure!(help.contains("Usage: ravelin"), "{help}");
    }
    let mut parse = Command::new("bash");
    parse.arg("-n").arg(packaged.path("/usr/share/bash-completion/completions/ravelin"));
    said(parse)?;
    // Each unit names a page of the manual.
    for page in ["ravelin", "ravelin-serve", "ravelin-agent", "ravelin-agent-restore"] {
        let mut read = Command::new("gzip");
        read.args(["--decompress", "--stdout"])
            .arg(packaged.path(&format!("/usr/share/man/man1/{page}.1.gz")));
        ensure!(said(read)?.contains(".SH NAME"), "{page} is no page");
    }
    Ok(Checked::Passed)
}

/// Every line that is commented out as a setting (`#name = value`, `#[section]`) is one that the program knows.
fn every_setting_of_the_examples_is_taken(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    let command = |name: &str| match name {
        "serve.toml" => Ok(&["serve", "--print-settings", "--config"][..]),
        "agent.toml" => Ok(&["agent", "run", "--print-settings", "--config"][..]),
        _ => bail!("who reads {name}?"),
    };
    for name in CONFIGURATION {
        let packed = packaged.path(&format!("/etc/ravelin/{name}"));
        let text = fs::read_to_string(&packed)?;
        let all = packaged.root.with_file_name(name);
        let settings = settings_of(&text);
        fs::write(&all, &settings)?;
        let mut taken = Vec::new();
        for file in [&packed, &all] {
            let mut command = packaged.ravelin(command(name)?);
            command.arg(file);
            taken.push(said(command).with_context(|| format!("{name} with its examples:\n{settings}"))?);
        }
        ensure!(taken[0] != taken[1], "the examples of {name} change nothing");
        ensure!(settings.lines().count() > 5, "{name} has hardly any examples");
    }
    Ok(Checked::Passed)
}

/// A file of settings with what is commented out in it.
fn settings_of(text: &str) -> String {
    let uncommented = text.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|first: char| first == '[' || first.is_ascii_lowercase()) => {
            setting
        }
        _ => line,
    });
    uncommented
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn lintian_finds_nothing(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    if !is_installed("lintian") {
        return Ok(Checked::Skipped("lintian is not installed".into()));
    }
    let mut lintian = Command::new("lintian");
    lintian
        .args(["--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"])
        .arg(&packaged.file);
    said(lintian)?;
    Ok(Checked::Passed)
}

#[cfg(test)]
mod tests {
    #[test]
    fn settings_are_told_from_prose() {
        let text = "# What it is.\n#listen = \"a\"\n\n#[gateway]\n# More.\nlog = \"info\"\n";
        assert_eq!(super::settings_of(text), "listen = \"a\"\n[gateway]\nlog = \"info\"\n");
    }
}
