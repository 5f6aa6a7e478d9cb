//! The agent's settings: defaults, the file, the environment, `--set`, flags.

use std::{fs, io, path::Path};

use agent::settings::Settings;
use anyhow::{Context as _, anyhow, bail};
use toml::{Table, Value};

use crate::{
    cli::{RunArguments, SettingArguments},
    settings::{
        layers::{self, AGENT},
        log_filter, near,
    },
};

/// Where the file is unless it is named.
const FILE: &str = "/etc/ravelin/agent.toml";
/// Variables that are no settings.
const OTHERS: [&str; 1] = ["RAVELIN_AGENT_CONFIG"];

/// The settings of a command.
///
/// # Errors
/// A file that cannot be read, a name that is no setting, a value that does not fit; each names its source.
pub(super) fn load(arguments: &SettingArguments) -> anyhow::Result<Settings> {
    with_flags(arguments, Vec::new())
}

/// The settings of `run`.
///
/// # Errors
/// As [`load`].
pub(super) fn of_run(arguments: &RunArguments) -> anyhow::Result<Settings> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut flags = Vec::new();
    flags.extend(arguments.server.clone().map(|server| ("server", server)));
    flags.extend(arguments.metrics.clone().map(|address| ("metrics", address)));
    flags.extend(arguments.socket.as_deref().map(|path| ("socket", text(path))));
    with_flags(&arguments.settings, flags)
}

fn with_flags(
    arguments: &SettingArguments,
    mut flags: Vec<(&'static str, String)>,
) -> anyhow::Result<Settings> {
    let directory = arguments.directory.as_deref().map(|path| path.to_string_lossy().into_owned());
    flags.extend(directory.map(|path| ("directory", path)));
    flags.extend(arguments.dataplane.clone().map(|name| ("dataplane.name", name)));
    flags.extend(arguments.log.clone().map(|filter| ("log", filter)));
    if !arguments.guard.is_empty() {
        flags.push(("guard", Value::from(arguments.guard.clone()).to_string()));
    }
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let settings = layered(arguments.config.as_deref(), &environment, &arguments.assignments, &flags)?;
    settings.check()?;
    log_filter(&settings.log)?;
    Ok(settings)
}

fn layered(
    file: Option<&Path>,
    environment: &[(String, String)],
    assignments: &[String],
    flags: &[(&'static str, String)],
) -> anyhow::Result<Settings> {
    let Value::Table(mut table) = Value::try_from(Settings::default())? else {
        bail!("the default settings are not a table");
    };
    let names = layers::names(&table, "");
    if let Some((path, text)) = read_file(file)? {
        let over: Table = text.parse().map_err(|error: toml::de::Error| {
            anyhow!("{} is not a TOML file: {}", path.display(), error.to_string().trim_end())
        })?;
        layers::merge(&mut table, over);
        read(&table).with_context(|| format!("in the settings file {}", path.display()))?;
    }
    for (variable, text) in environment.iter().filter(|(name, _)| !OTHERS.contains(&name.as_str())) {
        if let Some(name) = names.iter().find(|name| layers::variable_of(AGENT, name) == *variable) {
            layers::assign(&mut table, name, text)
                .and_then(|()| read(&table))
                .with_context(|| format!("in the environment variable {variable}"))?;
        } else {
            layers::refuse_misspelt(AGENT, variable, &names)?;
        }
    }
    for assignment in assignments {
        let (name, text) = assignment
            .split_once('=')
            .with_context(|| format!("--set takes name=value, not {assignment:?}"))?;
        let name = name.trim();
        if !names.iter().any(|known| known == name) {
            let suggestion = near::suggestion(name, names.iter().map(String::as_str));
            bail!("there is no setting {name:?}{suggestion}; `{}` lists them all", AGENT.lister);
        }
        layers::assign(&mut table, name, text)
            .and_then(|()| read(&table))
            .with_context(|| format!("in --set {assignment}"))?;
    }
    for (name, text) in flags {
        layers::assign(&mut table, name, text)
            .and_then(|()| read(&table))
            .with_context(|| format!("in the flag for {name}"))?;
    }
    read(&table)
}

/// The settings file, where it is there. One that was named must be.
fn read_file(named: Option<&Path>) -> anyhow::Result<Option<(&Path, String)>> {
    let path = named.unwrap_or(Path::new(FILE));
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the settings file {}", path.display())),
        Ok(text) => Ok(Some((path, text))),
    }
}

fn read(table: &Table) -> anyhow::Result<Settings> {
    let settings = Value::Table(table.clone()).try_into::<Settings>();
    settings.map_err(|error| anyhow!(layers::plain_words(&error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, environment: &[(&str, &str)], sets: &[&str]) -> anyhow::Result<Settings> {
        let kept = tempfile::NamedTempFile::new().unwrap();
        fs::write(kept.path(), file.unwrap_or_default()).unwrap();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        layered(Some(kept.path()), &environment, &sets, &[])
    }

    #[test]
    fn each_source_goes_over_the_one_before() {
        let file = "guard = ['vnet*']\nmetrics = '127.0.0.1:1'\n[dataplane]\nflows_max = 100\nname = 'file'\n\
                    [dataplane.timeout_seconds]\nestablished = 5\n";
        let environment =
            [("RAVELIN_AGENT_METRICS", "127.0.0.1:2"), ("RAVELIN_AGENT_DATAPLANE_FLOWS_MAX", "200")];
        let settings = load(Some(file), &environment, &["dataplane.flows_max=300"]).unwrap();
        assert_eq!((&settings.guard[..], &*settings.metrics), (&["vnet*".to_owned()][..], "127.0.0.1:2"));
        assert_eq!((settings.dataplane.flows_max, &*settings.dataplane.name), (300, "file"));
        let timeouts = &settings.dataplane.timeout_seconds;
        assert_eq!((timeouts["established"], timeouts["icmp"]), (5, 30));
    }

    #[test]
    fn mistakes_name_their_source() {
        let refused = |file, environment: &[(&str, &str)], sets: &[&str]| {
            format!("{:#}", load(file, environment, sets).unwrap_err())
        };
        assert!(refused(Some("gaurd = []"), &[], &[]).contains("gaurd"));
        assert!(refused(None, &[("RAVELIN_AGENT_METRIC", "x")], &[]).contains("RAVELIN_AGENT_METRICS"));
        assert!(refused(None, &[], &["dataplane.flow_max=1"]).contains("dataplane.flows_max"));
        assert!(refused(None, &[], &["audit_seconds=soon"]).contains("--set audit_seconds=soon"));
        load(None, &[("RAVELIN_AGENT_CONFIG", "x"), ("RAVELIN_LOG", "x")], &[]).unwrap();
    }

    /// What people paste from the documents is what the agent starts with.
    #[test]
    fn every_settings_file_of_the_documents_is_taken() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut found = 0;
        for folder in ["docs", "docs/tutorials", "."] {
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|extension| extension != "md") {
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                for block in text.split("```toml\n# /etc/ravelin/agent.toml\n").skip(1) {
                    let block = block.split("```").next().unwrap();
                    load(Some(block), &[], &[])
                        .and_then(|settings| Ok(settings.check()?))
                        .unwrap_or_else(|error| panic!("{}: {error:#}: {block}", path.display()));
                    found += 1;
                }
            }
        }
        assert!(found >= 2, "{found}");
    }

    #[test]
    fn what_is_printed_can_be_given_back() {
        let text = toml::to_string_pretty(&Settings::default()).unwrap();
        assert_eq!(load(Some(&text), &[], &[]).unwrap(), Settings::default());
    }
}
