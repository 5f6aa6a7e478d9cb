//! The log of server and agent on standard error.
//!
//! Nobody waits for it: lines go through a bounded buffer to a thread of its own. A reader that is slow, gone, or whose
//! disk is full costs lines, never an answer.

use std::io::IsTerminal;

use anyhow::Context as _;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::settings::LogFormat;

/// How many lines wait for the reader at the most; further ones are dropped.
const LINES_MAX: usize = 16_384;

/// Starts the log. Lines that wait are written when the guard is dropped, as far as their reader takes them at once.
///
/// # Errors
/// The filter is none; there is a log already.
pub fn start(log: &str, format: LogFormat) -> anyhow::Result<WorkerGuard> {
    // What the storage engine tells of itself is for those who ask for it by name.
    let quiet = |engine: &str| if log.contains(engine) { String::new() } else { format!("{engine}=warn,") };
    let directives = format!("{}{}{log}", quiet("fjall"), quiet("lsm_tree"));
    let filter = EnvFilter::try_new(&directives).with_context(|| format!("{log:?} is not a log filter"))?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_MAX)
        .thread_name("log")
        .finish(std::io::stderr());
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
    let started = match format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))?;
    Ok(guard)
}
