//! After a failed commit: nothing is guessed. The store is recovered, what it then holds is the state, and the callers
//! are answered by it.

use std::{
    error::Error,
    mem,
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
    /// Recovers the store, however often that must be tried, and answers the batch that failed.
    pub(crate) fn recover(&mut self, jobs: &Receiver<Job>, pending: Pending, error: &StoreError) {
        tracing::error!(error = error as &dyn Error, "a write failed; recovering the store");
        self.core.metrics.failed_commits.inc();
        self.core.shared.set_phase(Phase::Recovering);
        // Until it is known what is so, readers see what certainly is.
        self.core.shared.take_back(pending.applied());
        let mut pause = Duration::ZERO;
        let loaded = loop {
            if !self.turn_away(jobs, pause) {
                pending.answer(Fate::Unknown);
                return;
            }
            match self.reopen() {
                Ok(loaded) => break loaded,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn Error,
                        "the store cannot be recovered; trying again"
                    );
                }
            }
            let settings = &self.core.settings;
            pause = (pause * 2).clamp(settings.recovery_pause, settings.recovery_pause_max);
        };
        self.resume(pending, loaded);
    }

    fn reopen(&mut self) -> Result<Loaded, OpenError> {
        self.store.recover().map_err(|source| OpenError::Store { source })?;
        // A store whose very first commit failed has lost the version of its records as well.
        let loaded = load::load(&*self.store, &mut |_| {})?;
        load::initialise(&mut *self.store)?;
        Ok(loaded)
    }

    /// Takes up work again with what the store holds.
    fn resume(&mut self, mut pending: Pending, loaded: Loaded) {
        let (revision, durable) = (self.store.revision(), self.core.shared.durable());
        if revision < durable {
            tracing::error!(revision, durable, "the store lost generations that it had confirmed; giving up");
            self.ended = true;
            pending.answer(Fate::Unknown);
            return;
        }
        // Without generations only nonces were written, and whether they are there the revision does not say.
        let present = pending.generations() > 0 && revision >= self.last_generation;
        self.last_generation = self.last_generation.max(revision);
        self.history = loaded.history;
        self.forgetting = Forgetting::default();
        let noted = mem::take(&mut pending.noted);
        self.core.activity.replace(loaded.activity, if present { &noted } else { &[] });
        self.core.shared.replace(loaded.state, loaded.memberships, revision);
        // If it is not there, its generations never were.
        let forgotten = if present { 0 } else { self.last_generation };
        let staged = if present { mem::take(&mut pending.staged) } else { Vec::new() };
        self.core.fleet.replace(staged, revision, forgotten, self.core.clock.now());
        self.core.shared.set_phase(Phase::Serving);
        self.core.metrics.recoveries.inc();
        tracing::info!(revision, present, "the store is recovered");
        pending.answer(if present { Fate::Durable } else { Fate::Absent });
    }

    /// Answers everything in the queue that nothing can be written, for this long. False: it is time to end.
    fn turn_away(&mut self, jobs: &Receiver<Job>, pause: Duration) -> bool {
        self.snapshots.clear();
        let until = Instant::now() + pause;
        loop {
            // The first attempt is made in any case.
            self.ended |= !pause.is_zero() && self.core.stopping.load(Ordering::SeqCst);
            if self.ended {
                return false;
            }
            match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Job::Command(_, reply)) => {
                    self.core.queued.fetch_sub(1, Ordering::Relaxed);
                    reply.answer(Err(Failure::NotDurable));
                }
                // Dropping the sender of a snapshot is the answer that there is none.
                Ok(Job::Snapshot(_) | Job::Nonce(_) | Job::Wake) => {}
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
    }
}
