//! The evaluator: the meaning of rules.
//!
//! - The rules of all groups of the interface count together. The smallest priority number decides; at equal priority
//!   a rule that drops decides before one that accepts. Where no rule matches, what comes in is dropped and what goes out
//!   is accepted (the contract of LeaveSecurityGroup, decision 8).
//! - A rule that names an IPv4 prefix, at either end, is about IPv4; one that names an IPv6 prefix is about IPv6; one
//!   that names no prefix is about both. The source prefix is compared with the packet's source and the destination prefix
//!   with its destination, whichever way the packet goes.
//! - ICMP is ICMP over IPv4, ICMPv6 is ICMPv6 over IPv6.
//! - `1/65535` is how ENS writes every port, and means port 0 too. Every other range means what it says.
//!
//! Replies are no concern of rules: a flow is judged as it began.

use std::net::IpAddr;

use model::{
    SecurityGroupId,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};

use crate::{
    class::PolicyClass,
    packet::{Family, Packet, protocol},
};

/// What happens to a packet, and what decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// Accepted or dropped.
    pub policy: Policy,
    /// By what.
    pub by: Decider,
}

/// What decides a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decider {
    /// A rule. Of several that say the same at the same priority, the first of the first group by id.
    Rule {
        /// The group that it is in.
        group: SecurityGroupId,
        /// Its place among the group's rules, from 0.
        position: usize,
    },
    /// No rule matches.
    Implicit,
}

/// Decides the first packet of a flow that goes in `direction` at an interface of this class.
pub fn evaluate(class: &PolicyClass, direction: Direction, packet: &Packet) -> Decision {
    let mut best: Option<((u8, bool), Decision)> = None;
    for group in class.groups() {
        for (position, rule) in group.rules.iter().enumerate() {
            if !matches(rule, direction, packet) {
                continue;
            }
            let order = (rule.priority, rule.policy == Policy::Accept);
            if best.is_none_or(|(least, _)| order < least) {
                let by = Decider::Rule { group: group.id, position };
                best = Some((order, Decision { policy: rule.policy, by }));
            }
        }
    }
    best.map_or_else(|| implicit(direction), |(_, decision)| decision)
}

/// What happens where no rule matches.
pub fn implicit(direction: Direction) -> Decision {
    let policy = match direction {
        Direction::Ingress => Policy::Drop,
        Direction::Egress => Policy::Accept,
    };
    Decision { policy, by: Decider::Implicit }
}

/// Whether a rule is about a packet.
fn matches(rule: &Rule, direction: Direction, packet: &Packet) -> bool {
    rule.direction == direction
        && matches_protocol(rule.protocol, packet)
        && matches_addresses(rule, packet)
        && matches_port(rule.source_ports, packet.source_port())
        && matches_port(rule.ports, packet.destination_port())
}

/// Whether what a rule names as its protocol is a packet's.
pub(crate) fn matches_protocol(named: Protocol, packet: &Packet) -> bool {
    let (number, ipv4) = (packet.protocol(), packet.source().is_ipv4());
    match named {
        Protocol::All => true,
        Protocol::Tcp => number == protocol::TCP,
        Protocol::Udp => number == protocol::UDP,
        Protocol::Gre => number == protocol::GRE,
        Protocol::Icmp => number == protocol::ICMP && ipv4,
        Protocol::Icmpv6 => number == protocol::ICMPV6 && !ipv4,
    }
}

fn matches_addresses(rule: &Rule, packet: &Packet) -> bool {
    ends(rule, packet.family()).is_some_and(|(source, destination)| {
        matches_address(source, packet.source()) && matches_address(destination, packet.destination())
    })
}

/// The prefixes, source first, that a rule names for addresses of a family; nothing where it is about the other family
/// alone.
pub(crate) fn ends(rule: &Rule, family: Family) -> Option<(Option<&Prefix>, Option<&Prefix>)> {
    let ipv4 = (rule.source.as_ref(), rule.destination.as_ref());
    let ipv6 = (rule.ipv6_source.as_ref(), rule.ipv6_destination.as_ref());
    let (own, other) = match family {
        Family::Ipv4 => (ipv4, ipv6),
        Family::Ipv6 => (ipv6, ipv4),
    };
    let named =
        |(source, destination): (Option<&Prefix>, Option<&Prefix>)| source.is_some() || destination.is_some();
    (named(own) || !named(other)).then_some(own)
}

/// Whether an address is in what a rule names for its end.
pub(crate) fn matches_address(prefix: Option<&Prefix>, address: IpAddr) -> bool {
    prefix.is_none_or(|prefix| prefix.contains(address))
}

/// Whether a port is in what a rule names for its end. Protocols without ports have port 0 and rules for all ports: a
/// rule that names ports is for TCP or UDP alone.
pub(crate) fn matches_port(range: PortRange, port: u16) -> bool {
    match range {
        PortRange::None | PortRange::EVERY => true,
        PortRange::Ports { low, high } => (low..=high).contains(&port),
    }
}
