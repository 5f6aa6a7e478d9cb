//! What is done to this host: namespaces, devices, addresses, routes. It knows no lab and no rule, so that whoever else
//! makes namespaces with interfaces can use it.

pub mod namespace;
pub mod netlink;
pub mod wire;

pub use namespace::{NamespaceError, in_namespace};
pub use netlink::{Link, Netlink, NetlinkError};
