//! The part of the writer that needs no store: it plans commands, applies them to the state and adds them to a batch.

use std::{
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
    time::{Duration, Instant},
};

use model::{Actor, Command, Context, Plan, Refusal, UnixMillis};
use store::Snapshot;
use tokio::sync::oneshot;

use crate::{
    audit::About,
    control::Core,
    disk::{Committed, Disk, Progress},
    entropy::SystemEntropy,
    history::HistoryIndex,
    pending::{self, Pending},
    submission::{Failure, Job, Receipt, Reply, Submission},
    writer::SLEEP_MAX,
};

/// How long the disk is busy before the queue is looked at again: it doubles while nothing comes. To be woken for each
/// job would cost a change of threads each, and none of them can be committed before the disk is free.
const PAUSE: Duration = Duration::from_micros(100);
const PAUSE_MAX: Duration = Duration::from_millis(1);

/// What plans. Whoever has it is the only one that changes the state.
pub(crate) struct Planner {
    pub(crate) core: Arc<Core>,
    pub(crate) entropy: SystemEntropy,
    pub(crate) history: HistoryIndex,
    /// The highest generation that was ever given, durable or not.
    pub(crate) last_generation: u64,
    /// Before this moment the clock is not asked again, because it could not do what was due.
    pub(crate) clock_rests_until: Option<Instant>,
    /// Who wants a snapshot of the store, between two commits.
    pub(crate) snapshots: Vec<oneshot::Sender<Option<Box<dyn Snapshot>>>>,
}

impl Planner {
    pub(crate) fn new(core: Arc<Core>, history: HistoryIndex, revision: u64) -> Self {
        Self {
            core,
            entropy: SystemEntropy::new(),
            history,
            last_generation: revision,
            clock_rests_until: None,
            snapshots: Vec::new(),
        }
    }

    /// How long until the clock changes something; none: nothing is in motion.
    pub(crate) fn until_due(&self) -> Option<Duration> {
        let due = self.core.shared.with(|published| published.state.next_due())?;
        let rest = self
            .clock_rests_until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        let until = due.0.saturating_sub(self.core.clock.now().0);
        Some(rest.max(Duration::from_millis(u64::try_from(until).unwrap_or(0))))
    }

    /// Begins a batch, with what the time has brought.
    pub(crate) fn begin(&mut self) -> Pending {
        let mut pending = Pending::default();
        if self.until_due().is_some_and(|until| until.is_zero()) {
            self.advance(&mut pending);
        }
        pending
    }

    /// Takes what waits in the queue, as long as there is room in the batch. Answers whether anything came.
    pub(crate) fn fill(&mut self, pending: &mut Pending, jobs: &Receiver<Job>) -> bool {
        let mut came = false;
        while !self.is_full(pending) {
            let Ok(job) = jobs.try_recv() else { break };
            self.take(job, pending);
            came = true;
        }
        came
    }

    /// Fills the batch while the disk is busy with the one before. None: the store is lost.
    pub(crate) fn fill_beside(
        &mut self,
        disk: &Disk,
        pending: &mut Pending,
        jobs: &Receiver<Job>,
    ) -> Option<Committed> {
        let mut pause = PAUSE;
        loop {
            if self.fill(pending, jobs) {
                pause = PAUSE;
            }
            // With a full batch there is nothing else to wait for.
            match disk.wait(Some(pause).filter(|_| !self.is_full(pending))) {
                Progress::Ended(committed) => return Some(committed),
                Progress::Busy => pause = (pause * 2).min(PAUSE_MAX),
                Progress::Lost => return None,
            }
        }
    }

    fn is_full(&self, pending: &Pending) -> bool {
        let settings = &self.core.settings;
        pending.commands() >= settings.batch_max || pending.bytes >= settings.batch_bytes_max
    }

    /// Carries out what the time has brought.
    fn advance(&mut self, pending: &mut Pending) {
        let now = self.core.clock.now();
        let command = Command::Advance { most: self.core.settings.advance_max };
        let about =
            About { actor: Actor::Clock, operation: "Advance", request_id: Box::default(), source: None };
        let advanced = match self.plan(now, about.actor, &command) {
            Some(Ok(plan)) if !plan.changes.0.is_empty() => {
                self.apply(now, about, None, plan, pending).is_none()
            }
            _ => false,
        };
        self.clock_rests_until = if advanced { None } else { Instant::now().checked_add(SLEEP_MAX) };
    }

    pub(crate) fn take(&mut self, job: Job, pending: &mut Pending) {
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

    pub(crate) fn carry_out(&mut self, submission: Submission, reply: Reply, pending: &mut Pending) {
        let Submission { actor, command, operation, request_id, source, nonce } = submission;
        let now = self.core.clock.now();
        let about = About { actor, operation, request_id, source };
        let Some(planned) = self.plan(now, actor, &command) else {
            reply.answer(Err(Failure::NotDurable));
            return;
        };
        pending.nonce(nonce);
        match planned {
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
        let receipt = Receipt { generation, outcome: plan.outcome };
        let history_bytes = pending.apply(about, reply, (plan.changes, encoded), receipt);
        self.history.push(generation, history_bytes);
        None
    }
}
