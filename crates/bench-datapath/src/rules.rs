//! The same rules for both: as security groups, and as a ruleset of nftables that an administrator would write.
//!
//! All of them are about packets to an instance. All but the last are about other peers or other ports, so that the last one
//! decides. What an instance sends is accepted where no rule says otherwise.

use std::{fmt::Write as _, sync::Arc};

use anyhow::Context as _;
use model::{
    SecurityGroupId, UnixMillis,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use policy::{Group, PolicyClass, plan::Plan};

/// Every instance has an address of it.
pub const INSTANCES: &str = "10.0.0.0/8";

/// One rule that accepts, in the words that both have.
struct Accept {
    /// None: every protocol.
    protocol: Option<Protocol>,
    source: String,
    ports: (u16, u16),
}

/// The rule at a place. Half of them are about other peers, the other half about other ports of the very peer.
fn at(place: usize, count: usize) -> Accept {
    if place + 1 == count {
        return Accept { protocol: None, source: INSTANCES.to_owned(), ports: (0, 0) };
    }
    let protocol = Some(if (place / 2).is_multiple_of(2) { Protocol::Tcp } else { Protocol::Udp });
    let number = u16::try_from(place).unwrap_or(u16::MAX);
    let (third, fourth) = (place / 250 % 250, place % 250);
    if place.is_multiple_of(2) {
        Accept { protocol, source: format!("198.18.{third}.{fourth}/32"), ports: (1024, 65_535) }
    } else {
        let first = 30_000 + number * 4;
        Accept { protocol, source: INSTANCES.to_owned(), ports: (first, first + 2) }
    }
}

impl Accept {
    fn rule(&self, priority: u8) -> anyhow::Result<Rule> {
        let protocol = self.protocol.unwrap_or(Protocol::All);
        let (low, high) = self.ports;
        Ok(Rule {
            direction: Direction::Ingress,
            protocol,
            policy: Policy::Accept,
            priority,
            ports: if protocol.has_ports() { PortRange::Ports { low, high } } else { PortRange::None },
            source_ports: PortRange::default_for(protocol),
            source: Some(Prefix::ipv4(&self.source).context("a prefix")?),
            destination: None,
            ipv6_source: None,
            ipv6_destination: None,
            description: None,
            created_at: UnixMillis(0),
        })
    }

    fn line(&self) -> String {
        let source = self.source.trim_end_matches("/32");
        let (low, high) = self.ports;
        match self.protocol {
            Some(Protocol::Udp) => format!("ip saddr {source} udp dport {low}-{high} accept"),
            Some(_) => format!("ip saddr {source} tcp dport {low}-{high} accept"),
            None => format!("ip saddr {source} accept"),
        }
    }
}

/// The class of so many rules, dealt out to so many groups.
///
/// # Errors
/// There are more rules than a class may have.
pub fn class(rules: usize, groups: usize) -> anyhow::Result<PolicyClass> {
    let mut dealt: Vec<Vec<Rule>> = vec![Vec::new(); groups.max(1)];
    for place in 0..rules {
        let priority = if place + 1 == rules { 100 } else { 1 };
        dealt[place % groups.max(1)].push(at(place, rules).rule(priority)?);
    }
    let groups = dealt.into_iter().enumerate().map(|(number, rules)| Group {
        id: SecurityGroupId::from_entropy(1 + number as u128),
        rules: Arc::from(rules),
    });
    Ok(PolicyClass::new(groups)?)
}

/// The class in compiled form.
///
/// # Errors
/// As [`class`].
pub fn plan(rules: usize, groups: usize) -> anyhow::Result<Plan> {
    Ok(Plan::compile(&class(rules, groups)?))
}

/// A ruleset of nftables with so many rules, one after the other. Before them, where connections are tracked, what belongs
/// to one passes.
pub fn nftables(rules: usize, tracked: bool) -> String {
    let mut text = String::from(
        "table inet filter\ndelete table inet filter\ntable inet filter {\n chain forward {\n  \
         type filter hook forward priority 0; policy drop;\n",
    );
    if tracked {
        text.push_str("  ct state established,related accept\n  ct state invalid drop\n");
    }
    for place in 0..rules {
        let _ = writeln!(text, "  {}", at(place, rules).line());
    }
    text.push_str(" }\n}\n");
    text
}

#[cfg(test)]
mod tests {
    use policy::{Decider, Packet, evaluate};

    use super::*;

    #[test]
    fn the_last_rule_decides() {
        for (rules, groups) in [(10, 1), (100, 1), (1_000, 1), (10, 5), (1_000, 5)] {
            let class = class(rules, groups).unwrap();
            for protocol in [6, 17] {
                let (from, to) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
                let packet = Packet::new(protocol, from, to, (40_000, crate::traffic::PORT)).unwrap();
                let decision = evaluate(&class, Direction::Ingress, &packet);
                assert_eq!(decision.policy, Policy::Accept);
                let Decider::Rule { group, position } = decision.by else { panic!("{decision:?}") };
                let last = (rules - 1) % groups;
                assert_eq!(group, SecurityGroupId::from_entropy(1 + last as u128));
                assert_eq!(position, rules.div_ceil(groups) - 1);
            }
        }
    }
}
