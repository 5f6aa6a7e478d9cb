//! Ports for administration that are open to the world.

use std::{cmp::Reverse, collections::BTreeMap, net::Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::rule::{Direction, Policy, Rule};

use super::{AdministrativePort, Finding, Findings, Options};
use crate::{
    difference::{AddressSet, Protocols, Region, SingleRules},
    evaluate::{ends, matches_port},
    packet::Family,
};

/// The IPv4 addresses that no host on the Internet has: RFC 6890, and what is for multicast or reserved.
const SPECIAL: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The IPv6 addresses that the Internet uses.
const GLOBAL: Ipv6Net = Ipv6Net::new_assert(std::net::Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The addresses of a family that the Internet uses.
pub fn world(family: Family) -> AddressSet {
    match family {
        Family::Ipv4 => {
            let special = SPECIAL.iter().filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok());
            AddressSet::every(family).without(&AddressSet::new(family, special.map(IpNet::V4)))
        }
        Family::Ipv6 => AddressSet::new(family, [IpNet::V6(GLOBAL)]),
    }
}

/// Whether a rule drops packets from addresses of a family that come in for a port. No other rule closes anything there: one
/// that accepts decides for some packets what was dropped before, and one that is about other packets decides none of these.
pub fn drops_at(rule: &Rule, family: Family, port: AdministrativePort) -> bool {
    rule.direction == Direction::Ingress
        && rule.policy == Policy::Drop
        && Protocols::named(rule.protocol).contains(port.protocol)
        && ends(rule, family).is_some()
        && matches_port(rule.ports, port.port)
}

/// Finds the ports at which packets are accepted from more than half of the world. Ports that the same rules open are one
/// finding.
pub(super) fn open_to_the_world<'a>(rules: &SingleRules<'a>, options: &Options, found: &mut Findings<'a>) {
    for family in Family::ALL {
        let world = world(family);
        let mut by_rules: BTreeMap<(Vec<usize>, bool), Vec<AdministrativePort>> = BTreeMap::new();
        for port in options.administrative_ports.iter().filter(|port| port.protocol.has_ports()) {
            let region = Region::every()
                .of_direction(Direction::Ingress)
                .of_protocols(Protocols::one(port.protocol))
                .for_ports([port.port..=port.port]);
            let (sources, is_whole) = rules.accepted_from(&region, family);
            let open = sources.and(&world).count();
            if open.plus(open) > world.count() {
                let key = accepting(rules, &region, family, options.named_max);
                by_rules.entry(key).or_default().push(*port);
            } else if !is_whole {
                found.undecided += 1;
            }
        }
        for ((places, and_more), ports) in by_rules {
            let rules = super::named(rules, &places);
            found.add(options, || Finding::OpenToTheWorld { family, ports, rules, and_more });
        }
    }
}

/// The rules that accept packets of a region, those from the most addresses first, and whether there may be more than are
/// named.
fn accepting(
    rules: &SingleRules<'_>,
    region: &Region,
    family: Family,
    named_max: usize,
) -> (Vec<usize>, bool) {
    let accepts = |place: &usize| rules.as_slice()[*place].first.rule.policy == Policy::Accept;
    let mut candidates: Vec<usize> = (0..rules.as_slice().len()).filter(accepts).collect();
    candidates.sort_by_key(|place| Reverse(rules.as_slice()[*place].remote_addresses(family)));
    let (mut accepting, mut and_more) = (Vec::new(), false);
    for place in candidates {
        match rules.decides_within(place, region, family) {
            Some(true) if accepting.len() == named_max => return (accepting, true),
            Some(true) => accepting.push(place),
            Some(false) => {}
            None => and_more = true,
        }
    }
    (accepting, and_more)
}
