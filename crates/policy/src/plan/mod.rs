//! The compiler: a policy class as tables in which a packet's rules are found at a cost that does not grow with them.
//!
//! Bit vectors (Lakshman and Stiliadis, SIGCOMM 1998): for each direction, each of protocol, remote address, local
//! address, remote port and local port has a table of intervals, and each interval a row of bits, one bit a rule, that
//! says which rules are about it. A packet finds five rows; the first bit that is set in all of them is the rule that
//! decides, because the bits stand in deciding order.
//!
//! Remote is the other end: the source of what comes in, the destination of what goes out. IPv4 addresses stand in
//! `::ffff:0:0/96`, so that one table serves both families. An IPv6 packet with such an address is malformed and
//! never comes to rules; here it would be taken for IPv4.

mod display;
mod interval;
mod rows;

use std::net::IpAddr;

use model::{
    SecurityGroupId,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Rule},
};

pub(crate) use self::rows::row_words;
pub use self::rows::{RowId, Rows};
use self::{interval::Intervals, rows::Interner};
use crate::{
    class::PolicyClass,
    evaluate::{Decider, Decision, implicit},
    order::{PlacedRule, in_order},
    packet::{Packet, ProtocolKind},
};

/// A policy class in compiled form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    ingress: DirectionPlan,
    egress: DirectionPlan,
}

/// One direction of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectionPlan {
    /// The rules, in the order in which they decide: bit `i` of a row is the rule at place `i`.
    pub rules: Box<[PlannedRule]>,
    /// What happens where no rule matches.
    pub implicit: Policy,
    /// The rows that the tables point to, each there once.
    pub rows: Rows,
    /// Rows by address of the other end. Without rules, all tables are empty.
    pub remote: Box<[Entry<u128>]>,
    /// Rows by the interface's own address.
    pub local: Box<[Entry<u128>]>,
    /// Rows by port of the other end.
    pub remote_ports: Box<[Entry<u16>]>,
    /// Rows by the interface's own port.
    pub local_ports: Box<[Entry<u16>]>,
    /// The row of each [`ProtocolKind`], in their order.
    pub protocols: [RowId; ProtocolKind::ALL.len()],
}

/// Where a rule of a plan comes from, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedRule {
    /// The group that it is in.
    pub group: SecurityGroupId,
    /// Its place among the group's rules, from 0.
    pub position: usize,
    /// 1 to 100; the smaller number decides first.
    pub priority: u8,
    /// Accept or drop.
    pub policy: Policy,
    /// A hash of what it says: equal for rules that are [the same](Rule::same_as).
    pub content: u64,
}

impl PlannedRule {
    fn of(placed: &PlacedRule<'_>) -> Self {
        let PlacedRule { group, position, rule } = *placed;
        Self { group, position, priority: rule.priority, policy: rule.policy, content: content(rule) }
    }
}

/// An interval of a table: it begins here and ends where the next one begins. The first one begins at 0, and two
/// neighbours have different rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<K> {
    /// The first key that belongs to it.
    pub first: K,
    /// The rules that are about it.
    pub row: RowId,
}

impl Plan {
    /// Compiles a class.
    pub fn compile(class: &PolicyClass) -> Self {
        Self {
            ingress: DirectionPlan::compile(class, Direction::Ingress),
            egress: DirectionPlan::compile(class, Direction::Egress),
        }
    }

    /// One of its directions.
    pub fn direction(&self, direction: Direction) -> &DirectionPlan {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// Decides the first packet of a flow that goes in `direction`, as [`evaluate`](crate::evaluate()) does.
    pub fn decide(&self, direction: Direction, packet: &Packet) -> Decision {
        let plan = self.direction(direction);
        plan.decision(plan.find(&Lookup::of(direction, packet)))
    }
}

impl DirectionPlan {
    fn compile(class: &PolicyClass, direction: Direction) -> Self {
        let ordered = in_order(class, direction);
        let mut interner = Interner::new(ordered.len());
        let mut intervals = Intervals::default();
        let rules = || ordered.iter().map(|placed| placed.rule);
        let remote = intervals.addresses(rules(), &mut interner, End::Remote.of(direction));
        let local = intervals.addresses(rules(), &mut interner, End::Local.of(direction));
        let remote_ports = intervals.ports(rules(), &mut interner, End::Remote.of(direction));
        let local_ports = intervals.ports(rules(), &mut interner, End::Local.of(direction));
        let protocols =
            ProtocolKind::ALL.map(|kind| interner.row_of(rules().map(|rule| kind.is_of(rule.protocol))));
        Self {
            implicit: implicit(direction).policy,
            rows: interner.finish(),
            remote,
            local,
            remote_ports,
            local_ports,
            protocols,
            rules: ordered.iter().map(PlannedRule::of).collect(),
        }
    }

    /// The place of the rule that decides.
    pub fn find(&self, lookup: &Lookup) -> Option<usize> {
        let rows = [
            self.protocols[lookup.kind as usize],
            row_at(&self.remote, lookup.remote)?,
            row_at(&self.local, lookup.local)?,
            row_at(&self.remote_ports, lookup.remote_port)?,
            row_at(&self.local_ports, lookup.local_port)?,
        ];
        self.rows.first_of_all(rows)
    }

    /// What the rule at this place decides; none: what happens where no rule matches.
    pub fn decision(&self, place: Option<usize>) -> Decision {
        match place.and_then(|place| self.rules.get(place)) {
            Some(rule) => Decision {
                policy: rule.policy,
                by: Decider::Rule { group: rule.group, position: rule.position },
            },
            None => Decision { policy: self.implicit, by: Decider::Implicit },
        }
    }
}

/// A hash of what makes a rule the one that it is.
fn content(rule: &Rule) -> u64 {
    let mut bytes = vec![rule.direction as u8, rule.protocol as u8, rule.policy as u8, rule.priority];
    for ports in [rule.ports, rule.source_ports] {
        let (low, high) = match ports {
            PortRange::None => (0, 0),
            PortRange::Ports { low, high } => (low, high),
        };
        bytes.extend([low, high].map(u16::to_be_bytes).as_flattened());
    }
    let prefixes = [&rule.source, &rule.destination, &rule.ipv6_source, &rule.ipv6_destination];
    for prefix in prefixes {
        let net = prefix.as_ref().map(Prefix::net);
        bytes.push(net.map_or(u8::MAX, |net| net.prefix_len()));
        bytes.extend(net.map_or([0; 16], |net| key_of(net.network()).to_be_bytes()));
    }
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

/// The row of the interval that a key lies in.
fn row_at<K: Ord>(table: &[Entry<K>], key: K) -> Option<RowId> {
    let after = table.partition_point(|entry| entry.first <= key);
    after.checked_sub(1).map(|place| table[place].row)
}

/// An end of a packet or rule, seen from the interface.
#[derive(Debug, Clone, Copy)]
enum End {
    Remote,
    Local,
}

/// An end as packets and rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

impl End {
    fn of(self, direction: Direction) -> Side {
        match (self, direction) {
            (Self::Remote, Direction::Ingress) | (Self::Local, Direction::Egress) => Side::Source,
            (Self::Local, Direction::Ingress) | (Self::Remote, Direction::Egress) => Side::Destination,
        }
    }
}

/// What is looked up in the tables of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup {
    /// The kind of protocol.
    pub kind: ProtocolKind,
    /// The other end's address, see [`key_of`].
    pub remote: u128,
    /// The interface's own.
    pub local: u128,
    /// The other end's port; 0 where the protocol has none.
    pub remote_port: u16,
    /// The interface's own.
    pub local_port: u16,
}

impl Lookup {
    /// What is looked up for a packet that goes in `direction`.
    pub fn of(direction: Direction, packet: &Packet) -> Self {
        let (source, destination) = (key_of(packet.source()), key_of(packet.destination()));
        let (from, to) = (packet.source_port(), packet.destination_port());
        let kind = ProtocolKind::of(packet);
        match direction {
            Direction::Ingress => {
                Self { kind, remote: source, local: destination, remote_port: from, local_port: to }
            }
            Direction::Egress => {
                Self { kind, remote: destination, local: source, remote_port: to, local_port: from }
            }
        }
    }
}

/// An address as the key of an address table: IPv4 in `::ffff:0:0/96`.
pub fn key_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}
