//! Why a store refuses or fails, one variant a cause.

use std::{io, path::PathBuf};

/// Why a store refuses or fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The new revision does not follow the last one: somebody else committed, or the caller lost count.
    #[error("revision {offered} does not follow revision {current} of the store")]
    RevisionConflict {
        /// The revision the store is at.
        current: u64,
        /// The revision that was to be made.
        offered: u64,
    },
    /// A key is empty or, like a value or a batch, over its limit (bytes; for a batch, writes).
    #[error("a {what} is empty or over the limit of {limit}")]
    TooLarge {
        /// `key`, `value` or `batch`.
        what: &'static str,
        /// The limit that was passed.
        limit: usize,
    },
    /// A write or its synchronisation failed. Whether it is there is found out by recovery.
    #[error("a write to the store failed; whether it is there is unknown until the store is recovered")]
    CommitFailed {
        /// What the engine said.
        #[source]
        source: Cause,
    },
    /// An earlier failure was not recovered from.
    #[error("the store failed earlier and must be recovered before it is used")]
    NeedsRecovery,
    /// A record could not be read, or its checksum is wrong.
    #[error("the store cannot be read")]
    Read {
        /// What the engine said.
        #[source]
        source: Cause,
    },
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb phrase.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A snapshot of this store is still being read, so it cannot be closed yet.
    #[error("a snapshot of the store is still in use; try again when its reader is done")]
    SnapshotInUse,
    /// Another process has the directory open.
    #[error("{} is in use by another process: stop it, or choose another directory", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds something else.
    #[error(
        "{} is not empty and is not a Ravelin data directory: choose an empty or new directory, nothing was changed",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was written by a later program.
    #[error(
        "{} has format version {found}, this program knows up to {supported}: use the newer program, nothing was changed",
        path.display()
    )]
    NewerFormat {
        /// The directory or backup file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest version this program knows.
        supported: u32,
    },
    /// A file contradicts its checksum, its format or another file.
    #[error(
        "{} is damaged: {detail}. Keep a copy of the whole data directory, then restore a backup into a new one",
        path.display()
    )]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The engine refused to open its files.
    #[error(
        "the engine cannot open {}. If the cause is not in the message, keep a copy of the directory and restore a backup",
        path.display()
    )]
    Engine {
        /// The directory.
        path: PathBuf,
        /// What the engine said.
        #[source]
        source: Cause,
    },
    /// A restore into the directory was begun and not finished.
    #[error(
        "{} holds a restore that was not finished: remove the directory and restore again",
        path.display()
    )]
    RestoreUnfinished {
        /// The directory.
        path: PathBuf,
    },
    /// A backup or restore would overwrite something.
    #[error("{} exists and is not empty: it is never overwritten, choose another name", path.display())]
    Exists {
        /// The file or directory.
        path: PathBuf,
    },
    /// The backup file is truncated, damaged or something else.
    #[error("{} is not a whole Ravelin backup: {detail}. Nothing was restored", path.display())]
    BadBackup {
        /// The backup file.
        path: PathBuf,
        /// What is wrong.
        detail: &'static str,
    },
}

/// An underlying error of whatever stands behind the trait.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Whether the store answers nothing more until it is recovered.
    pub fn needs_recovery(&self) -> bool {
        matches!(self, Self::CommitFailed { .. } | Self::NeedsRecovery)
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), detail: detail.into() }
    }

    /// For `map_err` after a file operation.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
