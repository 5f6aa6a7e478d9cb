//! What the agent is told.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use dataplane::{Attach, FlowState, Options, Timeouts};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    address::host_and_port,
    device::{GuardedNames, NamePattern},
};

/// Everything that the agent can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the node's key and what was wanted of it last are kept: a directory of its own, which is made where it is
    /// missing.
    pub directory: PathBuf,
    /// The socket on which `ravelin agent status` asks.
    pub socket: PathBuf,
    /// The control plane's address for nodes, `HOST:PORT`; empty: where this host joined.
    pub server: String,
    /// Devices that are closed where nobody bound them: names, with `*` at the end for any number of letters.
    pub guard: Vec<String>,
    /// Where Prometheus metrics are served over HTTP, `ADDRESS:PORT`; empty: nowhere.
    pub metrics: String,
    /// How often the kernel is compared with what was put in force, in seconds, 5 to 86,400.
    pub audit_seconds: u64,
    /// `error`, `warn`, `info`, `debug` or `trace`; or a filter such as `info,agent=debug`.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// The programs and maps in the kernel.
    pub dataplane: DataplaneSettings,
}

/// The programs and maps in the kernel. Sizes are those that the maps are made with: a change needs `ravelin agent remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataplaneSettings {
    /// Its directory under /sys/fs/bpf/ravelin.
    pub name: String,
    /// How programs hang at devices: `best` (tcx where the kernel has it), `tcx` or `clsact`.
    pub attach: AttachSetting,
    /// Peers that no rule is asked about, as the host itself or a metadata service: addresses or prefixes, 256 at most.
    pub exempt: Vec<IpNet>,
    /// The most interfaces, 1 to 65,535.
    pub interfaces_max: u32,
    /// The most policy classes, 1 to 65,535.
    pub classes_max: u32,
    /// The most flows of all interfaces, 64 to 16,777,216; 140 bytes of the kernel's memory each.
    pub flows_max: u32,
    /// The most further addresses and prefixes of all interfaces, 1 to 1,048,576.
    pub prefixes_max: u32,
    /// The memory for compiled rules, in words of 8 bytes, 4,096 to 134,217,720.
    pub arena_words: u32,
    /// The memory for samples of dropped packets that nobody has read, in bytes: a power of two from 4,096.
    pub event_bytes: u32,
    /// The least time between two samples of one interface, in milliseconds.
    pub event_interval_ms: u64,
    /// How long a flow lasts after its last packet, in seconds, by the state of its protocol.
    pub timeout_seconds: BTreeMap<String, u64>,
}

/// How programs hang at devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttachSetting {
    /// By tcx where the kernel has it, by clsact otherwise.
    #[default]
    Best,
    /// By tcx links.
    Tcx,
    /// By filters of the clsact queueing discipline.
    Clsact,
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

/// A setting that says nothing sensible.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{setting} is {value:?}: {wanted}")]
pub struct SettingError {
    /// Which one.
    pub setting: &'static str,
    /// What it is.
    pub value: String,
    /// What it is to be.
    pub wanted: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: "/var/lib/ravelin-agent".into(),
            socket: "/run/ravelin-agent/agent.sock".into(),
            server: String::new(),
            guard: Vec::new(),
            metrics: String::new(),
            audit_seconds: 60,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            dataplane: DataplaneSettings::default(),
        }
    }
}

impl Default for DataplaneSettings {
    fn default() -> Self {
        let options = Options::new("agent");
        let timeout = |state: &FlowState| (state.name().to_owned(), options.timeouts.of(*state).as_secs());
        Self {
            attach: AttachSetting::Best,
            exempt: Vec::new(),
            interfaces_max: options.interfaces_max,
            classes_max: options.classes_max,
            flows_max: options.flows_max,
            prefixes_max: options.prefixes_max,
            arena_words: options.arena_words,
            event_bytes: options.event_bytes,
            event_interval_ms: u64::try_from(options.event_interval.as_millis()).unwrap_or(u64::MAX),
            timeout_seconds: FlowState::ALL.iter().map(timeout).collect(),
            name: options.name,
        }
    }
}

impl Settings {
    /// Whether everything that is said can be meant.
    ///
    /// # Errors
    /// The first thing that cannot.
    pub fn check(&self) -> Result<(), SettingError> {
        self.guarded()?;
        self.dataplane.options()?;
        if !(5..=86_400).contains(&self.audit_seconds) {
            return Err(error("audit_seconds", self.audit_seconds, "it is to be from 5 to 86,400"));
        }
        for (setting, address) in [("server", &self.server), ("metrics", &self.metrics)] {
            if !address.is_empty() && host_and_port(address).is_none() {
                return Err(error(setting, address, "write HOST:PORT, as in 127.0.0.1:9100"));
            }
        }
        for (setting, path) in [("directory", &self.directory), ("socket", &self.socket)] {
            if !path.is_absolute() {
                return Err(error(setting, path.display(), "write a path that begins with /"));
            }
        }
        Ok(())
    }

    /// The devices that are closed where nobody bound them.
    ///
    /// # Errors
    /// A pattern is none.
    pub fn guarded(&self) -> Result<GuardedNames, SettingError> {
        let pattern = |text: &String| {
            let wanted = "write a device's name, or its beginning and `*`, as in vnet*";
            NamePattern::parse(text).ok_or_else(|| error("guard", text, wanted))
        };
        Ok(GuardedNames::new(self.guard.iter().map(pattern).collect::<Result<Vec<_>, _>>()?))
    }
}

impl DataplaneSettings {
    /// The same for the dataplane.
    ///
    /// # Errors
    /// A time-out is of no state that there is.
    pub fn options(&self) -> Result<Options, SettingError> {
        let mut timeouts = Timeouts::default();
        for (name, seconds) in &self.timeout_seconds {
            let found = FlowState::ALL.iter().find(|state| state.name() == name);
            let state = found.ok_or_else(|| {
                let names: Vec<&str> = FlowState::ALL.iter().map(|state| state.name()).collect();
                let wanted = format!("there is no such state of a flow; there are {}", names.join(", "));
                SettingError { setting: "dataplane.timeout_seconds", value: name.clone(), wanted }
            })?;
            timeouts = timeouts.with(*state, Duration::from_secs(*seconds));
        }
        Ok(Options {
            interfaces_max: self.interfaces_max,
            classes_max: self.classes_max,
            flows_max: self.flows_max,
            prefixes_max: self.prefixes_max,
            arena_words: self.arena_words,
            event_bytes: self.event_bytes,
            attach: match self.attach {
                AttachSetting::Best => Attach::Best,
                AttachSetting::Tcx => Attach::Tcx,
                AttachSetting::Clsact => Attach::Clsact,
            },
            timeouts,
            event_interval: Duration::from_millis(self.event_interval_ms),
            exempt: self.exempt.clone(),
            ..Options::new(&self.name)
        })
    }
}

fn error(setting: &'static str, value: impl ToString, wanted: &str) -> SettingError {
    SettingError { setting, value: value.to_string(), wanted: wanted.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_dataplane() {
        let settings = Settings::default();
        settings.check().unwrap();
        let options = settings.dataplane.options().unwrap();
        assert_eq!(format!("{options:?}"), format!("{:?}", Options::new("agent")));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let refused = |change: &dyn Fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().setting
        };
        assert_eq!(refused(&|of| of.guard = vec!["v*t".into()]), "guard");
        assert_eq!(refused(&|of| of.audit_seconds = 1), "audit_seconds");
        assert_eq!(refused(&|of| of.server = "control".into()), "server");
        assert_eq!(refused(&|of| of.metrics = ":9100".into()), "metrics");
        assert_eq!(refused(&|of| of.directory = "state".into()), "directory");
        let no_state = |of: &mut Settings| {
            of.dataplane.timeout_seconds.insert("tcp".into(), 1);
        };
        assert_eq!(refused(&no_state), "dataplane.timeout_seconds");
    }
}
