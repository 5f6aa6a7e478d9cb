//! The devices over which this host reaches its control plane.
//!
//! An interface that is bound to one of them cuts the host off, and nobody could say to it that it was wrong. So they are
//! no devices for interfaces. Their names are kept on disk, since at boot there are no routes yet that would tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::{self, Read as _},
    net::IpAddr,
    path::{Path, PathBuf},
};

use futures_util::TryStreamExt as _;
use rtnetlink::{
    Handle, RouteMessageBuilder,
    packet_route::{
        link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage},
        route::{RouteAttribute, RouteFlags, RouteMessage, RouteType},
    },
};

use crate::{
    address::host_and_port,
    device::FoundDevice,
    enforcer::chain,
    files::{self, FileError},
    identity::Identity,
    settings::Settings,
};

/// The name of the file with the names of devices.
const FILE: &str = "uplink";
/// The most that is read of it, in bytes.
const FILE_BYTES_MAX: u64 = 4096;

/// What is known of the way to the control plane.
#[derive(Debug, Default)]
pub struct Uplink {
    /// Where names are kept; none: nowhere.
    file: Option<PathBuf>,
    /// Where the control plane is.
    server: Option<IpAddr>,
    /// Whether it was reached there.
    reached: bool,
    /// The devices that were on the way when it was reached last.
    remembered: BTreeSet<Box<str>>,
    /// The devices that routes lead over.
    over: BTreeSet<u32>,
}

/// How a device depends on others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tie {
    kind: Kind,
    /// The device that it is a port of.
    master: Option<u32>,
    /// The device that it is made on, where it is a VLAN.
    lower: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a network card: the kernel has no word for it.
    Card,
    Vlan,
    /// A bond or a team: all its ports carry what it carries.
    Team,
    Bridge,
    Other,
}

impl Uplink {
    /// The way of an agent with these settings.
    pub fn of(settings: &Settings) -> Self {
        let joined =
            || Identity::read(&settings.directory).map(|identity| identity.server).unwrap_or_default();
        let server = if settings.server.is_empty() { joined() } else { settings.server.clone() };
        let file = settings.directory.join(FILE);
        let remembered = names(&file).unwrap_or_else(|error| {
            tracing::warn!(
                error = chain(&error),
                "it is not known over which devices the control plane was reached"
            );
            BTreeSet::new()
        });
        Self { file: Some(file), server: literal(&server), remembered, ..Self::default() }
    }

    /// The control plane was reached there.
    pub(super) fn reached(&mut self, server: IpAddr) {
        (self.server, self.reached) = (Some(server), true);
    }

    /// Looks where the routes to the control plane lead. Says whether that is otherwise than it was.
    pub(super) async fn look(&mut self, handle: &Handle) -> bool {
        let Some(server) = self.server else { return false };
        let over = devices_towards(handle, server).await;
        let changed = over != self.over;
        self.over = over;
        changed
    }

    /// The devices that are no devices for interfaces.
    pub(super) fn among(
        &self,
        devices: &BTreeMap<u32, FoundDevice>,
        ties: &BTreeMap<u32, Tie>,
    ) -> BTreeSet<u32> {
        let mut all = with_lower(&self.over, ties);
        // Also where the way is gone for a moment: a device that is closed then never gets its route back.
        if !self.reached || self.over.is_empty() {
            let is_it = |found: &&FoundDevice| self.remembered.contains(&found.device.name);
            all.extend(devices.values().filter(is_it).map(|found| found.device.ifindex));
        }
        all
    }

    /// Keeps the names of the devices over which the control plane was reached.
    pub(super) fn remember(&mut self, found: &[FoundDevice], uplinks: &BTreeSet<u32>) {
        let is_it = |found: &&FoundDevice| uplinks.contains(&found.device.ifindex);
        let names: BTreeSet<Box<str>> =
            found.iter().filter(is_it).map(|found| found.device.name.clone()).collect();
        // Where the way is gone for now it is still known which it was.
        let Some(file) = self.file.as_ref().filter(|_| self.reached && !names.is_empty()) else { return };
        if names == self.remembered {
            return;
        }
        let text: String = names.iter().map(|name| format!("{name}\n")).collect();
        match files::replace(file, text.as_bytes()) {
            Ok(_) => self.remembered = names,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "over which devices the control plane is reached is not kept"
                );
            }
        }
    }
}

/// The address, where a server is not called by a name.
fn literal(server: &str) -> Option<IpAddr> {
    host_and_port(server)?.0.parse().ok()
}

fn names(file: &Path) -> Result<BTreeSet<Box<str>>, FileError> {
    let file_of_names = match files::open(file, OpenOptions::new().read(true)) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        opened => opened?,
    };
    let mut text = String::new();
    file_of_names.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(FileError::of("read", file))?;
    Ok(text.lines().map(Into::into).collect())
}

/// The devices that the routes to an address lead over; none where it is this host's own, or cannot be reached.
async fn devices_towards(handle: &Handle, to: IpAddr) -> BTreeSet<u32> {
    let mut message = match to {
        IpAddr::V4(to) => RouteMessageBuilder::<std::net::Ipv4Addr>::new().destination_prefix(to, 32).build(),
        IpAddr::V6(to) => {
            RouteMessageBuilder::<std::net::Ipv6Addr>::new().destination_prefix(to, 128).build()
        }
    };
    // The whole route, with each of its ways.
    message.header.flags = RouteFlags::FibMatch;
    let routes: Result<Vec<RouteMessage>, _> = handle.route().get(message).execute().try_collect().await;
    let ways = routes.unwrap_or_default();
    ways.iter().filter(|route| route.header.kind != RouteType::Local).flat_map(devices_of).collect()
}

fn devices_of(route: &RouteMessage) -> Vec<u32> {
    let of = |attribute: &RouteAttribute| match attribute {
        RouteAttribute::Oif(ifindex) => vec![*ifindex],
        RouteAttribute::MultiPath(ways) => ways.iter().map(|way| way.interface_index).collect(),
        _ => Vec::new(),
    };
    route.attributes.iter().flat_map(of).collect()
}

impl Tie {
    pub(super) fn of(link: &LinkMessage) -> Self {
        let mut tie = Self { kind: Kind::Card, master: None, lower: None };
        for attribute in &link.attributes {
            match attribute {
                LinkAttribute::Controller(master) => tie.master = (*master > 0).then_some(*master),
                LinkAttribute::Link(lower) => tie.lower = Some(*lower),
                LinkAttribute::LinkInfo(infos) => {
                    tie.kind = infos.iter().find_map(kind).unwrap_or(Kind::Card);
                }
                _ => {}
            }
        }
        // Of others it is the other end, which may be in another namespace.
        tie.lower = tie.lower.filter(|_| tie.kind == Kind::Vlan);
        tie
    }
}

fn kind(info: &LinkInfo) -> Option<Kind> {
    match info {
        LinkInfo::Kind(InfoKind::Vlan) => Some(Kind::Vlan),
        LinkInfo::Kind(InfoKind::Bond | InfoKind::Team) => Some(Kind::Team),
        LinkInfo::Kind(InfoKind::Bridge) => Some(Kind::Bridge),
        LinkInfo::Kind(_) => Some(Kind::Other),
        _ => None,
    }
}

/// Devices, with those that carry what they carry: what a VLAN is made on, the ports of a bond, and of a bridge the ports
/// that lead out of the host and not to an instance.
fn with_lower(over: &BTreeSet<u32>, ties: &BTreeMap<u32, Tie>) -> BTreeSet<u32> {
    let mut all = over.clone();
    loop {
        let lower = all.iter().filter_map(|ifindex| ties.get(ifindex)?.lower);
        let is_port = |tie: &Tie| {
            let master =
                tie.master.filter(|master| all.contains(master)).and_then(|master| ties.get(&master));
            master.is_some_and(|master| match master.kind {
                Kind::Team => true,
                Kind::Bridge => matches!(tie.kind, Kind::Card | Kind::Vlan | Kind::Team),
                _ => false,
            })
        };
        let ports = ties.iter().filter(|(_, tie)| is_port(tie)).map(|(ifindex, _)| *ifindex);
        let more: BTreeSet<u32> = lower.chain(ports).filter(|ifindex| !all.contains(ifindex)).collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use dataplane::Device;

    use super::*;

    fn tie(kind: Kind, master: u32, lower: u32) -> Tie {
        Tie { kind, master: (master > 0).then_some(master), lower: (lower > 0).then_some(lower) }
    }

    #[test]
    fn what_carries_the_way_is_found_and_an_instance_at_the_same_bridge_is_not() {
        // A VLAN (1) on a bond (2) of two cards (3, 4).
        let bonded = [(1, tie(Kind::Vlan, 0, 2)), (2, tie(Kind::Team, 0, 0)), (3, tie(Kind::Card, 2, 0))];
        let bonded = BTreeMap::from_iter(
            bonded.into_iter().chain([(4, tie(Kind::Card, 2, 0)), (5, tie(Kind::Card, 0, 0))]),
        );
        assert_eq!(with_lower(&[1].into(), &bonded), [1, 2, 3, 4].into());
        // A bridge (1) with a card (2), a tap (3), and beside it another bridge (4) with a tap (5).
        let bridged = [(1, tie(Kind::Bridge, 0, 0)), (2, tie(Kind::Card, 1, 0)), (3, tie(Kind::Other, 1, 0))];
        let others = [(4, tie(Kind::Bridge, 0, 0)), (5, tie(Kind::Other, 4, 0))];
        let bridged = BTreeMap::from_iter(bridged.into_iter().chain(others));
        assert_eq!(with_lower(&[1].into(), &bridged), [1, 2].into());
    }

    #[test]
    fn the_way_is_remembered_until_the_control_plane_is_reached_again() {
        let place = tempfile::tempdir().unwrap();
        let settings = Settings {
            directory: place.path().to_owned(),
            server: "control.example.com:8019".into(),
            ..Settings::default()
        };
        let device = |ifindex, name: &str| FoundDevice {
            device: Device { ifindex, name: name.into() },
            alias: "".into(),
            unfit: None,
        };
        let found = vec![device(2, "eth0"), device(3, "eth1")];
        let by_index: BTreeMap<u32, FoundDevice> =
            found.iter().map(|of| (of.device.ifindex, of.clone())).collect();
        let among = |uplink: &Uplink| uplink.among(&by_index, &BTreeMap::new());
        let mut uplink = Uplink::of(&settings);
        assert_eq!((uplink.server, among(&uplink)), (None, [].into()));
        uplink.reached([192, 0, 2, 1].into());
        uplink.over = [3].into();
        uplink.remember(&found, &among(&uplink));
        // After a reboot nothing else is known.
        let mut uplink = Uplink::of(&settings);
        assert_eq!(among(&uplink), [3].into());
        // It is reached over another one now, or for a moment over none.
        uplink.reached([192, 0, 2, 1].into());
        uplink.over = [2].into();
        uplink.remember(&found, &among(&uplink));
        uplink.over.clear();
        assert_eq!(among(&uplink), [2].into());
        uplink.remember(&found, &among(&uplink));
        assert_eq!(among(&Uplink::of(&settings)), [2].into());
    }

    #[test]
    fn an_address_is_one_without_a_question_to_anybody() {
        assert_eq!(literal("192.0.2.1:8019"), Some([192, 0, 2, 1].into()));
        assert_eq!(literal("[2001:db8::1]:8019"), "2001:db8::1".parse().ok());
        assert_eq!(literal("control.example.com:8019"), None);
    }
}
