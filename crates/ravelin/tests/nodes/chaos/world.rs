//! What two instances are in, what their groups let in, and how that changes. Pure but for asking the server.

use std::collections::BTreeSet;

use serde_json::json;

use super::fault::Choices;
use crate::{
    change::try_waiting,
    common::{Answer, Client},
    site::{Instance, Site},
};

/// How many instances there are.
pub(super) const INSTANCES: usize = 2;
/// How many groups there are.
pub(super) const GROUPS: usize = 2;
/// The ports that groups let in, or do not.
pub(super) const PORTS: [u16; 3] = [7_001, 7_002, 7_003];

/// A port of an instance, by their places.
pub(super) type Door = (usize, usize);

/// Every port of every instance.
pub(super) fn doors() -> impl Iterator<Item = Door> {
    (0..INSTANCES).flat_map(|instance| (0..PORTS.len()).map(move |port| (instance, port)))
}

/// Who is in which group, and what that lets in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct World {
    /// By instance, then by group.
    member: [[bool; GROUPS]; INSTANCES],
    /// By group, then by port.
    lets_in: [[bool; PORTS.len()]; GROUPS],
}

impl World {
    /// Whether some group of the instance lets the port in.
    pub(super) fn is_open(&self, (instance, port): Door) -> bool {
        (0..GROUPS).any(|group| self.member[instance][group] && self.lets_in[group][port])
    }

    /// Changes that make a port open at every instance.
    pub(super) fn to_open(&self, port: usize) -> Vec<Change> {
        let rule = (!self.lets_in[0][port]).then_some(Change::Rule { group: 0, port });
        let outside = (0..INSTANCES).filter(|instance| !self.member[*instance][0]);
        rule.into_iter().chain(outside.map(|instance| Change::Member { instance, group: 0 })).collect()
    }

    /// Changes that close a port at every instance.
    pub(super) fn to_close(&self, port: usize) -> Vec<Change> {
        let rules = (0..GROUPS).filter(|group| self.lets_in[*group][port]);
        rules.map(|group| Change::Rule { group, port }).collect()
    }
}

/// A change: what is so becomes otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// An instance joins a group, or leaves it.
    Member { instance: usize, group: usize },
    /// A group lets a port in, or does not any more.
    Rule { group: usize, port: usize },
}

impl Change {
    /// Any change.
    pub(super) fn any(choices: &mut Choices) -> Self {
        let members = INSTANCES * GROUPS;
        match choices.place(members + GROUPS * PORTS.len()) {
            place if place < members => Self::Member { instance: place / GROUPS, group: place % GROUPS },
            place => {
                Self::Rule { group: (place - members) / PORTS.len(), port: (place - members) % PORTS.len() }
            }
        }
    }

    /// The world after it.
    pub(super) fn make(self, world: &World) -> World {
        let mut after = world.clone();
        match self {
            Self::Member { instance, group } => after.member[instance][group] ^= true,
            Self::Rule { group, port } => after.lets_in[group][port] ^= true,
        }
        after
    }

    /// The instances whose nodes it concerns.
    pub(super) fn concerns(self, world: &World) -> BTreeSet<usize> {
        match self {
            Self::Member { instance, .. } => [instance].into(),
            Self::Rule { group, .. } => (0..INSTANCES).filter(|of| world.member[*of][group]).collect(),
        }
    }
}

/// The instances and groups, as the server knows them.
pub(super) struct Cast {
    pub(super) instances: [Instance; INSTANCES],
    groups: [String; GROUPS],
}

impl Cast {
    /// Two instances on two nodes, and two groups that nobody is in and that let nothing in.
    pub(super) fn new(site: &Site, instances: [Instance; INSTANCES]) -> Self {
        let groups = [(); GROUPS].map(|()| site.group(&[]));
        Self { instances, groups }
    }

    /// Asks for a change, to be answered when it is in force, or after so many seconds; none: no answer comes.
    pub(super) fn ask(
        &self,
        client: &Client,
        change: Change,
        world: &World,
        seconds: &str,
    ) -> Option<Answer> {
        let (action, group, of) = match change {
            Change::Member { instance, group } => {
                let is_member = world.member[instance][group];
                let action = if is_member { "LeaveSecurityGroup" } else { "JoinSecurityGroup" };
                (action, group, ("InstanceId", self.instances[instance].id.clone()))
            }
            Change::Rule { group, port } => {
                let lets_in = world.lets_in[group][port];
                let action =
                    if lets_in { "DeleteSecurityGroupPermissions" } else { "CreateSecurityGroupPermissions" };
                (action, group, ("Permissions", permissions(PORTS[port])))
            }
        };
        let parameters = [("SecurityGroupId", self.groups[group].as_str()), (of.0, of.1.as_str())];
        try_waiting(client, action, &parameters, seconds)
    }

    /// What the server says.
    pub(super) fn look(&self, site: &Site) -> World {
        let mut world = World::default();
        for (instance, member) in self.instances.iter().zip(&mut world.member) {
            let shown = site.ens("DescribeInstances", &[("InstanceId", &instance.id)]);
            let groups = shown.list("/Instances/Instance/0/SecurityGroupIds/SecurityGroupId");
            *member = self.groups.each_ref().map(|group| groups.iter().any(|of| of == group));
        }
        for (group, lets_in) in self.groups.iter().zip(&mut world.lets_in) {
            let shown = site.ens("DescribeSecurityGroupAttribute", &[("SecurityGroupId", group)]);
            let rules = shown.list("/Permissions/Permission");
            *lets_in = PORTS.map(|port| {
                let found = rules.iter().filter(|rule| rule["PortRange"] == format!("{port}/{port}"));
                let count = found.count();
                assert!(count == 0 || count == 2, "half of a change is there: {rules:?}");
                count == 2
            });
        }
        world
    }
}

/// TCP and UDP to a port, as one change.
fn permissions(port: u16) -> String {
    let rule = |protocol: &str| {
        json!({ "Direction": "ingress", "IpProtocol": protocol, "PortRange": format!("{port}/{port}"),
                "Policy": "Accept", "Priority": 1, "SourceCidrIp": "0.0.0.0/0" })
    };
    json!(["TCP", "UDP"].map(rule)).to_string()
}
