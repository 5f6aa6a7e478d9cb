//! The writer: the one that changes anything.
//!
//! A turn takes what waits in the queue, plans and applies each command, commits all of it at once and answers. What
//! comes in while the disk is busy is the next batch: the more is asked for, the more one synchronisation carries.
//!
//! Where batches are large they overlap: a second thread commits one, and the writer plans the next meanwhile, against
//! a state that has what is being committed. At most one batch is at the disk and one is planned. The second is handed
//! over, or answered if there is nothing in it to write, when the first is on disk; if the first fails, the second never
//! was.
//!
//! The writer lies on a desk. A thread of its own takes it up when there is something in the queue or on the clock. A
//! submitter that finds the desk free and the queue empty may take it up itself, for its own command alone: that spares
//! two changes of threads, which cost as much as a synchronisation of a fast disk. Whoever has it is the one writer.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use model::UnixMillis;
use parking_lot::Mutex;
use store::{Store, StoreError};

use crate::{
    control::{Core, Phase},
    disk::{self, Commit, Disk},
    nonces::{self, Forgetting},
    pending::{Fate, Pending},
    planner::Planner,
    submission::{Job, Reply, Submission},
};

/// The longest sleep while something is due at some time: the system's clock may be set meanwhile.
pub(crate) const SLEEP_MAX: Duration = Duration::from_secs(1);

/// From how many commands on a batch is committed by the disk's thread, and answered by the runtime that asked.
const MANY: usize = 4;

/// Where the writer lies while nobody writes; empty when it has ended.
pub(crate) type Desk = Mutex<Option<Writer>>;

/// The writer. It owns the store, and lends it to the disk's thread in the middle of a turn.
pub(crate) struct Writer {
    pub(crate) planner: Planner,
    pub(crate) store: Box<dyn Store>,
    pub(crate) disk: Disk,
    pub(crate) forgetting: Forgetting,
    /// A batch of a submitter's own turn that could not be written: the thread recovers the store.
    pub(crate) failed: Option<(Pending, StoreError)>,
    /// When the thread will look at the clock by itself; none: not until it is told to.
    pub(crate) wakes_for: Option<UnixMillis>,
}

/// What the thread does next.
enum Next {
    /// A turn, with this job if there is one.
    Turn(Option<Job>),
    /// Nothing more.
    End,
}

/// Works until the writer is told to stop and has done what was asked before, until nobody is left to ask, or until
/// recovery is given up. Then the store is closed, however it comes to that.
pub(crate) fn run(desk: &Desk, core: &Core, jobs: &Receiver<Job>) {
    let _close = Close(desk);
    loop {
        let Some(sleep) = desk.lock().as_mut().map(Writer::sleep) else { return };
        let Next::Turn(job) = next(core, jobs, sleep) else { return };
        // Should the turn panic, nobody takes the writer up again.
        let mut desk = desk.lock();
        *desk = desk.take().and_then(|writer| writer.turn(job, jobs));
    }
}

struct Close<'a>(&'a Desk);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// Waits for a job for so long; none: for however long it takes.
fn next(core: &Core, jobs: &Receiver<Job>, sleep: Option<Duration>) -> Next {
    if core.stopping.load(Ordering::SeqCst) {
        return jobs.try_recv().map_or(Next::End, |job| Next::Turn(Some(job)));
    }
    let Some(sleep) = sleep else { return jobs.recv().map_or(Next::End, |job| Next::Turn(Some(job))) };
    if sleep.is_zero() {
        return Next::Turn(jobs.try_recv().ok());
    }
    match jobs.recv_timeout(sleep.min(SLEEP_MAX)) {
        Ok(job) => Next::Turn(Some(job)),
        Err(RecvTimeoutError::Timeout) => Next::Turn(None),
        Err(RecvTimeoutError::Disconnected) => Next::End,
    }
}

/// Whether the submission that asks is the only one, and the one before it was: after a batch of many, the first that
/// asks again is alone for a moment only, and the others would have to wait for the runtime's worker that commits it.
pub(crate) fn is_alone(core: &Core) -> bool {
    core.in_flight.load(Ordering::Relaxed) == 1 && core.last_batch.load(Ordering::Relaxed) <= 1
}

/// Carries out a command on the submitter's own thread if there is no other submission; otherwise gives it back: what
/// is asked for together is committed together. It blocks for as long as a commit takes.
pub(crate) fn try_alone(
    desk: &Desk,
    core: &Core,
    jobs: &SyncSender<Job>,
    job: (Submission, Reply),
) -> Option<(Submission, Reply)> {
    let mut guard = match desk.try_lock() {
        Some(guard) if is_alone(core) => guard,
        _ => return Some(job),
    };
    let Some(writer) = guard.as_mut().filter(|writer| writer.failed.is_none()) else { return Some(job) };
    let (submission, reply) = job;
    let turn = panic::catch_unwind(AssertUnwindSafe(|| writer.turn_alone(submission, reply)));
    let wake = turn.unwrap_or_else(|_| {
        tracing::error!("the writer failed and has ended");
        *guard = None;
        core.shared.set_phase(Phase::Stopped);
        true
    });
    drop(guard);
    if wake {
        // If the queue is full, the thread is awake.
        let _ = jobs.try_send(Job::Wake);
    }
    None
}

/// Takes note of a batch that is on disk.
fn note(core: &Core, pending: &Pending, took: Duration) {
    let metrics = &core.metrics;
    metrics.commits.inc();
    metrics.commit_duration.observe(took.as_secs_f64());
    metrics.commit_commands.observe(f64::from(u32::try_from(pending.generations()).unwrap_or(u32::MAX)));
    core.shared.set_durable(pending.last_generation());
}

/// Answers a batch that is on disk. Waking many tasks from a foreign thread costs a system call each, and this thread
/// has the next batch to write: the runtime that asked wakes its tasks itself.
fn confirm(core: &Core, pending: Pending) {
    match core.runtime.get().filter(|_| pending.commands() >= MANY) {
        Some(runtime) => drop(runtime.spawn(async { pending.answer(Fate::Durable) })),
        None => pending.answer(Fate::Durable),
    }
}

impl Writer {
    pub(crate) fn new(planner: Planner, store: Box<dyn Store>, disk: Disk) -> Self {
        let forgetting = Forgetting::default();
        Self { planner, store, disk, forgetting, failed: None, wakes_for: None }
    }

    /// How long the thread may sleep; none: until it is told something.
    fn sleep(&mut self) -> Option<Duration> {
        self.wakes_for = self.planner.core.shared.with(|published| published.state.next_due());
        if self.failed.is_some() { Some(Duration::ZERO) } else { self.planner.until_due() }
    }

    /// A turn for one command. Answers whether the thread has to be told: something is due before it looks at the clock
    /// by itself, or the store has to be recovered.
    fn turn_alone(&mut self, submission: Submission, mut reply: Reply) -> bool {
        let mut pending = self.planner.begin();
        reply.begin();
        self.planner.carry_out(submission, reply, &mut pending);
        if let Err(error) = self.write(&mut pending) {
            // Recovering may take long, and this thread has other things to do.
            self.planner.core.shared.set_phase(Phase::Recovering);
            self.failed = Some((pending, error));
            return true;
        }
        pending.answer(Fate::Durable);
        let due = self.planner.core.shared.with(|published| published.state.next_due());
        due.is_some_and(|due| self.wakes_for.is_none_or(|wakes| due < wakes))
    }

    /// A turn of the writer's thread, for this job and what else waits. None: the writer has ended, and what waits is
    /// answered by being dropped: nothing was begun.
    fn turn(mut self, first: Option<Job>, jobs: &Receiver<Job>) -> Option<Self> {
        if let Some((pending, error)) = self.failed.take() {
            self = self.recover(jobs, pending, Pending::default(), &error)?;
        }
        let mut pending = self.planner.begin();
        if let Some(job) = first {
            self.planner.take(job, &mut pending);
        }
        self.planner.fill(&mut pending, jobs);
        let (mut writer, mut pending) = self.overlap(pending, jobs)?;
        match writer.write(&mut pending) {
            Ok(()) => confirm(&writer.planner.core, pending),
            Err(error) => writer = writer.recover(jobs, pending, Pending::default(), &error)?,
        }
        writer.give_snapshots();
        Some(writer)
    }

    /// As long as there is much to do: has a batch committed and plans the next one meanwhile. What is left over for
    /// this thread comes back. None: the writer has ended.
    fn overlap(mut self, mut pending: Pending, jobs: &Receiver<Job>) -> Option<(Self, Pending)> {
        let core = Arc::clone(&self.planner.core);
        let mut durable = None;
        while self.hands_over(&pending) {
            self.complete(&mut pending);
            let (revision, batch) = (pending.last_generation(), mem::take(&mut pending.batch));
            self.disk.give(Commit { store: self.store, revision, batch });
            // Callers are answered when the disk has something to do again.
            durable.take().into_iter().for_each(|durable| confirm(&core, durable));
            let mut next = self.planner.begin();
            let Some(committed) = self.planner.fill_beside(&self.disk, &mut next, jobs) else {
                lose(pending, next);
                return None;
            };
            self.store = committed.store;
            match committed.result {
                Ok(took) => note(&core, &pending, took),
                Err(error) => {
                    let writer = self.recover(jobs, pending, next, &error)?;
                    return Some((writer, Pending::default()));
                }
            }
            self.give_snapshots();
            // What has come in since the last look need not wait for the batch after this one; but where there is
            // much already, the disk need not wait for it.
            if next.commands() < MANY {
                self.planner.fill(&mut next, jobs);
            }
            durable = Some(mem::replace(&mut pending, next));
        }
        durable.into_iter().for_each(|durable| confirm(&core, durable));
        Some((self, pending))
    }

    /// Whether the disk's thread should commit this batch: to hand over a small one, where more of them are not to be
    /// expected, would cost more than it brings.
    fn hands_over(&self, pending: &Pending) -> bool {
        let last = self.planner.core.last_batch.load(Ordering::Relaxed);
        pending.generations() > 0 && pending.commands().max(last) >= MANY
    }

    /// Adds to a batch what is not asked for by anybody: nonces, and the deletion of what is too old. Nothing is planned
    /// for the next one yet, so that the newest history is this batch's.
    fn complete(&mut self, pending: &mut Pending) {
        let core = &self.planner.core;
        if pending.commands() > 0 {
            core.last_batch.store(pending.commands(), Ordering::Relaxed);
        }
        nonces::put(&mut pending.batch, &pending.nonces);
        if pending.generations() > 0 {
            self.planner.history.trim(&core.settings.history, &mut pending.batch);
        }
        if pending.generations() > 0 || !pending.nonces.is_empty() {
            self.forget_nonces(pending);
        }
    }

    fn forget_nonces(&mut self, pending: &mut Pending) {
        let now = self.planner.core.clock.now();
        let forgotten = self.forgetting.add_to(&mut pending.batch, &*self.store, now);
        if let Err(error) = forgotten {
            // They can be forgotten later. If the store is broken, the commit will say so.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "old nonces cannot be read");
        }
    }

    /// Writes the batch here. What was refused depends on what was applied before it in the same batch, so that its
    /// answer waits for the disk too; where nothing was applied, nothing waits.
    fn write(&mut self, pending: &mut Pending) -> Result<(), StoreError> {
        self.complete(pending);
        if pending.generations() > 0 {
            let took = disk::commit(&mut *self.store, pending.last_generation(), &pending.batch)?;
            note(&self.planner.core, pending, took);
        } else if !pending.batch.is_empty() {
            self.store.write_unsynced(&pending.batch)?;
        }
        Ok(())
    }

    fn give_snapshots(&mut self) {
        for sender in self.planner.snapshots.drain(..) {
            let snapshot = self.store.snapshot();
            if let Err(error) = &snapshot {
                tracing::warn!(error = error as &dyn std::error::Error, "no snapshot of the store");
            }
            // Whoever does not wait any more does not want it.
            let _ = sender.send(snapshot.ok());
        }
    }
}

/// Answers what was at the disk, and what was planned meanwhile, when the disk's thread has panicked.
fn lose(pending: Pending, next: Pending) {
    tracing::error!("the disk's thread failed, and the writer has ended");
    pending.answer(Fate::Unknown);
    next.answer(Fate::Absent);
}

/// Says that the writer has ended, however it ends. Made first and dropped last: the store is closed by then.
pub(crate) struct Farewell(pub(crate) Arc<Core>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the writer failed and has ended");
        }
        self.0.shared.set_phase(Phase::Stopped);
    }
}
