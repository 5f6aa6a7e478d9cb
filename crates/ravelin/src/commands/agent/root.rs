//! What the agent does as root alone, and says so where it is not.

use std::{io, path::Path};

use agent::directory::{AgentDirectory, DirectoryError};
use anyhow::anyhow;
use nix::unistd::geteuid;

/// Takes the agent's directory.
///
/// # Errors
/// It cannot be taken. Where root is missing it is said how to have it.
pub(super) fn take(path: &Path) -> anyhow::Result<AgentDirectory> {
    AgentDirectory::take(path).map_err(|error| {
        let denied = matches!(&error, DirectoryError::File(file) if is_denied(file));
        advised(error.into(), denied)
    })
}

/// The same error, with the advice to be root where this process is not and that is what it is about.
pub(super) fn advised(error: anyhow::Error, denied: bool) -> anyhow::Error {
    if denied && !geteuid().is_root() { anyhow!("{error:#}: {ADVICE}") } else { error }
}

/// What to do without root.
const ADVICE: &str = "run the agent as root, as in sudo \"$(command -v ravelin)\" agent ...";

/// Whether something was not permitted, anywhere among the causes.
pub(super) fn is_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut found = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    found.any(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
}
