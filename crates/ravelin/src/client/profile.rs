//! Profiles: which server, with which access key.
//!
//! A profile is a table in a TOML file that only its owner can read. What the command line and the environment name goes
//! over what the profile says.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::Credentials;

/// Where `ravelin serve` listens unless it is told otherwise.
pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8017";
/// The profile that is used where none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// One profile.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The server's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The access key's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access_key_id: String,
    /// The access key's secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access_key_secret: String,
    /// A PEM file with the certificates to trust.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ca_certificate: String,
}

/// All profiles, by name.
pub type Profiles = BTreeMap<String, Profile>;

/// Where the profiles are kept: `RAVELIN_PROFILES`, or `ravelin/profiles.toml` in the user's configuration directory.
///
/// # Errors
/// There is no such place.
pub fn path() -> anyhow::Result<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = variable("RAVELIN_PROFILES") {
        return Ok(path);
    }
    let configuration = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
    let configuration =
        configuration.context("neither XDG_CONFIG_HOME nor HOME is set; set RAVELIN_PROFILES")?;
    Ok(configuration.join("ravelin/profiles.toml"))
}

/// Reads the profiles; there are none while there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn load() -> anyhow::Result<Profiles> {
    let Ok(path) = path() else { return Ok(Profiles::new()) };
    match fs::read_to_string(&path) {
        Ok(text) => {
            toml::from_str(&text).with_context(|| format!("{} is not a file of profiles", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Profiles::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes the profiles, for their owner alone; all of them or none.
///
/// # Errors
/// The file cannot be written.
pub fn save(profiles: &Profiles) -> anyhow::Result<PathBuf> {
    let path = path()?;
    let problem = || format!("cannot write {}", path.display());
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(problem)?;
    }
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).with_context(problem)?;
    let written = file.write_all(toml::to_string_pretty(profiles)?.as_bytes()).and_then(|()| file.sync_all());
    let renamed = written.and_then(|()| fs::rename(&new, &path));
    if renamed.is_err() {
        let _ = fs::remove_file(&new);
    }
    renamed.with_context(problem)?;
    Ok(path)
}

/// The profile of this name with the environment put over it.
///
/// # Errors
/// A profile that was named, on the command line or with `RAVELIN_PROFILE`, does not exist.
pub fn resolve(name: Option<&str>) -> anyhow::Result<Profile> {
    let selected = env::var("RAVELIN_PROFILE").ok().filter(|name| !name.is_empty());
    let name = name.or(selected.as_deref());
    let profiles = load()?;
    let wanted = name.unwrap_or(DEFAULT_PROFILE);
    let mut profile = match profiles.get(wanted) {
        Some(profile) => profile.clone(),
        None if name.is_some() => {
            bail!("there is no profile {wanted:?}; `ravelin configure list` shows those there are")
        }
        None => Profile::default(),
    };
    let take = |place: &mut String, variables: &[&str]| {
        // A profile that was named is meant: only the default one gives way to the environment.
        let found = variables.iter().find_map(|variable| env::var(variable).ok().filter(|v| !v.is_empty()));
        if let Some(value) = found.filter(|_| name.is_none() || place.is_empty()) {
            *place = value;
        }
    };
    take(&mut profile.endpoint, &["RAVELIN_ENDPOINT"]);
    take(&mut profile.access_key_id, &["RAVELIN_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_ID"]);
    take(&mut profile.access_key_secret, &["RAVELIN_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"]);
    take(&mut profile.ca_certificate, &["RAVELIN_CA_CERTIFICATE"]);
    if profile.endpoint.is_empty() {
        profile.endpoint = DEFAULT_ENDPOINT.into();
    }
    Ok(profile)
}

impl Profile {
    /// The access key of the profile.
    ///
    /// # Errors
    /// There is none.
    pub fn credentials(&self) -> anyhow::Result<Credentials> {
        match (self.access_key_id.is_empty(), self.access_key_secret.is_empty()) {
            (false, false) => {}
            (true, false) => {
                bail!("there is an access key's secret, but no id: set RAVELIN_ACCESS_KEY_ID, too")
            }
            (false, true) => {
                bail!("there is an access key's id, but no secret: set RAVELIN_ACCESS_KEY_SECRET, too")
            }
            (true, true) => bail!(
                "there is no access key: set RAVELIN_ACCESS_KEY_ID and RAVELIN_ACCESS_KEY_SECRET, or keep one with \
                 `ravelin configure set`"
            ),
        }
        Ok(Credentials { id: self.access_key_id.clone(), secret: self.access_key_secret.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_access_key_says_which_half_is_missing() {
        let key = |id: &str, secret: &str| {
            let (access_key_id, access_key_secret) = (id.to_owned(), secret.to_owned());
            let profile = Profile { access_key_id, access_key_secret, ..Profile::default() };
            profile.credentials().err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(key("", "s").contains("set RAVELIN_ACCESS_KEY_ID, too"));
        assert!(key("i", "").contains("set RAVELIN_ACCESS_KEY_SECRET, too"));
        assert!(key("", "").contains("configure set"));
        assert_eq!(key("i", "s"), "");
    }
}
