//! `ravelin agent join`.

use std::{fs, io::Read as _, path::Path};

use agent::{
    directory::AgentDirectory,
    identity::{Identity, IdentityError, JoinOrder, join as join_control_plane},
    saved::Saved,
};
use anyhow::{Context as _, bail};
use model::ram::Secret;

use super::{VERSION, settings};
use crate::{cli::JoinArguments, output, serve};

/// The longest token that is read, in bytes.
const TOKEN_BYTES_MAX: u64 = 4096;

/// Makes this host a node.
///
/// # Errors
/// Why it did not become one, for people.
pub(super) fn join(arguments: &JoinArguments) -> anyhow::Result<()> {
    let directory = AgentDirectory::take(&settings::load(&arguments.settings)?.directory)?;
    let before = match Identity::read(directory.path()) {
        Ok(identity) => Some(identity),
        Err(IdentityError::Missing { .. }) => None,
        // It is to be replaced.
        Err(IdentityError::Damaged { .. }) if arguments.again => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(before) = before.as_ref().filter(|_| !arguments.again) {
        bail!(
            "this host is {} already, of the control plane at {}: use --again to join anew",
            before.node,
            before.server
        );
    }
    let token = token(&arguments.token_file)?;
    let host_name = match &arguments.name {
        Some(name) => name.clone(),
        None => host_name()?,
    };
    let order = JoinOrder {
        server: &arguments.server,
        token: &token,
        host_name: &host_name,
        region: arguments.region.as_deref().unwrap_or_default(),
        version: VERSION,
    };
    let identity = serve::runtime()?.block_on(join_control_plane(&order))?;
    // Generations of two control planes have nothing to do with each other.
    let same = before.as_ref().is_some_and(|before| {
        before.node == identity.node && before.credentials.authority() == identity.credentials.authority()
    });
    if !same {
        Saved::remove(directory.path())?;
    }
    identity.write(directory.path())?;
    let validity = identity.credentials.validity();
    output::line(&format!(
        "This host is {}, of the control plane at {}. Its certificate is good until {}, and is renewed by itself.\n\nNow start \
         the agent: `systemctl enable --now ravelin-agent`, or `ravelin agent run`.",
        identity.node,
        identity.server,
        validity.until.to_text()
    ))
}

/// The token of a file, or of standard input.
fn token(path: &Path) -> anyhow::Result<Secret> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(TOKEN_BYTES_MAX).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
    }
    .with_context(|| format!("cannot read the token from {}", path.display()))?;
    Ok(Secret::new(text.trim()))
}

/// What the host calls itself.
fn host_name() -> anyhow::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/hostname");
    let text = text.context("the host does not say its name: give one with --name")?;
    Ok(text.trim().to_owned())
}
