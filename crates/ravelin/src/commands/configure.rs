//! `ravelin configure`: the profiles of the client.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context as _, bail};

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
            if endpoint.is_none() && access_key_id.is_none() && ca_certificate.is_none() {
                bail!("there is nothing to set: give --endpoint, --access-key-id or --ca-certificate");
            }
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
                kept.access_key_secret = read_secret(id)?;
            }
            let path = profile::save(&profiles)?;
            output::note(&format!("profile {name:?} is kept in {}", path.display()));
        }
        ConfigureCommand::Delete { name, profile } => {
            let name = name.as_ref().or(profile.as_ref()).context("name the profile to forget")?;
            if profiles.remove(name).is_none() {
                bail!("there is no profile {name:?}; `ravelin configure list` shows those there are");
            }
            let path = profile::save(&profiles)?;
            output::note(&format!("profile {name:?} is no longer in {}", path.display()));
        }
        ConfigureCommand::List => {
            let rows = profiles
                .iter()
                .map(|(name, kept)| vec![name.clone(), kept.endpoint.clone(), kept.access_key_id.clone()]);
            output::line(&output::table(&["profile", "endpoint", "access key id"], rows))?;
        }
    }
    Ok(())
}

/// The secret, typed unseen where a person types it.
fn read_secret(id: &str) -> anyhow::Result<String> {
    let input = std::io::stdin();
    let line = if input.is_terminal() {
        rpassword::prompt_password(format!("Secret of access key {id} (not shown as you type): "))
            .context("the secret cannot be read from the terminal")?
    } else {
        let mut line = String::new();
        input.lock().read_line(&mut line).context("the secret cannot be read from standard input")?;
        line
    };
    let secret = line.trim();
    if secret.is_empty() {
        bail!("no secret was given: type it, or give it on standard input");
    }
    Ok(secret.into())
}
