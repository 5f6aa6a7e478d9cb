//! What the server is told: defaults, then the file, then the environment, then `--set`, then named flags. One
//! mechanism for all of them: every setting has one name, such as `timing.resetting_ms`.

use std::{fmt, fs, path::Path};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use wire::{gateway::GatewaySettings, server::HttpLimits};

/// The prefix of environment variables that are settings: `RAVELIN_TIMING_RESETTING_MS`.
pub const ENVIRONMENT_PREFIX: &str = "RAVELIN_";

/// Everything that `ravelin serve` can be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the data is kept: a directory that is made if it is missing.
    pub data: String,
    /// Where to listen for HTTP; port 0: any free port. Empty: not at all.
    pub listen: String,
    /// Where to listen for HTTPS; port 0: any free port. Empty: not at all.
    pub listen_tls: String,
    /// The certificate chain for HTTPS, a PEM file. Empty: one is made and kept in the data directory.
    pub tls_certificate: String,
    /// The private key for HTTPS, a PEM file.
    pub tls_key: String,
    /// Further names that a certificate made here is good for.
    pub tls_names: Vec<String>,
    /// `error`, `warn`, `info`, `debug` or `trace`; or a filter such as `info,wire=debug`.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// How long requests in flight may take to finish when the server stops, in seconds.
    pub drain_seconds_max: u64,
    /// HTTP limits.
    pub http: HttpLimits,
    /// How requests are judged.
    pub gateway: GatewaySettings,
    /// How many of what there may be.
    pub limits: model::Limits,
    /// How long passing states last.
    pub timing: model::Timing,
    /// How much history is kept.
    pub history: control::HistoryRetention,
    /// The edge sites, images and instance types that are offered.
    pub site: model::site::Catalogue,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: a JSON object a line.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "ravelin-data".into(),
            listen: "127.0.0.1:8017".into(),
            listen_tls: String::new(),
            tls_certificate: String::new(),
            tls_key: String::new(),
            tls_names: Vec::new(),
            log: "info".into(),
            log_format: LogFormat::Text,
            drain_seconds_max: 30,
            http: HttpLimits { connections_per_address_max: Some(4096), ..HttpLimits::default() },
            gateway: GatewaySettings::default(),
            limits: model::Limits::default(),
            timing: model::Timing::default(),
            history: control::HistoryRetention::default(),
            site: model::site::Catalogue::default(),
        }
    }
}

/// Where settings come from, besides the defaults.
pub struct Sources<'a> {
    /// A TOML file.
    pub file: Option<&'a Path>,
    /// The environment: names and values.
    pub environment: &'a [(String, String)],
    /// `--set name=value`.
    pub assignments: &'a [String],
    /// Named flags: name and value.
    pub flags: &'a [(&'static str, String)],
}

impl Settings {
    /// Puts the settings together.
    ///
    /// # Errors
    /// A file that cannot be read, a name that is no setting, a value that does not fit; each names its source.
    pub fn load(sources: &Sources<'_>) -> anyhow::Result<Self> {
        let mut table = defaults()?;
        let names = names(&table, "");
        if let Some(path) = sources.file {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read the settings file {}", path.display()))?;
            let file: Table =
                text.parse().with_context(|| format!("{} is not a TOML file", path.display()))?;
            merge(&mut table, file);
            // A mistake in the file is reported as the file's, before anything else is put over it.
            read(&table).with_context(|| format!("in the settings file {}", path.display()))?;
        }
        for (variable, text) in sources.environment {
            let name = names.iter().find(|name| variable_of(name) == *variable);
            if let Some(name) = name {
                assign(&mut table, name, text)
                    .with_context(|| format!("in the environment variable {variable}"))?;
            }
        }
        for assignment in sources.assignments {
            let (name, text) = assignment
                .split_once('=')
                .with_context(|| format!("--set takes name=value, not {assignment:?}"))?;
            if !names.iter().any(|known| known == name.trim()) {
                bail!(
                    "there is no setting {:?}; `ravelin serve --print-settings` lists them all",
                    name.trim()
                );
            }
            assign(&mut table, name.trim(), text).with_context(|| format!("in --set {assignment}"))?;
        }
        for (name, text) in sources.flags {
            assign(&mut table, name, text).with_context(|| format!("in --{}", name.replace('_', "-")))?;
        }
        read(&table)
    }

    /// All settings as a TOML file that can be given back with `--config`.
    pub fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

fn read(table: &Table) -> anyhow::Result<Settings> {
    Ok(Value::Table(table.clone()).try_into::<Settings>()?)
}

fn defaults() -> anyhow::Result<Table> {
    match Value::try_from(Settings::default())? {
        Value::Table(table) => Ok(table),
        _ => bail!("the default settings are not a table"),
    }
}

/// The names of all settings that a single value can be given to.
fn names(table: &Table, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match value {
            Value::Table(inner) if !inner.is_empty() => found.extend(names(inner, &format!("{name}."))),
            _ => found.push(name),
        }
    }
    found
}

fn variable_of(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.replace('.', "_").to_uppercase())
}

fn merge(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => merge(inner, more),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

/// Gives one setting a value written as text: of the type that the setting has.
fn assign(table: &mut Table, name: &str, text: &str) -> anyhow::Result<()> {
    let mut path: Vec<&str> = name.split('.').collect();
    let last = path.pop().context("a setting has a name")?;
    let mut place = table;
    for step in path {
        place = place.get_mut(step).and_then(Value::as_table_mut).context("there is no such section")?;
    }
    let old = place.get(last).context("there is no such setting")?;
    let value = match old {
        Value::String(_) => Value::String(text.into()),
        // Everything else is written as TOML has it: 5, true, ["a", "b"], { a = 1 }.
        _ => format!("value = {}", text.trim())
            .parse::<Table>()
            .ok()
            .and_then(|mut parsed| parsed.remove("value"))
            .with_context(|| format!("{text:?} is not a value for {name}"))?,
    };
    if !value.same_type(old) {
        bail!("{name} takes a value of type {}, not {text:?}", old.type_str());
    }
    place.insert(last.into(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: Option<&Path>,
        environment: &[(&str, &str)],
        assignments: &[&str],
        flags: &[(&'static str, &str)],
    ) -> anyhow::Result<Settings> {
        let environment: Vec<_> =
            environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let assignments: Vec<_> = assignments.iter().map(|a| (*a).to_owned()).collect();
        let flags: Vec<_> = flags.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        Settings::load(&Sources { file, environment: &environment, assignments: &assignments, flags: &flags })
    }

    #[test]
    fn each_source_goes_over_the_one_before() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            file.path(),
            "listen = '127.0.0.1:1'\nlog = 'warn'\n[timing]\nresetting_ms = 1\nstarting_ms = 1\n",
        )
        .unwrap();
        let settings = load(
            Some(file.path()),
            &[("RAVELIN_LISTEN", "127.0.0.1:2"), ("RAVELIN_TIMING_RESETTING_MS", "2"), ("PATH", "x")],
            &["timing.resetting_ms=3", "listen=127.0.0.1:3"],
            &[("listen", "127.0.0.1:4")],
        )
        .unwrap();
        assert_eq!(settings.listen, "127.0.0.1:4");
        assert_eq!(settings.timing.resetting_ms, 3);
        assert_eq!(settings.timing.starting_ms, 1);
        assert_eq!(settings.timing.stopping_ms, model::Timing::default().stopping_ms);
        assert_eq!(settings.log, "warn");
    }

    #[test]
    fn mistakes_name_their_source() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "lisen = 'x'").unwrap();
        let message = |error: anyhow::Error| format!("{error:#}");
        assert!(message(load(Some(file.path()), &[], &[], &[]).unwrap_err()).contains("lisen"));
        assert!(message(load(None, &[], &["timing.nothing=1"], &[]).unwrap_err()).contains("timing.nothing"));
        assert!(message(load(None, &[], &["timing.resetting_ms=soon"], &[]).unwrap_err()).contains("soon"));
        let error = load(None, &[("RAVELIN_TIMING_RESETTING_MS", "'1'")], &[], &[]).unwrap_err();
        assert!(message(error).contains("RAVELIN_TIMING_RESETTING_MS"));
    }

    #[test]
    fn what_is_printed_can_be_given_back() {
        let text = Settings::default().to_toml().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &text).unwrap();
        assert_eq!(load(Some(file.path()), &[], &[], &[]).unwrap().to_toml().unwrap(), text);
    }
}
