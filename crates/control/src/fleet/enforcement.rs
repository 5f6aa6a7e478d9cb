//! How far a generation is in force, as callers see it.

use std::{sync::Arc, time::Duration};

use model::{NodeId, UnixMillis};

use super::{NotInForce, Refused};

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnforcementState {
    /// Every node that it concerns has confirmed it, or does not exist any more.
    Confirmed,
    /// Some node that it concerns has not.
    Pending,
    /// It was made before the control plane began to run, or so long ago that its receipt is not kept any more.
    Unknown,
}

/// How far a generation is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Enforcement {
    /// The generation.
    pub generation: u64,
    /// Where it stands.
    pub state: EnforcementState,
    /// When it was on disk; none: it concerned no node, or that is not known.
    pub durable_at: Option<UnixMillis>,
    /// The nodes that it concerns, in the order of their ids.
    pub nodes: Vec<NodeEnforcement>,
}

/// How far a generation is in force at one node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeEnforcement {
    /// The node.
    pub node: NodeId,
    /// How far.
    pub progress: Progress,
}

/// What is known of a generation at one node.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeReceipt {
    /// Nothing: see [`EnforcementState::Unknown`].
    Unknown,
    /// It does not concern the node.
    Unconcerned,
    /// How far it is in force there.
    Concerned(Progress),
}

/// How far a generation is in force at a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The node has confirmed it.
    Confirmed {
        /// When.
        at: UnixMillis,
        /// How long after it was on disk.
        after: Duration,
        /// From the arrival of the update that had it at the node to the end of the read-back, as the node says.
        took: Duration,
        /// From the arrival to the last store that put it in force; none: nothing had to be stored, or the node does not
        /// say.
        switched: Option<Duration>,
    },
    /// The node was deleted before it confirmed it. Nobody waits for it any more.
    Deleted,
    /// The node has not confirmed it, and why.
    Behind(Delay),
}

/// Why a node has not confirmed a generation.
#[derive(Debug, Clone, PartialEq)]
pub enum Delay {
    /// It has not connected since the control plane began to run.
    NeverConnected,
    /// It is not connected.
    NotConnected {
        /// Since when.
        since: UnixMillis,
    },
    /// It has obeyed it or a later one, but that is not in force everywhere.
    NotInForce(Arc<NotInForce>),
    /// It does not obey it.
    Refused(Arc<Refused>),
    /// It has been wanted to have a generation that this control plane never gave: it is told nothing until it is
    /// readmitted.
    Regressed {
        /// That generation.
        generation: u64,
    },
    /// It was told and has not answered yet.
    NotAnswered,
    /// It has not been told yet: it is still busy with what it was told before.
    NotTold,
}

/// A node that has not confirmed a generation in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Laggard {
    /// The node.
    pub node: NodeId,
    /// Why not.
    pub delay: Delay,
}

/// What waiting for a generation came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Enforced {
    /// Every node that it concerns has confirmed it, or does not exist any more.
    Confirmed,
    /// These have not.
    Laggards(Vec<Laggard>),
    /// That is not known: see [`EnforcementState::Unknown`].
    Unknown,
}
