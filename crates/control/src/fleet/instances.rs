//! What nodes say of their instances: kept while they are connected, and carried out as soon as it is news.
//!
//! A report that could not be carried out, because the writer was busy or recovered, is tried again with the next thing
//! that the node says of itself.

use std::collections::BTreeMap;

use model::{
    Actor, Command, InstanceId, NodeId, State,
    node::{InstanceReport, NodeCommand, ReportedState},
};

use super::{Follower, KEPT_MAX, roster::Roster, slot::Slot};
use crate::submission::Submission;

/// The last word of a node on each of its instances.
pub(super) type Reports = BTreeMap<InstanceId, InstanceReport>;

/// Why an instance is not as it is wanted on its node, which tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProblem {
    /// The instance.
    pub instance: InstanceId,
    /// Why, in the words of the node.
    pub message: Box<str>,
}

impl Roster {
    /// What a node said that changes something. What it said of instances that it does not host is forgotten.
    fn news(&mut self, node: NodeId, state: &State) -> Vec<InstanceReport> {
        let slot = self.slots.get_mut(&node);
        let Some(connection) = slot.and_then(|slot| slot.connection.as_mut()) else { return Vec::new() };
        let hosts = |id: &InstanceId| state.hostings().get(id).is_some_and(|of| of.node == node);
        connection.instances.retain(|id, _| hosts(id));
        connection.instances.values().filter(|report| report.is_news(state, node)).cloned().collect()
    }
}

impl Slot {
    /// What the node says is the matter with instances: the first ones, and how many there are.
    pub(super) fn instance_problems(&self) -> (Vec<InstanceProblem>, usize) {
        let reports = self.connected().into_iter().flat_map(|connection| connection.instances.values());
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
        let reports = core.shared.with(|published| core.fleet.roster().news(node, &published.state));
        if reports.is_empty() {
            return;
        }
        let posted = control.post(Submission {
            actor: Actor::Node(node),
            command: Command::Node(NodeCommand::ReportInstances { node, reports }),
            operation: "ReportInstances",
            request_id: Box::default(),
            source: None,
            nonce: None,
        });
        if let Err(error) = posted {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, %node, "what a node says of its instances waits for its next report");
        }
    }
}
