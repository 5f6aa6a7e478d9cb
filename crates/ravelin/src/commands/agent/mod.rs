//! `ravelin agent`: the agent of this host.

mod guard;
mod join;
mod remove;
mod restore;
mod root;
mod run;
mod settings;
mod show;
mod status;

use std::{path::Path, process::ExitCode};

use agent::runtime::{Request, Response, ask};
use anyhow::bail;

use crate::{cli::AgentCommand, output};

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The hook that the package has as an example.
const LIBVIRT_HOOK: &str = include_str!("../../../../../packaging/examples/libvirt-hook");

/// `ravelin agent ...`.
///
/// # Errors
/// Why it did not work, for people.
pub fn agent(command: &AgentCommand) -> anyhow::Result<ExitCode> {
    match command {
        AgentCommand::Join(arguments) => join::join(arguments).map(|()| ExitCode::SUCCESS),
        AgentCommand::Run(arguments) => run::run(arguments).map(|()| ExitCode::SUCCESS),
        AgentCommand::Status { json, watch, socket } => status::status(socket, *json, *watch),
        AgentCommand::Restore(arguments) => restore::restore(arguments),
        AgentCommand::Release { device, force, socket } => release(socket, device, *force),
        AgentCommand::LibvirtHook => output::line(LIBVIRT_HOOK.trim_end()).map(|()| ExitCode::SUCCESS),
        AgentCommand::Remove { yes, forget, settings } => remove::remove(*yes, *forget, settings),
    }
}

fn release(socket: &Path, device: &str, force: bool) -> anyhow::Result<ExitCode> {
    let answer = ask(socket, &Request::Release { device: device.to_owned(), force })?.next().transpose()?;
    match answer {
        Some(Response::Released) => {
            output::line(&format!("{device} is open: whatever it sends and is sent passes"))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Response::Error(why)) => bail!(why),
        _ => bail!("the agent does not answer"),
    }
}
