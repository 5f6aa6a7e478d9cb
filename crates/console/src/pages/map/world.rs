//! What the map shows: groups with their members, and lines between them.

use std::net::IpAddr;

use serde_json::Value;
use wire::catalogue::Fault;

use super::{
    super::groups::rule,
    line::{self, LINES_MAX, Line},
    packet::{self, Untried},
};
use crate::{
    api::Api,
    json::{count, items, text},
    trouble::Trouble,
};

/// The most groups that are read.
pub(super) const GROUPS_MAX: usize = 20;
/// The members of a group whose addresses are looked at.
const MEMBERS: &str = "100";

/// A group.
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    /// How many members it has; none: the caller may not see that.
    pub(super) member_count: Option<u64>,
    /// The first of them.
    pub(super) members: Vec<Member>,
    pub(super) rules: Vec<Value>,
}

/// A network interface in a group.
pub(super) struct Member {
    pub(super) interface: String,
    pub(super) instance: String,
    /// What the interface is called.
    pub(super) name: String,
    /// Its addresses; of each family the one first that packets have where none is named.
    pub(super) addresses: Vec<IpAddr>,
}

/// What the map is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Centre {
    /// Every group that is read.
    All,
    /// The group at this place.
    Group(usize),
    /// One that the caller may not read.
    Unread,
}

/// What is drawn.
pub(super) struct World {
    pub(super) groups: Vec<Group>,
    pub(super) lines: Vec<Line>,
    pub(super) centre: Centre,
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
        let mut is_cut = count(&answer, "TotalCount") > u64::try_from(listed.len()).unwrap_or(u64::MAX);
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
        let centre = centre(&groups, &listed, wanted);
        let mut lines = match centre {
            Centre::Unread => Vec::new(),
            Centre::All => line::of(&groups, port, None),
            Centre::Group(place) => line::of(&groups, port, Some(place)),
        };
        is_cut |= lines.len() > LINES_MAX;
        lines.truncate(LINES_MAX);
        for line in &mut lines {
            packet::try_it(api, line).await;
        }
        if lines.iter().any(|line| line.packet == Err(Untried::NotPermitted("ExplainTraffic"))) {
            unseen.push(("ExplainTraffic", "whether packets pass"));
        }
        Ok(Found::World(Self { groups, lines, centre, is_cut, unseen }))
    }
}

/// The group that is wanted, among those that were read.
fn centre(groups: &[Group], listed: &[Value], wanted: &str) -> Centre {
    let found = listed.iter().find(|group| !wanted.is_empty() && is_wanted(group, wanted));
    let Some(id) = found.map(|group| text(group, "SecurityGroupId")) else { return Centre::All };
    groups.iter().position(|group| group.id == id).map_or(Centre::Unread, Centre::Group)
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
    if groups.iter().any(|group| group.member_count.is_none()) {
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
    let member_count = seen.as_ref().map(|seen| count(seen, "TotalCount"));
    let seen = seen.unwrap_or_default();
    let name = text(listed, "SecurityGroupName");
    Some(Group {
        id: id.to_owned(),
        name: if name.is_empty() { id } else { name }.to_owned(),
        member_count,
        members: items(&seen, "NetworkInterfaceSets.NetworkInterfaceSet").iter().map(member).collect(),
        rules: rule::in_order(&group, "ingress").into_iter().cloned().collect(),
    })
}

fn member(interface: &Value) -> Member {
    let further = items(interface, "PrivateIpSets.PrivateIpSet").iter();
    let ipv6 = items(interface, "Ipv6Sets.Ipv6Set").iter();
    let texts = std::iter::once(text(interface, "PrimaryIp"))
        .chain(further.map(|own| text(own, "PrivateIpAddress")))
        .chain(ipv6.map(|own| text(own, "Ipv6Address")));
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in texts.filter_map(|text| text.parse().ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let own = |name| text(interface, name).to_owned();
    Member {
        interface: own("NetworkInterfaceId"),
        instance: own("InstanceId"),
        name: own("NetworkInterfaceName"),
        addresses,
    }
}
