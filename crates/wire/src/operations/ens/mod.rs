//! Edge Node Service: the operations of API version 2017-11-10.

mod addressing;
mod assign_private_ip_addresses;
mod attach_network_interface;
mod authorize_security_group;
mod authorize_security_group_egress;
mod batch;
mod create_instance;
mod create_network;
mod create_network_interface;
mod create_security_group;
mod create_security_group_permissions;
mod create_vswitch;
mod delete_network;
mod delete_network_interfaces;
mod delete_security_group;
mod delete_security_group_permissions;
mod delete_vswitch;
mod describe_ens_regions;
mod describe_image_infos;
mod describe_images;
mod describe_instance_spec;
mod describe_instance_types;
mod describe_instances;
mod describe_network_attribute;
mod describe_network_interfaces;
pub(super) mod describe_networks;
mod describe_region_isps;
mod describe_security_group_attribute;
mod describe_security_groups;
mod describe_vswitch_attributes;
mod describe_vswitches;
mod detach_network_interface;
mod instance;
#[cfg(test)]
mod interface_tests;
mod join_security_group;
mod launch;
mod leave_security_group;
mod list_tag_resources;
mod membership;
mod modify_instance_attribute;
mod modify_network_attribute;
mod modify_network_interface_attribute;
mod modify_security_group_attribute;
mod modify_vswitch_attribute;
#[cfg(test)]
mod network_tests;
mod reboot_instance;
mod reboot_instances;
mod reinit_disk;
mod reinit_instance;
mod reinit_instances;
mod release_instance;
mod release_post_paid_instance;
mod release_pre_paid_instance;
mod revoke_security_group;
mod revoke_security_group_egress;
mod rule;
#[cfg(test)]
mod rule_limit_tests;
mod run_instances;
mod start_instance;
mod start_instances;
mod stop_instance;
mod stop_instances;
mod tag_resources;
#[cfg(test)]
mod tag_tests;
mod tagging;
#[cfg(test)]
pub(super) mod testing;
mod unassign_private_ip_addresses;
mod untag_resources;

use super::{filter, page, search};
use crate::catalogue::Operation;
pub(super) use authorize_security_group::OPERATION as AUTHORIZE_SECURITY_GROUP;
pub(super) use authorize_security_group_egress::OPERATION as AUTHORIZE_SECURITY_GROUP_EGRESS;
pub(super) use create_security_group_permissions::OPERATION as CREATE_SECURITY_GROUP_PERMISSIONS;
pub(super) use delete_security_group_permissions::OPERATION as DELETE_SECURITY_GROUP_PERMISSIONS;
pub(super) use join_security_group::OPERATION as JOIN_SECURITY_GROUP;
pub(super) use leave_security_group::OPERATION as LEAVE_SECURITY_GROUP;
pub(super) use revoke_security_group::OPERATION as REVOKE_SECURITY_GROUP;
pub(super) use revoke_security_group_egress::OPERATION as REVOKE_SECURITY_GROUP_EGRESS;
pub(super) use rule::shown as shown_rule;

pub(super) static OPERATIONS: &[&Operation] = &[
    &create_security_group::OPERATION,
    &delete_security_group::OPERATION,
    &describe_security_groups::OPERATION,
    &describe_security_group_attribute::OPERATION,
    &modify_security_group_attribute::OPERATION,
    &authorize_security_group::OPERATION,
    &authorize_security_group_egress::OPERATION,
    &revoke_security_group::OPERATION,
    &revoke_security_group_egress::OPERATION,
    &create_security_group_permissions::OPERATION,
    &delete_security_group_permissions::OPERATION,
    &join_security_group::OPERATION,
    &leave_security_group::OPERATION,
    &run_instances::OPERATION,
    &create_instance::OPERATION,
    &describe_instances::OPERATION,
    &start_instance::OPERATION,
    &start_instances::OPERATION,
    &stop_instance::OPERATION,
    &stop_instances::OPERATION,
    &reboot_instance::OPERATION,
    &reboot_instances::OPERATION,
    &reinit_instance::OPERATION,
    &reinit_instances::OPERATION,
    &modify_instance_attribute::OPERATION,
    &release_instance::OPERATION,
    &release_post_paid_instance::OPERATION,
    &release_pre_paid_instance::OPERATION,
    &describe_instance_types::OPERATION,
    &describe_instance_spec::OPERATION,
    &create_network_interface::OPERATION,
    &delete_network_interfaces::OPERATION,
    &attach_network_interface::OPERATION,
    &detach_network_interface::OPERATION,
    &modify_network_interface_attribute::OPERATION,
    &describe_network_interfaces::OPERATION,
    &assign_private_ip_addresses::OPERATION,
    &unassign_private_ip_addresses::OPERATION,
    &create_network::OPERATION,
    &delete_network::OPERATION,
    &describe_networks::OPERATION,
    &describe_network_attribute::OPERATION,
    &modify_network_attribute::OPERATION,
    &create_vswitch::OPERATION,
    &delete_vswitch::OPERATION,
    &describe_vswitches::OPERATION,
    &describe_vswitch_attributes::OPERATION,
    &modify_vswitch_attribute::OPERATION,
    &describe_ens_regions::OPERATION,
    &describe_region_isps::OPERATION,
    &describe_images::OPERATION,
    &describe_image_infos::OPERATION,
    &reinit_disk::OPERATION,
    &tag_resources::OPERATION,
    &untag_resources::OPERATION,
    &list_tag_resources::OPERATION,
];
