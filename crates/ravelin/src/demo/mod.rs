//! `ravelin demo`: the whole story on an embedded server, told through real signed HTTP; as root, also with real packets.
//!
//! Nothing is left behind: the server's data is in a directory that is removed whichever way the demo ends, also when it
//! is interrupted or panics, and what a lab node makes is on ground of the demo's own, which ends with the process.

mod ground;
mod lab_node;
mod narrator;
mod packets;
mod place;
mod receipt;
mod scene;
mod story;
mod time_line;
mod watch;

use std::{
    fs, io, path::PathBuf, process::ExitCode, sync::atomic::Ordering::Relaxed, thread, time::Duration,
};

use anyhow::Context as _;
use model::ram::KeyPair;
use nix::sys::signal::{SigSet, Signal};
use tempfile::TempDir;
use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use self::{
    ground::Lacking,
    lab_node::{Host, LabNode},
    narrator::Narrator,
    scene::Scene,
    story::tell,
};
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

/// How long what still runs at the end may go on.
const LAST: Duration = Duration::from_secs(5);
/// How often it is tried to remove the demo's data, and the pause between two tries.
const REMOVAL_TRIES: usize = 100;
const REMOVAL_PAUSE: Duration = Duration::from_millis(20);

/// Runs the demo. The exit code is 0 if every step did what it should, and 1 otherwise.
///
/// # Errors
/// The embedded server cannot be started.
pub fn run(arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    start_log()?;
    hold_signals(true)?;
    place::sweep(&std::env::temp_dir());
    let place = tempfile::Builder::new().prefix(place::PREFIX).tempdir();
    let place = place.context("cannot make a directory for the demo's data")?;
    let _held = place::hold(place.path()).context("cannot make a file for the demo's data")?;
    // Before anything that starts a thread.
    let ground = ground::take(place.path());
    let runtime = serve::runtime()?;
    let settings = settings(&place, ground.is_ok());
    let root_key = first_start::new_key()?;
    let credentials = Credentials { id: root_key.id.to_string(), secret: root_key.secret.reveal().into() };
    let served = Served::open(&settings)?;
    let narrator = Narrator::new(arguments.json);
    let end = runtime.block_on(play(served, &settings, (root_key, credentials), narrator, ground));
    // What still writes may end. A story that was interrupted may still wait for an answer; nobody waits for it.
    runtime.shutdown_timeout(LAST);
    remove(place)?;
    match end? {
        End::Told(told) => Ok(if told? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        End::Interrupted(signal) => {
            output::note("Interrupted; the demo's data is removed.");
            Ok(ExitCode::from(signal.exit_code()))
        }
        End::Lost => Ok(ExitCode::FAILURE),
    }
}

/// Holds back the signals that end the demo, until they are listened for: from when there is something to remove.
fn hold_signals(hold: bool) -> anyhow::Result<()> {
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT]);
    let held = if hold { signals.thread_block() } else { signals.thread_unblock() };
    held.context("cannot hold signals back")
}

/// Removes the demo's data. Threads that nobody waits for may still write a last file into it.
fn remove(place: TempDir) -> anyhow::Result<()> {
    let path = place.keep();
    let mut left = REMOVAL_TRIES;
    loop {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) if left > 0 => left -= 1,
            removed => return removed.context("cannot remove the demo's data"),
        }
        thread::sleep(REMOVAL_PAUSE);
    }
}

/// The server's settings; one to which nodes can come where there can be one.
fn settings(place: &TempDir, nodes: bool) -> Settings {
    Settings {
        node_listen: if nodes { "127.0.0.1:0".into() } else { String::new() },
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
    ground: Result<(), Lacking>,
) -> anyhow::Result<End> {
    let mut signals = StopSignals::listen()?;
    // A terminal that is closed ends the demo, too; a server would be ended by nobody's wish. And whoever asks for a
    // picture of a process's memory is not to find the demo's data left.
    let (mut hangup, mut quit) = (signal(SignalKind::hangup())?, signal(SignalKind::quit())?);
    hold_signals(false)?;
    let (ending, mut ended) = oneshot::channel();
    let (runtime, directory) = (Handle::current(), PathBuf::from(&settings.data));
    let (host, hush) = (Host::default(), narrator.hush());
    let ready = |addresses: &[String]| {
        let url = addresses.first().cloned().unwrap_or_default();
        let nodes = addresses.iter().find_map(|address| address.strip_prefix("nodes ")).unwrap_or_default();
        let host = ground.map(|()| LabNode::new(runtime, directory, nodes.to_owned(), host.clone()));
        let telling = thread::Builder::new().name("story".into()).spawn(move || {
            let told = tell(Scene::new(&url, narrator), credentials, host);
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
            _ = quit.recv() => End::Interrupted(StopSignal::Quit),
        };
        hush.store(matches!(end, End::Interrupted(_)), Relaxed);
    };
    let served = served.serve(settings, Some(root_key), ready, stop).await;
    // Before the data is removed: an agent that runs would write into it, and one that begins would make it anew.
    let closed = host.close().await;
    served?;
    if matches!(end, End::Told(_)) {
        // Of a story that was interrupted nobody asks how its agent ended.
        closed?;
    }
    Ok(end)
}
