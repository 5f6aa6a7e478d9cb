//! What nodes say of their instances: kept while they are connected, and carried out as soon as it is news.
//!
//! A report that could not be carried out, because the writer was busy or recovered, is tried again with the next thing
//! that the node says of itself.

use std::collections::BTreeMap;

use model::{
    Actor, Command, InstanceId, NodeId, State,
    node::{InstanceReport, NodeCommand, ReportedState},
};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::{Follower, KEPT_MAX, roster::Roster, slot::Slot};
use crate::submission::{Failure, Receipt, Submission};

/// The answer to what was handed to the writer.
type Answer = oneshot::Receiver<Result<Receipt, Failure>>;

/// What a node said of its instances.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The last word on each of them, and the number with which it was handed to the writer, if it was.
    last: BTreeMap<InstanceId, (InstanceReport, Option<u64>)>,
    /// What the writer has not answered yet, by these numbers.
    posted: BTreeMap<u64, Answer>,
    numbers: u64,
}

impl Reports {
    /// The node says something. What it repeats is not handed to the writer once more while that has it.
    pub(super) fn hear(&mut self, report: InstanceReport) {
        let known = self.last.get(&report.instance).filter(|(known, _)| *known == report);
        let number = known.and_then(|(_, number)| *number);
        self.last.insert(report.instance, (report, number));
    }

    /// What of it changes something and is not with the writer, and the number to hand it over with. What the writer
    /// could not carry out is news once more.
    fn news(&mut self, is_news: impl Fn(&InstanceReport) -> bool) -> (u64, Vec<InstanceReport>) {
        self.posted.retain(|_, answer| answer.try_recv() == Err(TryRecvError::Empty));
        self.numbers += 1;
        let mut news = Vec::new();
        for (report, number) in self.last.values_mut() {
            let posted = number.is_some_and(|number| self.posted.contains_key(&number));
            if !posted && is_news(report) {
                *number = Some(self.numbers);
                news.push(report.clone());
            }
        }
        (self.numbers, news)
    }

    fn iter(&self) -> impl Iterator<Item = &InstanceReport> + Clone {
        self.last.values().map(|(report, _)| report)
    }
}

/// Why an instance is not as it is wanted on its node, which tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProblem {
    /// The instance.
    pub instance: InstanceId,
    /// Why, in the words of the node.
    pub message: Box<str>,
}

impl Roster {
    /// What a node said that changes something, and its number. What it said of instances that it does not host is
    /// forgotten.
    fn news(&mut self, node: NodeId, state: &State) -> Option<(u64, Vec<InstanceReport>)> {
        let instances = &mut self.slots.get_mut(&node)?.connection.as_mut()?.instances;
        let hosts = |id: &InstanceId| state.hostings().get(id).is_some_and(|of| of.node == node);
        instances.last.retain(|id, _| hosts(id));
        Some(instances.news(|report| report.is_news(state, node))).filter(|(_, news)| !news.is_empty())
    }

    /// News was handed to the writer with a number, on the connection with this one.
    fn posted(&mut self, node: NodeId, connection: u64, number: u64, answer: Answer) {
        let slot = self.slots.get_mut(&node);
        if let Some(connection) = slot.and_then(|slot| slot.connection(connection).ok()) {
            connection.instances.posted.insert(number, answer);
        }
    }
}

impl Slot {
    /// What the node says is the matter with instances: the first ones, and how many there are.
    pub(super) fn instance_problems(&self) -> (Vec<InstanceProblem>, usize) {
        let reports = self.connected().into_iter().flat_map(|connection| connection.instances.iter());
        let failed = |report: &&InstanceReport| matches!(report.state, ReportedState::Failed(_));
        let problem = |report: &InstanceReport| match &report.state {
            ReportedState::Failed(message) => {
                Some(InstanceProblem { instance: report.instance, message: message.clone() })
            }
            _ => None,
        };
        (reports.clone().filter_map(problem).take(KEPT_MAX).collect(), reports.filter(failed).count())
    }
}

impl Follower {
    /// Asks for what the node has said of its instances to be carried out, where it changes something. Does not wait.
    pub(super) fn carry_out_reports(&self) {
        let Some(control) = self.control.upgrade() else { return };
        let (core, node) = (control.core(), self.node());
        let news = core.shared.with(|published| core.fleet.roster().news(node, &published.state));
        let Some((number, reports)) = news else { return };
        let posted = control.post(Submission {
            actor: Actor::Node(node),
            command: Command::Node(NodeCommand::ReportInstances { node, reports }),
            operation: "ReportInstances",
            request_id: Box::default(),
            source: None,
            nonce: None,
        });
        match posted {
            Ok(answer) => core.fleet.roster().posted(node, self.number(), number, answer),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, %node, "what a node says of its instances waits for its next report");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_writer_has_is_not_handed_to_it_again_until_it_has_answered() {
        let report =
            |state| InstanceReport { instance: InstanceId::from_number(1), boots: 1, images: 1, state };
        let running = report(ReportedState::Running);
        let mut reports = Reports::default();
        reports.hear(running.clone());
        let (number, news) = reports.news(|_| true);
        assert_eq!(news, std::slice::from_ref(&running));
        let (sender, answer) = oneshot::channel();
        reports.posted.insert(number, answer);
        for _ in 0..2 {
            reports.hear(running.clone());
            assert_eq!(reports.news(|_| true).1, []);
        }
        reports.hear(report(ReportedState::Stopped));
        assert_eq!(reports.news(|_| true).1, [report(ReportedState::Stopped)], "that is something else");
        reports.hear(running.clone());
        let (number, news) = reports.news(|_| true);
        assert_eq!(news, std::slice::from_ref(&running));
        let (again, answer) = oneshot::channel();
        reports.posted.insert(number, answer);
        drop(sender);
        assert_eq!(reports.news(|_| true).1, []);
        again.send(Err(Failure::NotDurable)).unwrap();
        assert_eq!(reports.news(|_| true).1, [running], "it was not carried out");
        assert_eq!(reports.posted.len(), 0);
    }

    #[test]
    fn what_could_not_be_handed_over_is_news_still() {
        let mut reports = Reports::default();
        let (boots, images, state) = (1, 1, ReportedState::Gone);
        reports.hear(InstanceReport { instance: InstanceId::from_number(1), boots, images, state });
        assert_eq!(reports.news(|_| true).1.len(), 1);
        assert_eq!(reports.news(|_| true).1.len(), 1);
        assert_eq!(reports.news(|_| false).1.len(), 0);
    }
}
