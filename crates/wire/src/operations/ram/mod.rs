//! Resource access management: the operations of API version 2015-05-01.

mod attach_policy_to_user;
mod create_access_key;
mod create_policy;
mod create_policy_version;
mod create_user;
mod delete_access_key;
mod delete_policy;
mod delete_policy_version;
mod delete_user;
mod detach_policy_from_user;
mod get_policy;
mod get_policy_version;
mod get_user;
mod list_access_keys;
mod list_entities_for_policy;
mod list_policies;
mod list_policies_for_user;
mod list_policy_versions;
mod list_users;
mod parameters;
mod set_default_policy_version;
mod shown;
mod steps;
mod update_access_key;
mod update_policy_description;
mod update_user;

#[cfg(test)]
mod tests;

use crate::catalogue::Operation;

pub(super) static OPERATIONS: &[&Operation] = &[
    &create_user::OPERATION,
    &get_user::OPERATION,
    &update_user::OPERATION,
    &delete_user::OPERATION,
    &list_users::OPERATION,
    &create_access_key::OPERATION,
    &update_access_key::OPERATION,
    &delete_access_key::OPERATION,
    &list_access_keys::OPERATION,
    &create_policy::OPERATION,
    &get_policy::OPERATION,
    &delete_policy::OPERATION,
    &list_policies::OPERATION,
    &update_policy_description::OPERATION,
    &create_policy_version::OPERATION,
    &get_policy_version::OPERATION,
    &list_policy_versions::OPERATION,
    &delete_policy_version::OPERATION,
    &set_default_policy_version::OPERATION,
    &attach_policy_to_user::OPERATION,
    &detach_policy_from_user::OPERATION,
    &list_policies_for_user::OPERATION,
    &list_entities_for_policy::OPERATION,
];
