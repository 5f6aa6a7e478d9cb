//! `ravelin agent run`.

use agent::{
    LabDriver,
    links::Uplink,
    runtime::{Agent, DeviceFeed},
};
use dataplane::EbpfDataplane;
use tokio::runtime::{Builder, Runtime};

use super::{VERSION, guard, root, settings};
use crate::{
    cli::RunArguments,
    log, output,
    serve::{StopSignals, keep_files_private},
    settings::LogFormat,
};

/// Runs the agent until it is told to stop.
///
/// # Errors
/// Why it cannot enforce, for people.
pub(super) fn run(arguments: &RunArguments) -> anyhow::Result<()> {
    let settings = settings::of_run(arguments)?;
    let warning = guard::warning(&settings);
    if arguments.print_settings {
        if let Some(warning) = &warning {
            output::note(&format!("WARNING: {warning}"));
        }
        return output::line(toml::to_string_pretty(&settings)?.trim_end());
    }
    let _log = log::start(&settings.log, format_of(settings.log_format))?;
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
    }
    keep_files_private();
    let agent = Agent::open(settings, VERSION).map_err(|error| {
        let denied = root::is_denied(&error);
        root::advised(error.into(), denied)
    })?;
    let driver = LabDriver::new(agent.node());
    let agent = agent.with_driver(Box::new(driver));
    runtime()?.block_on(async {
        let mut signals = StopSignals::listen()?;
        let feed = DeviceFeed::kernel_with(Uplink::of(agent.settings())).await?;
        let dataplane = EbpfDataplane::open(agent.settings().dataplane.options()?)?;
        let ready = || drop(output::try_line("ready"));
        let stop = async {
            let signal = signals.wait().await.name();
            tracing::info!(signal, "stopping; what is in force stays so");
        };
        Ok(agent.run(dataplane, feed, ready, stop).await?)
    })
}

/// A runtime of one thread: what takes time has threads of its own.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn format_of(format: agent::settings::LogFormat) -> LogFormat {
    match format {
        agent::settings::LogFormat::Text => LogFormat::Text,
        agent::settings::LogFormat::Json => LogFormat::Json,
    }
}
