//! The lines of the map: who may reach the members of a group on what, by one rule that accepts.

use std::collections::{HashMap, hash_map::Entry};

use serde_json::Value;

use super::{
    super::groups::rule,
    packet::{About, Untried, range},
    world::Group,
};
use crate::json::text;

/// The most lines that are drawn, and asked about.
pub(super) const LINES_MAX: usize = 60;

/// Where a line begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// Any address.
    Internet,
    /// Addresses that no member of a group here has.
    Prefix(String),
    /// The group at this place.
    Group(usize),
}

/// That somebody may reach the members of a group.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) source: Source,
    /// The place of the group that is reached.
    pub(super) target: usize,
    /// On what: protocol and ports, and that it is over IPv6.
    pub(super) on: String,
    /// The page that explains the packet that it is tried with; or why it is not tried.
    pub(super) packet: Result<String, Untried>,
    /// What became of that packet; none: it was not tried.
    pub(super) passes: Option<bool>,
}

/// The lines that the rules of the groups draw, each once: of all groups or from and to one, and no more than one too many.
pub(super) fn of(groups: &[Group], port: Option<u16>, centre: Option<usize>) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    let mut known: HashMap<(usize, Source, String), usize> = HashMap::new();
    for (target, group) in groups.iter().enumerate() {
        for permission in group.rules.iter().filter(|own| text(own, "Policy") == "Accept") {
            if !is_about(permission, port) {
                continue;
            }
            let about = About::of(permission, port);
            let on = on(permission, &about);
            for source in sources(groups, permission, &about) {
                let concerns =
                    centre.is_none_or(|centre| target == centre || source == Source::Group(centre));
                if !concerns {
                    continue;
                }
                let packet = about.question(groups, &source, group);
                match known.entry((target, source.clone(), on.clone())) {
                    Entry::Vacant(place) => {
                        place.insert(found.len());
                        found.push(Line { source, target, on: on.clone(), packet, passes: None });
                    }
                    // Of several rules one that there is a packet of is tried.
                    Entry::Occupied(place) => {
                        let line = found.get_mut(*place.get());
                        if let Some(line) = line.filter(|line| line.packet.is_err() && packet.is_ok()) {
                            line.packet = packet;
                        }
                    }
                }
                if found.len() > LINES_MAX {
                    return found;
                }
            }
        }
    }
    found
}

/// Whether a rule is about a port; none is any. What has no ports is about none.
fn is_about(permission: &Value, port: Option<u16>) -> bool {
    let Some(port) = port else { return true };
    matches!(text(permission, "IpProtocol"), "TCP" | "UDP" | "ALL")
        && range(text(permission, "PortRange")).is_none_or(|(low, high)| (low..=high).contains(&port))
}

fn on(permission: &Value, about: &About<'_>) -> String {
    let protocol = text(permission, "IpProtocol");
    let family = if about.is_ipv6 && protocol != "ICMPv6" { ", IPv6" } else { "" };
    format!("{protocol} {}{family}", rule::ports(permission))
}

fn sources(groups: &[Group], permission: &Value, about: &About<'_>) -> Vec<Source> {
    let Some(block) = about.source.filter(|block| block.prefix_len() > 0) else {
        return vec![Source::Internet];
    };
    let is_within = |group: &Group| {
        group.members.iter().flat_map(|member| &member.addresses).any(|address| block.contains(address))
    };
    let places: Vec<Source> = groups
        .iter()
        .enumerate()
        .filter(|(_, group)| is_within(group))
        .map(|(place, _)| Source::Group(place))
        .collect();
    if places.is_empty() { vec![Source::Prefix(prefix(permission).to_owned())] } else { places }
}

fn prefix(permission: &Value) -> &str {
    match text(permission, "SourceCidrIp") {
        "" => text(permission, "Ipv6SourceCidrIp"),
        prefix => prefix,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::world::Member, *};

    /// A group with a member for each text of addresses; the first is that of the interface `eni-<group>-0`.
    fn group(name: &str, members: &[&str], rules: Vec<Value>) -> Group {
        let member = |(number, addresses): (usize, &&str)| Member {
            interface: format!("eni-{name}-{number}"),
            instance: String::new(),
            name: String::new(),
            addresses: addresses.split(' ').map(|address| address.parse().unwrap()).collect(),
        };
        Group {
            id: format!("sg-{name}"),
            name: name.into(),
            member_count: Some(members.len().try_into().unwrap()),
            members: members.iter().enumerate().map(member).collect(),
            rules,
        }
    }

    fn accepts(peer: &str, ports: &str) -> Value {
        let field = if peer.contains(':') { "Ipv6SourceCidrIp" } else { "SourceCidrIp" };
        json!({ "Direction": "ingress", "Policy": "Accept", "IpProtocol": "TCP", "PortRange": ports, field: peer })
    }

    /// The packets of the lines, without the page that they are explained on.
    fn packets(groups: &[Group]) -> Vec<Result<String, Untried>> {
        let short = |address: String| address.replace("/console/explain?From=", "").replace("&To=", " > ");
        of(groups, None, None).into_iter().map(|line| line.packet.map(short)).collect()
    }

    #[test]
    fn a_rule_leads_from_the_groups_whose_members_it_accepts() {
        let web = group("web", &["10.0.0.2"], vec![accepts("0.0.0.0/0", "80/80")]);
        let rules = vec![
            accepts("10.0.0.0/24", "5432/5432"),
            accepts("192.0.2.7", "22/22"),
            accepts("10.0.0.0/24", "5432/5432"),
        ];
        let groups = [web, group("database", &["10.0.1.2"], rules)];
        let found = of(&groups, None, None);
        let sources: Vec<_> =
            found.iter().map(|line| (&line.source, line.target, line.on.as_str())).collect();
        assert_eq!(
            sources,
            [
                (&Source::Internet, 0, "TCP 80"),
                (&Source::Group(0), 1, "TCP 5432"),
                (&Source::Prefix("192.0.2.7".into()), 1, "TCP 22"),
            ]
        );
        assert_eq!(
            found[1].packet.as_deref(),
            Ok("/console/explain?From=eni-web-0&To=eni-database-0&Protocol=tcp&Port=5432")
        );
        assert_eq!(of(&groups, Some(22), None).len(), 1);
        assert_eq!(of(&groups, None, Some(0)).len(), 2);
    }

    #[test]
    fn no_more_lines_are_made_than_one_too_many() {
        let rules = (1..=200).map(|port| accepts("192.0.2.7", &format!("{port}/{port}"))).collect();
        let groups = [group("web", &["10.0.0.2"], rules), group("quiet", &["10.0.1.2"], Vec::new())];
        assert_eq!(of(&groups, None, None).len(), LINES_MAX + 1);
        assert_eq!(of(&groups, None, Some(1)).len(), 0);
    }

    #[test]
    fn a_packet_goes_between_two_interfaces_that_the_rule_is_about() {
        let inside = || vec![accepts("10.0.0.0/24", "22/22")];
        let within = group("web", &["10.0.0.2", "10.0.0.3"], inside());
        assert_eq!(packets(&[within]), [Ok("eni-web-0 > eni-web-1&Protocol=tcp&Port=22".into())]);

        // The first member of both is the same interface, and others are outside of the prefix.
        let mut both = [
            group("web", &["10.0.0.2", "10.9.0.3"], Vec::new()),
            group("database", &["10.0.0.2", "10.1.0.4"], inside()),
        ];
        both[1].members[0].interface = "eni-web-0".into();
        let from_web = &packets(&both)[0];
        assert_eq!(from_web, &Ok("eni-web-0 > eni-database-1&Protocol=tcp&Port=22".into()));

        // What is named may be another address of the interface than its first.
        let second = group("web", &["10.1.0.2 10.0.0.9"], Vec::new());
        let own = json!({ "Direction": "ingress", "Policy": "Accept", "IpProtocol": "TCP", "PortRange": "1/65535",
            "SourcePortRange": "53/53", "SourceCidrIp": "10.0.0.0/24", "DestCidrIp": "10.2.0.8/32" });
        let groups = [second, group("names", &["10.2.0.7", "10.2.0.1 10.2.0.8"], vec![own])];
        assert_eq!(packets(&groups), [Ok("10.0.0.9 > 10.2.0.8&Protocol=tcp&Port=80&SourcePort=53".into())]);
    }

    #[test]
    fn a_packet_is_of_the_family_of_its_rule() {
        let dual = || group("web", &["10.0.0.2 2001:db8::2"], Vec::new());
        let mut database = group("database", &["10.0.0.5 2001:db8::5"], Vec::new());
        database.rules = vec![
            accepts("2001:db8::/64", "22/22"),
            accepts("::/0", "443/443"),
            accepts("10.0.0.0/24", "22/22"),
        ];
        let groups = [dual(), database];
        let found = of(&groups, None, Some(0));
        assert_eq!(found.iter().map(|line| line.on.as_str()).collect::<Vec<_>>(), ["TCP 22, IPv6", "TCP 22"]);
        assert_eq!(
            packets(&groups)[..1],
            [Ok("2001%3Adb8%3A%3A2 > eni-database-0&Protocol=tcp&Port=22".into())]
        );
        let internet = "internet > 2001%3Adb8%3A%3A5&Protocol=tcp&Port=443";
        assert!(packets(&groups).contains(&Ok(internet.into())), "{:?}", packets(&groups));

        let ping = json!({ "Direction": "ingress", "Policy": "Accept", "IpProtocol": "ICMPv6", "PortRange": "-1/-1",
            "Ipv6SourceCidrIp": "2001:db8:7::/64" });
        let pinged = group("pinged", &["2001:db8::2"], vec![ping]);
        assert_eq!(packets(&[pinged]), [Ok("2001%3Adb8%3A7%3A%3A1 > eni-pinged-0&Protocol=icmpv6".into())]);
    }

    #[test]
    fn what_is_not_tried_has_its_reason() {
        let inside = || vec![accepts("10.0.0.0/24", "22/22")];
        let alone = group("web", &["10.0.0.2"], inside());
        let empty = group("empty", &[], vec![accepts("0.0.0.0/0", "22/22")]);
        let only_ipv4 = group("old", &["10.0.1.2"], vec![accepts("::/0", "22/22")]);
        let mut unseen = group("unseen", &[], vec![accepts("0.0.0.0/0", "22/22")]);
        unseen.member_count = None;
        let mut odd = accepts("::/0", "-1/-1");
        odd["IpProtocol"] = "ICMP".into();
        let odd = group("odd", &["2001:db8::2"], vec![odd]);
        assert_eq!(
            packets(&[alone, empty, only_ipv4, unseen, odd]),
            [
                Err(Untried::Nobody("no other member is there to send it")),
                Err(Untried::Nobody("nobody is in the group")),
                Err(Untried::NoSuchPacket("no member has such an address")),
                Err(Untried::NotPermitted("DescribeNetworkInterfaces")),
                Err(Untried::NoSuchPacket("none of this protocol has these addresses")),
            ]
        );
    }

    #[test]
    fn what_has_no_ports_is_about_no_port() {
        let mut ping = accepts("0.0.0.0/0", "-1/-1");
        ping["IpProtocol"] = "ICMP".into();
        let mut all = ping.clone();
        all["IpProtocol"] = "ALL".into();
        let groups = [group("web", &["10.0.0.2"], vec![ping, all, accepts("0.0.0.0/0", "1/65535")])];
        let on: Vec<String> = of(&groups, Some(22), None).into_iter().map(|line| line.on).collect();
        assert_eq!(on, ["ALL all", "TCP all"]);
    }
}
