//! Ravelin's own operations, of API version 2026-11-22: what ENS does not have.

mod asking;
mod bind_network_interface;
mod binding_state;
mod create_node_token;
mod delete_node;
mod describe_account_enforcement;
mod describe_enforcement;
mod describe_network_interface_bindings;
mod describe_network_interface_counters;
pub(crate) mod describe_network_interface_drops;
mod describe_network_interface_flows;
mod describe_nodes;
pub(crate) mod events;
mod explain;
mod list_findings;
mod list_networks;
mod list_security_groups;
mod modify_account_enforcement;
mod modify_network_interface_enforcement;
mod moment;
mod parameters;
mod preview;
mod readmit_node;
mod revoke_node_certificate;
mod standing;
#[cfg(test)]
mod tests;
mod transfer_instance;
mod unbind_network_interface;
pub(crate) mod who;

use crate::catalogue::Operation;

pub(super) static OPERATIONS: &[&Operation] = &[
    &transfer_instance::OPERATION,
    &create_node_token::OPERATION,
    &describe_nodes::OPERATION,
    &revoke_node_certificate::OPERATION,
    &readmit_node::OPERATION,
    &delete_node::OPERATION,
    &bind_network_interface::OPERATION,
    &unbind_network_interface::OPERATION,
    &describe_network_interface_bindings::OPERATION,
    &modify_network_interface_enforcement::OPERATION,
    &describe_enforcement::OPERATION,
    &describe_account_enforcement::OPERATION,
    &modify_account_enforcement::OPERATION,
    &preview::LEAVE,
    &preview::JOIN,
    &preview::AUTHORIZE,
    &preview::AUTHORIZE_EGRESS,
    &preview::REVOKE,
    &preview::REVOKE_EGRESS,
    &preview::CREATE_PERMISSIONS,
    &preview::DELETE_PERMISSIONS,
    &explain::OPERATION,
    &list_findings::OPERATION,
    &events::list_events::OPERATION,
    &events::describe_state_at::OPERATION,
    &describe_network_interface_flows::OPERATION,
    &describe_network_interface_drops::OPERATION,
    &describe_network_interface_counters::OPERATION,
    &list_security_groups::OPERATION,
    &list_networks::OPERATION,
];
