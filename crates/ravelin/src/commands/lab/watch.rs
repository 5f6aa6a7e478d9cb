//! `ravelin lab watch`: a lab as it stands, again each second, until somebody has seen enough.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal},
    time::Duration,
};

use lab::{
    LabError,
    status::{DropStatus, Status},
};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    time,
};

use super::show;
use crate::output::{self, OutputFormat};

/// The time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many of the last drops are shown on a terminal.
const DROPS_SHOWN: usize = 10;
/// Looks at a lab until Ctrl-C, or until it is removed. On a terminal the whole status is shown again each time; otherwise
/// a line for each change and each sampled drop is written.
///
/// # Errors
/// There is no such lab; the kernel refuses; it cannot be written.
pub fn watch(lab: &str, format: OutputFormat) -> anyhow::Result<()> {
    let whole = format == OutputFormat::Table && io::stdout().is_terminal();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut last_drops: VecDeque<String> = VecDeque::new();
        let mut seen: Option<Status> = None;
        loop {
            let (status, drops) = match lab::status::watch(lab) {
                Err(LabError::Unknown { .. }) if seen.is_some() => return removed(lab, format),
                looked => looked?,
            };
            if whole {
                last_drops.extend(drops.iter().map(show::dropped));
                while last_drops.len() > DROPS_SHOWN {
                    last_drops.pop_front();
                }
                let drops: Vec<&str> = last_drops.iter().map(String::as_str).collect();
                output::clear()?;
                output::line(&format!("{}\n\n{}", show::status(&status), drops.join("\n")))?;
            } else {
                write_events(seen.as_ref(), &status, &drops, format)?;
            }
            seen = Some(status);
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                () = time::sleep(INTERVAL) => {}
            }
        }
    })
}

/// Says that there is nothing to watch any more.
fn removed(lab: &str, format: OutputFormat) -> anyhow::Result<()> {
    output::line(&match format {
        OutputFormat::Json => serde_json::json!({ "lab": lab, "removed": true }).to_string(),
        OutputFormat::Table => format!("lab {lab} is removed"),
    })
}

fn write_events(
    before: Option<&Status>,
    now: &Status,
    drops: &[DropStatus],
    format: OutputFormat,
) -> anyhow::Result<()> {
    let json = format == OutputFormat::Json;
    if before.map(|before| before.generation) != Some(now.generation) {
        output::line(&if json {
            serde_json::to_string(&serde_json::json!({ "lab": now.lab, "generation": now.generation }))?
        } else {
            format!("lab {}: generation {}", now.lab, now.generation)
        })?;
    }
    for drop in drops {
        output::line(&if json { serde_json::to_string(drop)? } else { show::dropped(drop) })?;
    }
    Ok(())
}
