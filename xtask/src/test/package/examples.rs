//! What operators copy: the hook of libvirt, and alerts on metrics that there are.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use super::{Check, Checked, Packaged, is_installed};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "the hook of libvirt gives devices their aliases",
        run: the_hook_of_libvirt_gives_devices_their_aliases,
    },
    Check { name: "metrics that are named are there", run: metrics_that_are_named_are_there },
];

/// What libvirt says of a machine that has started: one interface that is bound, one that is not, one without a device.
const DEFINITION: &str = "<domain><devices>\
    <interface type='bridge'><target dev='vnet3'/><alias name='ua-eni-5f6533jbifugr5fo2j1wabcde'/></interface>\
    <interface type='bridge'><target dev='vnet4'/><alias name='net1'/></interface>\
    <interface type='bridge'><alias name='ua-eni-5f6533jbifugr5fo2j1wabcdf'/></interface>\
    </devices></domain>";
/// Stands for ip(8), and says what it was told.
const IP: &str = "#!/bin/sh\necho \"ip $*\"\n";

fn the_hook_of_libvirt_gives_devices_their_aliases(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    if !is_installed("python3") {
        return Ok(Checked::Skipped("python3 is not installed".into()));
    }
    let programs = packaged.root.with_file_name("programs");
    fs::create_dir_all(&programs)?;
    let ip = programs.join("ip");
    fs::write(&ip, IP)?;
    fs::set_permissions(&ip, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let told = |operation: &str| -> anyhow::Result<String> {
        let hook = packaged.path("/usr/share/doc/ravelin/examples/libvirt-hook");
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.arg(hook).args(["web1", operation, "begin", "-"]).env("PATH", path);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start sh")?;
        if let Some(mut input) = child.stdin.take() {
            // A hook that has nothing to do does not read it.
            let _ = input.write_all(DEFINITION.as_bytes());
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "the hook failed");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let expected = "ip link set dev vnet3 alias ravelin:eni-5f6533jbifugr5fo2j1wabcde\n";
    let said = told("started")?;
    ensure!(said == expected, "{said}");
    ensure!(told("prepare")?.is_empty(), "a machine that does not run yet has no devices");
    Ok(Checked::Passed)
}

/// Documents and examples that name metrics.
const NAMING: &[&str] =
    &["docs/operations.md", "docs/serving.md", "packaging/examples/prometheus-alerts.yml"];
/// What Prometheus or the library puts behind a name.
const ENDINGS: &[&str] = &["_total", "_seconds", "_bytes"];

fn metrics_that_are_named_are_there(packaged: &Packaged<'_>) -> anyhow::Result<Checked> {
    let mut sources = String::new();
    for file in sources_about_metrics(&packaged.repository.path("crates"))? {
        sources.push_str(&fs::read_to_string(&file)?);
    }
    let mut unknown = Vec::new();
    let mut named = 0;
    for document in NAMING {
        let text = fs::read_to_string(packaged.repository.path(document))?;
        for metric in metrics_of(&text) {
            named += 1;
            if !is_registered(&metric, &sources) {
                unknown.push(format!("{document}: {metric}"));
            }
        }
    }
    ensure!(named > 30, "there are more metrics than {named}");
    ensure!(unknown.is_empty(), "nobody registers these:\n{}", unknown.join("\n"));
    Ok(Checked::Passed)
}

/// The sources in whose name, or the name of whose folder, metrics stand.
fn sources_about_metrics(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources_about_metrics(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && path.to_string_lossy().contains("metrics")
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// The words of a text that are names of metrics.
fn metrics_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| {
            word.starts_with("ravelin_") && word.matches('_').count() > 1 || *word == "ravelin_nonces"
        })
        .map(str::to_owned)
        .collect()
}

/// Whether a name, without what registries put before it and Prometheus behind it, is one that is registered.
fn is_registered(metric: &str, sources: &str) -> bool {
    let mut endings = vec![metric];
    while let Some(shorter) =
        ENDINGS.iter().find_map(|ending| endings[endings.len() - 1].strip_suffix(ending))
    {
        endings.push(shorter);
    }
    endings.iter().any(|name| {
        let starts = name.match_indices('_').map(|(at, _)| &name[at + 1..]);
        starts.chain([*name]).any(|name| sources.contains(&format!("\"{name}\"")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_known_without_its_prefix_and_its_unit() {
        let sources = "registry.register(\"drift_found\", ...); (\"behind_seconds_max\", ...)";
        assert!(is_registered("ravelin_agent_drift_found_total", sources));
        assert!(is_registered("ravelin_fleet_behind_seconds_max", sources));
        assert!(!is_registered("ravelin_agent_drift_lost_total", sources));
    }
}
