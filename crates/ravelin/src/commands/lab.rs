//! `ravelin lab ...`: a small network on this host.

mod show;
mod watch;

use std::{io, process::ExitCode};

use anyhow::{Context as _, bail};
use lab::{Lab, LabError, status::FlowChoice};

use self::show::Told;
use crate::{
    cli::{LabCommand, LabName},
    output::{self, OutputFormat},
};

/// What `exec` ends with where there is no such command, as a shell does.
const COMMAND_MISSING: u8 = 127;
/// What `exec` ends with where the command is there and cannot be started, as a shell does.
const COMMAND_NOT_STARTED: u8 = 126;

/// `ravelin lab ...`.
///
/// # Errors
/// Why it did not work, for people.
pub fn lab(command: &LabCommand) -> anyhow::Result<ExitCode> {
    match command {
        LabCommand::Apply { file, dry_run, output } => {
            apply(&Lab::from_file(file)?, *dry_run, *output)?;
        }
        LabCommand::Status { lab, flows, output } => {
            let flows = match flows {
                None => FlowChoice::None,
                Some(None) => FlowChoice::All,
                Some(Some(name)) => FlowChoice::Of(name.clone()),
            };
            let status = lab::status::status(&chosen(lab.lab.as_deref())?, &flows)?;
            output::line(&match output {
                OutputFormat::Json => serde_json::to_string_pretty(&status)?,
                OutputFormat::Table => show::status(&status),
            })?;
        }
        LabCommand::Watch { lab, output } => watch::watch(&chosen(lab.lab.as_deref())?, *output)?,
        LabCommand::Down { lab, output } => down(lab, *output)?,
        LabCommand::Exec { lab, instance, command } => return exec(lab.as_deref(), instance, command),
        LabCommand::Example => output::line(lab::EXAMPLE.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn apply(lab: &Lab, dry_run: bool, format: OutputFormat) -> anyhow::Result<()> {
    if dry_run || format == OutputFormat::Json {
        let applied = if dry_run { lab.plan()? } else { lab.apply()? };
        return show::applied(lab.name(), &applied, dry_run, format);
    }
    let mut told = Told::default();
    match lab.apply_and_tell(|progress| told.tell(lab.name(), progress)) {
        Ok(_) => told.end(),
        Err(error @ (LabError::Step { .. } | LabError::NotReady { .. })) => {
            let hint = format!("apply again to go on, or remove it with `ravelin lab down {}`", lab.name());
            Err(error).context(format!("the lab is not as its file says ({hint})"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Runs a command in place of this program.
fn exec(lab: Option<&str>, instance: &str, command: &[String]) -> anyhow::Result<ExitCode> {
    let lab = match (chosen(lab), lab) {
        (Err(error), None) if matches!(error.downcast_ref(), Some(LabError::Several { .. })) => {
            return Err(error.context("say which lab with --lab"));
        }
        (chosen, _) => chosen?,
    };
    let instance = (instance != lab::name::HOST).then_some(instance);
    let namespace = lab::lab::namespace_of(&lab, instance)?;
    match lab::lab::exec(&namespace, command) {
        Ok(never) => match never {},
        Err(LabError::Command { program, source }) => {
            let missing = source.kind() == io::ErrorKind::NotFound;
            let error = anyhow::Error::from(LabError::Command { program, source });
            output::note(&format!("ravelin: {error:#}"));
            Ok(ExitCode::from(if missing { COMMAND_MISSING } else { COMMAND_NOT_STARTED }))
        }
        Err(error) => Err(error.into()),
    }
}

fn down(name: &LabName, format: OutputFormat) -> anyhow::Result<()> {
    let lab = match (&name.lab, lab::lab::list()?.as_slice()) {
        (Some(lab), _) => lab.clone(),
        (None, [only]) => only.clone(),
        (None, []) => return show::nothing_to_remove(None, format),
        (None, labs) => return Err(LabError::Several { labs: labs.to_vec() }.into()),
    };
    if format == OutputFormat::Json {
        return show::removed(&lab, &lab::down(&lab)?);
    }
    let mut told = Told::default();
    if lab::down_and_tell(&lab, |step| told.step(step))?.is_empty() {
        return show::nothing_to_remove(Some(&lab), format);
    }
    told.say(&format!("lab {lab} is removed"));
    told.end()
}

/// The lab that is named, or the only one that runs.
fn chosen(name: Option<&str>) -> anyhow::Result<String> {
    lab::lab::require_root()?;
    let labs = lab::lab::list()?;
    match (name, labs.as_slice()) {
        (Some(lab), labs) if labs.iter().any(|of| of == lab) => Ok(lab.to_owned()),
        (Some(lab), _) => Err(LabError::Unknown { lab: lab.to_owned() }.into()),
        (None, [only]) => Ok(only.clone()),
        (None, []) => bail!("no lab runs on this host: `ravelin lab apply FILE` makes one"),
        (None, labs) => Err(LabError::Several { labs: labs.to_vec() }.into()),
    }
}
