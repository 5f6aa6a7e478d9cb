//! Connections of nodes: how they begin, what is told on them, and how they end. Pure.

use std::sync::Arc;

use model::{NodeId, UnixMillis};
use policy::Delta;
use tokio::sync::Notify;

use super::{
    Ended, Hello, Question, Regression,
    backlog::Next,
    receipts::Moment,
    roster::Roster,
    slot::{Connection, Regressed, Slot},
};

/// What a follower does next.
#[derive(Debug)]
pub(super) enum Step {
    /// It takes a snapshot.
    Snapshot,
    Delta {
        from: u64,
        generation: u64,
        run: u64,
        delta: Delta,
    },
    Current {
        generation: u64,
        run: u64,
    },
    Question {
        id: u64,
        question: Question,
    },
    /// It waits until it is woken.
    Wait,
}

/// A connection that began.
#[derive(Debug)]
pub(super) struct Followed {
    /// Its number.
    pub(super) number: u64,
    /// What wakes its follower.
    pub(super) wake: Arc<Notify>,
    /// Whether the node holds to a generation that this control plane never gave, or has lost.
    pub(super) regressed: bool,
    /// Whether that was not known yet.
    pub(super) found: bool,
}

impl Roster {
    /// A node connects.
    pub(super) fn follow(&mut self, node: NodeId, hello: Hello, now: Moment) -> Result<Followed, Ended> {
        if self.stopping {
            return Err(Ended::Stopping);
        }
        let number = self.number();
        let (began, durable) = (self.began, self.durable);
        let generation = hello.generation;
        let regressed = self.lineage.lacks(generation, hello.run, durable);
        self.slots.entry(node).or_insert_with(|| Slot::new(began));
        let connection = Connection::new(number, hello, now.at);
        let wake = Arc::clone(&connection.wake);
        let found = self.change(node, |slot| {
            let known = slot.regressed.is_some();
            slot.end(Ended::Replaced);
            slot.connection = Some(connection);
            slot.heard_at = Some(now.at);
            slot.resting = false;
            // A host that was made anew does not hold to it any more.
            slot.regressed.take_if(|known| generation < known.regression.generation);
            slot.confirmed.take_if(|confirmed| *confirmed > generation);
            // What it said of a generation that it does not have any more says nothing of what it has.
            slot.not_in_force.take_if(|own| own.generation > generation);
            slot.backlog.begin(generation, durable);
            if regressed {
                slot.regress(generation, now.at);
            }
            regressed && !known
        });
        Ok(Followed { number, wake, regressed, found: found.unwrap_or_default() })
    }

    /// What the follower with this number does next.
    pub(super) fn step(&mut self, node: NodeId, number: u64) -> Result<Step, Ended> {
        let (durable, unanswered_max) = (self.durable, self.settings.unanswered_max);
        // What is told leads there.
        let run = self.lineage.run_of(durable);
        let step = self.change(node, |slot| {
            slot.connection(number)?;
            // Who asks can wait for a moment, and what is revoked must not.
            let held = slot.held();
            let next = if held { Next::Nothing } else { slot.backlog.next(durable, unanswered_max) };
            Ok(match next {
                Next::Snapshot => Step::Snapshot,
                Next::Delta { from, generation, delta } => Step::Delta { from, generation, run, delta },
                Next::Current { generation } => Step::Current { generation, run },
                Next::Nothing => match slot.connection(number)?.questions.untold.pop_front() {
                    Some((id, question)) => Step::Question { id, question },
                    None => Step::Wait,
                },
            })
        });
        step.ok_or(Ended::Deleted)?
    }

    /// A snapshot is taken for the follower with this number, which shows a generation. Gives the number of what it is
    /// the answer to; none: it is not needed any more.
    pub(super) fn begin_snapshot(
        &mut self,
        node: NodeId,
        number: u64,
        generation: u64,
    ) -> Result<Option<u64>, Ended> {
        let begun = self.change(node, |slot| {
            slot.connection(number)?;
            Ok(slot.backlog.begin_snapshot(generation))
        });
        begun.ok_or(Ended::Deleted)?
    }

    /// The snapshot was taken. Gives whether it is to be obeyed although it is older; none: it is not what is needed.
    pub(super) fn tell_snapshot(
        &mut self,
        node: NodeId,
        number: u64,
        (answer_to, generation): (u64, u64),
    ) -> Result<Option<bool>, Ended> {
        let slot = self.slots.get_mut(&node).ok_or(Ended::Deleted)?;
        slot.connection(number)?;
        if let Some(regressed) = &mut slot.regressed
            && !regressed.regression.readmitted
            && generation >= regressed.regression.generation
        {
            // The node would take it for progress, and obey.
            regressed.untold = false;
        }
        if slot.held() || !slot.backlog.tell_snapshot(answer_to, generation) {
            return Ok(None);
        }
        Ok(Some(match &mut slot.regressed {
            None => false,
            Some(regressed) => {
                regressed.untold = false;
                regressed.told_to_obey = regressed.regression.readmitted;
                regressed.told_to_obey
            }
        }))
    }

    /// The follower with this number is gone. False: the node follows through another one, or was deleted.
    pub(super) fn leave(&mut self, node: NodeId, number: u64, now: UnixMillis) -> bool {
        let Some(slot) = self.slots.get_mut(&node) else { return false };
        let present = slot.connection.take_if(|connection| connection.number == number).is_some();
        if present {
            slot.left_at = Some(now);
        }
        present
    }

    /// Whether a node has been found to have regressed.
    pub(super) fn has_regressed(&self, node: NodeId) -> bool {
        self.slots.get(&node).is_some_and(|slot| slot.regressed.is_some())
    }

    /// Lets a regressed node obey what is wanted of it here.
    pub(super) fn readmit(&mut self, node: NodeId) {
        self.change(node, |slot| {
            let Some(regressed) = &mut slot.regressed else { return };
            regressed.regression.readmitted = true;
            regressed.told_to_obey = false;
            slot.backlog.need_snapshot();
            slot.wake();
        });
    }
}

impl Slot {
    /// The node has been wanted to have a generation that was never given here.
    pub(super) fn regress(&mut self, generation: u64, found_at: UnixMillis) {
        let readmitted = self.regressed.is_some_and(|known| known.regression.readmitted);
        let regression = Regression { generation, found_at, readmitted };
        self.regressed = Some(Regressed { regression, untold: true, told_to_obey: false });
        self.confirmed = None;
        self.backlog.need_snapshot();
    }
}
