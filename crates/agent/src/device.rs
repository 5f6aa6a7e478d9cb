//! Devices of this host, and how interfaces are found among them.

use std::fmt;

use dataplane::Device;
use model::{NetworkInterfaceId, node};

/// A device that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDevice {
    /// Its index and name.
    pub device: Device,
    /// What somebody wrote on it (`ip link set DEVICE alias TEXT`); empty where nobody did.
    pub alias: Box<str>,
}

/// What the alias of an interface's device is, where it is found by that.
pub fn alias_of(interface: NetworkInterfaceId) -> String {
    format!("ravelin:{interface}")
}

/// Whether a device is the one that is to stand for this interface.
pub fn stands_for(found: &FoundDevice, interface: NetworkInterfaceId, wanted: &node::Device) -> bool {
    match wanted {
        node::Device::Named(name) => *name.as_str() == *found.device.name,
        node::Device::Aliased => *found.alias == *alias_of(interface),
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
        let found = FoundDevice { device, alias: alias_of(interface).into() };
        let named = |name: &str| node::Device::Named(name.parse().unwrap());
        assert!(stands_for(&found, interface, &node::Device::Aliased));
        assert!(!stands_for(&found, NetworkInterfaceId::from_number(8), &node::Device::Aliased));
        assert!(stands_for(&found, interface, &named("vnet0")));
        assert!(!stands_for(&found, interface, &named("vnet1")));
    }
}
