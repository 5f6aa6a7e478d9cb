//! From what is written to what is meant, with every problem on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use ipnet::{Ipv4Net, Ipv6Net};
use model::address::Mac;
use policy::{Group as ClassGroup, PolicyClass};
use toml::Spanned;

use super::{
    ADDRESSES_MAX, Definition, DefinitionError, GROUPS_MAX, Group, INSTANCES_MAX, INTERFACES_MAX, Instance,
    Interface, LAB_INTERFACES_MAX, NETWORKS_MAX, Network, NetworkKind, Problem,
    raw::{self, line_of},
};
use host::wire::GATEWAY;

use crate::{identity::Identity, name};

/// Reads and checks a file.
pub(super) fn definition(text: &str) -> Result<Definition, DefinitionError> {
    let raw = raw::read(text)?;
    let lab = raw.name.get_ref().clone();
    checked(text, raw, lab)
}

/// Reads and checks a file whose lab has another name.
pub(super) fn renamed(text: &str, lab: &str) -> Result<Definition, DefinitionError> {
    checked(text, raw::read(text)?, lab.to_owned())
}

fn checked(text: &str, raw: raw::Lab, lab: String) -> Result<Definition, DefinitionError> {
    let mut check = Check { text, identity: Identity::of(&lab), problems: Vec::new(), declared: Vec::new() };
    check.name(name::is_lab(&lab), raw.name.span().start, "a lab", &lab, name::LAB_FORM);
    let networks = check.networks(raw.networks);
    let groups = check.groups(raw.groups);
    let instances = check.instances(raw.instances, &networks);
    check.memberships(&instances, &groups);
    if check.problems.is_empty() {
        let instances = instances.into_iter().map(|(instance, _)| instance).collect();
        return Ok(Definition { name: lab, networks, groups, instances, text: text.to_owned() });
    }
    check.problems.sort_by_key(|problem| problem.line);
    Err(DefinitionError::Problems(check.problems))
}

/// Where the memberships of an instance's interfaces stand in the text, interface by interface.
type Places = Vec<Vec<(String, usize)>>;

struct Check<'a> {
    text: &'a str,
    identity: Identity,
    problems: Vec<Problem>,
    /// The names of networks, also of those that something is wrong with.
    declared: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, place: usize, message: String) {
        self.problems.push(Problem { line: line_of(self.text, place), message });
    }

    fn name(&mut self, fits: bool, place: usize, what: &str, text: &str, form: &str) {
        if !fits {
            self.problem(place, format!("{text:?} is no name of {what}: {form}"));
        }
    }

    fn at_most(&mut self, count: usize, max: usize, what: &str) {
        if count > max {
            self.problems
                .push(Problem { line: 0, message: format!("{count} {what}; at most {max} fit a lab") });
        }
    }

    fn networks(&mut self, raw: raw::Named<raw::Network>) -> Vec<Network> {
        self.at_most(raw.len(), NETWORKS_MAX, "networks");
        let mut networks: Vec<Network> = Vec::new();
        for (key, network) in raw {
            let (place, name) = (key.span().start, key.into_inner());
            self.name(name::is_name(&name), place, "a network", &name, name::FORM);
            self.declared.push(name.clone());
            let ipv4 = self.prefix::<Ipv4Net>(&network.ipv4, "an IPv4 prefix such as 10.77.0.0/24");
            let ipv6 = network.ipv6.as_ref();
            let ipv6 = ipv6.map(|text| self.prefix::<Ipv6Net>(text, "an IPv6 prefix such as fd77::/64"));
            let (Some(ipv4), ipv6) = (ipv4, ipv6.flatten()) else { continue };
            let made =
                Network { name, kind: network.kind, ipv4: ipv4.trunc(), ipv6: ipv6.map(|net| net.trunc()) };
            if let Some(other) = networks.iter().find(|other| overlap(other, &made)) {
                let message = format!(
                    "the routed networks {:?} and {:?} overlap; one host cannot route both: give them prefixes apart",
                    other.name, made.name
                );
                self.problem(place, message);
            }
            networks.push(made);
        }
        networks
    }

    fn prefix<N: std::str::FromStr>(&mut self, text: &Spanned<String>, wanted: &str) -> Option<N> {
        let read = text.get_ref().parse().ok();
        if read.is_none() {
            self.problem(text.span().start, format!("{:?} is not {wanted}", text.get_ref()));
        }
        read
    }

    fn groups(&mut self, raw: raw::Named<raw::Group>) -> Vec<Group> {
        self.at_most(raw.len(), GROUPS_MAX, "groups");
        let mut groups = Vec::new();
        for (key, group) in raw {
            let (place, name) = (key.span().start, key.into_inner());
            self.name(name::is_name(&name), place, "a group", &name, name::FORM);
            let mut rules = Vec::new();
            for text in &group.rules {
                match policy::text::parse_rule(text.get_ref()) {
                    Ok(rule) => rules.push((rule, text.span().start)),
                    Err(error) => self.problem(text.span().start, format!("rule of group {name:?}: {error}")),
                }
            }
            self.repeated(&name, &rules);
            let rules: Arc<[_]> = rules.into_iter().map(|(rule, _)| rule).collect();
            groups.push(Group { id: self.identity.group(&name), name, rules });
        }
        groups
    }

    fn repeated(&mut self, group: &str, rules: &[(model::rule::Rule, usize)]) {
        if rules.len() > policy::RULES_MAX {
            let message = format!(
                "group {group:?} has {} rules; at most {} can be enforced for one interface",
                rules.len(),
                policy::RULES_MAX
            );
            return self.problem(rules[0].1, message);
        }
        for (index, (rule, place)) in rules.iter().enumerate() {
            if rules[..index].iter().any(|(other, _)| other.same_as(rule)) {
                self.problem(*place, format!("group {group:?} has this rule already; remove one of them"));
            }
        }
    }

    fn instances(&mut self, raw: raw::Named<raw::Instance>, networks: &[Network]) -> Vec<(Instance, Places)> {
        self.at_most(raw.len(), INSTANCES_MAX, "instances");
        let mut taken = Taken::default();
        let mut instances: Vec<(Instance, Places)> = Vec::new();
        for (key, instance) in raw {
            let (place, name) = (key.span().start, key.into_inner());
            self.name(name::is_name(&name), place, "an instance", &name, name::FORM);
            if name == name::HOST {
                self.problem(
                    place,
                    format!("{name:?} is what the lab's host is called; name the instance otherwise"),
                );
            }
            if instance.interfaces.is_empty() || instance.interfaces.len() > INTERFACES_MAX {
                self.problem(place, format!("instance {name:?} needs 1 to {INTERFACES_MAX} interfaces"));
            }
            let (mut interfaces, mut places) = (Vec::new(), Vec::new());
            for (number, interface) in instance.interfaces.into_iter().take(INTERFACES_MAX).enumerate() {
                let groups = &interface.get_ref().groups;
                places
                    .push(groups.iter().map(|group| (group.get_ref().clone(), group.span().start)).collect());
                interfaces.extend(self.interface((&name, number), interface, networks, &mut taken));
            }
            instances.push((Instance { name, interfaces }, places));
        }
        let interfaces = instances.iter().map(|(instance, _)| instance.interfaces.len()).sum();
        self.at_most(interfaces, LAB_INTERFACES_MAX, "interfaces");
        instances
    }

    fn interface(
        &mut self,
        (instance, number): (&str, usize),
        raw: Spanned<raw::Interface>,
        networks: &[Network],
        taken: &mut Taken,
    ) -> Option<Interface> {
        let raw = raw.into_inner();
        let name = raw.network.get_ref();
        let Some(network) = networks.iter().find(|network| network.name == *name) else {
            if !self.declared.contains(name) {
                let message =
                    format!("there is no network {name:?}; the file has {}", listed(&self.declared));
                self.problem(raw.network.span().start, message);
            }
            return None;
        };
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        let addresses = raw.addresses.get_ref();
        let sound = addresses.iter().filter_map(|text| self.address(text, network, taken));
        for address in sound {
            match address {
                IpAddr::V4(address) => ipv4.push(address),
                IpAddr::V6(address) => ipv6.push(address),
            }
        }
        if ipv4.len() + ipv6.len() < addresses.len() {
            return None;
        }
        let place = raw.addresses.span().start;
        let Some(first) = ipv4.first().copied() else {
            self.problem(
                place,
                format!("eth{number} of {instance:?} needs an IPv4 address of {}", network.ipv4),
            );
            return None;
        };
        if ipv4.len() + ipv6.len() > ADDRESSES_MAX {
            self.problem(place, format!("an interface has at most {ADDRESSES_MAX} addresses"));
        }
        let groups: BTreeSet<String> = raw.groups.iter().map(|group| group.get_ref().clone()).collect();
        Some(Interface {
            id: self.identity.interface(instance, number),
            instance: instance.to_owned(),
            number,
            network: network.name.clone(),
            ipv4,
            ipv6,
            groups: groups.into_iter().collect(),
            source_check: raw.source_check,
            mac: Mac::in_network(self.identity.network(&network.name), first),
        })
    }

    fn address(&mut self, text: &Spanned<String>, network: &Network, taken: &mut Taken) -> Option<IpAddr> {
        let place = text.span().start;
        let Ok(address) = text.get_ref().parse::<IpAddr>() else {
            let message = format!("{:?} is no address; write it without a prefix length", text.get_ref());
            self.problem(place, message);
            return None;
        };
        if let Some(why) = unusable(address, network) {
            self.problem(place, format!("{address} cannot be an interface's: {why}"));
            return None;
        }
        // A routed address is one of the whole lab, because one host routes it; a bridged one is its network's.
        let scope = (network.kind == NetworkKind::Bridged).then(|| network.name.clone());
        if let Some(line) = taken.insert((scope, address), line_of(self.text, place)) {
            self.problem(place, format!("{address} is given to another interface in line {line}"));
            return None;
        }
        Some(address)
    }

    fn memberships(&mut self, instances: &[(Instance, Places)], groups: &[Group]) {
        for (instance, places) in instances {
            for (number, memberships) in places.iter().enumerate() {
                let mut seen = BTreeSet::new();
                for (name, place) in memberships {
                    if !groups.iter().any(|group| group.name == *name) {
                        self.problem(*place, format!("there is no group {name:?}; add [groups.{name}]"));
                    } else if !seen.insert(name) {
                        let message =
                            format!("eth{number} of {:?} is in group {name:?} already", instance.name);
                        self.problem(*place, message);
                    }
                }
                let of = groups.iter().filter(|group| seen.contains(&group.name));
                let class = of.map(|group| ClassGroup { id: group.id, rules: Arc::clone(&group.rules) });
                if let (Err(error), Some((_, place))) = (PolicyClass::new(class), memberships.first()) {
                    self.problem(*place, format!("eth{number} of {:?}: {error}", instance.name));
                }
            }
        }
    }
}

/// Which addresses are given, in which network, and in which line.
type Taken = BTreeMap<(Option<String>, IpAddr), usize>;

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn overlap(one: &Network, other: &Network) -> bool {
    let ipv6 = one.ipv6.zip(other.ipv6);
    let meet = one.ipv4.contains(&other.ipv4) || other.ipv4.contains(&one.ipv4);
    let meet = meet || ipv6.is_some_and(|(one, other)| one.contains(&other) || other.contains(&one));
    one.kind == NetworkKind::Routed && other.kind == NetworkKind::Routed && meet
}

/// Why an address cannot be an interface's in this network.
fn unusable(address: IpAddr, network: &Network) -> Option<String> {
    let net = match address {
        IpAddr::V4(_) => Some(ipnet::IpNet::V4(network.ipv4)),
        IpAddr::V6(_) => network.ipv6.map(ipnet::IpNet::V6),
    };
    let Some(net) = net else {
        return Some(format!("network {:?} has no IPv6 prefix; give it one", network.name));
    };
    if !net.contains(&address) {
        return Some(format!("network {:?} is {net}", network.name));
    }
    let ends = address == net.network() || (address.is_ipv4() && address == net.broadcast());
    if network.kind == NetworkKind::Bridged && ends && net.prefix_len() + 1 < net.max_prefix_len() {
        return Some("it is the network's own; take one between its first and its last".into());
    }
    special(address, network.kind).map(Into::into)
}

/// What an address means in every network, where that is something else than an interface.
fn special(address: IpAddr, kind: NetworkKind) -> Option<&'static str> {
    if address.is_multicast() || address.is_unspecified() || address.is_loopback() {
        return Some("it is a special address");
    }
    match address {
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("it is the broadcast address"),
        IpAddr::V4(GATEWAY) if kind == NetworkKind::Routed => Some("it is the lab's host's"),
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            Some("link-local addresses are given by the lab")
        }
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
            Some("it stands for an IPv4 address, and is in no packet")
        }
        _ => None,
    }
}
