//! Parameters that several of these operations have.

use crate::catalogue::prelude::*;

/// An example of a node.
pub(super) const NODE_EXAMPLE: &str = "node-5qk3n8y4laeb2ii9zxxltlvzi";
/// An example of a network interface.
pub(super) const INTERFACE_EXAMPLE: &str = "eni-5f6533jbifugr5fo2j1wabcde";

/// `NodeId`.
pub(super) const NODE_ID: Parameter = Parameter::required("NodeId", Kind::Id, "The node.", NODE_EXAMPLE);

/// `NodeId` as a filter.
pub(super) const NODE_ID_FILTER: Parameter =
    Parameter::optional("NodeId", Kind::Id, "This node alone.", NODE_EXAMPLE);

/// `NetworkInterfaceId`.
pub(super) const INTERFACE_ID: Parameter =
    Parameter::required("NetworkInterfaceId", Kind::Id, "The network interface.", INTERFACE_EXAMPLE);

/// `NetworkInterfaceId` as a filter.
pub(super) const INTERFACE_ID_FILTER: Parameter =
    Parameter::optional("NetworkInterfaceId", Kind::Id, "This network interface alone.", INTERFACE_EXAMPLE);

/// `SearchKey`.
pub(super) const SEARCH_KEY: Parameter = Parameter::optional(
    "SearchKey",
    Kind::text(128),
    "Those in whose name this text occurs or, from four characters on, in whose id; whatever the size of letters.",
    "web",
);
