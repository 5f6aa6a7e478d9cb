//! The licences of the libraries in the program, with their copyright notices, which those licences ask for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::Value;

use crate::{process::Cargo, repository::Repository};

/// How the names of files begin that say under which licence something is.
const NAMES: &[&str] = &["licen", "copying", "notice", "copyright", "unlicense"];
/// The package whose libraries are meant.
const PROGRAM: &str = "ravelin";

/// What the text begins with.
const HEAD: &str =
    "The program ravelin contains the standard library of Rust (MIT OR Apache-2.0, copyright The Rust Project
Contributors) and these libraries, each under its own licence.\n";

/// A library: name, version, licence, and where its files are.
struct Library {
    title: String,
    folder: PathBuf,
}

/// All of it as a text: each licence once, under the names of those that are under it.
pub(super) fn text(repository: &Repository, target: &str) -> anyhow::Result<String> {
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", target];
    let output =
        Cargo::new(repository).arguments(&arguments).command().output().context("cannot start cargo")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim_end());
    let metadata = serde_json::from_slice(&output.stdout).context("what cargo metadata prints")?;
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for library in libraries(&metadata)? {
        let texts = licences_in(&library.folder)?;
        let texts = if texts.is_empty() {
            vec!["(It comes without a text of its licence.)".to_owned()]
        } else {
            texts
        };
        for text in texts {
            by_text.entry(text).or_default().push(library.title.clone());
        }
    }
    let mut sections: Vec<(Vec<String>, String)> =
        by_text.into_iter().map(|(text, titles)| (titles, text)).collect();
    sections.sort();
    let mut written = HEAD.to_owned();
    for (titles, text) in sections {
        write!(written, "\n{}\n\n{}\n\n{text}\n", "=".repeat(79), titles.join("\n"))?;
    }
    Ok(written)
}

/// The libraries of others that the program is linked with, for the platform that was asked about;
/// what only builds or tests it, or runs in the compiler, is none.
fn libraries(metadata: &Value) -> anyhow::Result<Vec<Library>> {
    let list = |value: &'_ Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<String, Value> = list(metadata, "packages")
        .into_iter()
        .map(|package| (package["id"].as_str().unwrap_or_default().to_owned(), package))
        .collect();
    let nodes: BTreeMap<String, Value> = list(&metadata["resolve"], "nodes")
        .into_iter()
        .map(|node| (node["id"].as_str().unwrap_or_default().to_owned(), node))
        .collect();
    let program =
        packages.iter().find(|(_, package)| package["name"] == PROGRAM && package["source"].is_null());
    let mut open = vec![program.context("cargo metadata knows no ravelin")?.0.clone()];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(id) = open.pop() {
        // A macro is the compiler's, and what it is made of, too.
        if packages.get(&id).is_some_and(is_macro) || !seen.insert(id.clone()) {
            continue;
        }
        let dependencies = nodes.get(&id).map(|node| list(node, "deps")).unwrap_or_default();
        let linked = dependencies
            .iter()
            .filter(|one| list(one, "dep_kinds").iter().any(|kind| kind["kind"].is_null()));
        open.extend(linked.filter_map(|one| Some(one["pkg"].as_str()?.to_owned())));
    }
    let of_others =
        seen.iter().filter_map(|id| packages.get(id)).filter(|package| !package["source"].is_null());
    let mut libraries: Vec<Library> = of_others.filter_map(library).collect();
    libraries.sort_by(|one, other| one.title.cmp(&other.title));
    Ok(libraries)
}

fn is_macro(package: &Value) -> bool {
    let targets = package["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    targets.iter().any(|target| {
        target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "proc-macro"))
    })
}

fn library(package: &Value) -> Option<Library> {
    let text = |name: &str| package[name].as_str();
    let licence = text("license").unwrap_or("see below");
    let title = format!("{} {} ({licence})", text("name")?, text("version")?);
    Some(Library { title, folder: Path::new(text("manifest_path")?).parent()?.to_owned() })
}

/// The texts of the files that a library brings about its licence.
fn licences_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    paths.sort();
    let is_about_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        path.is_file() && NAMES.iter().any(|beginning| name.starts_with(beginning))
    };
    paths
        .into_iter()
        .filter(is_about_it)
        .map(|path| {
            let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&text).replace('\r', "");
            Ok(text.trim_matches('\n').trim_end().to_owned())
        })
        .collect()
}
