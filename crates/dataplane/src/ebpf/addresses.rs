//! The addresses of interfaces: the first of each family stands in the interface itself, all others and the prefixes in one
//! trie that all interfaces share.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{EbpfDataplane, host::system};
use crate::{
    error::DataplaneError,
    interface::{Interface, link_local},
    layout::{allowed_key, read_allowed_key},
};

impl EbpfDataplane {
    pub(super) fn set_prefixes(&self, slot: u32, interface: &Interface) -> Result<(), DataplaneError> {
        for prefix in further(interface) {
            let key = allowed_key(slot, prefix);
            self.maps.allowed.update(&key, &1u32.to_ne_bytes()).map_err(system("adding a prefix"))?;
        }
        Ok(())
    }

    /// Whether there is room for the prefixes of a slot instead of those that it has, so that nothing fails halfway.
    pub(super) fn check_room(
        &self,
        taken: &[(u32, IpNet)],
        slot: u32,
        interface: &Interface,
    ) -> Result<(), DataplaneError> {
        let most = self.options.prefixes_max;
        let of_others = taken.iter().filter(|(of, _)| *of != slot).count();
        // What is given is added after what is taken away.
        if of_others + further(interface).len() <= most as usize {
            Ok(())
        } else {
            Err(DataplaneError::PrefixesFull { most })
        }
    }

    pub(super) fn remove_prefix(&self, slot: u32, prefix: IpNet) -> Result<(), DataplaneError> {
        let key = allowed_key(slot, prefix);
        self.maps.allowed.delete(&key).map(drop).map_err(system("removing a prefix"))
    }

    /// The further addresses and prefixes of all slots, from the kernel.
    pub(super) fn all_prefixes(&self) -> Result<Vec<(u32, IpNet)>, DataplaneError> {
        let keys = self.maps.allowed.keys().map_err(system("reading prefixes"))?;
        Ok(keys.iter().filter_map(|key| read_allowed_key(key)).collect())
    }

    /// The further addresses and prefixes of a slot, from the kernel.
    pub(super) fn prefixes(&self, slot: u32) -> Result<Vec<IpNet>, DataplaneError> {
        let all = self.all_prefixes()?;
        Ok(all.into_iter().filter(|(of, _)| *of == slot).map(|(_, prefix)| prefix).collect())
    }
}

/// The addresses that stand in the interface itself: the first of each family.
pub(super) fn first_addresses(interface: &Interface) -> (Option<IpAddr>, Option<IpAddr>) {
    let own = link_local(interface.mac);
    let first = |ipv4: bool| {
        let mut of_family = interface.addresses.iter().filter(|address| address.is_ipv4() == ipv4);
        of_family.find(|address| **address != IpAddr::V6(own)).copied()
    };
    (first(true), first(false))
}

/// All others, and the prefixes.
pub(super) fn further(interface: &Interface) -> Vec<IpNet> {
    let (ipv4, ipv6) = first_addresses(interface);
    let first = [ipv4, ipv6, Some(IpAddr::V6(link_local(interface.mac)))];
    let addresses = interface.addresses.iter().filter(|address| !first.contains(&Some(**address)));
    let mut further: Vec<IpNet> = addresses.copied().map(IpNet::from).collect();
    further.extend(interface.prefixes.iter().map(IpNet::trunc));
    further.sort_unstable();
    further.dedup();
    further
}

/// Whether an interface can have its addresses.
pub(crate) fn check_addresses(interface: &Interface) -> Result<(), DataplaneError> {
    let mapped = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    let for_all = |address: &IpAddr| address.is_multicast() || *address == IpAddr::V4(Ipv4Addr::BROADCAST);
    let bad = |address: &&IpAddr| for_all(address) || address.is_unspecified() || mapped(address);
    if let Some(address) = interface.addresses.iter().find(bad) {
        return Err(DataplaneError::Address { address: address.to_string() });
    }
    // A prefix that reaches into the mapped addresses would be taken for one of IPv4.
    let lowest = IpAddr::V6(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped());
    let reaches =
        |prefix: &&IpNet| prefix.addr().is_ipv6() && (mapped(&prefix.network()) || prefix.contains(&lowest));
    match interface.prefixes.iter().find(reaches) {
        Some(prefix) => Err(DataplaneError::Address { address: prefix.to_string() }),
        None => Ok(()),
    }
}
