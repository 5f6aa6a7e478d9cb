//! Routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rtnetlink::{
    RouteMessageBuilder,
    packet_route::route::{RouteMessage, RouteScope},
};

use super::{Netlink, NetlinkError};

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

impl Netlink {
    /// Makes a route; does nothing where the same one is there.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_route(&self, route: &Route) -> Result<(), NetlinkError> {
        let what = || format!("make a route to {}/{}", route.to.0, route.to.1);
        let message = route.message();
        self.ask(what, self.handle.route().add(message).replace().execute())
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
