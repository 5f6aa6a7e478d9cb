//! What is in the package, and where.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;

use super::{licences, must, program::Program, tree::Tree};
use crate::repository::Repository;

/// The units of systemd, in `packaging/systemd`.
pub(crate) const UNITS: &[&str] =
    &["ravelin.service", "ravelin-agent-restore.service", "ravelin-agent.service"];
/// The settings, in `packaging/etc`. What an operator changes in them is kept by an upgrade.
pub(crate) const CONFIGURATION: &[&str] = &["agent.toml", "serve.toml"];
/// What an operator may copy, in `packaging/examples`.
pub(crate) const EXAMPLES: &[&str] = &[
    "lab-node.conf",
    "libvirt-hook",
    "prometheus-alerts.yml",
    "require-enforcement.conf",
    "tls-credentials.conf",
];
/// The pages for who runs it, in `docs`.
const DOCUMENTS: &[&str] = &[
    "operations.md",
    "serving.md",
    "nodes.md",
    "dataplane.md",
    "decisions.md",
    "lab.md",
    "text-form.md",
    "reference/release-notes.md",
];
/// Where documentation lies.
const DOCUMENTATION: &str = "/usr/share/doc/ravelin";

/// Puts everything into the tree, but what Debian is told.
pub(super) fn fill(tree: &mut Tree, repository: &Repository, program: &Program) -> anyhow::Result<()> {
    add_program(tree, program)?;
    add_completions(tree, program)?;
    add_manual(tree, program)?;
    for unit in UNITS {
        let text = read(&repository.path("packaging/systemd").join(unit))?;
        tree.file(&format!("/usr/lib/systemd/system/{unit}"), text)?;
    }
    for name in CONFIGURATION {
        let text = read(&repository.path("packaging/etc").join(name))?;
        tree.file(&format!("/etc/ravelin/{name}"), text)?;
    }
    add_documentation(tree, repository, program)
}

/// The program without what only debuggers read, which is most of it.
fn add_program(tree: &mut Tree, program: &Program) -> anyhow::Result<()> {
    const PATH: &str = "/usr/bin/ravelin";
    tree.program(PATH, read(&program.path)?)?;
    let mut strip = Command::new("strip");
    strip
        .args(["--strip-unneeded", "--remove-section=.comment", "--remove-section=.note"])
        .arg(tree.path(PATH));
    must(strip, "strip").map(drop)
}

/// The program prints its own.
fn add_completions(tree: &mut Tree, program: &Program) -> anyhow::Result<()> {
    for (shell, path) in [
        ("bash", "/usr/share/bash-completion/completions/ravelin"),
        ("zsh", "/usr/share/zsh/vendor-completions/_ravelin"),
        ("fish", "/usr/share/fish/vendor_completions.d/ravelin.fish"),
    ] {
        let mut print = Command::new(&program.path);
        print.args(["completions", shell]);
        tree.file(path, must(print, "ravelin completions")?)?;
    }
    Ok(())
}

/// And its own man pages.
fn add_manual(tree: &mut Tree, program: &Program) -> anyhow::Result<()> {
    let written = tree.path("manual");
    let mut write = Command::new(&program.path);
    write.arg("man").arg(&written);
    let output = write.output().context("cannot start ravelin man")?;
    anyhow::ensure!(
        output.status.success(),
        "ravelin man failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut pages = Vec::new();
    for page in sorted(&written)? {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        let path = format!("/usr/share/man/man1/{name}");
        tree.file(&path, read(&page)?)?;
        pages.push(tree.path(&path));
    }
    fs::remove_dir_all(&written)?;
    tree.compress(&pages)
}

fn add_documentation(tree: &mut Tree, repository: &Repository, program: &Program) -> anyhow::Result<()> {
    let mut large = Vec::new();
    for document in DOCUMENTS {
        let name = Path::new(document).file_name().unwrap_or_default().to_string_lossy();
        let path = format!("{DOCUMENTATION}/{name}");
        tree.file(&path, read(&repository.path("docs").join(document))?)?;
        large.push(tree.path(&path));
    }
    for name in EXAMPLES {
        let text = read(&repository.path("packaging/examples").join(name))?;
        tree.file(&format!("{DOCUMENTATION}/examples/{name}"), text)?;
    }
    tree.file(&format!("{DOCUMENTATION}/copyright"), read(&repository.path("packaging/debian/copyright"))?)?;
    let third_party = format!("{DOCUMENTATION}/third-party-licences.txt");
    tree.file(&third_party, licences::text(repository, program.target)?)?;
    large.push(tree.path(&third_party));
    tree.compress(&large)?;
    tree.file(
        "/usr/share/lintian/overrides/ravelin",
        read(&repository.path("packaging/debian/lintian-overrides"))?,
    )
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The files of a folder, by name.
fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    paths.sort();
    Ok(paths)
}
