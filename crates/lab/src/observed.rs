//! What is there of a lab on this host: read from the kernel, never from memory.

use host::{Link, Netlink, in_namespace, namespace};
use std::{collections::BTreeMap, net::IpAddr};

use dataplane::{BindingReport, ClassReport, Dataplane};
use model::address::Mac;

use crate::{desired::DEVICE_GROUP, error::LabError, name};

/// A device in an instance's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerDevice {
    /// Its name.
    pub name: String,
    /// Its MAC.
    pub mac: Option<Mac>,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it carries packets.
    pub ready: bool,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// What is there of a lab.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Whether its host's namespace is there.
    pub host: bool,
    /// Devices that a lab made in it.
    pub links: Vec<Link>,
    /// Instances whose namespace is there, and the devices in it. None: a file that a crash left without a namespace.
    pub instances: BTreeMap<String, Option<Vec<InnerDevice>>>,
    /// What the dataplane has bound.
    pub bindings: Vec<BindingReport>,
    /// Its classes.
    pub classes: Vec<ClassReport>,
}

impl Observed {
    /// Looks at namespaces and devices. Bindings and classes are left out: only one process at a time has the dataplane.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn of_host(lab: &str) -> Result<Self, LabError> {
        let mut observed = Self { host: namespace::exists(&name::host_namespace(lab)), ..Self::default() };
        if observed.host {
            let links = in_namespace(&name::host_namespace(lab), || Netlink::open()?.links())??;
            observed.links = links.into_iter().filter(|link| link.group == DEVICE_GROUP).collect();
        }
        for file in namespace::list()? {
            let Some((owner, Some(instance))) = name::owner(&file) else { continue };
            if owner != lab {
                continue;
            }
            let devices = match namespace::exists(&file) {
                true => Some(in_namespace(&file, inner_devices)??),
                false => None,
            };
            observed.instances.insert(instance.to_owned(), devices);
        }
        Ok(observed)
    }

    /// Adds what the dataplane says.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn with(mut self, dataplane: &impl Dataplane) -> Result<Self, LabError> {
        self.bindings = dataplane.bindings()?;
        self.classes = dataplane.classes()?;
        Ok(self)
    }

    /// Whether nothing at all is there.
    pub fn is_nothing(&self) -> bool {
        !self.host && self.instances.is_empty()
    }

    /// The device of this name in the host's namespace.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }
}

/// The devices of the calling thread's namespace.
pub(crate) fn inner_devices() -> Result<Vec<InnerDevice>, LabError> {
    let netlink = Netlink::open()?;
    let addresses = netlink.addresses()?;
    let of = |index| addresses.iter().filter(move |of| of.device == index).map(|of| of.address);
    let devices = netlink.links()?.into_iter().map(|link| InnerDevice {
        addresses: of(link.index).collect(),
        name: link.name,
        mac: link.mac,
        up: link.up,
        ready: link.ready,
    });
    Ok(devices.collect())
}
