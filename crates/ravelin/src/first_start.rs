//! The first start: an account, and its root access key shown once.

use std::io::{self, IsTerminal};

use anyhow::{Context as _, anyhow, bail};
use control::Control;
use model::ram::{KeyPair, Secret};

use crate::{
    directory::DataDirectory,
    operator::{self, Response},
    output,
};

/// The name of the first account.
pub const FIRST_ACCOUNT: &str = "default";

/// The access key that the environment asks for.
///
/// # Errors
/// One of the two variables is missing, or is not of the form of a key.
pub fn key_from_environment() -> anyhow::Result<Option<KeyPair>> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    match (variable("RAVELIN_ACCESS_KEY_ID"), variable("RAVELIN_ACCESS_KEY_SECRET")) {
        (Some(id), Some(secret)) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if id.len() > 128 || !id.chars().all(plain) {
                bail!("RAVELIN_ACCESS_KEY_ID is 1 to 128 letters, digits, `.`, `_` or `-`");
            }
            if secret.len() > 128 || secret.chars().any(|c| c.is_control() || c.is_whitespace()) {
                bail!("RAVELIN_ACCESS_KEY_SECRET is 1 to 128 characters without blanks");
            }
            Ok(Some(KeyPair { id: id.into(), secret: Secret::new(secret) }))
        }
        (None, None) => Ok(None),
        _ => {
            bail!("RAVELIN_ACCESS_KEY_ID and RAVELIN_ACCESS_KEY_SECRET go together; only one of them is set")
        }
    }
}

/// Makes the first account if there is none yet. Its root access key is `given`, that of the environment, or a new one,
/// which is shown on a terminal or written to a file.
///
/// # Errors
/// Why it did not work, for people.
pub fn prepare(control: &Control, directory: &DataDirectory, given: Option<KeyPair>) -> anyhow::Result<()> {
    let key = match given {
        Some(key) => Some(key),
        None => key_from_environment()?,
    };
    let asked = key.as_ref().map(|key| key.id.clone());
    let (accounts, known) = control
        .read_blocking(|state| {
            let known = asked.as_deref().is_none_or(|id| state.access_key(id).is_some());
            (state.accounts().len(), known)
        })
        .context("the state cannot be read")?
        .value;
    match key {
        _ if accounts > 0 => {
            if !known {
                tracing::warn!(
                    "RAVELIN_ACCESS_KEY_ID names a key that this server does not know, and there is an account \
                     already: it is ignored. `ravelin account reset-root-key` makes a new root key"
                );
            }
            Ok(())
        }
        Some(key) => {
            let (account_id, access_key_id, _) = create(control, key)?;
            tracing::info!(
                account_id,
                access_key_id,
                "made the first account with the access key it was given"
            );
            Ok(())
        }
        None if io::stdout().is_terminal() => {
            let (account_id, id, secret) = create(control, new_key()?)?;
            let text = format!(
                "Made account {account_id}. Its root access key, shown this once:\n\n  export \
                 RAVELIN_ACCESS_KEY_ID={id}\n  export RAVELIN_ACCESS_KEY_SECRET={secret}\n"
            );
            output::line_once(&text, || {
                format!(
                    "the first account has the root access key {id}, but its secret could not be shown; replace it \
                     with `ravelin account reset-root-key {FIRST_ACCOUNT}`"
                )
            })
        }
        None => {
            let key = new_key()?;
            // First the file, then the account: a crash between the two leaves a key that opens nothing, and the next
            // start replaces it. The other way round it would leave an account that nobody has a key to.
            let path = directory.write_root_access_key(&key.id, key.secret.reveal())?;
            let (account_id, _, _) = create(control, key).inspect_err(|_| {
                // A key that opens nothing is of no use to anybody. Where it stays the next start replaces it.
                let _ = std::fs::remove_file(&path);
            })?;
            tracing::info!(account_id, file = %path.display(), "made the first account; its root access key is in the file");
            Ok(())
        }
    }
}

/// Makes the account: its number, and its key's id and secret.
fn create(control: &Control, key: KeyPair) -> anyhow::Result<(String, String, String)> {
    match operator::create_account(control, FIRST_ACCOUNT, Some(key))? {
        Response::RootKey { account_id, access_key_id, access_key_secret } => {
            Ok((account_id, access_key_id, access_key_secret))
        }
        _ => bail!("the first account has no key"),
    }
}

/// What ids of access keys begin with: clients and secret scanners know access keys by it.
const ID_PREFIX: &str = "LTAI5t";
/// Characters of an id after its prefix.
const ID_CHARACTERS: usize = 18;
/// Characters of a secret: 178 bits.
const SECRET_CHARACTERS: usize = 30;

/// A new access key that nobody can guess.
///
/// # Errors
/// The system has no randomness.
pub fn new_key() -> anyhow::Result<KeyPair> {
    let id = format!("{ID_PREFIX}{}", random_text(ID_CHARACTERS)?);
    Ok(KeyPair { id: id.into(), secret: Secret::new(random_text(SECRET_CHARACTERS)?) })
}

fn random_text(characters: usize) -> anyhow::Result<String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(characters);
    while text.len() < characters {
        let bytes =
            getrandom::u64().map_err(|error| anyhow!("there is no randomness: {error}"))?.to_le_bytes();
        // 248 is four times 62: without the bytes above it every character is as likely as any other.
        let fair = bytes.into_iter().filter(|byte| *byte < 248);
        text.extend(
            fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])).take(characters - text.len()),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_look_like_keys_and_differ() {
        let (one, other) = (new_key().unwrap(), new_key().unwrap());
        assert_eq!((one.id.len(), one.secret.reveal().len()), (24, 30));
        assert!(one.id.starts_with(ID_PREFIX) && one.id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one.id, other.id);
        assert_ne!(one.secret.reveal(), other.secret.reveal());
    }

    #[test]
    fn a_key_file_that_opens_nothing_is_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let directory = DataDirectory::at(place.path());
        directory.write_root_access_key("old", "old-secret").unwrap();
        let path = directory.write_root_access_key("new", "new-secret").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "RAVELIN_ACCESS_KEY_ID=new\nRAVELIN_ACCESS_KEY_SECRET=new-secret\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
