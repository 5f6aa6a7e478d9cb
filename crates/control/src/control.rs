//! The handle: how everybody else asks for changes, looks at the state, and ends it all.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

use model::State;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use store::{Identity, Snapshot, Store, StoreError};
use tokio::{runtime::RuntimeFlavor, sync::oneshot, time};

use crate::{
    access::Access,
    activity::Activity,
    entropy::SystemEntropy,
    fleet::Fleet,
    history::{self, HistoryRecord},
    lineage::Lineage,
    load::{self, OpenError},
    metrics::{Metrics, Sizes},
    nonces::{Forgetting, NonceRecord},
    published::{Part, Read, Seen, Shared, Unavailable},
    records::RecordError,
    settings::{Clock, Settings},
    submission::{Failure, Job, Receipt, Reply, Submission},
    survey, wait,
    writer::{self, Desk, Farewell, Writer},
};

/// What all handles and the writer share.
pub(crate) struct Core {
    pub(crate) shared: Shared,
    pub(crate) fleet: Fleet,
    pub(crate) activity: Activity,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    /// Whether the writer should end when its queue is empty.
    pub(crate) stopping: AtomicBool,
    /// How many submissions wait.
    pub(crate) queued: AtomicUsize,
    /// How many submissions have begun and have not ended.
    pub(crate) in_flight: AtomicUsize,
    /// How many commands the last turn of the writer carried out or refused.
    pub(crate) last_batch: AtomicUsize,
    /// The runtime of the submitters, where they commit on their own threads: it outlives its submissions.
    pub(crate) runtime: OnceLock<tokio::runtime::Handle>,
    identity: Identity,
}

/// What the writer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It takes commands.
    Serving,
    /// A write failed, and the store is being recovered. Reads show the last durable state.
    Recovering,
    /// It has ended.
    Stopped,
}

/// How the control plane is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// What the writer is doing.
    pub phase: Phase,
    /// The last generation that was applied.
    pub generation: u64,
    /// The last generation that is on disk.
    pub durable: u64,
    /// How many submissions wait.
    pub queued: usize,
}

/// Why the history cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The writer gives no snapshot at present.
    #[error("the history cannot be shown at present")]
    Unavailable(#[from] Unavailable),
    /// The store failed.
    #[error("the history cannot be read")]
    Store {
        /// How.
        #[source]
        source: StoreError,
    },
    /// A record is not understood.
    #[error("the history record of generation {generation} is damaged")]
    Damaged {
        /// Which generation it is about.
        generation: u64,
        /// What is wrong with it.
        #[source]
        source: RecordError,
    },
}

/// What [`Control::open`] gives.
pub struct Opened {
    /// The handle.
    pub control: Control,
    /// The nonces that were used and still count.
    pub nonces: Vec<NonceRecord>,
    /// How many entities there are.
    pub entities: u64,
}

struct Handle {
    jobs: SyncSender<Job>,
    desk: Arc<Desk>,
    core: Arc<Core>,
}

/// A submission that has begun; it ends when this is dropped.
struct Flight<'a>(&'a Core);

impl<'a> Flight<'a> {
    fn begin(core: &'a Core) -> Self {
        core.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(core)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The control plane. Clones are the same one; when the last of them goes, the writer ends.
#[derive(Clone)]
pub struct Control(Arc<Handle>);

/// A control plane for as long as others have it.
pub(crate) struct WeakControl(Weak<Handle>);

impl WeakControl {
    pub(crate) fn upgrade(&self) -> Option<Control> {
        self.0.upgrade().map(Control)
    }
}

impl Control {
    /// Loads the store and starts the writer. `progress` is told how many entities are loaded, every now and then.
    /// Blocks: a million instances take some seconds.
    ///
    /// # Errors
    /// The store fails, or holds what this program does not understand; it is unchanged then.
    pub fn open(
        mut store: Box<dyn Store>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Opened, OpenError> {
        let loaded = load::load(&*store, progress)?;
        let nonces = load::load_nonces(&*store, clock.now())?;
        load::initialise(&mut *store)?;
        let mut entropy = SystemEntropy::new();
        let lineage = Lineage::load(&*store, &mut entropy, clock.now())?;
        let revision = store.revision();
        let (jobs, queue) = mpsc::sync_channel(settings.queue_max.max(1));
        let core = Arc::new(Core {
            shared: Shared::new(loaded.state, loaded.memberships, revision),
            fleet: Fleet::new(revision, lineage.clone(), settings.fleet),
            activity: Activity::new(loaded.activity),
            settings,
            clock,
            metrics: Metrics::new(),
            stopping: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            last_batch: AtomicUsize::new(0),
            runtime: OnceLock::new(),
            identity: store.identity(),
        });
        let writer = Writer {
            store,
            core: Arc::clone(&core),
            entropy,
            history: loaded.history,
            forgetting: Forgetting::default(),
            last_generation: lineage.highest(revision),
            lineage,
            clock_rests_until: None,
            snapshots: Vec::new(),
            failed: None,
            wakes_for: None,
            ended: false,
        };
        let desk: Arc<Desk> = Arc::new(Mutex::new(Some(writer)));
        let thread = thread::Builder::new().name("writer".into());
        let (threads_desk, threads_core) = (Arc::clone(&desk), Arc::clone(&core));
        let started = thread.spawn(move || {
            let _farewell = Farewell(Arc::clone(&threads_core));
            writer::run(&threads_desk, &threads_core, &queue);
        });
        started.map_err(|source| OpenError::Thread { source })?;
        let control = Self(Arc::new(Handle { jobs, desk, core }));
        Ok(Opened { control, nonces, entities: loaded.entities })
    }

    /// Asks for a change and waits until it is on disk. With [`Settings::commit_on_submitter`] the commit may be made
    /// here: then this thread is busy for as long as the disk takes. If the caller does not wait any more (the future is dropped),
    /// the command is carried out all the same.
    ///
    /// # Errors
    /// The command was not carried out, or, with [`Failure::Unknown`], nobody knows.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, Failure> {
        let core = &self.0.core;
        if core.settings.commit_on_submitter {
            core.runtime.get_or_init(tokio::runtime::Handle::current);
        }
        let _flight = Flight::begin(core);
        let answer = self.enqueue(submission)?;
        let answered = time::timeout(self.0.core.settings.commit_deadline, answer).await;
        answered.ok().and_then(Result::ok).unwrap_or(Err(Failure::Unknown))
    }

    /// As [`Control::submit`], for threads that have no runtime.
    ///
    /// # Errors
    /// As [`Control::submit`].
    pub fn submit_blocking(&self, submission: Submission) -> Result<Receipt, Failure> {
        let _flight = Flight::begin(&self.0.core);
        let answer = self.enqueue(submission)?;
        let answered = wait::block_on(self.0.core.settings.commit_deadline, answer);
        answered.and_then(Result::ok).unwrap_or(Err(Failure::Unknown))
    }

    fn enqueue(
        &self,
        submission: Submission,
    ) -> Result<oneshot::Receiver<Result<Receipt, Failure>>, Failure> {
        let core = &self.0.core;
        self.check_serving()?;
        let (reply, answer) = Reply::channel();
        let (submission, reply) = if core.settings.commit_on_submitter && writer::is_alone(core) {
            let alone = || writer::try_alone(&self.0.desk, core, &self.0.jobs, (submission, reply));
            // The runtime's other tasks must not wait for the disk with this one.
            let several = tokio::runtime::Handle::try_current()
                .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
            match if several { tokio::task::block_in_place(alone) } else { alone() } {
                None => return Ok(answer),
                Some(job) => job,
            }
        } else {
            (submission, reply)
        };
        self.send(submission, reply).map(|()| answer)
    }

    fn check_serving(&self) -> Result<(), Failure> {
        let core = &self.0.core;
        match core.shared.phase() {
            Phase::Serving if core.stopping.load(Ordering::SeqCst) => Err(Failure::Stopping),
            Phase::Serving => Ok(()),
            Phase::Recovering => Err(Failure::NotDurable),
            Phase::Stopped => Err(Failure::Stopping),
        }
    }

    fn send(&self, submission: Submission, reply: Reply) -> Result<(), Failure> {
        let core = &self.0.core;
        // Counted first, so that the writer never takes away what is not counted yet.
        core.queued.fetch_add(1, Ordering::Relaxed);
        let Err(error) = self.0.jobs.try_send(Job::Command(submission, reply)) else { return Ok(()) };
        core.queued.fetch_sub(1, Ordering::Relaxed);
        match error {
            TrySendError::Full(_) => {
                core.metrics.overloads.inc();
                Err(Failure::Overloaded)
            }
            TrySendError::Disconnected(_) => Err(Failure::Stopping),
        }
    }

    /// Asks for a change, and does not wait for the answer.
    pub(crate) fn post(
        &self,
        submission: Submission,
    ) -> Result<oneshot::Receiver<Result<Receipt, Failure>>, Failure> {
        self.check_serving()?;
        let (reply, answer) = Reply::channel();
        self.send(submission, reply)?;
        Ok(answer)
    }

    /// Keeps a nonce that was used up by a request that asked for no change. It survives the end of this process, not
    /// that of the machine. Where the queue is full it is not kept.
    pub fn remember(&self, nonce: NonceRecord) {
        let _ = self.0.jobs.try_send(Job::Nonce(nonce));
    }

    /// Looks at the state; what it shows is on disk. `f` may be called again if a commit fails meanwhile. It must be
    /// short, for the writer waits for it, and must not use this handle, but for [`Control::standing`] and
    /// [`Control::enforcement`].
    ///
    /// # Errors
    /// A commit that the answer depends on does not end within the deadline.
    pub async fn read<T>(&self, f: impl Fn(&State) -> T) -> Result<Read<T>, Unavailable> {
        self.read_part(Part::Whole, f).await
    }

    /// Looks at who may do what. It does not wait for commits of other things: the way for every request.
    ///
    /// # Errors
    /// As [`Control::read`].
    pub async fn read_access<T>(&self, f: impl Fn(Access<'_>) -> T) -> Result<Read<T>, Unavailable> {
        self.read_part(Part::Access, |state| f(Access::new(state))).await
    }

    async fn read_part<T>(&self, part: Part, f: impl Fn(&State) -> T) -> Result<Read<T>, Unavailable> {
        let core = &self.0.core;
        let seen = core.shared.look(part, &f);
        if seen.durable {
            return Ok(Read { value: seen.value, generation: seen.generation });
        }
        let settled = core.shared.settle(part, f, seen);
        time::timeout(core.settings.read_deadline, settled).await.unwrap_or(Err(Unavailable))
    }

    /// As [`Control::read`], for threads that have no runtime.
    ///
    /// # Errors
    /// As [`Control::read`].
    pub fn read_blocking<T>(&self, f: impl Fn(&State) -> T) -> Result<Read<T>, Unavailable> {
        self.read_part_blocking(Part::Whole, f)
    }

    fn read_part_blocking<T>(&self, part: Part, f: impl Fn(&State) -> T) -> Result<Read<T>, Unavailable> {
        let core = &self.0.core;
        let seen: Seen<T> = core.shared.look(part, &f);
        if seen.durable {
            return Ok(Read { value: seen.value, generation: seen.generation });
        }
        let settled = core.shared.settle(part, f, seen);
        wait::block_on(core.settings.read_deadline, settled).unwrap_or(Err(Unavailable))
    }

    /// A consistent view of the store between two commits: for a backup. While somebody holds it, a failed store may
    /// have to wait with its recovery.
    ///
    /// # Errors
    /// The writer gives none at present.
    pub async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Unavailable> {
        let answer = self.ask_for_snapshot()?;
        let answered = time::timeout(self.0.core.settings.read_deadline, answer).await;
        answered.ok().and_then(Result::ok).flatten().ok_or(Unavailable)
    }

    /// As [`Control::snapshot`], for threads that have no runtime.
    ///
    /// # Errors
    /// As [`Control::snapshot`].
    pub fn snapshot_blocking(&self) -> Result<Box<dyn Snapshot>, Unavailable> {
        let answer = self.ask_for_snapshot()?;
        let answered = wait::block_on(self.0.core.settings.read_deadline, answer);
        answered.and_then(Result::ok).flatten().ok_or(Unavailable)
    }

    fn ask_for_snapshot(&self) -> Result<oneshot::Receiver<Option<Box<dyn Snapshot>>>, Unavailable> {
        let (sender, answer) = oneshot::channel();
        self.0.jobs.try_send(Job::Snapshot(sender)).map_err(|_| Unavailable)?;
        Ok(answer)
    }

    /// At most `most` generations from `from` on, the oldest first. Generations that retention has deleted are left
    /// out. Reads the disk on a thread of its own.
    ///
    /// # Errors
    /// The history cannot be read.
    pub async fn history(&self, from: u64, most: usize) -> Result<Vec<HistoryRecord>, HistoryError> {
        let snapshot = self.snapshot().await?;
        let reading = survey::blocking(move || history::read(&*snapshot, from, most));
        reading.await.map_err(|_| Unavailable)?
    }

    /// As [`Control::history`], for threads that have no runtime.
    ///
    /// # Errors
    /// As [`Control::history`].
    pub fn history_blocking(&self, from: u64, most: usize) -> Result<Vec<HistoryRecord>, HistoryError> {
        history::read(&*self.snapshot_blocking()?, from, most)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    pub(crate) fn downgrade(&self) -> WeakControl {
        WeakControl(Arc::downgrade(&self.0))
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        let core = &self.0.core;
        Status {
            phase: core.shared.phase(),
            generation: core.shared.with(|published| published.generation),
            durable: core.shared.durable(),
            queued: core.queued.load(Ordering::Relaxed),
        }
    }

    /// Which store this is.
    pub fn identity(&self) -> Identity {
        self.0.core.identity
    }

    /// Adds what is counted here to a registry, under names that begin with `control_` and `fleet_`.
    pub fn register(&self, registry: &mut Registry) {
        self.0.core.metrics.register(registry);
        self.0.core.fleet.metrics.register(&self.0.core, registry);
    }

    /// How much there is of what, for metrics.
    pub fn sizes(&self) -> Sizes {
        self.0.core.shared.with(Sizes::of)
    }

    /// Lets the writer look at the clock now. For clocks that are set by hand: the system's needs no help.
    pub fn wake(&self) {
        // If the queue is full, the writer is awake.
        let _ = self.0.jobs.try_send(Job::Wake);
    }

    /// Takes no further submissions, finishes those that wait, and closes the store.
    pub async fn stop(&self) {
        self.0.core.stopping.store(true, Ordering::SeqCst);
        self.wake();
        self.stopped().await;
    }

    /// As [`Control::stop`], for threads that have no runtime.
    pub fn stop_blocking(&self) {
        while wait::block_on(Duration::from_secs(3600), self.stop()).is_none() {}
    }

    /// Waits until the writer has ended, for whatever reason. A program that did not ask for it should end too.
    pub async fn stopped(&self) {
        self.0.core.shared.until(Phase::Stopped).await;
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Control").field(&self.status()).finish()
    }
}
