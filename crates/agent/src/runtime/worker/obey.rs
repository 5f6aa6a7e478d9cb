//! Updates: wanted, written, in force, read back, on disk, confirmed.

use std::time::Instant;

use dataplane::Dataplane;
use policy::Delta;
use protocol::node::from_node::Message;

use super::{Said, Worker};
use crate::{
    enforcer::chain,
    message::{self, Took},
    outcome::Outcome,
    runtime::metrics,
    saved::SavedError,
    status::RefusedStatus,
    wanted::{Update, UpdateError, Wanted},
};

impl<D: Dataplane> Worker<D> {
    pub(super) fn obey(&mut self, update: Update, came: Instant) {
        let generation = update.generation();
        let Wanted { generation: from, run: from_run, .. } = *self.enforcer.wanted();
        // Of a snapshot everything is written.
        let change = match &update {
            Update::Delta { delta, .. } => Some(delta.clone()),
            Update::Current { .. } => Some(Delta::default()),
            Update::Snapshot { .. } => None,
        };
        self.enforcer.dataplane().take_changed();
        let accepted = match self.enforcer.accept(update) {
            Ok(accepted) => accepted,
            Err(error) => return self.refuse(generation, &error),
        };
        if generation < from {
            tracing::warn!(
                from,
                generation,
                "an operator has said that this node goes back to an older generation"
            );
        }
        let written = self.write(from, from_run, change.as_ref());
        let begun = Instant::now();
        let outcome = self.enforcer.bring(accepted);
        let switched = self.enforcer.dataplane().take_changed();
        let switched = switched.map(|at| at.saturating_duration_since(came));
        let metrics = &self.shared.metrics;
        metrics.switch_duration.observe(begun.elapsed().as_secs_f64());
        switched.iter().for_each(|took| metrics.switched_duration.observe(took.as_secs_f64()));
        let begun = Instant::now();
        let saved = written.and_then(|()| self.saved.sync());
        self.shared.metrics.save_duration.observe(begun.elapsed().as_secs_f64());
        self.note_saved(saved.map_err(|error| chain(&error)));
        self.answer_update(&outcome, Took { confirmed: came.elapsed(), switched });
    }

    /// Writes what is wanted now, so that it outlives this process at least.
    fn write(&mut self, from: u64, from_run: u64, change: Option<&Delta>) -> Result<(), SavedError> {
        let wanted = self.enforcer.wanted();
        let &Wanted { generation, run, .. } = wanted;
        if let Some(delta) = change {
            let is_there = (from, from_run) == (generation, run) && self.standing.unsaved.is_none();
            // A change leads from one generation to another one.
            if is_there || from < generation && self.saved.add(from, generation, run, delta)? {
                return Ok(());
            }
        }
        self.saved.replace(wanted)
    }

    /// Remembers whether what is wanted is on disk.
    pub(super) fn note_saved(&mut self, saved: Result<(), String>) {
        match (saved, &self.standing.unsaved) {
            (Ok(()), Some(_)) => tracing::info!("what is wanted is on disk again"),
            (Err(error), None) => {
                tracing::error!(error, "what is wanted is not on disk: it is in force, and is not confirmed");
                self.shared.metrics.failed_saves.inc();
                self.standing.unsaved = Some(error);
                return;
            }
            (Err(error), Some(_)) => {
                self.shared.metrics.failed_saves.inc();
                self.standing.unsaved = Some(error);
                return;
            }
            (Ok(()), None) => {}
        }
        self.standing.unsaved = None;
    }

    fn answer_update(&mut self, outcome: &Outcome, took: Took) {
        self.standing.updated = true;
        self.standing.refused = None;
        let now = self.note(outcome);
        let in_force = matches!(now, Said::InForce { .. });
        if let Said::NotInForce(problems) = &now {
            log_problems(outcome.generation, problems, &self.said);
        }
        // Whoever hears it may ask how the node stands the next moment.
        self.publish();
        self.say_standing(outcome, now, took);
        let metrics = &self.shared.metrics;
        let result = if in_force { "confirmed" } else { "not_in_force" };
        metrics.updates.get_or_create(&metrics::Result { result }).inc();
        if in_force {
            metrics.update_duration.observe(took.confirmed.as_secs_f64());
            self.standing.took_us = u64::try_from(took.confirmed.as_micros()).ok();
            tracing::debug!(generation = outcome.generation, took_us = self.standing.took_us, "in force");
        }
    }

    fn refuse(&mut self, generation: u64, error: &UpdateError) {
        let kept = self.enforcer.wanted().generation;
        let text = chain(error);
        let regressed = matches!(error, UpdateError::Regressed { .. });
        let refused = RefusedStatus { generation, regressed, message: text.clone() };
        if self.standing.refused.as_ref() != Some(&refused) {
            tracing::error!(error = text, generation, "an update is not obeyed: what was in force stays so");
        }
        self.standing.refused = Some(refused);
        let result = metrics::Result { result: "refused" };
        self.shared.metrics.updates.get_or_create(&result).inc();
        self.outbox.say(Message::Refused(message::refusal(generation, kept, error)));
    }
}

fn log_problems(generation: u64, problems: &[crate::Problem], before: &Said) {
    if matches!(before, Said::NotInForce(said) if said == problems) {
        return;
    }
    /// The most problems that are logged one by one.
    const LOGGED_MAX: usize = 10;
    for problem in problems.iter().take(LOGGED_MAX) {
        tracing::error!(interface = %problem.interface, problem = %problem.kind, generation, "not in force");
    }
    if problems.len() > LOGGED_MAX {
        tracing::error!(generation, interfaces = problems.len(), "not in force, these and others");
    }
}
