//! What a node can be asked, and what it answers.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use ipnet::IpNet;
use model::{NetworkInterfaceId, SecurityGroupId, UnixMillis, rule::Direction};
use policy::{Packet, packet::protocol};

/// The most flows or drops of one answer.
pub const ANSWERED_MAX: u32 = 1_000;
/// The longest that a question lets its answer wait.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// What a node can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The flows of an interface: of those that fit, the ones that had a packet last.
    Flows {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The most that are answered, 1 to [`ANSWERED_MAX`].
        most: u32,
        /// Which ones.
        filter: FlowFilter,
    },
    /// Samples of packets that were dropped, the oldest first. Where there are none yet the answer waits for the first.
    Drops {
        /// At which interface; none: at every one.
        interface: Option<NetworkInterfaceId>,
        /// Which ones.
        from: DropsFrom,
        /// The most that are answered, 1 to [`ANSWERED_MAX`].
        most: u32,
        /// For how long the answer waits, [`ANSWER_WAIT_MAX`] at most.
        wait: Duration,
    },
    /// How many packets passed at an interface, how many were dropped, and how often each rule decided.
    Counters {
        /// The interface.
        interface: NetworkInterfaceId,
    },
}

impl Question {
    /// Whether the node may hold its answer back until there is something to answer.
    pub fn may_wait(&self) -> bool {
        matches!(self, Self::Drops { wait, .. } if !wait.is_zero())
    }
}

/// Which flows. All that is said must fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowFilter {
    /// Those of the protocol with this number.
    pub protocol: Option<u8>,
    /// Those whose other side is in this prefix.
    pub remote: Option<IpNet>,
    /// Those with this port, at either side; also the identifier of an echo.
    pub port: Option<u16>,
    /// Those that pass, or those that were revoked.
    pub alive: Option<bool>,
}

impl FlowFilter {
    /// Whether a flow fits.
    pub fn admits(&self, flow: &NodeFlow) -> bool {
        let ports = [flow.local_port, flow.remote_port];
        self.protocol.is_none_or(|protocol| protocol == flow.protocol)
            && self.remote.is_none_or(|prefix| prefix.contains(&flow.remote_address))
            && self.port.is_none_or(|port| ports.contains(&port))
            && self.alive.is_none_or(|alive| alive == flow.alive)
    }
}

/// From where on samples of drops are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropsFrom {
    /// The last ones that the node has.
    Latest,
    /// Those after a place.
    After(DropPlace),
}

/// A place among the samples of drops of one process of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropPlace {
    /// The process.
    pub process: u64,
    /// The place: that of the first sample is 1.
    pub place: u64,
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
        next: DropPlace,
        /// How many between the place that was asked for and the first of these are not kept any more, of whichever
        /// interface.
        lost: u64,
        /// The place is one of another process of the agent: what was after it there is not known.
        restarted: bool,
        /// Packets that were dropped at the interface since it was bound, by the name of the reason; empty where none was
        /// asked about.
        dropped_packets: BTreeMap<Box<str>, u64>,
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
    /// What decided; none: the node does not say.
    pub decision: Option<Decision>,
    /// The rule that decided, as text; empty where none did.
    pub rule_text: Box<str>,
}

/// What decided about a packet or a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A rule.
    Rule,
    /// What happens where no rule is about it.
    Implicit,
    /// The other side is one that no rule is asked about: the host, or a service of it.
    Exempt,
    /// Rules that are not in force any more: its next packet is judged by those that are.
    Earlier,
}

impl NodeFlow {
    /// As one line of text, from the packet that began it: `ingress tcp 10.0.0.2:40000 > 10.0.0.1:443`. None: its ends are
    /// not of one family.
    pub fn text(&self) -> Option<String> {
        let local = (self.local_address, self.local_port);
        let remote = (self.remote_address, self.remote_port);
        let (from, to) = match self.direction {
            Direction::Ingress => (remote, local),
            Direction::Egress => (local, remote),
        };
        let first = Packet::new(self.protocol, from.0, to.0, (from.1, to.1)).ok()?;
        Some(policy::text::Flow { direction: self.direction, first }.to_string())
    }
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
    /// What decided, where rules were asked.
    pub decision: Option<Decision>,
    /// The rule that dropped it, as text; empty where none did.
    pub rule_text: Box<str>,
    /// Its EtherType, where it is none of IP.
    pub ethertype: Option<u16>,
}

impl NodeDrop {
    /// The packet as one line of text: `tcp 10.0.0.2:40000 > 10.0.0.1:443`. None: it was no IP packet that could be read.
    pub fn packet_text(&self) -> Option<String> {
        let ports = (self.source_port, self.destination_port);
        let packet = Packet::new(self.protocol?, self.source?, self.destination?, ports).ok()?;
        Some(packet.to_string())
    }
}

/// The number of a protocol, from its name (`tcp`, `udp`, `icmp`, `icmpv6`, `gre`) or from the number itself.
pub fn protocol_number(text: &str) -> Option<u8> {
    let named = NAMED_PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    named.map(|(_, number)| *number).or_else(|| if digits { text.parse().ok() } else { None })
}

/// The name of a protocol; of one that has none its number.
pub fn protocol_name(number: u8) -> String {
    let named = NAMED_PROTOCOLS.iter().find(|(_, own)| *own == number);
    named.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}

/// The protocols that rules know by name.
const NAMED_PROTOCOLS: [(&str, u8); 5] = [
    ("tcp", protocol::TCP),
    ("udp", protocol::UDP),
    ("icmp", protocol::ICMP),
    ("icmpv6", protocol::ICMPV6),
    ("gre", protocol::GRE),
];

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
    /// Every rule that it is under, in the order in which they decide; each direction ends with what happens where no rule
    /// is about a packet.
    pub rules: Vec<RuleCounters>,
}

/// How often a rule decided, or what happens where no rule is about a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCounters {
    /// Of packets that go which way.
    pub direction: Direction,
    /// The rule; none: what happens where none is about a packet.
    pub rule: Option<RulePlace>,
    /// The rule as text; of what happens where none is about a packet, `accept` or `drop`.
    pub rule_text: Box<str>,
    /// How often it decided at all interfaces of the node that are in the same groups, since they are under these rules:
    /// admissions, refusals, and flows that were judged again.
    pub decisions: u64,
    /// The flows of the interface that it decided last.
    pub flow_count: u64,
    /// Packets to the interface in them.
    pub packets_in: u64,
    /// Packets from the interface in them.
    pub packets_out: u64,
    /// Bytes to the interface in them.
    pub bytes_in: u64,
    /// Bytes from the interface in them.
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
    /// The server is stopping, and lets nobody wait.
    #[error("the server is stopping")]
    Stopping,
}
