//! Faults below the store, for tests: a disk that is full, fails, or loses what was not synchronised.
//!
//! A shared object for `LD_PRELOAD` stands between a program and the system's write and synchronisation calls. For
//! files under one directory it fails them as a [`Control`] file says, and notes in a ledger what was written and
//! not synchronised, so that a test can take it away again after it killed the program ([`lose_unsynced`]): `kill -9`
//! alone leaves everything in the page cache.
//!
//! What it does not model: loss of names (creating, renaming and removing files count as durable at once) and writes
//! through memory maps.

mod control;
mod ledger;
mod library;
#[cfg(feature = "preload")]
mod preload;

pub use control::{Control, Faults, UNLIMITED};
pub use ledger::{Loss, lose_unsynced};
pub use library::library;

/// Names the directory whose files are subject to faults; an absolute path without symbolic links.
pub const DIRECTORY_VARIABLE: &str = "RAVELIN_FAULTS_DIR";
/// Names the control file; see [`Control`].
pub const CONTROL_VARIABLE: &str = "RAVELIN_FAULTS_CONTROL";
/// Names the ledger; without it none is kept.
pub const LEDGER_VARIABLE: &str = "RAVELIN_FAULTS_LEDGER";
