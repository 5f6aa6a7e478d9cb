//! Devices of this host, and how interfaces are found among them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use dataplane::Device;
use model::{NetworkInterfaceId, node};

/// A device that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDevice {
    /// Its index and name.
    pub device: Device,
    /// What somebody wrote on it (`ip link set DEVICE alias TEXT`); empty where nobody did.
    pub alias: Box<str>,
    /// Why nothing can be enforced at it; none: nothing speaks against it.
    pub unfit: Option<Unfit>,
}

/// A kind of devices at which nothing can be enforced, though they are of Ethernet: they share the device below them, and
/// what they are sent from there does not meet the programs of this host in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// `macvlan`
    Macvlan,
    /// `macvtap`, as libvirt makes it for `type='direct'`.
    Macvtap,
    /// `ipvlan`
    Ipvlan,
    /// `ipvtap`
    Ipvtap,
}

impl Unfit {
    /// The word that the kernel has for it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Macvlan => "macvlan",
            Self::Macvtap => "macvtap",
            Self::Ipvlan => "ipvlan",
            Self::Ipvtap => "ipvtap",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "it is a {} device, which shares the device below it, so that its packets cannot be filtered here: connect the instance by a tap or a veth pair instead, and bind the host's end of that",
            self.kind()
        )
    }
}

/// The devices that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundDevices {
    /// All of them.
    pub found: Vec<FoundDevice>,
    /// The indexes of those that have ended since it was told last. A device that is there and has such an index is
    /// another one.
    pub ended: BTreeSet<u32>,
}

impl From<Vec<FoundDevice>> for FoundDevices {
    fn from(found: Vec<FoundDevice>) -> Self {
        Self { found, ended: BTreeSet::new() }
    }
}

/// What the alias of an interface's device is, where it is found by that.
pub fn alias_of(interface: NetworkInterfaceId) -> String {
    format!("ravelin:{interface}")
}

/// The devices that are there, to be found by name and by alias.
#[derive(Debug, Clone, Default)]
pub(crate) struct Devices {
    found: Vec<FoundDevice>,
    by_name: BTreeMap<Box<str>, usize>,
    by_alias: BTreeMap<Box<str>, usize>,
    by_index: BTreeMap<u32, usize>,
}

impl Devices {
    pub(crate) fn new(found: Vec<FoundDevice>) -> Self {
        let places = || found.iter().enumerate();
        let by_name = places().map(|(at, found)| (found.device.name.clone(), at)).collect();
        let by_alias = places().map(|(at, found)| (found.alias.clone(), at)).collect();
        let by_index = places().map(|(at, found)| (found.device.ifindex, at)).collect();
        Self { found, by_name, by_alias, by_index }
    }

    /// The device with this index.
    pub(crate) fn at(&self, ifindex: u32) -> Option<&Device> {
        self.found.get(*self.by_index.get(&ifindex)?).map(|found| &found.device)
    }

    /// Why nothing can be enforced at the device with this index.
    pub(crate) fn unfit(&self, ifindex: u32) -> Option<Unfit> {
        self.found.get(*self.by_index.get(&ifindex)?)?.unfit
    }

    /// The device that is to stand for an interface. Of several with its alias it is the last one.
    pub(crate) fn of(&self, interface: NetworkInterfaceId, wanted: &node::Device) -> Option<&Device> {
        let at = match wanted {
            node::Device::Named(name) => self.by_name.get(name.as_str()),
            node::Device::Aliased => self.by_alias.get(&*alias_of(interface)),
        };
        self.found.get(*at?).map(|found| &found.device)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Device> {
        self.found.iter().map(|found| &found.device)
    }
}

/// Names of devices: letter by letter, with `*` for any number of letters at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(Box<str>);

impl NamePattern {
    /// Reads a pattern. None: it is empty, longer than a name can be, or has a `*` that is not at its end.
    pub fn parse(text: &str) -> Option<Self> {
        /// The longest name of a device (IFNAMSIZ without its end).
        const NAME_MAX: usize = 15;
        let letters = text.strip_suffix('*').unwrap_or(text);
        let plain = !letters.contains('*') && letters.len() <= NAME_MAX;
        (plain && !text.is_empty()).then(|| Self(text.into()))
    }

    /// Whether a name is one of these.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == &*self.0,
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The devices that are closed where nobody bound them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuardedNames(Vec<NamePattern>);

impl GuardedNames {
    /// Devices with a name that one of the patterns matches.
    pub fn new(patterns: impl IntoIterator<Item = NamePattern>) -> Self {
        Self(patterns.into_iter().collect())
    }

    /// Whether a device is one of them.
    pub fn has(&self, device: &Device) -> bool {
        self.0.iter().any(|pattern| pattern.matches(&device.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_one_star_at_their_end() {
        let vnet = NamePattern::parse("vnet*").unwrap();
        assert!(vnet.matches("vnet0") && vnet.matches("vnet") && !vnet.matches("xvnet0"));
        let eth0 = NamePattern::parse("eth0").unwrap();
        assert!(eth0.matches("eth0") && !eth0.matches("eth01"));
        assert!(NamePattern::parse("*").unwrap().matches("lo"));
        for wrong in ["", "a*b", "**", "a-name-that-no-device-has"] {
            assert_eq!(NamePattern::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_interface_is_found_by_name_or_alias() {
        let interface = NetworkInterfaceId::from_number(7);
        let device = Device { ifindex: 3, name: "vnet0".into() };
        let devices =
            Devices::new(vec![FoundDevice { device, alias: alias_of(interface).into(), unfit: None }]);
        let named = |name: &str| node::Device::Named(name.parse().unwrap());
        let finds = |number, wanted: node::Device| {
            devices.of(NetworkInterfaceId::from_number(number), &wanted).is_some()
        };
        assert!(finds(7, node::Device::Aliased) && !finds(8, node::Device::Aliased));
        assert!(finds(7, named("vnet0")) && finds(8, named("vnet0")) && !finds(7, named("vnet1")));
    }
}
