//! What is on this host of instances: read from the kernel, never from memory.

use std::collections::{BTreeMap, BTreeSet};

use host::{
    Link, NamespaceError, Netlink, NetlinkError, in_namespace, namespace,
    netlink::{Address, NoTransit},
};
use model::InstanceId;

use super::names::{self, Mark};
use crate::enforcer::chain;

/// Why it cannot be seen what is there.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// Devices, addresses or rules.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

/// A device in an instance's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerDevice {
    /// The device.
    pub link: Link,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// What there is of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file for a namespace, without one: something was killed. It says who made it.
    Remains(String),
    /// A namespace.
    Namespace {
        /// Who made it, and for which start and image. None: nobody who writes that.
        mark: Option<Mark>,
        /// The devices in it, but for its loopback.
        devices: Vec<InnerDevice>,
    },
    /// A namespace that cannot be looked into, and why.
    Unseen(String),
    /// A namespace that was not looked into, because it was as it is wanted.
    Unlooked,
}

/// What there is.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Instances of which there is anything, whoever made it.
    pub machines: BTreeMap<InstanceId, Found>,
    /// The devices of the calling thread's namespace.
    pub links: Vec<Link>,
    /// Their addresses.
    pub addresses: Vec<Address>,
    /// Rules by which what comes in through a device of that namespace is not forwarded.
    pub rules: Vec<NoTransit>,
}

impl Observed {
    /// Looks, but not into the namespaces of `settled`.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn look(netlink: &Netlink, settled: &BTreeSet<InstanceId>) -> Result<Self, LookError> {
        let mut machines = BTreeMap::new();
        for name in namespace::list()? {
            let Some(instance) = names::instance_of(&name) else { continue };
            if let Some(found) = look_into(&name, settled.contains(&instance)) {
                machines.insert(instance, found);
            }
        }
        Ok(Self {
            machines,
            links: netlink.links()?,
            addresses: netlink.addresses()?,
            rules: netlink.no_transits()?,
        })
    }

    /// The device of this name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The devices that were made for instances.
    pub fn own_links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| link.group == names::DEVICE_GROUP)
    }
}

/// None: it went meanwhile.
fn look_into(name: &str, settled: bool) -> Option<Found> {
    if let Some(owner) = namespace::left_over(name) {
        return Some(Found::Remains(owner));
    }
    if settled && namespace::exists(name) {
        return Some(Found::Unlooked);
    }
    match in_namespace(name, devices) {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => Some(Found::Unseen(chain(&error))),
        Err(NamespaceError::Missing { .. }) => None,
        Err(error) => Some(Found::Unseen(chain(&error))),
    }
}

fn devices() -> Result<Found, LookError> {
    let netlink = Netlink::open()?;
    let addresses = netlink.addresses()?;
    let mut found = netlink.links()?;
    let loopback = found.iter().position(|link| link.name == "lo").map(|at| found.remove(at));
    let of = |link: &Link| addresses.iter().filter(|of| of.device == link.index).copied().collect();
    let devices = found.into_iter().map(|link| InnerDevice { addresses: of(&link), link }).collect();
    Ok(Found::Namespace { mark: loopback.and_then(|loopback| loopback.alias.parse().ok()), devices })
}
