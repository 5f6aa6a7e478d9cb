//! What the server is told: defaults, then the file, then the environment, then `--set`, then named flags. One
//! mechanism for all of them: every setting has one name, such as `timing.resetting_ms`.

mod check;
pub mod layers;
pub mod near;

use std::{fmt, fs, path::Path};

pub use self::check::log_filter;
use anyhow::{Context as _, anyhow, bail};
use console::ConsoleSettings;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use wire::{gateway::GatewaySettings, server::HttpLimits};

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
    /// Where to listen for nodes, and for hosts that join; port 0: any free port. Empty: not at all.
    pub node_listen: String,
    /// `error`, `warn`, `info`, `debug` or `trace`; or a filter such as `info,wire=debug`.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// Where every event is appended as a line of JSON: a file, or `-` for standard output. Empty: nowhere.
    pub event_log: String,
    /// How long requests in flight may take to finish when the server stops, in seconds.
    pub drain_seconds_max: u64,
    /// HTTP limits.
    pub http: HttpLimits,
    /// How requests are judged.
    pub gateway: GatewaySettings,
    /// The console.
    pub console: ConsoleSettings,
    /// Bounds on nodes and on hosts that join.
    pub nodes: session::SessionSettings,
    /// How many of what there may be.
    pub limits: model::Limits,
    /// How long passing states last.
    pub timing: model::Timing,
    /// How much history is kept.
    pub history: control::HistoryRetention,
    /// What is kept of nodes, and of what they have confirmed.
    pub fleet: control::FleetSettings,
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
            node_listen: String::new(),
            log: "info".into(),
            log_format: LogFormat::Text,
            event_log: String::new(),
            drain_seconds_max: 30,
            http: HttpLimits { connections_per_address_max: Some(4096), ..HttpLimits::default() },
            gateway: GatewaySettings::default(),
            console: ConsoleSettings::default(),
            nodes: session::SessionSettings::default(),
            limits: model::Limits::default(),
            timing: model::Timing::default(),
            history: control::HistoryRetention::default(),
            fleet: control::FleetSettings::default(),
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
        let names = layers::names(&table, "");
        if let Some(path) = sources.file {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read the settings file {}", path.display()))?;
            let file: Table = text.parse().map_err(|error: toml::de::Error| {
                anyhow!("{} is not a TOML file: {}", path.display(), error.to_string().trim_end())
            })?;
            layers::merge(&mut table, file);
            // A mistake in the file is reported as the file's, before anything else is put over it.
            read(&table).with_context(|| format!("in the settings file {}", path.display()))?;
        }
        for (variable, text) in sources.environment {
            if let Some(name) =
                names.iter().find(|name| layers::variable_of(layers::SERVER, name) == *variable)
            {
                layers::assign(&mut table, name, text)
                    .and_then(|()| read(&table))
                    .with_context(|| format!("in the environment variable {variable}"))?;
            } else {
                layers::refuse_misspelt(layers::SERVER, variable, &names)?;
            }
        }
        for assignment in sources.assignments {
            let (name, text) = assignment
                .split_once('=')
                .with_context(|| format!("--set takes name=value, not {assignment:?}"))?;
            let name = name.trim();
            if !layers::is_setting(name, &names) {
                bail!(
                    "there is no setting {name:?}{}; `ravelin serve --print-settings` lists them all",
                    near::suggestion(name, names.iter().map(String::as_str))
                );
            }
            layers::assign(&mut table, name, text)
                .and_then(|()| read(&table))
                .with_context(|| format!("in --set {assignment}"))?;
        }
        for (name, text) in sources.flags {
            layers::assign(&mut table, name, text)
                .and_then(|()| read(&table))
                .with_context(|| format!("in --{}", name.replace('_', "-")))?;
        }
        let settings = read(&table)?;
        check::whole(&settings)?;
        Ok(settings)
    }

    /// All settings as a TOML file that can be given back with `--config`.
    pub fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

/// The settings of a table, each of them checked by itself.
fn read(table: &Table) -> anyhow::Result<Settings> {
    let settings = Value::Table(table.clone()).try_into::<Settings>();
    let settings = settings.map_err(|error| anyhow!(layers::plain_words(&error.to_string())))?;
    check::values(&settings)?;
    Ok(settings)
}

fn defaults() -> anyhow::Result<Table> {
    match Value::try_from(Settings::default())? {
        Value::Table(table) => Ok(table),
        _ => bail!("the default settings are not a table"),
    }
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

    fn refused(environment: &[(&str, &str)], assignments: &[&str]) -> String {
        format!("{:#}", load(None, environment, assignments, &[]).err().unwrap())
    }

    #[test]
    fn a_misspelt_variable_is_refused_and_those_of_others_are_not() {
        let text = refused(&[("RAVELIN_TIMING_RESETING_MS", "1")], &[]);
        assert!(text.contains("RAVELIN_TIMING_RESETING_MS"), "{text}");
        assert!(text.contains("RAVELIN_TIMING_RESETTING_MS"), "{text}");
        assert!(refused(&[("RAVELIN_TLS_KEYS", "x")], &[]).contains("RAVELIN_TLS_KEY"));
        let others = [
            "RAVELIN_ACCESS_KEY_ID",
            "RAVELIN_ACCESS_KEY_SECRET",
            "RAVELIN_CONFIG",
            "RAVELIN_ENDPOINT",
            "RAVELIN_PROFILE",
            "RAVELIN_PROFILES",
            "RAVELIN_CA_CERTIFICATE",
            "RAVELIN_FAULTS_PATH",
            "RAVELIN_KILLS",
            "RAVELIN_SEED",
            "RAVELIN_PORT_8017_TCP",
        ];
        let others: Vec<(&str, &str)> = others.into_iter().map(|name| (name, "x")).collect();
        load(None, &others, &[], &[]).unwrap();
    }

    #[test]
    fn mistakes_in_values_name_their_source_in_plain_words() {
        for (name, value) in [
            ("timing.resetting_ms", "-1"),
            ("gateway.mode", "lax"),
            ("log_format", "xml"),
            ("limits.rules_per_group", "0"),
            ("limits.rules_per_interface", "1025"),
            ("http.connections_max", "0"),
            ("nodes.certificate_days", "0"),
            ("nodes.keepalive_seconds", "86401"),
            ("gateway.public_url", "ftp://x"),
            ("gateway.public_url", "example"),
            ("console.idle_minutes", "0"),
            ("console.streams_max", "10001"),
            ("gateway.flow.operations", "{ Nothing = 1 }"),
            ("log", "bogus"),
            ("log", "wire=bogus"),
        ] {
            let text = refused(&[], &[&format!("{name}={value}")]);
            assert!(text.starts_with(&format!("in --set {name}={value}: ")), "{text}");
            assert!(!text.contains('\n') && !text.contains("u64") && !text.contains("struct"), "{text}");
            let variable = layers::variable_of(layers::SERVER, name);
            let text = refused(&[(&variable, value)], &[]);
            assert!(text.starts_with(&format!("in the environment variable {variable}: ")), "{text}");
        }
    }

    #[test]
    fn an_address_without_a_port_is_refused_before_anything_is_made() {
        for flag in ["listen", "listen_tls", "node_listen"] {
            let text = format!("{:#}", load(None, &[], &[], &[(flag, "foo")]).err().unwrap());
            assert!(text.contains(flag) && text.contains("127.0.0.1:8017"), "{text}");
        }
        load(None, &[], &[], &[("listen", "[::1]:0"), ("node_listen", "localhost:8019")]).unwrap();
    }

    #[test]
    fn a_list_is_written_as_one() {
        let text = refused(&[], &["tls_names=a,b"]);
        assert!(text.contains(r#"["a", "b"]"#), "{text}");
        assert_eq!(load(None, &[], &[r#"tls_names=["a","b"]"#], &[]).unwrap().tls_names, ["a", "b"]);
    }

    #[test]
    fn an_operation_can_be_limited_by_name() {
        let settings = load(None, &[], &["gateway.flow.operations.DescribeInstances=20"], &[]).unwrap();
        assert_eq!(settings.gateway.flow.operations["DescribeInstances"], 20);
        assert!(refused(&[], &["gateway.flow.operations.DescribeInstance=20"]).contains("DescribeInstances"));
        assert!(refused(&[], &["gateway.flow.operations.DescribeInstances=-1"]).contains("in --set"));
    }

    #[test]
    fn a_certificate_needs_an_address_for_https() {
        let flags = [("tls_certificate", "a.pem"), ("tls_key", "b.pem")];
        assert!(load(None, &[], &[], &flags).is_err());
        let flags = [flags[0], flags[1], ("listen_tls", "127.0.0.1:0")];
        load(None, &[], &[], &flags).unwrap();
    }

    #[test]
    fn what_is_printed_can_be_given_back() {
        let text = Settings::default().to_toml().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &text).unwrap();
        assert_eq!(load(Some(file.path()), &[], &[], &[]).unwrap().to_toml().unwrap(), text);
    }
}
