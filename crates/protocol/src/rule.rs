//! Rules as messages. What people wrote about a rule and when they added it stays with the control plane.

use model::{
    UnixMillis,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};

use crate::{Malformed, node};

/// A rule as a message.
pub fn to_message(rule: &Rule) -> node::Rule {
    let text =
        |prefix: &Option<Prefix>| prefix.as_ref().map_or(String::new(), |prefix| prefix.net().to_string());
    node::Rule {
        direction: direction_to(rule.direction).into(),
        protocol: protocol_to(rule.protocol).into(),
        policy: policy_to(rule.policy).into(),
        priority: rule.priority.into(),
        ports: ports_to(rule.ports),
        source_ports: ports_to(rule.source_ports),
        source: text(&rule.source),
        destination: text(&rule.destination),
        ipv6_source: text(&rule.ipv6_source),
        ipv6_destination: text(&rule.ipv6_destination),
    }
}

/// The rule of a message.
///
/// # Errors
/// [`Malformed`]: a field has a value that no rule has.
pub fn from_message(rule: &node::Rule) -> Result<Rule, Malformed> {
    let protocol = protocol_from(rule)?;
    let priority = u8::try_from(rule.priority).ok().filter(|priority| (1..=100).contains(priority));
    Ok(Rule {
        direction: direction_from(rule)?,
        protocol,
        policy: policy_from(rule)?,
        priority: priority.ok_or_else(|| Malformed::new("priority", rule.priority, "from 1 to 100"))?,
        ports: ports_from("ports", protocol, rule.ports)?,
        source_ports: ports_from("source_ports", protocol, rule.source_ports)?,
        source: prefix_from("source", &rule.source, Prefix::ipv4)?,
        destination: prefix_from("destination", &rule.destination, Prefix::ipv4)?,
        ipv6_source: prefix_from("ipv6_source", &rule.ipv6_source, Prefix::ipv6)?,
        ipv6_destination: prefix_from("ipv6_destination", &rule.ipv6_destination, Prefix::ipv6)?,
        description: None,
        created_at: UnixMillis(0),
    })
}

fn direction_to(direction: Direction) -> node::rule::Direction {
    match direction {
        Direction::Ingress => node::rule::Direction::Ingress,
        Direction::Egress => node::rule::Direction::Egress,
    }
}

fn direction_from(rule: &node::Rule) -> Result<Direction, Malformed> {
    match rule.direction() {
        node::rule::Direction::Ingress => Ok(Direction::Ingress),
        node::rule::Direction::Egress => Ok(Direction::Egress),
        node::rule::Direction::Unspecified => {
            Err(Malformed::new("direction", rule.direction, "a direction that is known"))
        }
    }
}

fn protocol_to(protocol: Protocol) -> node::rule::Protocol {
    match protocol {
        Protocol::All => node::rule::Protocol::All,
        Protocol::Tcp => node::rule::Protocol::Tcp,
        Protocol::Udp => node::rule::Protocol::Udp,
        Protocol::Icmp => node::rule::Protocol::Icmp,
        Protocol::Icmpv6 => node::rule::Protocol::Icmpv6,
        Protocol::Gre => node::rule::Protocol::Gre,
    }
}

fn protocol_from(rule: &node::Rule) -> Result<Protocol, Malformed> {
    match rule.protocol() {
        node::rule::Protocol::All => Ok(Protocol::All),
        node::rule::Protocol::Tcp => Ok(Protocol::Tcp),
        node::rule::Protocol::Udp => Ok(Protocol::Udp),
        node::rule::Protocol::Icmp => Ok(Protocol::Icmp),
        node::rule::Protocol::Icmpv6 => Ok(Protocol::Icmpv6),
        node::rule::Protocol::Gre => Ok(Protocol::Gre),
        node::rule::Protocol::Unspecified => {
            Err(Malformed::new("protocol", rule.protocol, "a protocol that is known"))
        }
    }
}

fn policy_to(policy: Policy) -> node::rule::Policy {
    match policy {
        Policy::Accept => node::rule::Policy::Accept,
        Policy::Drop => node::rule::Policy::Drop,
    }
}

fn policy_from(rule: &node::Rule) -> Result<Policy, Malformed> {
    match rule.policy() {
        node::rule::Policy::Accept => Ok(Policy::Accept),
        node::rule::Policy::Drop => Ok(Policy::Drop),
        node::rule::Policy::Unspecified => {
            Err(Malformed::new("policy", rule.policy, "a policy that is known"))
        }
    }
}

fn ports_to(ports: PortRange) -> Option<node::PortRange> {
    match ports {
        PortRange::None => None,
        PortRange::Ports { low, high } => Some(node::PortRange { low: low.into(), high: high.into() }),
    }
}

fn ports_from(
    field: &'static str,
    protocol: Protocol,
    ports: Option<node::PortRange>,
) -> Result<PortRange, Malformed> {
    let malformed = |range: Option<node::PortRange>| {
        let shown = range.map_or("absent".into(), |range| format!("{}/{}", range.low, range.high));
        Malformed::new(field, shown, "a range of ports, and absent where the protocol has none")
    };
    let Some(range) = ports else {
        return if protocol.has_ports() { Err(malformed(None)) } else { Ok(PortRange::None) };
    };
    let port = |port: u32| u16::try_from(port).ok().filter(|port| *port > 0);
    match (port(range.low), port(range.high)) {
        (Some(low), Some(high)) if low <= high && protocol.has_ports() => Ok(PortRange::Ports { low, high }),
        _ => Err(malformed(ports)),
    }
}

fn prefix_from<E>(
    field: &'static str,
    text: &str,
    read: impl Fn(&str) -> Result<Prefix, E>,
) -> Result<Option<Prefix>, Malformed> {
    if text.is_empty() {
        return Ok(None);
    }
    read(text).map(Some).map_err(|_| Malformed::new(field, text, "a prefix of its family"))
}

#[cfg(test)]
mod tests {
    use policy::testing::Random;

    use super::*;

    /// A message; most of them are rules.
    fn any_message(random: &mut Random) -> node::Rule {
        fn number(random: &mut Random, from: usize, below: usize) -> u32 {
            u32::try_from(from + random.below(below - from)).unwrap()
        }
        fn one_of(random: &mut Random, texts: [&str; 4]) -> String {
            texts[random.below(texts.len())].to_owned()
        }
        let protocol = random.below(7);
        let range = |random: &mut Random| {
            let low = number(random, 1, 1000);
            let has_ports = (2..4).contains(&protocol);
            has_ports.then(|| node::PortRange { low, high: low + number(random, 0, 66_000) })
        };
        node::Rule {
            direction: i32::try_from(1 + random.below(2)).unwrap(),
            protocol: i32::try_from(protocol).unwrap(),
            policy: i32::try_from(1 + random.below(2)).unwrap(),
            priority: number(random, 1, 110),
            ports: range(random),
            source_ports: range(random),
            source: one_of(random, ["", "10.0.0.0/8", "10.0.0.1", "0.0.0.0/0"]),
            destination: one_of(random, ["", "10.1.0.0/16", "10.0.0.1/24", "10.0.0.0/33"]),
            ipv6_source: one_of(random, ["", "::/0", "2001:db8::1/64", "fe80::1"]),
            ipv6_destination: one_of(random, ["", "::1", "2001:db8::/32", "10.0.0.1"]),
        }
    }

    #[test]
    fn whatever_is_read_says_the_same_as_a_message_again() {
        let mut random = Random::new(1);
        let mut read = 0;
        for _ in 0..20_000 {
            let Ok(rule) = from_message(&any_message(&mut random)) else { continue };
            read += 1;
            let again = from_message(&to_message(&rule)).unwrap();
            assert!(rule.same_as(&again), "{rule:?} {again:?}");
        }
        assert!(read > 1000, "{read}");
    }

    #[test]
    fn fields_that_no_rule_has_are_refused_by_name() {
        let right = node::Rule {
            direction: node::rule::Direction::Ingress.into(),
            protocol: node::rule::Protocol::Tcp.into(),
            policy: node::rule::Policy::Accept.into(),
            priority: 1,
            ports: Some(node::PortRange { low: 22, high: 22 }),
            source_ports: Some(node::PortRange { low: 1, high: 65_535 }),
            ..node::Rule::default()
        };
        assert!(from_message(&right).is_ok());
        let refused = |change: &dyn Fn(&mut node::Rule)| {
            let mut wrong = right.clone();
            change(&mut wrong);
            from_message(&wrong).unwrap_err().field
        };
        assert_eq!(refused(&|rule| rule.direction = 9), "direction");
        assert_eq!(refused(&|rule| rule.protocol = 0), "protocol");
        assert_eq!(refused(&|rule| rule.policy = -1), "policy");
        assert_eq!(refused(&|rule| rule.priority = 0), "priority");
        assert_eq!(refused(&|rule| rule.priority = 101), "priority");
        assert_eq!(refused(&|rule| rule.ports = None), "ports");
        assert_eq!(refused(&|rule| rule.ports = Some(node::PortRange { low: 2, high: 1 })), "ports");
        assert_eq!(
            refused(&|rule| rule.source_ports = Some(node::PortRange { low: 0, high: 1 })),
            "source_ports"
        );
        assert_eq!(refused(&|rule| rule.protocol = node::rule::Protocol::Icmp.into()), "ports");
        assert_eq!(refused(&|rule| rule.source = "::1".into()), "source");
        assert_eq!(refused(&|rule| rule.destination = "x".repeat(1000)), "destination");
        assert_eq!(refused(&|rule| rule.ipv6_source = "10.0.0.1".into()), "ipv6_source");
        assert_eq!(refused(&|rule| rule.ipv6_destination = "fe80::/129".into()), "ipv6_destination");
    }
}
