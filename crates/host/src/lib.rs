//! How namespaces, devices, addresses and routes are made on this host, and processes of a namespace ended.
//!
//! This crate must not know what they are for: neither labs, nor nodes, nor rules.

pub mod departure;
pub mod namespace;
pub mod netlink;
pub mod process;
pub mod wire;

pub use namespace::{NamespaceError, in_namespace};
pub use netlink::{Link, Netlink, NetlinkError};
