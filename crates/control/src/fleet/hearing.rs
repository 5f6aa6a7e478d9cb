//! What becomes of what nodes say. Pure.

use std::{sync::Arc, time::Duration};

use model::{
    NodeId,
    node::{InstanceReport, ReportedState, TEXT_MAX},
};

use super::{
    Ended, Heard, KEPT_MAX, NodeReport, NotInForce, RefusalReason, Refused, Regression,
    receipts::{Confirmation, End, Moment},
    roster::Roster,
    slot::{Regressed, Slot},
};

/// What there is to count of something that a node said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counted {
    /// For each generation that it confirmed: how long after it was on disk.
    pub(super) confirmed_after: Vec<Duration>,
    /// How long an update took at the node that it confirmed.
    pub(super) took: Option<Duration>,
    /// An update is not in force everywhere.
    pub(super) not_in_force: bool,
    /// Why it refused something.
    pub(super) refused: Option<RefusalReason>,
    /// It was found to have regressed, which was not known.
    pub(super) regressed: bool,
    /// It said something that cannot be so.
    pub(super) impossible: bool,
}

impl Roster {
    /// The follower with this number says something.
    pub(super) fn hear(
        &mut self,
        node: NodeId,
        number: u64,
        heard: Heard,
        now: Moment,
    ) -> Result<Counted, Ended> {
        let slot = self.slots.get_mut(&node).ok_or(Ended::Deleted)?;
        slot.connection(number)?;
        slot.heard_at = Some(now.at);
        // What it answers may make room for what it is to be told next.
        slot.wake();
        if let Heard::Confirmed { generation, took, switched, absent } = heard {
            if !absent.is_empty() || !slot.absent.is_empty() {
                slot.absent = Arc::new(absent.into_iter().collect());
            }
            let confirmation = Confirmation { at: now, took, switched };
            return Ok(self.confirmed(node, generation, confirmation));
        }
        Ok(self.change(node, |slot| slot.hear(heard, now)).unwrap_or_default())
    }

    fn confirmed(&mut self, node: NodeId, generation: u64, confirmation: Confirmation) -> Counted {
        // What it says again because a device came or went took no time.
        let took = Some(confirmation.took).filter(|took| !took.is_zero());
        let (mut counted, bounds) = (Counted { took, ..Counted::default() }, self.bounds());
        let Some(slot) = self.slots.get_mut(&node) else { return counted };
        // One that has regressed was told nothing that it is to obey, unless an operator said so.
        let may_obey = slot.regressed.is_none_or(|own| own.told_to_obey);
        if !may_obey || generation > slot.backlog.told() {
            return Counted { impossible: true, ..Counted::default() };
        }
        slot.confirm(generation);
        while let Some(awaited) = slot.awaited.front().copied().filter(|awaited| *awaited <= generation) {
            slot.awaited.pop_front();
            let durable = self.receipts.end(awaited, node, End::Confirmed(confirmation), bounds);
            let after = durable.map(|durable| confirmation.at.running.saturating_sub(durable.running));
            counted.confirmed_after.extend(after);
        }
        if generation >= slot.forgotten_through {
            slot.forgotten = 0;
            slot.behind_since = slot.awaited.front().and_then(|awaited| self.receipts.durable(*awaited));
        }
        counted
    }
}

impl Slot {
    fn hear(&mut self, heard: Heard, now: Moment) -> Counted {
        let mut counted = Counted::default();
        match heard {
            Heard::NotInForce { generation, .. } | Heard::Refused { generation, .. }
                if generation > self.backlog.told() =>
            {
                counted.impossible = true;
            }
            Heard::NotInForce { generation, mut problems, problem_count } => {
                problems.truncate(KEPT_MAX);
                problems.iter_mut().for_each(|problem| shorten(&mut problem.message));
                self.backlog.answered(generation);
                // What it confirmed before was so then.
                self.confirmed.take_if(|confirmed| *confirmed >= generation);
                self.not_in_force = Some(Arc::new(NotInForce { generation, problems, problem_count }));
                counted.not_in_force = true;
            }
            Heard::Refused { generation, kept_generation, reason, mut message } => {
                shorten(&mut message);
                counted.refused = Some(reason);
                counted.regressed = reason == RefusalReason::Regressed && self.regressed.is_none();
                self.refuse(Refused { generation, kept_generation, reason, message }, now);
            }
            Heard::Answer { id, answer } => {
                let questions = self.connection.as_mut().map(|connection| &mut connection.questions);
                let waits = questions.and_then(|questions| questions.unanswered.remove(&id));
                // An answer that comes too late is one that nobody waits for.
                waits.map(|waits| waits.answer.send(Ok(answer)));
            }
            Heard::Report(report) => self.report = Some((now.at, bounded(report))),
            Heard::InstanceStates(reports) => {
                if let Some(connection) = &mut self.connection {
                    reports.into_iter().for_each(|report| connection.instances.hear(shortened(report)));
                }
            }
            Heard::Confirmed { .. } => {}
        }
        counted
    }

    fn confirm(&mut self, generation: u64) {
        self.backlog.answered(generation);
        self.confirmed = self.confirmed.max(Some(generation));
        self.not_in_force.take_if(|own| own.generation <= generation);
        self.refused.take_if(|own| own.generation <= generation);
        // What it was told here it has obeyed.
        self.regressed = None;
    }

    fn refuse(&mut self, refused: Refused, now: Moment) {
        let Refused { generation, kept_generation, reason, .. } = refused;
        self.backlog.answered(generation);
        let snapshot = self.backlog.snapshot();
        if snapshot.is_some_and(|snapshot| generation < snapshot) {
            // What it refuses was told before a snapshot, which leaves nothing of it.
            return;
        }
        match reason {
            RefusalReason::Regressed => {
                let found = Regression { generation: kept_generation, found_at: now.at, readmitted: false };
                let regression = self.regressed.map_or(found, |known| known.regression);
                // What was told before it was readmitted it may refuse after that.
                let readmitted =
                    self.regressed.is_some_and(|known| known.regression.readmitted && !known.told_to_obey);
                let regression = Regression { readmitted, ..regression };
                self.regressed = Some(Regressed { regression, untold: false, told_to_obey: false });
                self.confirmed = None;
                self.backlog.need_snapshot();
            }
            RefusalReason::Gap | RefusalReason::Invalid => {
                // Told once more it would refuse it once more.
                self.resting = snapshot == Some(generation);
                self.backlog.need_snapshot();
            }
        }
        self.refused = Some(Arc::new(refused));
    }
}

fn shorten(text: &mut Box<str>) {
    if let Some((end, _)) = text.char_indices().nth(TEXT_MAX) {
        *text = text[..end].into();
    }
}

fn shortened(mut report: InstanceReport) -> InstanceReport {
    if let ReportedState::Failed(message) = &mut report.state {
        shorten(message);
    }
    report
}

fn bounded(mut report: NodeReport) -> NodeReport {
    while report.dropped_packets.len() > KEPT_MAX {
        report.dropped_packets.pop_last();
    }
    report
}
