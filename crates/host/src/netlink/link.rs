//! Devices.

use std::os::fd::{AsRawFd, BorrowedFd};

use model::address::Mac;
use nix::errno::Errno;
use rtnetlink::{
    LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth,
    packet_route::link::{
        BridgePortState, InfoBridge, InfoBridgePort, InfoData, InfoPortData, InfoVeth, LinkAttribute,
        LinkFlags, LinkInfo, LinkMessage, State,
    },
};

use super::{Netlink, NetlinkError, code, refused};

/// A device, as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What people call it; empty: nothing.
    pub alias: String,
    /// Its MAC; none for devices without.
    pub mac: Option<Mac>,
    /// The index of the bridge that it is a port of.
    pub master: Option<u32>,
    /// The group of devices that it is in; 0 where nobody said anything.
    pub group: u32,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it carries packets: on, with a carrier, and forwarding where it is a bridge's port.
    pub ready: bool,
}

/// A veth pair to be made: one end here, the other one in another namespace.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The name of the end here.
    pub name: &'a str,
    /// Its MAC.
    pub mac: Mac,
    /// The group of devices that it is in.
    pub group: u32,
    /// The name of the other end.
    pub peer_name: &'a str,
    /// Its MAC.
    pub peer_mac: Mac,
    /// Its namespace.
    pub peer_namespace: BorrowedFd<'a>,
}

impl Netlink {
    /// Every device.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn links(&self) -> Result<Vec<Link>, NetlinkError> {
        let messages = self.all("list devices", self.handle.link().get().execute())?;
        Ok(messages.iter().map(link).collect())
    }

    /// The device of this name.
    ///
    /// # Errors
    /// [`NetlinkError::NoDevice`].
    pub fn link(&self, name: &str) -> Result<Link, NetlinkError> {
        let missing = || NetlinkError::NoDevice { name: name.to_owned() };
        self.links()?.into_iter().find(|link| link.name == name).ok_or_else(missing)
    }

    /// Makes a bridge, switched off. It floods multicast to all ports: nobody has to ask for it.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_bridge(&self, name: &str, mac: Mac, group: u32) -> Result<(), NetlinkError> {
        let what = || format!("make the bridge {name}");
        let options = InfoData::Bridge(vec![InfoBridge::MulticastSnooping(false)]);
        let message = LinkBridge::new(name)
            .down()
            .address(mac.0.to_vec())
            .link_group(group)
            .set_info_data(options)
            .build();
        self.ask(what, self.handle.link().add(message).execute())
    }

    /// Makes a pair of devices, switched off.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_pair(&self, pair: &Pair<'_>) -> Result<(), NetlinkError> {
        let what = || format!("make the device {}", pair.name);
        let peer = LinkMessageBuilder::<LinkUnspec>::new()
            .name(pair.peer_name)
            .address(pair.peer_mac.0.to_vec())
            .setns_by_fd(pair.peer_namespace.as_raw_fd())
            .build();
        let message = LinkVeth::new(pair.name, pair.peer_name)
            .address(pair.mac.0.to_vec())
            .link_group(pair.group)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
            .build();
        self.ask(what, self.handle.link().add(message).execute())
    }

    /// Removes a device; does nothing where it is gone.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_link(&self, index: u32) -> Result<(), NetlinkError> {
        match self.runtime.block_on(self.handle.link().del(index).execute()) {
            Err(error) if code(&error) == Errno::ENODEV => Ok(()),
            removed => removed.map_err(|error| refused(format!("remove the device {index}"), error)),
        }
    }

    /// Removes all devices of a group at once: the kernel waits for its readers once, and not for each device.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_group(&self, group: u32) -> Result<(), NetlinkError> {
        if !self.links()?.iter().any(|link| link.group == group) {
            return Ok(());
        }
        let message = LinkMessageBuilder::<LinkUnspec>::new().link_group(group).build();
        self.ask(
            || format!("remove the devices of group {group}"),
            self.handle.link().del_with_message(message).execute(),
        )
    }

    /// Switches a device on.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn set_up(&self, index: u32) -> Result<(), NetlinkError> {
        let message = LinkUnspec::new_with_index(index).up().build();
        self.ask(|| format!("switch on the device {index}"), self.handle.link().set(message).execute())
    }

    /// Switches a device off.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn set_down(&self, index: u32) -> Result<(), NetlinkError> {
        let message = LinkUnspec::new_with_index(index).down().build();
        self.ask(|| format!("switch off the device {index}"), self.handle.link().set(message).execute())
    }

    /// Makes a device a port of a bridge.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn set_master(&self, index: u32, bridge: u32) -> Result<(), NetlinkError> {
        let message = LinkUnspec::new_with_index(index).controller(bridge).build();
        self.ask(|| format!("make the device {index} a port"), self.handle.link().set(message).execute())
    }

    /// Says what a device is for.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn set_alias(&self, index: u32, alias: &str) -> Result<(), NetlinkError> {
        let message = LinkUnspec::new_with_index(index).alias(alias).build();
        self.ask(|| format!("name the device {index}"), self.handle.link().set(message).execute())
    }
}

fn link(message: &LinkMessage) -> Link {
    let up = message.header.flags.contains(LinkFlags::Up);
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        alias: String::new(),
        mac: None,
        master: None,
        group: 0,
        up,
        ready: false,
    };
    let (mut carrying, mut forwarding) = (false, true);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::IfAlias(alias) => link.alias.clone_from(alias),
            LinkAttribute::Address(bytes) => link.mac = bytes.as_slice().try_into().ok().map(Mac),
            LinkAttribute::Controller(master) => link.master = (*master > 0).then_some(*master),
            LinkAttribute::Group(group) => link.group = *group,
            LinkAttribute::OperState(state) => carrying = *state == State::Up,
            LinkAttribute::LinkInfo(infos) => forwarding = infos.iter().all(forwards),
            _ => {}
        }
    }
    link.ready = up && carrying && forwarding;
    link
}

/// Whether what is said about a device does not say that it is a port that does not forward yet.
fn forwards(info: &LinkInfo) -> bool {
    let LinkInfo::PortData(InfoPortData::BridgePort(port)) = info else { return true };
    port.iter()
        .all(|said| !matches!(said, InfoBridgePort::State(state) if *state != BridgePortState::Forwarding))
}
