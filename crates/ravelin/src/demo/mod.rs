//! `ravelin demo`: the whole story on an embedded server, told through real signed HTTP.
//!
//! Nothing is left behind: the server's data is in a directory that is removed whichever way the demo ends, also when it
//! is interrupted or panics.

mod narrator;
mod scene;
mod story;

use std::process::ExitCode;

use anyhow::Context as _;
use model::ram::KeyPair;
use tempfile::TempDir;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use self::{narrator::Narrator, scene::Scene, story::tell};
use crate::{
    cli::DemoArguments,
    client::Credentials,
    first_start, output,
    serve::{self, Served, StopSignal, StopSignals},
    settings::{self, Settings},
};

/// How long a disk reset takes in the demo, in milliseconds: long enough to be seen, and to be refused in.
const RESETTING_MS: u64 = 3_000;
/// How long the other passing states take, in milliseconds.
const PASSING_MS: u64 = 250;

/// Runs the demo. The exit code is 0 if every step did what it should, and 1 otherwise.
///
/// # Errors
/// The embedded server cannot be started.
pub fn run(arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    start_log()?;
    let place = tempfile::Builder::new().prefix("ravelin-demo-").tempdir();
    let place = place.context("cannot make a directory for the demo's data")?;
    let runtime = serve::runtime()?;
    let settings = settings(&place);
    let root_key = first_start::new_key()?;
    let credentials = Credentials { id: root_key.id.to_string(), secret: root_key.secret.reveal().into() };
    let served = Served::open(&settings)?;
    let narrator = Narrator::new(arguments.json);
    let end = runtime.block_on(play(served, &settings, (root_key, credentials), narrator));
    // A story that was interrupted may still wait for an answer; nobody waits for it.
    runtime.shutdown_background();
    place.close().context("cannot remove the demo's data")?;
    match end? {
        End::Told(told) => Ok(if told? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        End::Interrupted(signal) => {
            output::note("Interrupted; the demo's data is removed.");
            Ok(ExitCode::from(signal.exit_code()))
        }
        End::Lost => Ok(ExitCode::FAILURE),
    }
}

fn settings(place: &TempDir) -> Settings {
    Settings {
        data: place.path().to_string_lossy().into_owned(),
        listen: "127.0.0.1:0".into(),
        drain_seconds_max: 1,
        timing: model::Timing {
            creating_ms: PASSING_MS,
            image_downloading_ms: PASSING_MS,
            starting_ms: PASSING_MS,
            stopping_ms: PASSING_MS,
            releasing_ms: PASSING_MS,
            resetting_ms: RESETTING_MS,
            ..model::Timing::default()
        },
        ..Settings::default()
    }
}

/// The demo speaks for itself: the server's log is heard only where it is asked for.
fn start_log() -> anyhow::Result<()> {
    let Some(filter) = std::env::var("RAVELIN_LOG").ok().filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    settings::log_filter(&filter).context("in the environment variable RAVELIN_LOG")?;
    let filter = tracing_subscriber::EnvFilter::try_new(&filter)
        .with_context(|| format!("RAVELIN_LOG: {filter:?} is not a log filter"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.try_init().map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// How the story ended.
enum End {
    Told(anyhow::Result<bool>),
    Interrupted(StopSignal),
    /// The thread that tells it is gone.
    Lost,
}

/// Serves, and tells the story to the end or to the first signal.
async fn play(
    served: Served,
    settings: &Settings,
    (root_key, credentials): (KeyPair, Credentials),
    narrator: Narrator,
) -> anyhow::Result<End> {
    let mut signals = StopSignals::listen()?;
    // A terminal that is closed ends the demo, too; a server would be ended by nobody's wish.
    let mut hangup = signal(SignalKind::hangup())?;
    let (ending, mut ended) = oneshot::channel();
    let ready = |urls: &[String]| {
        let url = urls.first().cloned().unwrap_or_default();
        let telling = std::thread::Builder::new().name("story".into()).spawn(move || {
            let told = tell(Scene::new(&url, narrator), credentials);
            // If nobody listens any more the demo was interrupted.
            let _ = ending.send(told);
        });
        if let Err(error) = telling {
            output::note(&format!("ravelin: the story cannot be told: {error}"));
        }
        Ok(())
    };
    let mut end = End::Lost;
    let stop = async {
        end = tokio::select! {
            told = &mut ended => told.map_or(End::Lost, End::Told),
            signal = signals.wait() => End::Interrupted(signal),
            _ = hangup.recv() => End::Interrupted(StopSignal::HangUp),
        };
    };
    served.serve(settings, Some(root_key), ready, stop).await?;
    Ok(end)
}
