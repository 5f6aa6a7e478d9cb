//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The working tree that this program was built from.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    target: PathBuf,
}

impl Repository {
    /// Finds it.
    ///
    /// # Errors
    /// The tree has been moved away since this program was built.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().context("xtask has no parent directory")?;
        let root = root.canonicalize().with_context(|| format!("{} is not there", root.display()))?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => root.join(directory),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The path of something in the tree.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The path of something that was built, or of a client's environment.
    pub(crate) fn built(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// The root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}
