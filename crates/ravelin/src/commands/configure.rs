//! `ravelin configure`: the profiles of the client.

use std::io::{BufRead, IsTerminal};

use anyhow::bail;

use crate::{
    cli::ConfigureCommand,
    client::profile::{self, DEFAULT_PROFILE},
    output,
};

/// Changes or lists the profiles.
///
/// # Errors
/// Why it did not work, for people.
pub fn configure(command: &ConfigureCommand) -> anyhow::Result<()> {
    let mut profiles = profile::load()?;
    match command {
        ConfigureCommand::Set { name, endpoint, access_key_id, ca_certificate } => {
            let name = name.as_deref().unwrap_or(DEFAULT_PROFILE);
            let kept = profiles.entry(name.into()).or_default();
            if let Some(endpoint) = endpoint {
                kept.endpoint.clone_from(endpoint);
            }
            if let Some(path) = ca_certificate {
                kept.ca_certificate = path.to_string_lossy().into_owned();
            }
            if let Some(id) = access_key_id {
                kept.access_key_id.clone_from(id);
                // Never as an argument: those are seen by everybody on the machine.
                kept.access_key_secret = read_secret()?;
            }
            let path = profile::save(&profiles)?;
            output::note(&format!("profile {name:?} is kept in {}", path.display()));
        }
        ConfigureCommand::Delete { name } => {
            if profiles.remove(name).is_none() {
                bail!("there is no profile {name:?}");
            }
            profile::save(&profiles)?;
        }
        ConfigureCommand::List => {
            let rows = profiles
                .iter()
                .map(|(name, kept)| vec![name.clone(), kept.endpoint.clone(), kept.access_key_id.clone()]);
            output::line(&output::table(&["profile", "endpoint", "access key id"], rows));
        }
    }
    Ok(())
}

fn read_secret() -> anyhow::Result<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        output::note("Access key secret (it is shown as you type; pipe it in to avoid that):");
    }
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    let secret = line.trim();
    if secret.is_empty() {
        bail!("there is no secret on standard input");
    }
    Ok(secret.into())
}
