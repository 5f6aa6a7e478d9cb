//! `ravelin agent status`.

use std::{io::IsTerminal as _, path::Path, process::ExitCode};

use agent::{
    runtime::{Request, Response, ask},
    status::Status,
};
use anyhow::bail;

use super::show;
use crate::output;

/// Asks the agent how it stands, and shows it.
///
/// # Errors
/// No agent answers.
pub(super) fn status(socket: &Path, json: bool, watch: bool) -> anyhow::Result<ExitCode> {
    let request = if watch { Request::Watch } else { Request::Status };
    let mut healthy = true;
    let mut answered = false;
    for response in ask(socket, &request)? {
        let status = match response? {
            Response::Status(status) => status,
            Response::Error(why) => bail!(why),
            Response::Released => bail!("the agent answers something else"),
        };
        answered = true;
        healthy = show::is_healthy(&status);
        print(&status, json, watch)?;
    }
    if !answered || watch {
        bail!("the agent has ended");
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(EXIT_UNHEALTHY) })
}

/// Something is not in force, or the control plane is not reached.
const EXIT_UNHEALTHY: u8 = 3;

fn print(status: &Status, json: bool, watch: bool) -> anyhow::Result<()> {
    match (json, watch) {
        (true, true) => output::line(&serde_json::to_string(status)?),
        (true, false) => output::line(&serde_json::to_string_pretty(status)?),
        (false, _) => {
            if watch && std::io::stdout().is_terminal() {
                output::clear()?;
            }
            output::line(&show::status(status))
        }
    }
}
