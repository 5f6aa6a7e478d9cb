//! What the map shows: groups, and lines between them.

use std::{collections::HashSet, net::IpAddr};

use ipnet::IpNet;
use serde_json::Value;
use wire::{catalogue::Fault, protocol::percent};

use super::super::groups::rule;
use crate::{
    ROOT,
    api::Api,
    json::{at, items, text},
    trouble::Trouble,
};

/// The most groups that are read.
const GROUPS_MAX: usize = 20;
/// The most lines that are drawn, and asked about.
const LINES_MAX: usize = 60;
/// The members of a group whose addresses are looked at.
const MEMBERS: &str = "100";

/// A group.
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    /// How many members it has; none: the caller may not see that.
    pub(super) members: Option<u64>,
    /// The first interface that is a member.
    first: Option<String>,
    addresses: Vec<IpAddr>,
    rules: Vec<Value>,
}

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
    /// On what: protocol and ports.
    pub(super) on: String,
    /// What became of a packet that was tried; none: there is none to try.
    pub(super) passes: Option<bool>,
    /// The page that explains that packet.
    pub(super) question: Option<String>,
}

/// What is drawn.
pub(super) struct World {
    pub(super) groups: Vec<Group>,
    pub(super) lines: Vec<Line>,
    /// Whether there is more.
    pub(super) is_cut: bool,
    /// Operations that did not answer, and what is not known for it.
    pub(super) unseen: Vec<(&'static str, &'static str)>,
}

/// What was looked for.
pub(super) enum Found {
    /// It is there.
    World(World),
    /// There is no group of this name.
    NoGroup,
    /// What was looked for cannot be: the operation that says so, and how.
    Wrong(&'static str, Fault),
}

impl World {
    /// Reads the newest groups, or one and those that it exchanges packets with.
    ///
    /// # Errors
    /// The caller may not see groups, or there is no answer.
    pub(super) async fn find(api: &Api, wanted: &str, port: Option<u16>) -> Result<Found, Trouble> {
        let size = GROUPS_MAX.to_string();
        let answer = api.read("DescribeSecurityGroups", &[("PageSize", &size)]).await?;
        let mut listed: Vec<Value> = items(&answer, "SecurityGroups.SecurityGroup").to_vec();
        let mut is_cut =
            crate::json::count(&answer, "TotalCount") > u64::try_from(listed.len()).unwrap_or(u64::MAX);
        if !wanted.is_empty() && !listed.iter().any(|group| is_wanted(group, wanted)) {
            let filter = if wanted.starts_with("sg-") { "SecurityGroupId" } else { "SecurityGroupName" };
            let (found, fault) = api.filtered("DescribeSecurityGroups", &[(filter, wanted)]).await?;
            if let Some(fault) = fault {
                return Ok(Found::Wrong("DescribeSecurityGroups", fault));
            }
            let Some(found) = items(&found, "SecurityGroups.SecurityGroup").first().cloned() else {
                return Ok(Found::NoGroup);
            };
            listed.truncate(GROUPS_MAX - 1);
            listed.insert(0, found);
        }
        let (groups, mut unseen) = read_groups(api, &listed).await?;
        let centre = listed.iter().find(|group| !wanted.is_empty() && is_wanted(group, wanted));
        let centre = centre.map(|group| text(group, "SecurityGroupId"));
        let centre = centre.map(|id| groups.iter().position(|group| group.id == id));
        let mut lines = match centre {
            // It may not be read.
            Some(None) => Vec::new(),
            found => lines(&groups, port, found.flatten()),
        };
        is_cut |= lines.len() > LINES_MAX;
        lines.truncate(LINES_MAX);
        for line in &mut lines {
            try_packet(api, &groups, line).await;
        }
        if lines.iter().any(|line| line.question.is_some() && line.passes.is_none()) {
            unseen.push(("ExplainTraffic", "whether packets pass"));
        }
        Ok(Found::World(Self { groups, lines, is_cut, unseen }))
    }
}

/// Reads the groups that are listed. Where none of them may be seen that is what the caller is told.
async fn read_groups(
    api: &Api,
    listed: &[Value],
) -> Result<(Vec<Group>, Vec<(&'static str, &'static str)>), Trouble> {
    let (mut groups, mut unseen) = (Vec::new(), Vec::new());
    for own in listed {
        groups.extend(read_group(api, own).await);
    }
    if let (true, Some(first)) = (groups.is_empty(), listed.first()) {
        let id = text(first, "SecurityGroupId");
        api.read("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await?;
    }
    if groups.len() < listed.len() {
        unseen.push(("DescribeSecurityGroupAttribute", "some groups and their rules"));
    }
    if groups.iter().any(|group| group.members.is_none()) {
        unseen.push(("DescribeNetworkInterfaces", "who is in the groups"));
    }
    Ok((groups, unseen))
}

fn is_wanted(group: &Value, wanted: &str) -> bool {
    [text(group, "SecurityGroupId"), text(group, "SecurityGroupName")].contains(&wanted)
}

async fn read_group(api: &Api, listed: &Value) -> Option<Group> {
    let id = text(listed, "SecurityGroupId");
    let group = api.glance("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await?;
    let parameters = [("SecurityGroupId", id), ("PageSize", MEMBERS)];
    let seen = api.glance("DescribeNetworkInterfaces", &parameters).await;
    let is_seen = seen.is_some();
    let members = seen.unwrap_or_default();
    let interfaces = items(&members, "NetworkInterfaceSets.NetworkInterfaceSet");
    let mut addresses = Vec::new();
    for interface in interfaces {
        addresses.extend(text(interface, "PrimaryIp").parse::<IpAddr>());
        let more = items(interface, "Ipv6Sets.Ipv6Set").iter();
        addresses.extend(more.filter_map(|own| text(own, "Ipv6Address").parse::<IpAddr>().ok()));
    }
    let name = text(listed, "SecurityGroupName");
    let rules = rule::in_order(&group, "ingress").into_iter().cloned().collect();
    Some(Group {
        id: id.to_owned(),
        name: if name.is_empty() { id } else { name }.to_owned(),
        members: is_seen.then(|| crate::json::count(&members, "TotalCount")),
        first: interfaces.first().map(|interface| text(interface, "NetworkInterfaceId").to_owned()),
        addresses,
        rules,
    })
}

/// The lines that the rules of the groups draw, each once: of all groups or from and to one, and no more than one too many.
fn lines(groups: &[Group], port: Option<u16>, centre: Option<usize>) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    let mut known = HashSet::new();
    for (target, group) in groups.iter().enumerate() {
        for permission in group.rules.iter().filter(|own| text(own, "Policy") == "Accept") {
            if !is_about(permission, port) {
                continue;
            }
            let on = format!("{} {}", text(permission, "IpProtocol"), rule::ports(permission));
            for source in sources(groups, permission) {
                let concerns =
                    centre.is_none_or(|centre| target == centre || source == Source::Group(centre));
                if concerns && known.insert((target, source.clone(), on.clone())) {
                    let question = question(groups, &source, group, permission, port);
                    found.push(Line { source, target, on: on.clone(), passes: None, question });
                }
                if found.len() > LINES_MAX {
                    return found;
                }
            }
        }
    }
    found
}

/// Whether a rule is about a port; none is any.
fn is_about(permission: &Value, port: Option<u16>) -> bool {
    let Some(port) = port.map(u32::from) else { return true };
    match text(permission, "PortRange").split_once('/') {
        Some(("-1", _)) | None => true,
        Some((low, high)) => {
            let within = |low: u32, high: u32| (low..=high).contains(&port);
            low.parse().ok().zip(high.parse().ok()).is_none_or(|(low, high)| within(low, high))
        }
    }
}

fn prefix(permission: &Value) -> &str {
    match text(permission, "SourceCidrIp") {
        "" => text(permission, "Ipv6SourceCidrIp"),
        prefix => prefix,
    }
}

fn sources(groups: &[Group], permission: &Value) -> Vec<Source> {
    let text = prefix(permission);
    let block = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let Some(block) = block else { return vec![Source::Internet] };
    if block.prefix_len() == 0 {
        return vec![Source::Internet];
    }
    let within = |group: &Group| group.addresses.iter().any(|address| block.contains(address));
    let places: Vec<Source> = groups
        .iter()
        .enumerate()
        .filter(|(_, group)| within(group))
        .map(|(place, _)| Source::Group(place))
        .collect();
    if places.is_empty() { vec![Source::Prefix(text.to_owned())] } else { places }
}

/// The address of the page that explains a packet along a line; none where nobody is there to get it.
fn question(
    groups: &[Group],
    source: &Source,
    target: &Group,
    permission: &Value,
    port: Option<u16>,
) -> Option<String> {
    let to = target.first.as_ref()?;
    let protocol = match text(permission, "IpProtocol") {
        "UDP" => "udp",
        "ICMP" => "icmp",
        "ICMPv6" => "icmpv6",
        "GRE" => "gre",
        _ => "tcp",
    };
    let from = match source {
        // An address of the other family would be another packet.
        Source::Internet if prefix(permission).contains(':') => "2001:4860::1".to_owned(),
        Source::Internet => "internet".to_owned(),
        Source::Prefix(prefix) => prefix.split('/').next().unwrap_or_default().to_owned(),
        Source::Group(place) => groups.get(*place)?.first.clone()?,
    };
    let low = text(permission, "PortRange").split('/').next().filter(|low| *low != "-1");
    let low = low.and_then(|low| low.parse().ok());
    let port = port.or(low).unwrap_or(80);
    let port = if matches!(protocol, "tcp" | "udp") { format!("&Port={port}") } else { String::new() };
    Some(format!("{ROOT}/explain?From={}&To={to}&Protocol={protocol}{port}", percent::encode(&from)))
}

/// Asks what becomes of a packet along a line.
async fn try_packet(api: &Api, groups: &[Group], line: &mut Line) {
    let Some(query) = line.question.as_deref().and_then(|question| question.split_once('?')) else { return };
    let Some(form) = crate::form::Form::read(query.1.as_bytes()) else { return };
    if line.source == Source::Group(line.target)
        && groups.get(line.target).is_some_and(|own| own.members.is_some_and(|members| members < 2))
    {
        return;
    }
    let pairs: Vec<(&str, &str)> = form.pairs().collect();
    let answer = api.glance("ExplainTraffic", &pairs).await.unwrap_or_default();
    line.passes = at(&answer, "Verdict").as_str().map(|verdict| verdict == "Accept");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group(name: &str, address: &str, rules: Vec<Value>) -> Group {
        Group {
            id: format!("sg-{name}"),
            name: name.into(),
            members: Some(1),
            first: Some(format!("eni-{name}")),
            addresses: vec![address.parse().unwrap()],
            rules,
        }
    }

    fn accepts(peer: &str, ports: &str) -> Value {
        json!({ "Direction": "ingress", "Policy": "Accept", "IpProtocol": "TCP", "PortRange": ports, "SourceCidrIp": peer })
    }

    #[test]
    fn a_rule_leads_from_the_groups_whose_members_it_accepts() {
        let web = group("web", "10.0.0.2", vec![accepts("0.0.0.0/0", "80/80")]);
        let rules = vec![
            accepts("10.0.0.0/24", "5432/5432"),
            accepts("192.0.2.7", "22/22"),
            accepts("10.0.0.0/24", "5432/5432"),
        ];
        let groups = [web, group("database", "10.0.1.2", rules)];
        let found = lines(&groups, None, None);
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
            found[1].question.as_deref(),
            Some("/console/explain?From=eni-web&To=eni-database&Protocol=tcp&Port=5432")
        );
        assert_eq!(lines(&groups, Some(22), None).len(), 1);
        assert_eq!(lines(&groups, None, Some(0)).len(), 2);
    }

    #[test]
    fn no_more_lines_are_made_than_one_too_many() {
        let rules = (1..=200).map(|port| accepts("192.0.2.7", &format!("{port}/{port}"))).collect();
        let groups = [group("web", "10.0.0.2", rules), group("quiet", "10.0.1.2", Vec::new())];
        assert_eq!(lines(&groups, None, None).len(), LINES_MAX + 1);
        assert_eq!(lines(&groups, None, Some(1)).len(), 0);
    }
}
