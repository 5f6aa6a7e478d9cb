//! What dependencies may be: `deny.toml`, checked against `cargo metadata`; and which of our crates may import which.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::{
    World, licence,
    step::{Outcome, Step},
};
use crate::{
    console,
    process::{self, Cargo},
    repository::Repository,
};

/// The steps.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "dependencies",
        summary: "licences, bans, duplicates and sources; who imports whom",
        run: check,
    },
    Step { name: "cargo-deny", summary: "the same by cargo-deny, where it is installed", run: cargo_deny },
    Step {
        name: "advisories",
        summary: "known vulnerabilities, where their database is on this machine",
        run: advisories,
    },
];

/// Which of our crates may import which: the arrows of the design. Those that are not here may import all.
const BOUNDARIES: &[(&str, &[&str])] = &[
    ("ravelin-model", &[]),
    ("ravelin-policy", &["ravelin-model"]),
    ("ravelin-faults", &[]),
    ("ravelin-store", &["ravelin-model"]),
    ("ravelin-control", &["ravelin-model", "ravelin-policy", "ravelin-store"]),
    ("ravelin-wire", &["ravelin-model", "ravelin-policy", "ravelin-control"]),
    ("ravelin-dataplane", &["ravelin-model", "ravelin-policy"]),
    ("ravelin-protocol", &["ravelin-model", "ravelin-policy"]),
    ("ravelin-host", &["ravelin-model"]),
    (
        "ravelin-agent",
        &["ravelin-model", "ravelin-policy", "ravelin-dataplane", "ravelin-protocol", "ravelin-host"],
    ),
    ("ravelin-console", &["ravelin-wire", "ravelin-control"]),
    ("xtask", &[]),
];

fn check(world: &World<'_>) -> anyhow::Result<Outcome> {
    let rules = Rules::read(world.repository)?;
    let mut packages = BTreeMap::new();
    for target in &rules.targets {
        packages.extend(packages_of(world.repository, target)?);
    }
    let mut problems = rules.problems(&packages);
    problems.extend(packages.values().flat_map(boundary));
    for problem in &problems {
        console::note(&format!("      {problem}"));
    }
    console::say(&format!("      looked at {} packages", packages.len()));
    Ok(Outcome::of(problems.is_empty()))
}

/// A package, as far as it matters here.
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    /// Where it comes from; None for ours.
    source: Option<String>,
    /// Which of ours it imports, besides for its tests.
    imports: Vec<String>,
}

/// The packages that are built for a target, by their ids.
fn packages_of(repository: &Repository, target: &str) -> anyhow::Result<BTreeMap<String, Package>> {
    let arguments =
        ["metadata", "--format-version", "1", "--locked", "--all-features", "--filter-platform", target];
    let output =
        Cargo::new(repository).arguments(&arguments).command().output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let nodes =
        metadata.pointer("/resolve/nodes").and_then(Value::as_array).context("it resolves nothing")?;
    let built: BTreeSet<&str> = nodes.iter().filter_map(|node| node["id"].as_str()).collect();
    let all = metadata["packages"].as_array().context("it has no packages")?;
    let found = all.iter().filter_map(|package| {
        let id = package["id"].as_str().filter(|id| built.contains(id))?;
        Some((id.to_owned(), read_package(package)))
    });
    Ok(found.collect())
}

fn read_package(package: &Value) -> Package {
    let text = |name: &str| package[name].as_str().map(str::to_owned);
    let imports = package["dependencies"].as_array().into_iter().flatten();
    let ours = imports.filter(|import| import["path"].is_string() && import["kind"] != "dev");
    Package {
        name: text("name").unwrap_or_default(),
        version: text("version").unwrap_or_default(),
        licence: text("license"),
        source: text("source"),
        imports: ours.filter_map(|import| import["name"].as_str().map(str::to_owned)).collect(),
    }
}

fn boundary(package: &Package) -> Vec<String> {
    let Some((_, allowed)) = BOUNDARIES.iter().find(|(name, _)| *name == package.name) else {
        return Vec::new();
    };
    let crossing = package.imports.iter().filter(|import| !allowed.contains(&import.as_str()));
    crossing.map(|import| format!("{} must not import {import}", package.name)).collect()
}

/// `deny.toml`.
struct Rules {
    targets: Vec<String>,
    licences: BTreeSet<String>,
    /// Licences that one package alone may have.
    exceptions: BTreeSet<(String, String)>,
    banned: BTreeSet<String>,
    /// Packages that may be there in several versions.
    duplicates: BTreeSet<String>,
    registries: BTreeSet<String>,
}

impl Rules {
    fn read(repository: &Repository) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(repository.path("deny.toml")).context("cannot read deny.toml")?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: toml::Table = text.parse().context("deny.toml is not TOML")?;
        let at = |section: &str, name: &str| -> &[toml::Value] {
            let found =
                table.get(section).and_then(|section| section.get(name)).and_then(toml::Value::as_array);
            found.map_or(&[], Vec::as_slice)
        };
        let texts = |section, name| at(section, name).iter().filter_map(text_of).collect();
        let crates = |name| at("bans", name).iter().filter_map(crate_of).collect();
        let mut exceptions = BTreeSet::new();
        for exception in at("licenses", "exceptions") {
            let allowed = exception.get("allow").and_then(toml::Value::as_array).into_iter().flatten();
            let name = crate_of(exception).context("an exception in deny.toml names no crate")?;
            exceptions.extend(allowed.filter_map(text_of).map(|licence| (name.clone(), licence)));
        }
        let targets: Vec<String> = at("graph", "targets").iter().filter_map(text_of).collect();
        if targets.is_empty() {
            bail!("deny.toml names no targets");
        }
        Ok(Self {
            targets,
            licences: texts("licenses", "allow"),
            exceptions,
            banned: crates("deny"),
            duplicates: crates("skip"),
            registries: texts("sources", "allow-registry"),
        })
    }

    fn problems(&self, packages: &BTreeMap<String, Package>) -> Vec<String> {
        let foreign: Vec<&Package> = packages.values().filter(|package| package.source.is_some()).collect();
        let mut problems: Vec<String> =
            foreign.iter().flat_map(|package| self.problems_of(package)).collect();
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for package in foreign {
            versions.entry(&package.name).or_default().insert(&package.version);
        }
        versions.retain(|name, versions| versions.len() > 1 && !self.duplicates.contains(*name));
        for (name, versions) in versions {
            let versions = versions.into_iter().collect::<Vec<_>>().join(" and ");
            problems.push(format!("{name} is there in versions {versions}, and deny.toml does not skip it"));
        }
        problems
    }

    fn problems_of(&self, package: &Package) -> Vec<String> {
        let Package { name, version, .. } = package;
        let mut problems = Vec::new();
        let allowed = |licence: &str| {
            self.licences.contains(licence) || self.exceptions.contains(&(name.clone(), licence.to_owned()))
        };
        match package.licence.as_deref() {
            None => problems.push(format!("{name} {version} names no licence")),
            Some(licence) => match licence::is_satisfied(licence, &allowed) {
                Some(true) => {}
                Some(false) => problems.push(format!("{name} {version}: {licence} is not allowed")),
                None => problems.push(format!("{name} {version}: {licence:?} cannot be understood")),
            },
        }
        if self.banned.contains(name) {
            problems.push(format!("{name} {version} is banned"));
        }
        let source = package.source.as_deref().unwrap_or_default();
        if !source.strip_prefix("registry+").is_some_and(|registry| self.registries.contains(registry)) {
            problems.push(format!("{name} {version} is from {source}, which is not allowed"));
        }
        problems
    }
}

fn text_of(value: &toml::Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The crate that an entry names: `"name"`, `"name@1.2"`, `{ crate = "name", ... }` or `{ name = "name", ... }`.
fn crate_of(value: &toml::Value) -> Option<String> {
    let named = value.get("crate").or_else(|| value.get("name")).unwrap_or(value);
    named.as_str().map(|text| text.split('@').next().unwrap_or(text).to_owned())
}

fn cargo_deny(world: &World<'_>) -> anyhow::Result<Outcome> {
    if !Cargo::has("deny") {
        return Ok(Outcome::skipped(
            "cargo-deny is not installed; the step before has checked what it would",
        ));
    }
    deny(world, &["bans", "licenses", "sources"])
}

fn advisories(world: &World<'_>) -> anyhow::Result<Outcome> {
    if !Cargo::has("deny") {
        return Ok(Outcome::skipped("cargo-deny is not installed"));
    }
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let known =
        home.is_some_and(|home| home.join("advisory-dbs").is_dir() || home.join("advisory-db").is_dir());
    if !known {
        return Ok(Outcome::skipped("there is no database of advisories here: `cargo deny fetch` gets it"));
    }
    deny(world, &["advisories"])
}

fn deny(world: &World<'_>, checks: &[&str]) -> anyhow::Result<Outcome> {
    let cargo = Cargo::new(world.repository).arguments(&["deny", "--offline", "check", "--disable-fetch"]);
    Ok(Outcome::of(process::show(cargo.arguments(checks).command())?.success))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [graph]
        targets = ["x86_64-unknown-linux-gnu"]
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "special", allow = ["MPL-2.0"] }]
        [bans]
        deny = [{ crate = "evil" }]
        skip = ["twice@1.0"]
        [sources]
        allow-registry = ["https://registry.example/index"]
    "#;

    fn package(name: &str, version: &str, licence: Option<&str>, source: &str) -> (String, Package) {
        let package = Package {
            name: name.into(),
            version: version.into(),
            licence: licence.map(str::to_owned),
            source: Some(source.into()),
            imports: Vec::new(),
        };
        (format!("{name} {version}"), package)
    }

    fn problems(packages: &[(&str, &str, Option<&str>)]) -> Vec<String> {
        let from = "registry+https://registry.example/index";
        let packages = packages.iter().map(|(name, version, licence)| package(name, version, *licence, from));
        Rules::parse(RULES).unwrap().problems(&packages.collect())
    }

    #[test]
    fn what_is_allowed_passes() {
        let packages = [
            ("plain", "1.0.0", Some("MIT OR GPL-3.0-only")),
            ("special", "1.0.0", Some("MPL-2.0")),
            ("twice", "1.0.0", Some("MIT")),
            ("twice", "2.0.0", Some("MIT")),
        ];
        assert_eq!(problems(&packages), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_is_named() {
        assert_eq!(
            problems(&[("a", "1.0.0", Some("GPL-3.0-only"))]),
            ["a 1.0.0: GPL-3.0-only is not allowed"]
        );
        assert_eq!(problems(&[("a", "1.0.0", Some("MPL-2.0"))]), ["a 1.0.0: MPL-2.0 is not allowed"]);
        assert_eq!(problems(&[("a", "1.0.0", None)]), ["a 1.0.0 names no licence"]);
        assert_eq!(
            problems(&[("a", "1.0.0", Some("MIT AND"))]),
            ["a 1.0.0: \"MIT AND\" cannot be understood"]
        );
        assert_eq!(problems(&[("evil", "1.0.0", Some("MIT"))]), ["evil 1.0.0 is banned"]);
        let duplicates = [("a", "1.0.0", Some("MIT")), ("a", "2.0.0", Some("MIT"))];
        assert_eq!(problems(&duplicates).len(), 1);
        let foreign = [package("a", "1.0.0", Some("MIT"), "git+https://forge.example/a")];
        assert_eq!(Rules::parse(RULES).unwrap().problems(&foreign.into()).len(), 1);
    }

    #[test]
    fn our_crates_import_downwards_alone() {
        let ours = |name: &str, imports: &[&str]| Package {
            name: name.into(),
            version: "0.1.0".into(),
            licence: None,
            source: None,
            imports: imports.iter().map(|import| (*import).to_owned()).collect(),
        };
        assert_eq!(
            boundary(&ours("ravelin-model", &["ravelin-wire"])),
            ["ravelin-model must not import ravelin-wire"]
        );
        assert!(boundary(&ours("ravelin-wire", &["ravelin-model", "ravelin-control"])).is_empty());
        assert!(boundary(&ours("ravelin", &["ravelin-wire", "ravelin-store"])).is_empty());
    }
}
