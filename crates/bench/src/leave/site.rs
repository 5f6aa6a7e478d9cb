//! A control plane with its nodes, groups and members: what changes are measured on.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use model::{NetworkInterfaceId, SecurityGroupId};
use wire::catalogue::Product;

use super::{
    caller::{Caller, REGION, authorize, bind, join},
    network::{CONTROL_PLANE, Interface},
    node::{Node, Plan, Told},
    rules::{Accept, rules},
};
use crate::server::Server;

/// Where the flow goes that membership of `access` lets in.
pub const ACCESS_PORT: u16 = 7_000;
/// Where the flows go that the rule of `fleet` lets in which is removed and added.
pub const FLEET_PORT: u16 = 7_001;
/// The first port at which a control plane listens for nodes.
const NODE_PORT: u16 = 9_000;
/// Interfaces of a node that have a part of their own: both ends of its flows, and the one that changes its class.
const RESERVED: usize = 3;

/// How large a site is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Nodes.
    pub nodes: usize,
    /// Interfaces on all of them together.
    pub interfaces: usize,
    /// Interfaces that are in `access` beside those that flows go to.
    pub leavers: usize,
    /// Rules of each group.
    pub rules: usize,
}

/// A site.
pub struct Site {
    /// Its name in tables.
    pub name: String,
    /// Where its control plane is called.
    pub address: String,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// The group that every interface is in.
    pub fleet: SecurityGroupId,
    /// The group that is left.
    pub access: SecurityGroupId,
    /// The interface to which the first node's flows go; in `access`.
    pub target: NetworkInterfaceId,
    /// An interface of the first node that is in a group of its own and in `access`: where it leaves that, its class is one
    /// that no other interface has.
    pub single: NetworkInterfaceId,
    /// Further interfaces that are in `access`, of each node in turn.
    pub leavers: Vec<NetworkInterfaceId>,
    /// Who sets up, and measures.
    pub caller: Caller,
    // Dropped after the nodes.
    _server: Server,
}

impl Size {
    fn check(&self) -> anyhow::Result<()> {
        let least = self.nodes * RESERVED + self.leavers;
        ensure!(
            self.nodes > 0 && self.interfaces >= least,
            "{} nodes with {} interfaces of which {} leave: {least} are the least",
            self.nodes,
            self.interfaces,
            self.leavers
        );
        Ok(())
    }

    /// Which interfaces are on which node: neighbours together, as many on each as on any other.
    fn shares(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let (nodes, interfaces) = (self.nodes, self.interfaces);
        let first = move |node: usize| node * interfaces / nodes;
        (0..nodes).map(move |node| first(node)..first(node + 1))
    }
}

impl Site {
    /// Makes one. `number` is its own among the sites, and `first_node` is above the numbers of the nodes of others.
    ///
    /// # Errors
    /// The kernel or the control plane refuses; there is not as much room as asked for.
    pub async fn build(
        binary: &Path,
        directory: &Path,
        size: Size,
        (number, first_node): (u16, u8),
    ) -> anyhow::Result<Self> {
        size.check()?;
        let port = NODE_PORT + number;
        let listen = format!("{CONTROL_PLANE}:{port}");
        let server = Server::start_with(binary, &directory.join("data"), &["--node-listen", &listen])?;
        let address = server.address.clone();
        let mut caller = Caller::connect(&address).await?;

        let vswitch = caller.make_network().await?;
        let fleet = caller.make_group("fleet", &rules(size.rules)).await?;
        let mut opening = rules(size.rules.saturating_sub(1));
        opening.push(Accept::flow(ACCESS_PORT));
        let access = caller.make_group("access", &opening).await?;
        let own = caller.make_group("own", &rules(size.rules)).await?;
        let interfaces = caller.run_instances(size.interfaces, &vswitch, fleet).await?;
        ensure!(interfaces.len() == size.interfaces, "there are {} interfaces", interfaces.len());

        let mut nodes = Vec::new();
        for (number, share) in (first_node..).zip(size.shares()) {
            let (id, token) = token(&mut caller).await?;
            let directory = directory.join(format!("node{number}"));
            let interfaces = &interfaces[share];
            nodes.push(Node::start(Plan { binary, directory, port, number, id, token, interfaces })?);
        }
        let shares: Vec<&[Interface]> = size.shares().map(|share| &interfaces[share]).collect();
        let bound = nodes
            .iter()
            .zip(&shares)
            .flat_map(|(node, share)| share.iter().map(|interface| bind(interface.id, &node.id)));
        caller.all(bound.collect()).await?;
        let leavers = in_turn(&shares, size.leavers);
        let target = shares[0][1].id;
        let single = shares[0][2].id;
        let mut joins: Vec<_> = leavers.iter().map(|leaver| join(*leaver, access)).collect();
        joins.extend([join(target, access), join(single, access), join(single, own)]);
        caller.all(joins).await?;
        caller.all(vec![authorize(fleet, &Accept::flow(FLEET_PORT))]).await?;
        caller.wait_until_confirmed(size.nodes, size.interfaces).await?;
        let name = format!("{} x {}", size.nodes, size.interfaces / size.nodes);
        let _server = server;
        Ok(Self { name, address, nodes, fleet, access, target, single, leavers, caller, _server })
    }

    /// What every node was told until now, by its place.
    ///
    /// # Errors
    /// An agent does not answer.
    pub fn told(&self) -> anyhow::Result<Vec<Told>> {
        self.nodes.iter().map(Node::told).collect()
    }

    /// The time between two records of a flow, where so many records a second are sent in all.
    pub fn interval(flows: usize, records_per_second: u32) -> Duration {
        Duration::from_secs(u64::try_from(flows).unwrap_or(1)) / records_per_second.max(1)
    }
}

/// Interfaces without a part of their own, of each node in turn.
fn in_turn(shares: &[&[Interface]], count: usize) -> Vec<NetworkInterfaceId> {
    let most = shares.iter().map(|share| share.len()).max().unwrap_or_default();
    let places = (RESERVED..most).flat_map(|place| shares.iter().filter_map(move |share| share.get(place)));
    places.take(count).map(|interface| interface.id).collect()
}

/// Makes a node; gives its id and the token that it joins with.
async fn token(caller: &mut Caller) -> anyhow::Result<(String, String)> {
    let parameters = vec![("EnsRegionId", REGION.to_owned())];
    let answer = caller.call(Product::Ravelin, "CreateNodeToken", parameters).await?;
    let field = |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    Ok((field("NodeId")?, field("Token")?))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use model::address::Mac;

    use super::*;

    #[test]
    fn every_interface_is_on_one_node_and_leavers_are_on_all() {
        let size = Size { nodes: 8, interfaces: 2_003, leavers: 500, rules: 10 };
        size.check().unwrap();
        let shares: Vec<_> = size.shares().collect();
        assert_eq!((shares[0].start, shares[7].end), (0, 2_003));
        assert!(shares.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(shares.iter().all(|share| (250..=251).contains(&share.len())));

        let interface = |number: u128| Interface {
            id: NetworkInterfaceId::from_entropy(number),
            mac: Mac([0; 6]),
            address: Ipv4Addr::LOCALHOST,
        };
        let interfaces: Vec<Interface> = (0..20).map(interface).collect();
        let leavers = in_turn(&[&interfaces[..10], &interfaces[10..]], 4);
        assert_eq!(leavers, [3, 13, 4, 14].map(|place: usize| interfaces[place].id));
    }

    #[test]
    fn a_site_that_is_too_small_is_refused() {
        let size = Size { nodes: 2, interfaces: 15, leavers: 10, rules: 1 };
        assert!(size.check().unwrap_err().to_string().ends_with("16 are the least"));
        assert!(Size { interfaces: 16, ..size }.check().is_ok());
    }
}
