//! After a failed commit: nothing is guessed. The store is recovered, what it then holds is the state, and the callers
//! are answered by it. What was planned on top of that commit was never written: that is known at once.

use std::{
    error::Error,
    sync::{
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use store::StoreError;

use crate::{
    control::Phase,
    load::{self, Loaded, OpenError},
    nonces::Forgetting,
    pending::{Fate, Pending},
    submission::{Failure, Job},
    writer::Writer,
};

impl Writer {
    /// Recovers the store, however often that must be tried, and answers the batch that failed, and the one that was
    /// planned on top of it and never written. None: it was given up.
    pub(crate) fn recover(
        mut self,
        jobs: &Receiver<Job>,
        failed: Pending,
        planned: Pending,
        error: &StoreError,
    ) -> Option<Self> {
        tracing::error!(error = error as &dyn Error, "a write failed; recovering the store");
        let core = &self.planner.core;
        core.metrics.failed_commits.inc();
        core.shared.set_phase(Phase::Recovering);
        // Until it is known what is so, readers see what certainly is.
        core.shared.take_back(failed.applied().chain(planned.applied()));
        planned.answer(Fate::Absent);
        match self.reopen_until_it_succeeds(jobs) {
            Some(loaded) => self.resume(failed, loaded),
            None => {
                failed.answer(Fate::Unknown);
                None
            }
        }
    }

    /// None: it is time to end.
    fn reopen_until_it_succeeds(&mut self, jobs: &Receiver<Job>) -> Option<Loaded> {
        let mut pause = Duration::ZERO;
        loop {
            if !self.turn_away(jobs, pause) {
                return None;
            }
            match self.reopen() {
                Ok(loaded) => return Some(loaded),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn Error,
                        "the store cannot be recovered; trying again"
                    );
                }
            }
            let settings = &self.planner.core.settings;
            pause = (pause * 2).clamp(settings.recovery_pause, settings.recovery_pause_max);
        }
    }

    fn reopen(&mut self) -> Result<Loaded, OpenError> {
        self.store.recover().map_err(|source| OpenError::Store { source })?;
        // A store whose very first commit failed has lost the version of its records as well.
        let loaded = load::load(&*self.store, &mut |_| {})?;
        load::initialise(&mut *self.store)?;
        Ok(loaded)
    }

    /// Takes up work again with what the store holds.
    fn resume(mut self, failed: Pending, loaded: Loaded) -> Option<Self> {
        let core = &self.planner.core;
        let (revision, durable) = (self.store.revision(), core.shared.durable());
        if revision < durable {
            tracing::error!(revision, durable, "the store lost generations that it had confirmed; giving up");
            failed.answer(Fate::Unknown);
            return None;
        }
        // Without generations only nonces were written, and whether they are there the revision does not say.
        let present = failed.generations() > 0 && revision >= failed.last_generation();
        core.shared.replace(loaded.state, loaded.memberships, revision);
        core.shared.set_phase(Phase::Serving);
        core.metrics.recoveries.inc();
        tracing::info!(revision, present, "the store is recovered");
        failed.answer(if present { Fate::Durable } else { Fate::Absent });
        self.planner.last_generation = self.planner.last_generation.max(revision);
        self.planner.history = loaded.history;
        self.forgetting = Forgetting::default();
        Some(self)
    }

    /// Answers everything in the queue that nothing can be written, for this long. False: it is time to end.
    fn turn_away(&mut self, jobs: &Receiver<Job>, pause: Duration) -> bool {
        self.planner.snapshots.clear();
        let core = &self.planner.core;
        let until = Instant::now() + pause;
        loop {
            // The first attempt is made in any case.
            if !pause.is_zero() && core.stopping.load(Ordering::SeqCst) {
                return false;
            }
            match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Job::Command(_, reply)) => {
                    core.queued.fetch_sub(1, Ordering::Relaxed);
                    reply.answer(Err(Failure::NotDurable));
                }
                // Dropping the sender of a snapshot is the answer that there is none.
                Ok(Job::Snapshot(_) | Job::Nonce(_) | Job::Wake) => {}
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}
