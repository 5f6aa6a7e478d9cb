//! The event log: every event as a line of JSON, appended to a file or to standard output.
//!
//! Nobody waits for it: events go through a bounded queue to a thread of its own, which writes them. What does not fit, or
//! cannot be written, is lost; how many events that were, the next line says, and the server's log too. The file is opened
//! for appending, so that it may be cut short or moved by whoever rotates it, and is opened again when it is told to.
//!
//! An event goes into the queue when it is on disk, and into the file after that: where the process is killed, or the machine
//! fails, the events that still wait are not in the file. Changes among them are in the history.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use control::{
    Control,
    activity::{Event, EventChange, EventSink},
};
use serde_json::json;

/// How many events wait to be written at the most.
const QUEUE_MAX: usize = 8_192;
/// How often the thread looks whether it should end.
const LOOK: Duration = Duration::from_millis(100);
/// How long what waits may take to be written at the end.
const END_MAX: Duration = Duration::from_secs(5);

/// An event and what it changed.
type Entry = (Event, Vec<EventChange>);

/// What the thread is told beside events.
#[derive(Default)]
struct Told {
    /// To open the file again.
    reopen: AtomicBool,
    /// To end when nothing waits.
    end: AtomicBool,
    /// How many events did not fit the queue, that no line speaks of yet.
    lost: AtomicU64,
}

/// Takes events, and never waits.
struct Sink {
    entries: SyncSender<Entry>,
    told: Arc<Told>,
}

impl EventSink for Sink {
    fn take(&self, event: &Event, changes: &[EventChange]) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.entries.try_send((event.clone(), changes.to_vec()))
        {
            self.told.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A log that is written.
pub struct EventLog {
    told: Arc<Told>,
    thread: JoinHandle<()>,
}

impl EventLog {
    /// Writes every event from now on to a file, or to standard output where it is `-`.
    ///
    /// # Errors
    /// The file cannot be opened for appending.
    pub fn start(target: &str, control: &Control) -> anyhow::Result<Self> {
        let target = match target {
            "-" => Target::StandardOutput,
            path => Target::File { file: open(Path::new(path))?, path: path.into() },
        };
        let (entries, queue) = mpsc::sync_channel(QUEUE_MAX);
        let told = Arc::new(Told::default());
        let own = Arc::clone(&told);
        let thread = thread::Builder::new()
            .name("event-log".into())
            .spawn(move || write(&queue, Lines::new(target), &own))
            .context("the thread of the event log cannot be started")?;
        control.set_event_sink(Arc::new(Sink { entries, told: Arc::clone(&told) }));
        Ok(Self { told, thread })
    }

    /// What opens the file again when it is called.
    pub fn reopener(&self) -> impl Fn() + Send + use<> {
        let told = Arc::clone(&self.told);
        move || told.reopen.store(true, Ordering::SeqCst)
    }

    /// Writes what waits, and ends; where that takes too long, some of it is lost.
    pub fn finish(self) {
        self.told.end.store(true, Ordering::SeqCst);
        let until = Instant::now() + END_MAX;
        while !self.thread.is_finished() {
            if Instant::now() >= until {
                tracing::warn!("the event log cannot be written; its last lines are lost");
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.with_context(|| format!("cannot append to the event log {}", path.display()))
}

/// Where lines go.
enum Target {
    StandardOutput,
    File { file: File, path: PathBuf },
}

/// Lines, each written as a whole or counted as lost.
struct Lines {
    target: Target,
    /// The last line may have been written in part: the next one begins on a line of its own.
    broken: bool,
    lost: u64,
}

impl Lines {
    fn new(target: Target) -> Self {
        Self { target, broken: false, lost: 0 }
    }

    fn reopen(&mut self) {
        if let Target::File { file, path } = &mut self.target {
            match open(path) {
                Ok(opened) => (*file, self.broken) = (opened, false),
                // The old one is written on: better there than nowhere.
                Err(error) => tracing::error!("{error:#}"),
            }
        }
    }

    /// Says how many events were lost, where some were; whether that is said.
    fn say_lost(&mut self) -> bool {
        if self.lost > 0 && self.line(&json!({ "Lost": self.lost }).to_string()).is_ok() {
            self.lost = 0;
        }
        self.lost == 0
    }

    fn event(&mut self, line: &str) {
        if !self.say_lost() {
            self.lost += 1;
            return;
        }
        if let Err(error) = self.line(line) {
            if self.lost == 0 {
                tracing::error!(error = &error as &dyn std::error::Error, "the event log cannot be written");
            }
            self.lost += 1;
        }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let begin = if self.broken { "\n" } else { "" };
        let whole = format!("{begin}{line}\n");
        let written = match &mut self.target {
            Target::File { file, .. } => file.write_all(whole.as_bytes()),
            Target::StandardOutput => {
                let mut out = io::stdout().lock();
                out.write_all(whole.as_bytes()).and_then(|()| out.flush())
            }
        };
        self.broken = written.is_err();
        written
    }
}

fn write(queue: &Receiver<Entry>, mut lines: Lines, told: &Told) {
    loop {
        let received = queue.recv_timeout(LOOK);
        if told.reopen.swap(false, Ordering::SeqCst) {
            lines.reopen();
        }
        let missed = told.lost.swap(0, Ordering::Relaxed);
        if missed > 0 {
            tracing::error!(events = missed, "the event log is slower than events come; some are lost");
            lines.lost += missed;
        }
        match received {
            Ok((event, changes)) => {
                lines.event(&wire::events::object(&event, &changes).to_string());
            }
            Err(RecvTimeoutError::Timeout) if !told.end.load(Ordering::SeqCst) => {}
            Err(_) => break,
        }
    }
    // No event comes any more that could say it.
    lines.lost += told.lost.swap(0, Ordering::Relaxed);
    lines.say_lost();
}

#[cfg(test)]
mod tests {
    use control::activity::{EventOutcome, EventPlace};
    use model::{AccountId, Actor, UnixMillis, ram::UserId};

    use super::*;

    fn event(generation: u64) -> Event {
        Event {
            place: EventPlace { generation, refusal: 0 },
            at: UnixMillis(0),
            actor: Actor::User(AccountId(1), UserId(7)),
            actor_name: Some("alice".into()),
            operation: "LeaveSecurityGroup".into(),
            request_id: "request".into(),
            source: None,
            outcome: EventOutcome::Applied,
            about: Box::default(),
        }
    }

    fn read(path: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn lines_of(path: &Path) -> Lines {
        Lines::new(Target::File { file: open(path).unwrap(), path: path.into() })
    }

    /// Writes these events, and ends.
    fn written(lines: Lines, told: &Told, events: &[u64]) {
        let (entries, queue) = mpsc::sync_channel(QUEUE_MAX);
        events.iter().for_each(|generation| entries.try_send((event(*generation), Vec::new())).unwrap());
        drop(entries);
        write(&queue, lines, told);
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_anew_when_it_is_told_to() {
        let directory = tempfile::tempdir().unwrap();
        let (path, moved) = (directory.path().join("events"), directory.path().join("events.1"));
        let lines = lines_of(&path);
        std::fs::rename(&path, &moved).unwrap();
        let told = Told::default();
        told.reopen.store(true, Ordering::SeqCst);
        written(lines, &told, &[1, 2]);
        assert!(read(&moved).is_empty());
        let lines = read(&path);
        assert_eq!((&lines[0]["Generation"], &lines[1]["Generation"]), (&json!(1), &json!(2)));
        assert_eq!((&lines[0]["ActorName"], &lines[0]["Outcome"]), (&json!("alice"), &json!("Applied")));
    }

    #[test]
    fn what_is_lost_is_counted_and_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        let (entries, queue) = mpsc::sync_channel(1);
        let told = Arc::new(Told::default());
        let sink = Sink { entries, told: Arc::clone(&told) };
        (1..=5).for_each(|generation| sink.take(&event(generation), &[]));
        drop(sink);
        write(&queue, lines_of(&path), &told);
        let lines = read(&path);
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["Lost"], &lines[1]["Generation"]), (&json!(4), &json!(1)));
    }

    #[test]
    fn what_is_lost_last_is_said_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        let told = Told::default();
        told.lost.store(3, Ordering::Relaxed);
        written(lines_of(&path), &told, &[]);
        assert_eq!(read(&path), [json!({ "Lost": 3 })]);
    }

    #[test]
    fn a_full_disk_costs_lines_and_nothing_else() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let mut lines = lines_of(full);
        (1..=3).for_each(|_| lines.event("{}"));
        assert_eq!((lines.lost, lines.broken), (3, true));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        lines.target = Target::File { file: open(&path).unwrap(), path: path.clone() };
        lines.event("{}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "\n{\"Lost\":3}\n{}\n");
    }
}
