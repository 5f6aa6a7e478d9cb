//! What nodes say.

use std::{collections::BTreeMap, time::Duration};

use model::{NetworkInterfaceId, UnixMillis, node::InstanceReport};

use super::Answer;

/// The most problems, absent interfaces and reasons of drops that are kept of one node; further ones are counted.
pub const KEPT_MAX: usize = 100;

/// What a node says.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Everything that was wanted up to a generation is in force, read back from the kernel.
    Confirmed {
        /// That generation.
        generation: u64,
        /// From the arrival of the update at the node to the end of the read-back.
        took: Duration,
        /// From the arrival of the update at the node to the last store that put it in force; none: nothing had to be
        /// stored, or the node does not say.
        switched: Option<Duration>,
        /// Interfaces without a device, which is nothing to enforce.
        absent: Vec<NetworkInterfaceId>,
    },
    /// An update was obeyed, but is not in force everywhere.
    NotInForce {
        /// Its generation.
        generation: u64,
        /// The first problems.
        problems: Vec<NodeProblem>,
        /// How many there are.
        problem_count: u64,
    },
    /// An update is not obeyed; what was in force stays.
    Refused {
        /// Its generation.
        generation: u64,
        /// The generation that stays in force.
        kept_generation: u64,
        /// Why.
        reason: RefusalReason,
        /// Why, for people.
        message: Box<str>,
    },
    /// What became of instances.
    InstanceStates(Vec<InstanceReport>),
    /// The answer to a question.
    Answer {
        /// The number of the question.
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// How the node is.
    Report(NodeReport),
}

/// What is the matter with an interface at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeProblem {
    /// The interface.
    pub interface: NetworkInterfaceId,
    /// What is the matter.
    pub message: Box<str>,
}

/// Why a node does not obey an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// A change does not begin where the node is: a snapshot is needed.
    Gap,
    /// The generation is older than one that the node has confirmed: an operator has to say what counts.
    Regressed,
    /// It contradicts itself, or cannot be understood.
    Invalid,
}

/// How a node is. Numbers count from when its agent began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeReport {
    /// Differences between the kernel and what was confirmed, found by audits.
    pub drift_found: u64,
    /// How many of them were repaired.
    pub drift_repaired: u64,
    /// When the last audit ended; none: there was none yet.
    pub audited_at: Option<UnixMillis>,
    /// Interfaces that it is to enforce.
    pub interface_count: u64,
    /// Those without a device.
    pub absent_count: u64,
    /// Devices that are closed because nobody bound them.
    pub guarded_count: u64,
    /// Flows in its table.
    pub flow_count: u64,
    /// Packets that were dropped, by the name of the reason.
    pub dropped_packets: BTreeMap<Box<str>, u64>,
}
