//! The data directory: what lies where in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// A data directory.
#[derive(Debug, Clone)]
pub struct DataDirectory(PathBuf);

impl DataDirectory {
    /// The directory at this path, whether it is there or not.
    pub fn at(path: &Path) -> Self {
        Self(path.into())
    }

    /// The directory, made for its owner alone if it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data directory {}", path.display()))?;
        Ok(Self(path.into()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The store's own directory.
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// The socket on which the running server takes the operator's commands.
    pub fn operator_socket(&self) -> PathBuf {
        self.0.join("operator.sock")
    }

    /// The file with the first root access key.
    pub fn root_access_key(&self) -> PathBuf {
        self.0.join("root-access-key")
    }

    /// Writes the first root access key where only the owner can read it: all of it and on disk, or not at all. A file
    /// that is there already is replaced: it is left of a start that made no account.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_root_access_key(&self, id: &str, secret: &str) -> anyhow::Result<PathBuf> {
        let path = self.root_access_key();
        let text = format!("RAVELIN_ACCESS_KEY_ID={id}\nRAVELIN_ACCESS_KEY_SECRET={secret}\n");
        self.replace(&path, text.as_bytes())
            .with_context(|| format!("cannot write the root access key to {}", path.display()))?;
        Ok(path)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The name is the directory's, and so it is on disk when the directory is.
        File::open(&self.0)?.sync_all()
    }
}
