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

/// Why nothing can be enforced at a device, though it is of Ethernet: not all of an instance's packets would meet the
/// programs at it in both directions; or nothing should be.
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
    /// `bridge`: what its ports send to each other does not pass by its own hooks.
    Bridge,
    /// `openvswitch`: an internal port, which is to the switch what a bridge's own device is to the bridge.
    OpenVSwitch,
    /// `vrf`: what the devices in it receive does not pass by its own hooks.
    Vrf,
    /// An XDP program of somebody else hangs at it, which decides before.
    Xdp,
    /// The host reaches its control plane over it.
    Uplink,
}

impl Unfit {
    /// The word that the kernel has for the kind of the device, where that is the reason.
    fn kind(self) -> Option<&'static str> {
        match self {
            Self::Macvlan => Some("macvlan"),
            Self::Macvtap => Some("macvtap"),
            Self::Ipvlan => Some("ipvlan"),
            Self::Ipvtap => Some("ipvtap"),
            Self::Bridge => Some("bridge"),
            Self::OpenVSwitch => Some("openvswitch"),
            Self::Vrf => Some("vrf"),
            Self::Xdp | Self::Uplink => None,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Macvlan | Self::Macvtap | Self::Ipvlan | Self::Ipvtap => {
                "which shares the device below it, so that its packets cannot be filtered here: connect the instance by a tap or a veth pair instead, and bind the host's end of that"
            }
            Self::Bridge | Self::OpenVSwitch => {
                "and what its ports send to each other never passes by the device itself: bind the port instead that leads to the instance, a tap or the host's end of a veth pair"
            }
            Self::Vrf => {
                "and what the devices in it receive never passes by the device itself: bind the device in it instead that leads to the instance"
            }
            Self::Xdp => {
                "an XDP program hangs at it, which decides before: take it away (`ip link set DEVICE xdp off`; `bpftool net` shows what hangs where)"
            }
            Self::Uplink => {
                "this host reaches its control plane over it, which could not undo the binding: bind the device that leads to the instance"
            }
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Some(kind) => {
                let article = if kind.starts_with(['i', 'o']) { "an" } else { "a" };
                write!(f, "it is {article} {kind} device, {}", self.reason())
            }
            None => f.write_str(self.reason()),
        }
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
    by_alias: BTreeMap<Box<str>, Vec<usize>>,
    by_index: BTreeMap<u32, usize>,
}

impl Devices {
    pub(crate) fn new(found: Vec<FoundDevice>) -> Self {
        let places = || found.iter().enumerate();
        let by_name = places().map(|(at, found)| (found.device.name.clone(), at)).collect();
        let mut by_alias: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
        for (at, found) in places().filter(|(_, found)| !found.alias.is_empty()) {
            by_alias.entry(found.alias.clone()).or_default().push(at);
        }
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

    /// The device that is to stand for an interface, which is bound to the one with this index. Of several with its alias it
    /// is the one that it is bound to, or the first one.
    pub(crate) fn of(
        &self,
        interface: NetworkInterfaceId,
        wanted: &node::Device,
        bound: Option<u32>,
    ) -> Option<&Device> {
        match wanted {
            node::Device::Named(name) => {
                self.found.get(*self.by_name.get(name.as_str())?).map(|found| &found.device)
            }
            node::Device::Aliased => {
                let bound = self.aliased(interface).find(|device| Some(device.ifindex) == bound);
                bound.or_else(|| self.aliased(interface).next())
            }
        }
    }

    /// The devices with an interface's alias.
    pub(crate) fn aliased(&self, interface: NetworkInterfaceId) -> impl Iterator<Item = &Device> {
        let places = self.by_alias.get(&*alias_of(interface)).into_iter().flatten();
        places.filter_map(|at| self.found.get(*at)).map(|found| &found.device)
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
        let found = |ifindex: u32| {
            let device = Device { ifindex, name: format!("vnet{}", ifindex - 3).into() };
            FoundDevice { device, alias: alias_of(interface).into(), unfit: None }
        };
        let devices = Devices::new(vec![found(3)]);
        let named = |name: &str| node::Device::Named(name.parse().unwrap());
        let finds = |number, wanted: node::Device| {
            devices.of(NetworkInterfaceId::from_number(number), &wanted, None).is_some()
        };
        assert!(finds(7, node::Device::Aliased) && !finds(8, node::Device::Aliased));
        assert!(finds(7, named("vnet0")) && finds(8, named("vnet0")) && !finds(7, named("vnet1")));
        let devices = Devices::new(vec![found(3), found(4), found(5)]);
        for (bound, expected) in [(None, 3), (Some(9), 3), (Some(4), 4)] {
            let device = devices.of(interface, &node::Device::Aliased, bound);
            assert_eq!(device.map(|device| device.ifindex), Some(expected));
        }
    }

    #[test]
    fn whatever_cannot_be_bound_is_said_with_what_to_do() {
        for (unfit, text) in [
            (Unfit::Macvtap, "it is a macvtap device, which shares"),
            (Unfit::Ipvlan, "it is an ipvlan device, which shares"),
            (Unfit::Bridge, "it is a bridge device, and what its ports"),
            (Unfit::OpenVSwitch, "it is an openvswitch device, and what its ports"),
            (Unfit::Vrf, "it is a vrf device, and what the devices in it"),
            (Unfit::Xdp, "an XDP program hangs at it"),
            (Unfit::Uplink, "this host reaches its control plane over it"),
        ] {
            assert!(unfit.to_string().starts_with(text), "{unfit}");
        }
    }
}
