//! The tree of files that becomes a package: every mode and every time in it is said, none is left to who builds it.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;

use super::must;

/// A tree that is being made.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    time: SystemTime,
}

impl Tree {
    /// An empty one; what lay there before is removed. Everything in it will bear the time, in seconds since 1970.
    pub(super) fn new(root: PathBuf, time: u64) -> anyhow::Result<Self> {
        let tree = Self { root, time: SystemTime::UNIX_EPOCH + Duration::from_secs(time) };
        tree.remove()?;
        fs::create_dir_all(&tree.root).with_context(|| format!("cannot make {}", tree.root.display()))?;
        Ok(tree)
    }

    /// Where it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file of the package is: `/usr/bin/ravelin`.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Adds a file that everybody may read.
    pub(super) fn file(&mut self, path: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        self.write(path, content.as_ref(), 0o644)
    }

    /// Adds a program.
    pub(super) fn program(&mut self, path: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        self.write(path, content.as_ref(), 0o755)
    }

    fn write(&mut self, path: &str, content: &[u8], mode: u32) -> anyhow::Result<()> {
        let file = self.path(path);
        let failed = || format!("cannot write {}", file.display());
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).with_context(failed)?;
        }
        fs::write(&file, content).with_context(failed)?;
        fs::set_permissions(&file, Permissions::from_mode(mode)).with_context(failed)
    }

    /// Compresses files that are there, as documentation of Debian is.
    pub(super) fn compress(&self, files: &[PathBuf]) -> anyhow::Result<()> {
        let mut gzip = Command::new("gzip");
        gzip.args(["--best", "--no-name", "--force"]).args(files);
        must(gzip, "gzip").map(drop)
    }

    /// The files below a folder, in order of their paths, as paths in the tree.
    pub(super) fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let of_control = self.root.join("DEBIAN");
        let paths = self.all()?.into_iter().filter(|path| !path.is_dir() && !path.starts_with(&of_control));
        paths.map(|path| Ok(path.strip_prefix(&self.root)?.to_owned())).collect()
    }

    /// How large it is installed, in KiB, as Debian counts: whole ones for each file, and one for each folder.
    pub(super) fn kibibytes(&self) -> anyhow::Result<u64> {
        let of_control = self.root.join("DEBIAN");
        let paths = self.all()?.into_iter().filter(|path| !path.starts_with(&of_control));
        paths.map(|path| Ok(if path.is_dir() { 1 } else { fs::metadata(path)?.len().div_ceil(1024) })).sum()
    }

    /// Gives everything its time, and folders their mode.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        // What is inside comes first: to change it would change the time of what it is in.
        for path in self.all()?.into_iter().rev() {
            let failed = || format!("cannot finish {}", path.display());
            if path.is_dir() {
                fs::set_permissions(&path, Permissions::from_mode(0o755)).with_context(failed)?;
            }
            File::open(&path).and_then(|file| file.set_modified(self.time)).with_context(failed)?;
        }
        Ok(())
    }

    /// Removes it.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.root.display()))
            }
            _ => Ok(()),
        }
    }

    /// Every path, the root first, each folder before what is in it.
    fn all(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = vec![self.root.clone()];
        let mut next = 0;
        while let Some(path) = found.get(next).cloned() {
            next += 1;
            if path.is_dir() {
                let entries =
                    fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))?;
                let mut inner: Vec<PathBuf> =
                    entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
                inner.sort();
                found.extend(inner);
            }
        }
        found.sort();
        Ok(found)
    }
}
