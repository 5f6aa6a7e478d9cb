//! The devices over which this host reaches its control plane.
//!
//! An interface that is bound to one of them cuts the host off, and nobody could say to it that it was wrong. So they are
//! no devices for interfaces, and are not closed where nobody bound them. The route to the other end of a tunnel is not
//! looked up: what carries a tunnel is known only where it is made on a device. Their names are kept on disk, since at boot
//! there are no routes yet that would tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::PathBuf,
};

use futures_util::TryStreamExt as _;
use rtnetlink::{
    Handle, RouteMessageBuilder,
    packet_route::route::{RouteAttribute, RouteFlags, RouteMessage, RouteType},
};

use super::{
    remembered::{self, Keeper, Names},
    tie::{Tie, with_lower},
};
use crate::{
    address::host_and_port, device::FoundDevice, enforcer::chain, identity::Identity, settings::Settings,
};

/// The name of the file with the names of devices.
const FILE: &str = "uplink";

/// What is known of the way to the control plane.
#[derive(Debug, Default)]
pub struct Uplink {
    /// Where names are kept; none: nowhere.
    file: Option<PathBuf>,
    /// What keeps them there, since there are others than it had at first.
    keeper: Option<Keeper>,
    /// Where the control plane is.
    server: Option<IpAddr>,
    /// Whether it was reached there.
    reached: bool,
    /// The devices that were on the way when it was reached last; before it was, those that are on it.
    remembered: Names,
    /// What was in the file at first.
    kept: Names,
    /// The devices that routes lead over.
    over: BTreeSet<u32>,
}

impl Uplink {
    /// The way of an agent with these settings.
    pub fn of(settings: &Settings) -> Self {
        let joined =
            || Identity::read(&settings.directory).map(|identity| identity.server).unwrap_or_default();
        let server = if settings.server.is_empty() { joined() } else { settings.server.clone() };
        let file = settings.directory.join(FILE);
        let remembered = remembered::read(&file).unwrap_or_else(|error| {
            tracing::warn!(
                error = chain(&error),
                "it is not known over which devices the control plane was reached"
            );
            Names::new()
        });
        Self {
            file: Some(file),
            server: literal(&server),
            kept: remembered.clone(),
            remembered,
            ..Self::default()
        }
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

    /// Keeps the names of the devices over which the control plane was reached. To be called in a tokio runtime; nobody waits
    /// for the disk.
    pub(super) fn remember(&mut self, found: &[FoundDevice], uplinks: &BTreeSet<u32>) {
        let is_it = |found: &&FoundDevice| uplinks.contains(&found.device.ifindex);
        let names: Names = found.iter().filter(is_it).map(|found| found.device.name.clone()).collect();
        // Where the way is gone for now it is still known which it was.
        let is_known = !self.over.is_empty() && !names.is_empty();
        // A way that nobody was reached over yet is better than none: without it, it could be closed while its route is gone.
        if is_known && (self.reached || self.remembered.is_empty()) {
            self.remembered.clone_from(&names);
        }
        let Some(file) = self.file.as_ref().filter(|_| is_known && self.reached) else { return };
        let kept = &self.kept;
        self.keeper.get_or_insert_with(|| Keeper::of(file.clone(), kept.clone())).keep(names);
    }
}

/// The address, where a server is not called by a name.
fn literal(server: &str) -> Option<IpAddr> {
    host_and_port(server)?.0.parse().ok()
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dataplane::Device;

    use super::*;

    /// Waits until this is the one name on disk.
    async fn is_on_disk(settings: &Settings, name: &str) {
        let wanted = Names::from([name.into()]);
        let written = async {
            while remembered::read(&settings.directory.join(FILE)).unwrap() != wanted {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), written).await.unwrap();
    }

    #[tokio::test]
    async fn the_way_is_remembered_until_the_control_plane_is_reached_again() {
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
        is_on_disk(&settings, "eth1").await;
        // After a reboot nothing else is known.
        let mut uplink = Uplink::of(&settings);
        assert_eq!(among(&uplink), [3].into());
        // It is reached over another one now, or for a moment over none.
        uplink.reached([192, 0, 2, 1].into());
        uplink.over = [2].into();
        uplink.remember(&found, &among(&uplink));
        is_on_disk(&settings, "eth0").await;
        uplink.over.clear();
        assert_eq!(among(&uplink), [2].into());
        uplink.remember(&found[1..], &among(&uplink));
        assert_eq!(among(&uplink), [2].into(), "also where it is gone for a moment itself");
        assert_eq!(among(&Uplink::of(&settings)), [2].into());
    }

    #[test]
    fn an_address_is_one_without_a_question_to_anybody() {
        assert_eq!(literal("192.0.2.1:8019"), Some([192, 0, 2, 1].into()));
        assert_eq!(literal("[2001:db8::1]:8019"), "2001:db8::1".parse().ok());
        assert_eq!(literal("control.example.com:8019"), None);
    }
}
