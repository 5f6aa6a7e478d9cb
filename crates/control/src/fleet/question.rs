//! What a node can be asked, and what it answers.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use model::{NetworkInterfaceId, SecurityGroupId, UnixMillis, rule::Direction};

/// The most flows or drops of one answer.
pub const ANSWERED_MAX: u32 = 1_000;

/// What a node can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The flows of an interface.
    Flows {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The most that are answered, 1 to [`ANSWERED_MAX`].
        most: u32,
    },
    /// Samples of packets that were dropped, the oldest first. Where there are none yet the answer waits for the first.
    Drops {
        /// At which interface; none: at every one.
        interface: Option<NetworkInterfaceId>,
        /// Those after this place; 0 for all that the node still has.
        after: u64,
        /// The most that are answered, 1 to [`ANSWERED_MAX`].
        most: u32,
        /// For how long the answer waits, 30 seconds at most.
        wait: Duration,
    },
    /// How many packets passed at an interface, and how many were dropped.
    Counters {
        /// The interface.
        interface: NetworkInterfaceId,
    },
}

/// What a node answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Flows`].
    Flows {
        /// Flows.
        flows: Vec<NodeFlow>,
        /// How many there are beside those.
        left_out: u64,
    },
    /// To [`Question::Drops`].
    Drops {
        /// Drops, the oldest first.
        drops: Vec<NodeDrop>,
        /// The place of the last one that was looked at: where to go on.
        next: u64,
        /// How many between `after` and the first of these are not kept any more.
        lost: u64,
    },
    /// To [`Question::Counters`].
    Counters(InterfaceCounters),
    /// The node cannot say, and why.
    Failed(Box<str>),
}

/// A flow, as its interface sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFlow {
    /// Which side began it.
    pub direction: Direction,
    /// The number of its protocol.
    pub protocol: u8,
    /// The address of the interface.
    pub local_address: IpAddr,
    /// The address of the other side.
    pub remote_address: IpAddr,
    /// The port of the interface, or the identifier of an echo; 0 where the protocol has none.
    pub local_port: u16,
    /// The port of the other side; 0 where the protocol has none.
    pub remote_port: u16,
    /// Whether it passes; otherwise it was revoked and is remembered.
    pub alive: bool,
    /// The rule that admitted it or judged it last; none: no rule did.
    pub rule: Option<RulePlace>,
    /// Since when it is there.
    pub age: Duration,
    /// Since its last packet.
    pub idle: Duration,
    /// Packets to the interface.
    pub packets_in: u64,
    /// Bytes to the interface.
    pub bytes_in: u64,
    /// Packets from the interface.
    pub packets_out: u64,
    /// Bytes from the interface.
    pub bytes_out: u64,
    /// The state of its protocol, as `established`.
    pub state: Box<str>,
}

/// A packet that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeDrop {
    /// When.
    pub at: UnixMillis,
    /// At which interface.
    pub interface: NetworkInterfaceId,
    /// Which way it went.
    pub direction: Direction,
    /// The name of the reason.
    pub reason: Box<str>,
    /// The number of its protocol; none: it was no IP packet that could be read.
    pub protocol: Option<u8>,
    /// Where it came from.
    pub source: Option<IpAddr>,
    /// Where it went.
    pub destination: Option<IpAddr>,
    /// The port that it came from; 0 where the protocol has none.
    pub source_port: u16,
    /// The port that it went to; 0 where the protocol has none.
    pub destination_port: u16,
    /// How long it was, in bytes.
    pub length: u32,
    /// The rule that dropped it, where one did.
    pub rule: Option<RulePlace>,
}

/// A rule, by its place in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulePlace {
    /// The group.
    pub group: SecurityGroupId,
    /// The place, from 0, in the order in which rules were added.
    pub rule: u32,
}

/// What an interface counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Packets that were dropped, by the name of the reason.
    pub dropped_packets: BTreeMap<Box<str>, u64>,
    /// Flows in the table.
    pub flow_count: u64,
    /// Packets that passed to the interface.
    pub packets_in: u64,
    /// Packets that passed from the interface.
    pub packets_out: u64,
    /// Bytes that passed to the interface.
    pub bytes_in: u64,
    /// Bytes that passed from the interface.
    pub bytes_out: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The node is not connected, or the connection ended before it answered.
    #[error("the node is not connected")]
    NotConnected,
    /// It has as many questions to answer as it may have.
    #[error("the node is asked too many questions at the same time; ask again in a moment")]
    Busy,
    /// It does not answer in time.
    #[error("the node did not answer in time")]
    Deadline,
    /// It cannot say.
    #[error("the node cannot say: {0}")]
    Failed(Box<str>),
}
