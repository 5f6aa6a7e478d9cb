//! Whether interfaces of a class accept anything new. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::{
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use policy::{
    Packet, PolicyClass,
    difference::{Bounds, Difference, Region},
    evaluate,
    order::in_order,
    packet::protocol,
};

/// For how many rules a packet is tried before everything is looked at.
const TRIED_MAX: usize = 64;

/// Whether an interface of this class accepts any packet that begins a flow. Mostly the first packet that a rule is about is
/// one; where none of some is, the class is compared with that of no groups, which accepts none.
pub(super) fn accepts(class: &PolicyClass, bounds: Bounds) -> bool {
    let rules = in_order(class, Direction::Ingress).into_iter().map(|placed| placed.rule);
    let mut accepting = rules.filter(|rule| rule.policy == Policy::Accept).peekable();
    if accepting.peek().is_none() {
        return false;
    }
    let is_accepted = |packet: Packet| evaluate(class, Direction::Ingress, &packet).policy == Policy::Accept;
    if accepting.take(TRIED_MAX).filter_map(one_of).any(is_accepted) {
        return true;
    }
    let ingress = Region::every().of_direction(Direction::Ingress);
    !Difference::within(&PolicyClass::default(), class, &ingress, bounds).is_empty()
}

/// A packet that a rule is about; none: its addresses are of two families.
fn one_of(rule: &Rule) -> Option<Packet> {
    let is_ipv6 =
        rule.ipv6_source.is_some() || rule.ipv6_destination.is_some() || rule.protocol == Protocol::Icmpv6;
    let somebody: IpAddr =
        if is_ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::new(198, 51, 100, 1).into() };
    let first = |prefix: &Option<Prefix>| prefix.as_ref().map_or(somebody, |prefix| prefix.net().network());
    let (source, destination) = match is_ipv6 {
        true => (first(&rule.ipv6_source), first(&rule.ipv6_destination)),
        false => (first(&rule.source), first(&rule.destination)),
    };
    let number = match rule.protocol {
        Protocol::Tcp | Protocol::All => protocol::TCP,
        Protocol::Udp => protocol::UDP,
        Protocol::Icmp => protocol::ICMP,
        Protocol::Icmpv6 => protocol::ICMPV6,
        Protocol::Gre => protocol::GRE,
    };
    let low = |ports: PortRange| match ports {
        PortRange::None => 1,
        PortRange::Ports { low, .. } => low,
    };
    Packet::new(number, source, destination, (low(rule.source_ports), low(rule.ports))).ok()
}

#[cfg(test)]
mod tests {
    use model::SecurityGroupId;
    use policy::{Group, testing::class, text::parse_rule};

    use super::*;

    fn of(rules: &[&str]) -> PolicyClass {
        let rules: Vec<Rule> = rules.iter().map(|rule| parse_rule(rule).unwrap()).collect();
        PolicyClass::new([Group { id: SecurityGroupId::from_entropy(1), rules: rules.into() }]).unwrap()
    }

    #[test]
    fn nothing_is_accepted_where_everything_is_dropped_before() {
        let accepts = |rules: &[&str]| accepts(&of(rules), Bounds::default());
        assert!(!accepts(&[]) && !accepts(&["egress accept tcp"]));
        assert!(accepts(&["ingress accept icmpv6"]) && accepts(&["ingress accept udp from 10.0.0.0/8"]));
        let web = "ingress accept priority=2 tcp from 10.0.0.0/8 to port 443";
        assert!(!accepts(&[web, "ingress drop all"]));
        // The first packet is dropped, and others are not.
        assert!(accepts(&[web, "ingress drop tcp from 10.0.0.0/16"]));
    }

    #[test]
    fn it_is_what_the_difference_from_no_group_says() {
        let ingress = Region::every().of_direction(Direction::Ingress);
        for class in (0..200).map(class).filter(|class| class.rule_count() <= 80) {
            let whole = Difference::within(&PolicyClass::default(), &class, &ingress, Bounds::default());
            assert_eq!(accepts(&class, Bounds::default()), !whole.is_empty(), "{class:?}");
        }
    }
}
