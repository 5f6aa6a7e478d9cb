//! Devices, addresses and routes of one namespace, by netlink.
//!
//! A [`Netlink`] speaks to the namespace of the thread that opened it. Its calls wait for the kernel's answer.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsRawFd, BorrowedFd},
};

use futures_util::{Stream, StreamExt};
use model::address::Mac;
use rtnetlink::{
    Handle, IpVersion, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder,
    packet_route::{
        address::{AddressAttribute, AddressFlags, AddressMessage},
        link::{
            BridgePortState, InfoBridge, InfoBridgePort, InfoData, InfoPortData, InfoVeth, LinkAttribute,
            LinkFlags, LinkInfo, LinkMessage, State,
        },
        route::{RouteMessage, RouteScope},
        rule::{RuleAction, RuleAttribute, RuleMessage},
    },
};
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

/// Why the kernel did not do what it was asked.
#[derive(Debug, Error)]
pub enum NetlinkError {
    /// No netlink socket can be had.
    #[error("cannot speak to the kernel by netlink")]
    Socket(#[source] io::Error),
    /// The process may not.
    #[error("this process may not {what}: run it as root, or with CAP_NET_ADMIN")]
    NotPermitted {
        /// What it may not do.
        what: String,
    },
    /// The kernel has no devices of this kind.
    #[error("this kernel cannot {what}: load the module, or run one that is built with {option}")]
    Unsupported {
        /// What it cannot do.
        what: String,
        /// What it has to be built with.
        option: &'static str,
    },
    /// There is no such device.
    #[error("there is no device {name} in this namespace")]
    NoDevice {
        /// Its name.
        name: String,
    },
    /// Something else.
    #[error("cannot {what}")]
    Refused {
        /// What was to be done.
        what: String,
        /// What the kernel said.
        #[source]
        source: rtnetlink::Error,
    },
}

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

/// A route to be made.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Where to; the length of the prefix 0 is everywhere.
    pub to: (IpAddr, u8),
    /// Through whom; none: it is on the link.
    pub gateway: Option<IpAddr>,
    /// Through which device.
    pub device: u32,
    /// The less, the better.
    pub metric: u32,
    /// In which table; 254 is the main one.
    pub table: u32,
}

/// The main routing table.
pub const MAIN_TABLE: u32 = 254;

/// A netlink socket.
pub struct Netlink {
    runtime: Runtime,
    handle: Handle,
}

impl Netlink {
    /// Opens one in the namespace of the calling thread.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open() -> Result<Self, NetlinkError> {
        let runtime = Builder::new_current_thread().enable_io().build().map_err(NetlinkError::Socket)?;
        let entered = runtime.enter();
        let (connection, handle, _) = rtnetlink::new_connection().map_err(NetlinkError::Socket)?;
        runtime.spawn(connection);
        drop(entered);
        Ok(Self { runtime, handle })
    }

    fn ask(
        &self,
        what: impl FnOnce() -> String,
        request: impl Future<Output = Result<(), rtnetlink::Error>>,
    ) -> Result<(), NetlinkError> {
        self.runtime.block_on(request).map_err(|error| refused(what(), error))
    }

    fn all<T>(
        &self,
        what: &str,
        answers: impl Stream<Item = Result<T, rtnetlink::Error>>,
    ) -> Result<Vec<T>, NetlinkError> {
        let collect = async {
            let mut answers = std::pin::pin!(answers);
            let mut all = Vec::new();
            while let Some(answer) = answers.next().await {
                all.push(answer?);
            }
            Ok(all)
        };
        self.runtime.block_on(collect).map_err(|error| refused(what.to_owned(), error))
    }

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

    /// Makes a bridge, switched on. It floods multicast to all ports: nobody has to ask for it.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_bridge(&self, name: &str, mac: Mac, group: u32) -> Result<(), NetlinkError> {
        let what = || format!("make the bridge {name}");
        let options = InfoData::Bridge(vec![InfoBridge::MulticastSnooping(false)]);
        let message =
            LinkBridge::new(name).address(mac.0.to_vec()).link_group(group).set_info_data(options).build();
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
            Err(rtnetlink::Error::NetlinkError(error))
                if error.raw_code() == -(nix::errno::Errno::ENODEV as i32) =>
            {
                Ok(())
            }
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

    /// Gives a device an address. Nobody else is asked whether they have it: it can be used at once.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_address(&self, index: u32, address: IpAddr, length: u8) -> Result<(), NetlinkError> {
        let mut request = self.handle.address().add(index, address, length).replace();
        let flags = AddressAttribute::Flags(AddressFlags::Nodad);
        request.message_mut().attributes.push(flags);
        self.ask(|| format!("give the device {index} the address {address}"), request.execute())
    }

    /// Every address, with the index of its device.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn addresses(&self) -> Result<Vec<(u32, IpAddr)>, NetlinkError> {
        let messages = self.all("list addresses", self.handle.address().get().execute())?;
        Ok(messages.iter().filter_map(|message| Some((message.header.index, local(message)?))).collect())
    }

    /// Makes a route; does nothing where the same one is there.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_route(&self, route: &Route) -> Result<(), NetlinkError> {
        let what = || format!("make a route to {}/{}", route.to.0, route.to.1);
        let message = route.message();
        self.ask(what, self.handle.route().add(message).replace().execute())
    }

    /// Removes the rules that lead to a table.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_rules(&self, table: u32) -> Result<(), NetlinkError> {
        for version in [IpVersion::V4, IpVersion::V6] {
            let rules = self.all("list routing rules", self.handle.rule().get(version).execute())?;
            let leads = |rule: &RuleMessage| rule.attributes.contains(&RuleAttribute::Table(table));
            for rule in rules.into_iter().filter(leads) {
                self.ask(
                    || format!("remove a routing rule of table {table}"),
                    self.handle.rule().del(rule).execute(),
                )?;
            }
        }
        Ok(())
    }

    /// Lets packets from this address be routed by a table of their own.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_source_rule(&self, source: IpAddr, table: u32) -> Result<(), NetlinkError> {
        let what = || format!("make a routing rule for {source}");
        let rule = self.handle.rule().add().table_id(table).action(RuleAction::ToTable).priority(table);
        match source {
            IpAddr::V4(source) => self.ask(what, rule.v4().source_prefix(source, 32).execute()),
            IpAddr::V6(source) => self.ask(what, rule.v6().source_prefix(source, 128).execute()),
        }
    }
}

impl Route {
    fn message(&self) -> RouteMessage {
        let scope = if self.gateway.is_some() { RouteScope::Universe } else { RouteScope::Link };
        match self.to.0 {
            IpAddr::V4(to) => {
                let mut route = RouteMessageBuilder::<Ipv4Addr>::new()
                    .destination_prefix(to, self.to.1)
                    .output_interface(self.device)
                    .priority(self.metric)
                    .table_id(self.table)
                    .scope(scope);
                if let Some(IpAddr::V4(gateway)) = self.gateway {
                    route = route.gateway(gateway).onlink();
                }
                route.build()
            }
            IpAddr::V6(to) => {
                let mut route = RouteMessageBuilder::<Ipv6Addr>::new()
                    .destination_prefix(to, self.to.1)
                    .output_interface(self.device)
                    .priority(self.metric)
                    .table_id(self.table);
                if let Some(IpAddr::V6(gateway)) = self.gateway {
                    route = route.gateway(gateway).onlink();
                }
                route.build()
            }
        }
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

/// The address itself; of a point-to-point one, the own end.
fn local(message: &AddressMessage) -> Option<IpAddr> {
    let own = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    own.or_else(|| {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

fn refused(what: String, error: rtnetlink::Error) -> NetlinkError {
    use nix::errno::Errno;
    let code = match &error {
        rtnetlink::Error::NetlinkError(error) => Errno::from_raw(-error.raw_code()),
        _ => Errno::UnknownErrno,
    };
    match code {
        Errno::EPERM | Errno::EACCES => NetlinkError::NotPermitted { what },
        Errno::EOPNOTSUPP if what.contains("bridge") => {
            NetlinkError::Unsupported { what, option: "CONFIG_BRIDGE" }
        }
        Errno::EOPNOTSUPP => NetlinkError::Unsupported { what, option: "CONFIG_VETH" },
        _ => NetlinkError::Refused { what, source: error },
    }
}
