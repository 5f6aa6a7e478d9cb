//! What is known of a node beside the state, as callers see it.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use model::{NetworkInterfaceId, UnixMillis};

use super::{
    InstanceProblem, NodeProblem, NodeReport, RefusalReason, receipts::Moment, slot::Slot, view::Behind,
};

/// What is known of a node beside the state. Nothing of it outlives this process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeStanding {
    /// Its connection; none: it is not connected.
    pub connection: Option<NodeConnection>,
    /// When its last connection ended; none: it has not had one that did.
    pub disconnected_at: Option<UnixMillis>,
    /// When it said something last.
    pub heard_at: Option<UnixMillis>,
    /// The newest generation that it has confirmed; none: it has confirmed none, or has said since that it is not in
    /// force, or has come back with an older one.
    pub confirmed_generation: Option<u64>,
    /// How many generations concern it that it has not confirmed.
    pub generations_behind: u64,
    /// For how long the oldest of them has been on disk.
    pub behind: Duration,
    /// About how many bytes of changes are kept for it that it has not been told.
    pub pending_bytes: usize,
    /// Where something is not in force.
    pub not_in_force: Option<Arc<NotInForce>>,
    /// What it refused.
    pub refused: Option<Arc<Refused>>,
    /// That it has been wanted to have a generation that was never given here.
    pub regression: Option<Regression>,
    /// Interfaces without a device, when it confirmed something last.
    pub absent: Arc<BTreeSet<NetworkInterfaceId>>,
    /// Instances that are not as they are wanted, the first ones.
    pub instance_problems: Vec<InstanceProblem>,
    /// How many there are.
    pub instance_problem_count: usize,
    /// How it said that it is, and when.
    pub report: Option<(UnixMillis, NodeReport)>,
}

/// A connection of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConnection {
    /// Since when.
    pub since: UnixMillis,
    /// From where.
    pub source: SocketAddr,
    /// The version of its agent.
    pub agent_version: Box<str>,
    /// When its machine was started; none: it did not say.
    pub booted_at: Option<UnixMillis>,
}

/// What a node could not bring into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInForce {
    /// The generation that it was to bring into force.
    pub generation: u64,
    /// The first problems.
    pub problems: Vec<NodeProblem>,
    /// How many there are.
    pub problem_count: u64,
}

/// What a node does not obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its generation.
    pub generation: u64,
    /// The generation that stays in force there.
    pub kept_generation: u64,
    /// Why.
    pub reason: RefusalReason,
    /// Why, in the words of the node.
    pub message: Box<str>,
}

/// A node has been wanted to have a generation that this control plane never gave: it was restored from an older backup,
/// or is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Regression {
    /// That generation.
    pub generation: u64,
    /// When that was found.
    pub found_at: UnixMillis,
    /// Whether an operator has said that what is here counts; the node has not confirmed it yet.
    pub readmitted: bool,
}

impl Slot {
    /// How far the node is behind.
    pub(super) fn behind(&self, now: Moment) -> Behind {
        let time = self.behind_since.map(|since| now.running.saturating_sub(since.running));
        let generations = self.forgotten + self.awaited.len() as u64;
        Behind { generations, time: time.unwrap_or_default() }
    }

    /// What is known of the node.
    pub(super) fn standing(&self, now: Moment) -> NodeStanding {
        let connection = self.connected().map(|connection| NodeConnection {
            since: connection.began,
            source: connection.source,
            agent_version: connection.agent_version.clone(),
            booted_at: connection.booted_at,
        });
        let behind = self.behind(now);
        let (instance_problems, instance_problem_count) = self.instance_problems();
        NodeStanding {
            connection,
            disconnected_at: self.left_at,
            heard_at: self.heard_at,
            confirmed_generation: self.confirmed,
            generations_behind: behind.generations,
            behind: behind.time,
            pending_bytes: self.backlog.bytes(),
            not_in_force: self.not_in_force.clone(),
            refused: self.refused.clone(),
            regression: self.regressed.map(|regressed| regressed.regression),
            absent: Arc::clone(&self.absent),
            instance_problems,
            instance_problem_count,
            report: self.report.clone(),
        }
    }
}
