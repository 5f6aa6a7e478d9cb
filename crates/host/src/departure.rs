//! How packets leave an instance: what is on the link directly, and everything else by the gateway of its first
//! interface; what is from an address of a further interface, through that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    Netlink, NetlinkError,
    netlink::{MAIN_TABLE, Route},
};

/// The metric of the default route through the first interface; further ones cost more.
const DEFAULT_METRIC: u32 = 100;
/// The table of routes through the first interface; further ones have the next.
const SOURCE_TABLE: u32 = 1_000;

/// How packets leave through one interface. The calling thread is in the instance's namespace.
#[derive(Debug, Clone, Copy)]
pub struct Departure<'a> {
    /// The index of its device.
    pub device: u32,
    /// Its place among the instance's interfaces, from 0.
    pub number: u32,
    /// Its addresses.
    pub addresses: &'a [IpAddr],
    /// Prefixes that are on its link, beside those of its addresses.
    pub on_link: &'a [(IpAddr, u8)],
    /// Its gateways. One of a family that it has no address of is passed over.
    pub gateways: &'a [IpAddr],
}

impl Departure<'_> {
    /// Makes its routes and the rules about its addresses, in place of the rules that are there.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn make(&self, netlink: &Netlink) -> Result<(), NetlinkError> {
        forget(netlink, self.number)?;
        let table = SOURCE_TABLE + self.number;
        for gateway in self.gateways {
            let everywhere: IpAddr = match gateway {
                IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let own = |address: &&IpAddr| address.is_ipv4() == gateway.is_ipv4();
            if !self.addresses.iter().any(|address| own(&address)) {
                continue;
            }
            let on_link = self.on_link.iter().filter(|(prefix, _)| own(&prefix));
            let direct = on_link.map(|to| (*to, None));
            for (to, gateway) in direct.chain([((everywhere, 0), Some(*gateway))]) {
                for table in [MAIN_TABLE, table] {
                    let metric = DEFAULT_METRIC + self.number;
                    netlink.add_route(&Route { to, gateway, device: self.device, metric, table })?;
                }
            }
            for address in self.addresses.iter().filter(own) {
                netlink.add_source_rule(*address, table)?;
            }
        }
        Ok(())
    }
}

/// Removes the rules about an interface that stood at this place. Its routes go with its device.
///
/// # Errors
/// [`NetlinkError`].
pub fn forget(netlink: &Netlink, number: u32) -> Result<(), NetlinkError> {
    netlink.remove_rules(SOURCE_TABLE + number)
}
