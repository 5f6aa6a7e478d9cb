//! What Debian is told about the package: `DEBIAN/`.

use std::{fs, path::Path, process::Command};

use anyhow::Context as _;

use super::{contents::CONFIGURATION, must, program::Program, tree::Tree};
use crate::repository::Repository;

/// What is said in a line, and in lines.
const DESCRIPTION: &str = "security groups for edge fleets: control plane, agent, tools
 Ravelin manages security groups by the API of Edge Node Service, and
 enforces them at the interfaces of virtual machines and containers, by
 programs in the kernel. One program is the control plane, the agent of a
 host, and the command line.
 .
 Nothing is started when it is installed: see
 /usr/share/doc/ravelin/operations.md.gz.";

/// What else it is told.
pub(super) struct Control<'a> {
    pub(super) program: &'a Program,
    /// Name and address.
    pub(super) maintainer: String,
    /// In seconds since 1970.
    pub(super) time: u64,
}

impl Control<'_> {
    /// Adds all of it. The tree has everything else by now.
    pub(super) fn write(&self, tree: &mut Tree, repository: &Repository) -> anyhow::Result<()> {
        self.changelog(tree)?;
        for script in ["postinst", "prerm", "postrm"] {
            let path = repository.path("packaging/debian").join(script);
            let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            tree.program(&format!("DEBIAN/{script}"), text)?;
        }
        let listed: String = CONFIGURATION.iter().map(|name| format!("/etc/ravelin/{name}\n")).collect();
        tree.file("DEBIAN/conffiles", listed)?;
        tree.file("DEBIAN/md5sums", sums(tree)?)?;
        tree.file("DEBIAN/control", self.text(tree.kibibytes()?))
    }

    fn text(&self, kibibytes: u64) -> String {
        let Program { version, architecture, dependencies, .. } = self.program;
        let depends = [dependencies.as_slice(), &["adduser".to_owned()]].concat().join(", ");
        format!(
            "Package: ravelin\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: {}\n\
             Installed-Size: {kibibytes}\nDepends: {depends}\nRecommends: ca-certificates, systemd\nSection: net\n\
             Priority: optional\nDescription: {DESCRIPTION}\n",
            self.maintainer
        )
    }

    /// The changelog of Debian, which says no more than where the release notes are.
    fn changelog(&self, tree: &mut Tree) -> anyhow::Result<()> {
        const PATH: &str = "/usr/share/doc/ravelin/changelog";
        let mut date = Command::new("date");
        date.args(["--utc", "--rfc-email", "--date"]).arg(format!("@{}", self.time)).env("LC_ALL", "C");
        let date = String::from_utf8(must(date, "date")?).context("a date is text")?;
        let text = format!(
            "ravelin ({}) stable; urgency=medium\n\n  * See release-notes.md.gz.\n\n -- {}  {}\n",
            self.program.version,
            self.maintainer,
            date.trim()
        );
        tree.file(PATH, text)?;
        tree.compress(&[tree.path(PATH)])
    }
}

/// The digests by which `dpkg --verify` finds files that were changed.
fn sums(tree: &Tree) -> anyhow::Result<Vec<u8>> {
    let files = tree.files()?;
    let is_configuration = |path: &Path| path.starts_with("etc");
    let mut command = Command::new("md5sum");
    command.current_dir(tree.root()).args(files.iter().filter(|path| !is_configuration(path)));
    must(command, "md5sum")
}
