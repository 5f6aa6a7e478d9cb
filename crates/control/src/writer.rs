//! The writer: the one that changes anything.
//!
//! A turn takes what waits in the queue, plans and applies each command, commits all of it at once and answers. What
//! comes in while the disk is busy is the next turn: the more is asked for, the more one synchronisation carries.
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
    time::{Duration, Instant},
};

use model::{Actor, Command, Context, Plan, Refusal, UnixMillis, node::NodeCommand};
use parking_lot::Mutex;
use store::{Snapshot, Store, StoreError};
use tokio::sync::oneshot;

use crate::{
    audit::About,
    control::{Core, Phase},
    entropy::SystemEntropy,
    fleet,
    history::{self, HistoryIndex},
    lineage::Lineage,
    nonces::{self, Forgetting},
    pending::{self, Fate, Pending},
    published::Published,
    submission::{Failure, Job, Receipt, Reply, Submission},
};

/// The longest sleep while something is due at some time: the system's clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// From how many commands on a batch is answered by the runtime that asked.
const MANY: usize = 4;

/// Where the writer lies while nobody writes; empty when it has ended.
pub(crate) type Desk = Mutex<Option<Writer>>;

/// The writer. It owns the store.
pub(crate) struct Writer {
    pub(crate) store: Box<dyn Store>,
    pub(crate) core: Arc<Core>,
    pub(crate) entropy: SystemEntropy,
    pub(crate) history: HistoryIndex,
    pub(crate) forgetting: Forgetting,
    /// The highest generation that was ever given, durable or not.
    pub(crate) last_generation: u64,
    /// Generations that are not given again.
    pub(crate) lineage: Lineage,
    /// Before this moment the clock is not asked again, because it could not do what was due.
    pub(crate) clock_rests_until: Option<Instant>,
    /// Who wants a snapshot after this turn.
    pub(crate) snapshots: Vec<oneshot::Sender<Option<Box<dyn Snapshot>>>>,
    /// A batch of a submitter's own turn that could not be written: the thread recovers the store.
    pub(crate) failed: Option<(Pending, StoreError)>,
    /// When the thread will look at the clock by itself; none: not until it is told to.
    pub(crate) wakes_for: Option<UnixMillis>,
    /// Nobody can ask any more, or recovery was given up.
    pub(crate) ended: bool,
}

/// What the thread does next.
enum Next {
    /// A turn, with this job if there is one.
    Turn(Option<Job>),
    /// Nothing more.
    End,
}

/// Works until the writer is told to stop and has done what was asked before, or until nobody is left to ask. Then the
/// store is closed, however it comes to that.
pub(crate) fn run(desk: &Desk, core: &Core, jobs: &Receiver<Job>) {
    let _close = Close(desk);
    loop {
        let sleep = match desk.lock().as_mut() {
            Some(writer) if !writer.ended => writer.sleep(),
            _ => return,
        };
        let Next::Turn(job) = next(core, jobs, sleep) else { return };
        match desk.lock().as_mut() {
            Some(writer) => writer.turn(job, jobs),
            None => return,
        }
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
    let Some(writer) = guard.as_mut().filter(|writer| writer.failed.is_none() && !writer.ended) else {
        return Some(job);
    };
    let (submission, reply) = job;
    let turn = panic::catch_unwind(AssertUnwindSafe(|| writer.turn_alone(submission, reply)));
    let wake = turn.unwrap_or_else(|_| {
        tracing::error!("the writer failed and has ended");
        *guard = None;
        core.fleet.stop();
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

impl Writer {
    /// How long the thread may sleep; none: until it is told something.
    fn sleep(&mut self) -> Option<Duration> {
        self.wakes_for = self.core.shared.with(|published| published.state.next_due());
        if self.failed.is_some() { Some(Duration::ZERO) } else { self.until_due() }
    }

    /// A turn for one command. Answers whether the thread has to be told: something is due before it looks at the clock
    /// by itself, or the store has to be recovered.
    fn turn_alone(&mut self, submission: Submission, mut reply: Reply) -> bool {
        let mut pending = Pending::default();
        self.advance_if_due(&mut pending);
        reply.begin();
        self.carry_out(submission, reply, &mut pending);
        if let Err(error) = self.write(&mut pending) {
            // Recovering may take long, and this thread has other things to do.
            self.core.shared.set_phase(Phase::Recovering);
            self.failed = Some((pending, error));
            return true;
        }
        pending.answer(Fate::Durable);
        let due = self.core.shared.with(|published| published.state.next_due());
        due.is_some_and(|due| self.wakes_for.is_none_or(|wakes| due < wakes))
    }

    /// How long until the clock changes something; none: nothing is in motion.
    fn until_due(&self) -> Option<Duration> {
        let due = self.core.shared.with(|published| published.state.next_due())?;
        let rest = self
            .clock_rests_until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        let until = due.0.saturating_sub(self.core.clock.now().0);
        Some(rest.max(Duration::from_millis(u64::try_from(until).unwrap_or(0))))
    }

    fn advance_if_due(&mut self, pending: &mut Pending) {
        if self.until_due().is_some_and(|until| until.is_zero()) {
            self.advance(pending);
        }
    }

    fn turn(&mut self, first: Option<Job>, jobs: &Receiver<Job>) {
        if let Some((pending, error)) = self.failed.take() {
            self.recover(jobs, pending, &error);
            if self.ended {
                // What waits is answered by being dropped: nothing was begun.
                return;
            }
        }
        let mut pending = Pending::default();
        self.advance_if_due(&mut pending);
        let mut next = first;
        while let Some(job) = next {
            self.take(job, &mut pending);
            let settings = &self.core.settings;
            let full = pending.commands() >= settings.batch_max || pending.bytes >= settings.batch_bytes_max;
            next = if full { None } else { jobs.try_recv().ok() };
        }
        match self.write(&mut pending) {
            Ok(()) => self.confirm(pending),
            Err(error) => self.recover(jobs, pending, &error),
        }
        self.give_snapshots();
    }

    /// Answers a batch that is on disk. Waking many tasks from a foreign thread costs a system call each, and this
    /// thread has the next batch to write: the runtime that asked wakes its tasks itself.
    fn confirm(&self, pending: Pending) {
        match self.core.runtime.get().filter(|_| pending.commands() >= MANY) {
            Some(runtime) => drop(runtime.spawn(async { pending.answer(Fate::Durable) })),
            None => pending.answer(Fate::Durable),
        }
    }

    /// Carries out what the time has brought.
    fn advance(&mut self, pending: &mut Pending) {
        let now = self.core.clock.now();
        let command = Command::Advance { most: self.core.settings.advance_max };
        let about = About {
            actor: Actor::Clock,
            actor_name: None,
            operation: "Advance",
            request_id: Box::default(),
            source: None,
        };
        let advanced = match self.plan(now, about.actor, &command) {
            Some(Ok(plan)) if !plan.changes.0.is_empty() => {
                self.apply(now, about, None, plan, pending).is_none()
            }
            _ => false,
        };
        self.clock_rests_until = if advanced { None } else { Instant::now().checked_add(SLEEP_MAX) };
    }

    fn take(&mut self, job: Job, pending: &mut Pending) {
        match job {
            Job::Wake => self.clock_rests_until = None,
            Job::Nonce(nonce) => pending.nonce(Some(nonce)),
            Job::Snapshot(sender) => self.snapshots.push(sender),
            Job::Command(submission, mut reply) => {
                self.core.queued.fetch_sub(1, Ordering::Relaxed);
                reply.begin();
                self.carry_out(submission, reply, pending);
            }
        }
    }

    fn carry_out(&mut self, submission: Submission, reply: Reply, pending: &mut Pending) {
        let Submission { actor, command, operation, request_id, source, nonce } = submission;
        let now = self.core.clock.now();
        // Before it is carried out: who renames itself does so under the name that it had.
        let actor_name = self.core.shared.with(|published| history::user_name(&published.state, actor));
        let about = About { actor, actor_name, operation, request_id, source };
        let is_report = matches!(command, Command::Node(NodeCommand::ReportInstances { .. }));
        let Some(planned) = self.plan(now, actor, &command) else {
            reply.answer(Err(Failure::NotDurable));
            return;
        };
        pending.nonce(nonce);
        match planned {
            // What nodes repeat makes no generation.
            Ok(plan) if is_report && plan.changes.0.is_empty() => {
                let generation = self.core.shared.durable();
                reply.answer(Ok(Receipt { generation, outcome: plan.outcome }));
            }
            Ok(plan) => {
                if let Some(reply) = self.apply(now, about, Some(reply), plan, pending) {
                    reply.answer(Err(Failure::NotDurable));
                }
            }
            Err(refusal) => {
                self.core.metrics.refusals.inc();
                pending.refuse(about, Some(reply), refusal);
            }
        }
    }

    /// Plans a command; none: there was no randomness for its ids.
    fn plan(&mut self, now: UnixMillis, actor: Actor, command: &Command) -> Option<Result<Plan, Refusal>> {
        let settings = &self.core.settings;
        let mut context = Context {
            now,
            entropy: &mut self.entropy,
            limits: &settings.limits,
            timing: &settings.timing,
            site: &settings.site,
        };
        // Nobody else changes the state, so that it is the same one when the plan is applied.
        let planned = self.core.shared.with(|now| model::plan(&now.state, actor, command, &mut context));
        let planned = planned.and_then(|plan| self.core.fleet.check(&plan).map(|()| plan));
        if self.entropy.failed() { None } else { Some(planned) }
    }

    /// Applies a plan to the state and adds it to the batch. If it cannot be written, it is not applied, and the reply
    /// comes back.
    fn apply(
        &mut self,
        now: UnixMillis,
        about: About,
        reply: Option<Reply>,
        plan: Plan,
        pending: &mut Pending,
    ) -> Option<Reply> {
        let generation = self.last_generation + 1;
        let encoded = match pending::encode(generation, now, &about, &plan.changes) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    about.operation,
                    "cannot be recorded"
                );
                return reply;
            }
        };
        self.last_generation = generation;
        self.core.shared.apply(&plan.changes, generation);
        // On the state after exactly this change: what the nodes that it concerns are told does not depend on the batch.
        let staged = |published: &Published| fleet::stage(&plan, &published.state, generation);
        pending.staged.extend(self.core.shared.with(staged));
        let receipt = Receipt { generation, outcome: plan.outcome };
        let history_bytes = pending.apply((now, about), reply, (plan.changes, encoded), receipt);
        self.history.push(generation, history_bytes);
        None
    }

    /// Writes the batch. What was refused depends on what was applied before it in the same batch, so that its answer
    /// waits for the disk too; where nothing was applied, nothing waits.
    fn write(&mut self, pending: &mut Pending) -> Result<(), StoreError> {
        self.core.last_batch.store(pending.commands(), Ordering::Relaxed);
        let durable = pending.generations() > 0;
        nonces::put(&mut pending.batch, &pending.nonces);
        if durable || !pending.nonces.is_empty() {
            self.forget_nonces(pending);
        }
        if !durable {
            return if pending.batch.is_empty() { Ok(()) } else { self.store.write_unsynced(&pending.batch) };
        }
        self.lineage.put(&mut pending.batch);
        self.history.trim(&self.core.settings.history, &mut pending.batch);
        let start = Instant::now();
        self.store.commit(self.last_generation, &pending.batch)?;
        self.lineage.saved();
        self.count_commit(start, pending.generations());
        // Nodes first: whoever is answered finds the receipt.
        let staged = mem::take(&mut pending.staged);
        self.core.fleet.publish(staged, self.last_generation, self.core.clock.now());
        self.core.activity.publish(mem::take(&mut pending.noted), self.history.oldest());
        self.core.shared.set_durable(self.last_generation);
        Ok(())
    }

    fn forget_nonces(&mut self, pending: &mut Pending) {
        let now = self.core.clock.now();
        let forgotten = self.forgetting.add_to(&mut pending.batch, &*self.store, now);
        if let Err(error) = forgotten {
            // They can be forgotten later. If the store is broken, the commit will say so.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "old nonces cannot be read");
        }
    }

    fn count_commit(&self, start: Instant, commands: usize) {
        let metrics = &self.core.metrics;
        metrics.commits.inc();
        metrics.commit_duration.observe(start.elapsed().as_secs_f64());
        metrics.commit_commands.observe(f64::from(u32::try_from(commands).unwrap_or(u32::MAX)));
    }

    fn give_snapshots(&mut self) {
        for sender in self.snapshots.drain(..) {
            let snapshot = self.store.snapshot();
            if let Err(error) = &snapshot {
                tracing::warn!(error = error as &dyn std::error::Error, "no snapshot of the store");
            }
            // Whoever does not wait any more does not want it.
            let _ = sender.send(snapshot.ok());
        }
    }
}

/// Says that the writer has ended, however it ends. Made first and dropped last: the store is closed by then.
pub(crate) struct Farewell(pub(crate) Arc<Core>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the writer failed and has ended");
        }
        self.0.fleet.stop();
        self.0.shared.set_phase(Phase::Stopped);
    }
}
