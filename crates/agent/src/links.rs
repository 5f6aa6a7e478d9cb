//! Devices of this network namespace, as the kernel tells of them: those that are there, and from then on every change.
//!
//! The kernel tells into a buffer. Where that overflows, or says what cannot be read, everything is listed anew. What is
//! missed between two devices with one name and one number, of which the first one ended unseen, is noticed by the programs
//! that do not hang at the second one.

mod remembered;
mod tie;
mod uplink;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
};

use dataplane::Device;
use futures_util::{FutureExt as _, TryStreamExt as _};
use rtnetlink::{
    Handle,
    packet_core::{NetlinkMessage, NetlinkPayload},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage, LinkXdp, XdpAttached},
    },
    sys::{AsyncSocket as _, AsyncSocketExt as _, TokioSocket, protocols::NETLINK_ROUTE},
};
use thiserror::Error;

use self::tie::Tie;
pub use self::uplink::Uplink;
use crate::device::{FoundDevice, FoundDevices, Unfit};

/// The group of messages about devices (RTNLGRP_LINK of linux/rtnetlink.h).
const LINK_GROUP: u32 = 1;
/// How much the kernel may tell before it is read, in bytes; it doubles that, and some 2,000 devices fit.
const BUFFER_BYTES: i32 = 2 * 1024 * 1024;
/// How many messages are taken as one change.
const BURST_MAX: usize = 4096;

/// Why devices are not known.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The kernel does not tell of them.
    #[error(
        "the kernel does not tell which network devices there are: the agent needs netlink (NETLINK_ROUTE)"
    )]
    Socket(#[source] io::Error),
    /// It does not list them.
    #[error("the kernel does not list the network devices")]
    List(#[source] rtnetlink::Error),
}

/// Follows the devices of a network namespace.
pub struct LinkWatcher {
    socket: TokioSocket,
    known: Known,
    uplink: Uplink,
}

/// What is known of devices. Pure.
#[derive(Debug, Default)]
struct Known {
    devices: BTreeMap<u32, FoundDevice>,
    /// How they depend on each other.
    ties: BTreeMap<u32, Tie>,
    /// Those that ended since it was told last.
    ended: BTreeSet<u32>,
    /// Whether something is otherwise than it was told last.
    changed: bool,
    /// Whether something was missed.
    missed: bool,
}

impl LinkWatcher {
    /// Follows the devices of the network namespace of the calling thread, and says which there are. To be called in a tokio
    /// runtime whose threads are in that namespace.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn follow(uplink: Uplink) -> Result<(Self, FoundDevices), LinkError> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE).map_err(LinkError::Socket)?;
        let inner = socket.socket_mut();
        // What a bound of the system does not allow is less room, and so a list the sooner.
        let _ = inner.set_rx_buf_sz(BUFFER_BYTES);
        inner.bind_auto().and_then(|_| inner.add_membership(LINK_GROUP)).map_err(LinkError::Socket)?;
        let mut watcher = Self { socket, known: Known::default(), uplink };
        // First told, then listed: what happens in between is told as well.
        watcher.list().await?;
        let found = watcher.take();
        Ok((watcher, found))
    }

    /// Waits until devices have changed, and gives what there is then: of many changes at once the last state. Nothing is
    /// lost where this is not waited for to its end.
    ///
    /// # Errors
    /// [`LinkError`]: call it again after a while.
    pub async fn changed(&mut self) -> Result<FoundDevices, LinkError> {
        loop {
            if self.known.missed {
                self.list().await?;
            } else if self.known.changed {
                with_handle(async |handle| self.uplink.look(&handle).await).await?;
            }
            if self.known.changed {
                return Ok(self.take());
            }
            self.receive_burst().await?;
        }
    }

    /// Lists everything anew with the next [`changed`](Self::changed), which ends at once if something is otherwise than
    /// known. `server` is where the control plane was reached, if it was.
    pub fn look_again(&mut self, server: Option<IpAddr>) {
        self.known.missed = true;
        server.into_iter().for_each(|server| self.uplink.reached(server));
    }

    /// Lists every device of the namespace of the calling thread, and looks which of them lead to the control plane.
    async fn list(&mut self) -> Result<(), LinkError> {
        let (listed, moved) = with_handle(async |handle| {
            let listed: Result<Vec<LinkMessage>, _> = handle.link().get().execute().try_collect().await;
            (listed, self.uplink.look(&handle).await)
        })
        .await?;
        // It is said once that the way has changed.
        self.known.changed |= moved;
        self.known.list(&listed.map_err(LinkError::List)?);
        Ok(())
    }

    /// What was told since it was asked last.
    fn take(&mut self) -> FoundDevices {
        let uplinks = self.uplink.among(&self.known.devices, &self.known.ties);
        let mut told = self.known.take();
        self.uplink.remember(&told.found, &uplinks);
        for found in told.found.iter_mut().filter(|found| uplinks.contains(&found.device.ifindex)) {
            found.unfit = Some(Unfit::Uplink);
        }
        told
    }

    async fn receive_burst(&mut self) -> Result<(), LinkError> {
        let mut received = self.socket.recv_from_full().await;
        for _ in 0..BURST_MAX {
            match received {
                // Anybody may send; the kernel alone is port 0.
                Ok((bytes, from)) if from.port_number() == 0 => self.known.hear(&bytes),
                Ok(_) => {}
                Err(error) if is_overrun(&error) => self.known.missed = true,
                Err(error) => return Err(LinkError::Socket(error)),
            }
            match self.socket.recv_from_full().now_or_never() {
                Some(next) => received = next,
                None => break,
            }
        }
        Ok(())
    }
}

fn is_overrun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::ENOBUFS as i32)
}

/// Asks the kernel something, in the namespace of the calling thread.
async fn with_handle<T>(ask: impl AsyncFnOnce(Handle) -> T) -> Result<T, LinkError> {
    let (connection, handle, _) = rtnetlink::new_connection().map_err(LinkError::Socket)?;
    let connection = tokio::spawn(connection);
    let answer = ask(handle).await;
    connection.abort();
    Ok(answer)
}

impl Known {
    /// What was told since it was asked last.
    fn take(&mut self) -> FoundDevices {
        self.changed = false;
        let ended = std::mem::take(&mut self.ended);
        FoundDevices { found: self.devices.values().cloned().collect(), ended }
    }

    /// Everything that is there.
    fn list(&mut self, listed: &[LinkMessage]) {
        self.missed = false;
        let devices: BTreeMap<u32, FoundDevice> =
            listed.iter().map(|link| (link.header.index, found(link))).collect();
        let ties = listed.iter().map(|link| (link.header.index, Tie::of(link))).collect();
        self.changed |= devices != self.devices || ties != self.ties;
        self.ended.extend(self.devices.keys().filter(|ifindex| !devices.contains_key(ifindex)));
        (self.devices, self.ties) = (devices, ties);
    }

    /// What the kernel tells.
    fn hear(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes) else {
                self.missed = true;
                return;
            };
            // Messages of a datagram begin at multiples of 4.
            let length = usize::try_from(message.header.length).unwrap_or(usize::MAX).max(1);
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
            match message.payload {
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => self.is_there(&link),
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link)) => self.is_gone(&link),
                _ => {}
            }
        }
    }

    fn is_there(&mut self, link: &LinkMessage) {
        // Bridges tell of their ports by messages of their own family, which say less.
        if link.header.interface_family != AddressFamily::Unspec {
            return;
        }
        let (now, tie) = (found(link), Tie::of(link));
        self.changed |= self.ties.insert(link.header.index, tie.clone()).is_some_and(|before| before != tie);
        if self.devices.get(&now.device.ifindex) != Some(&now) {
            self.changed = true;
            self.devices.insert(now.device.ifindex, now);
        }
    }

    /// It is deleted, or is in another namespace now.
    fn is_gone(&mut self, link: &LinkMessage) {
        if link.header.interface_family != AddressFamily::Unspec {
            return;
        }
        self.changed = true;
        self.ended.insert(link.header.index);
        self.devices.remove(&link.header.index);
        self.ties.remove(&link.header.index);
    }
}

fn found(link: &LinkMessage) -> FoundDevice {
    let (mut name, mut alias, mut unfit) = ("", "", None);
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = text,
            LinkAttribute::IfAlias(text) => alias = text,
            LinkAttribute::LinkInfo(infos) => unfit = infos.iter().find_map(unfit_kind).or(unfit),
            LinkAttribute::Xdp(said) if said.iter().any(is_xdp) => unfit = unfit.or(Some(Unfit::Xdp)),
            _ => {}
        }
    }
    let device = Device { ifindex: link.header.index, name: name.into() };
    FoundDevice { device, alias: alias.into(), unfit }
}

fn unfit_kind(info: &LinkInfo) -> Option<Unfit> {
    match info {
        LinkInfo::Kind(InfoKind::MacVlan) => Some(Unfit::Macvlan),
        LinkInfo::Kind(InfoKind::MacVtap) => Some(Unfit::Macvtap),
        LinkInfo::Kind(InfoKind::IpVlan) => Some(Unfit::Ipvlan),
        LinkInfo::Kind(InfoKind::IpVtap) => Some(Unfit::Ipvtap),
        LinkInfo::Kind(InfoKind::Bridge) => Some(Unfit::Bridge),
        LinkInfo::Kind(InfoKind::Vrf) => Some(Unfit::Vrf),
        LinkInfo::Kind(InfoKind::Other(kind)) if kind == "openvswitch" => Some(Unfit::OpenVSwitch),
        // Those of a bond or a team are not among them: the device itself is handed all that its ports receive, and hands
        // them all that they send.
        _ => None,
    }
}

fn is_xdp(said: &LinkXdp) -> bool {
    matches!(said, LinkXdp::Attached(how) if *how != XdpAttached::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(ifindex: u32, name: &str) -> FoundDevice {
        FoundDevice { device: Device { ifindex, name: name.into() }, alias: "".into(), unfit: None }
    }

    fn message(family: AddressFamily, ifindex: u32, name: &str) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.interface_family = family;
        message.header.index = ifindex;
        message.attributes.push(LinkAttribute::IfName(name.into()));
        message
    }

    fn listed(ifindex: u32, name: &str) -> LinkMessage {
        message(AddressFamily::Unspec, ifindex, name)
    }

    fn bytes(messages: &[RouteNetlinkMessage]) -> Vec<u8> {
        let mut datagram = Vec::new();
        for message in messages {
            let mut message = NetlinkMessage::from(message.clone());
            message.finalize();
            let mut bytes = vec![0; message.buffer_len()];
            message.serialize(&mut bytes);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            datagram.extend(bytes);
        }
        datagram
    }

    #[test]
    fn a_device_that_ends_and_is_made_anew_with_its_number_is_another_one() {
        let mut known = Known::default();
        known.list(&[listed(7, "vnet0")]);
        assert_eq!(known.take().found, [device(7, "vnet0")]);
        let again = message(AddressFamily::Unspec, 7, "vnet0");
        known.hear(&bytes(&[
            RouteNetlinkMessage::DelLink(again.clone()),
            RouteNetlinkMessage::NewLink(again.clone()),
        ]));
        assert!(known.changed);
        assert_eq!(known.take(), FoundDevices { found: vec![device(7, "vnet0")], ended: [7].into() });
        known.hear(&bytes(&[RouteNetlinkMessage::NewLink(again)]));
        assert!(!known.changed, "nothing is new");
    }

    #[test]
    fn a_bridge_that_loses_a_port_is_not_the_end_of_the_device() {
        let mut known = Known::default();
        known.list(&[listed(7, "vnet0")]);
        known.take();
        known.hear(&bytes(&[RouteNetlinkMessage::DelLink(message(AddressFamily::Bridge, 7, "vnet0"))]));
        assert!(!known.changed && !known.missed);
    }

    #[test]
    fn a_port_that_was_missed_is_a_change_when_all_are_listed() {
        let mut known = Known::default();
        known.list(&[listed(7, "vnet0")]);
        known.take();
        let mut port = listed(7, "vnet0");
        port.attributes.push(LinkAttribute::Controller(9));
        for (now, changed) in [(listed(7, "vnet0"), false), (port.clone(), true), (port, false)] {
            known.list(&[now]);
            assert_eq!(known.changed, changed);
            assert_eq!(known.take(), vec![device(7, "vnet0")].into());
        }
    }

    #[test]
    fn a_device_that_cannot_be_bound_is_known_by_its_kind() {
        for (kind, unfit) in [
            (InfoKind::MacVlan, Some(Unfit::Macvlan)),
            (InfoKind::MacVtap, Some(Unfit::Macvtap)),
            (InfoKind::IpVlan, Some(Unfit::Ipvlan)),
            (InfoKind::IpVtap, Some(Unfit::Ipvtap)),
            (InfoKind::Veth, None),
            (InfoKind::Tun, None),
            (InfoKind::Bridge, Some(Unfit::Bridge)),
            (InfoKind::Other("openvswitch".into()), Some(Unfit::OpenVSwitch)),
            (InfoKind::Vrf, Some(Unfit::Vrf)),
            (InfoKind::Bond, None),
            (InfoKind::Team, None),
        ] {
            let mut told = message(AddressFamily::Unspec, 7, "vnet0");
            told.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]));
            let mut known = Known::default();
            known.hear(&bytes(&[RouteNetlinkMessage::NewLink(told)]));
            assert_eq!(known.take().found, [FoundDevice { unfit, ..device(7, "vnet0") }]);
        }
    }

    #[test]
    fn a_device_with_an_xdp_program_cannot_be_bound_until_it_is_gone() {
        let mut known = Known::default();
        for (how, unfit) in [
            (XdpAttached::None, None),
            (XdpAttached::SocketBuffer, Some(Unfit::Xdp)),
            (XdpAttached::Driver, Some(Unfit::Xdp)),
            (XdpAttached::None, None),
        ] {
            let mut told = message(AddressFamily::Unspec, 7, "vnet0");
            told.attributes.push(LinkAttribute::Xdp(vec![LinkXdp::Attached(how)]));
            told.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]));
            known.hear(&bytes(&[RouteNetlinkMessage::NewLink(told)]));
            assert_eq!(known.take().found, [FoundDevice { unfit, ..device(7, "vnet0") }]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_listed_anew() {
        let mut known = Known::default();
        known.list(&[listed(7, "vnet0"), listed(8, "vnet1")]);
        known.take();
        let mut cut = bytes(&[RouteNetlinkMessage::NewLink(message(AddressFamily::Unspec, 9, "vnet2"))]);
        cut.truncate(cut.len() - 4);
        known.hear(&cut);
        assert!(known.missed && !known.changed);
        known.list(&[listed(8, "vnet9")]);
        assert_eq!(known.take(), FoundDevices { found: vec![device(8, "vnet9")], ended: [7].into() });
        known.list(&[listed(8, "vnet9")]);
        assert!(!known.changed && !known.missed);
    }
}
