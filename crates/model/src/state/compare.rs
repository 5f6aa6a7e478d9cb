//! Whether two states are the same: how tests compare a state with its recomputation.

use std::{collections::BTreeMap, fmt::Debug, hash::Hash, sync::Arc};

use hashbrown::HashMap;

use super::{Record, State, Table};

impl State {
    /// Whether the other state holds the same entities, and has the same in every index.
    ///
    /// # Errors
    /// Where they differ, for people.
    pub fn same_as(&self, other: &Self) -> Result<(), String> {
        same("next serial", &self.next_serial, &other.next_serial)?;
        same_texts("accounts", &self.accounts, &other.accounts)?;
        same("account names", &self.account_names, &other.account_names)?;
        same_tables("users", &self.users, &other.users)?;
        same("user names", &self.user_names, &other.user_names)?;
        same_tables("access keys", &self.access_keys, &other.access_keys)?;
        same("keys of users", &self.keys_of, &other.keys_of)?;
        same_tables("policies", &self.policies, &other.policies)?;
        same_texts("documents", &self.documents, &other.documents)?;
        same("attachments", &self.attached_to, &other.attached_to)?;
        same_tables("networks", &self.networks, &other.networks)?;
        same_tables("vSwitches", &self.vswitches, &other.vswitches)?;
        same("vSwitches of networks", &self.vswitches_of, &other.vswitches_of)?;
        same("addresses", &self.pools, &other.pools)?;
        same_tables("instances", &self.instances, &other.instances)?;
        same("instance names", &self.instance_names, &other.instance_names)?;
        same("public addresses", &self.public_addresses, &other.public_addresses)?;
        same("disks", &self.disks, &other.disks)?;
        same_tables("interfaces", &self.interfaces, &other.interfaces)?;
        same("interfaces in vSwitches", &self.interfaces_in, &other.interfaces_in)?;
        same("interfaces at IPv6 addresses", &self.interfaces_at_ipv6, &other.interfaces_at_ipv6)?;
        same_tables("groups", &self.groups, &other.groups)?;
        same("members", &self.members, &other.members)?;
        same_tables("nodes", &self.nodes, &other.nodes)?;
        same("nodes at edge sites", &self.nodes_in, &other.nodes_in)?;
        same("certificates", &self.certificates, &other.certificates)?;
        same_tables("bindings", &self.bindings, &other.bindings)?;
        same("interfaces of nodes", &self.bound_to, &other.bound_to)?;
        same("devices", &self.devices, &other.devices)?;
        same_tables("enforcements", &self.enforcements, &other.enforcements)?;
        same("authority of nodes", &self.node_authority, &other.node_authority)?;
        same_tables("hostings", &self.hostings, &other.hostings)?;
        same("instances of nodes", &self.hosted_by, &other.hosted_by)?;
        same("waits of accounts", &self.enforcement_waits, &other.enforcement_waits)?;
        // Symbols are a cache: what is not used any more may stay in it.
        same("due", &self.due, &other.due)
    }
}

fn same<T: PartialEq + Debug>(what: &str, one: &T, other: &T) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{what}: {one:?} is not {other:?}")) }
}

/// For values that people compare by what they read.
fn same_texts<K: Eq + Hash + Ord + Debug, V: Debug>(
    what: &str,
    one: &HashMap<K, Arc<V>>,
    other: &HashMap<K, Arc<V>>,
) -> Result<(), String> {
    let texts = |map: &HashMap<K, Arc<V>>| -> BTreeMap<String, String> {
        map.iter().map(|(key, value)| (format!("{key:?}"), format!("{value:?}"))).collect()
    };
    same(what, &texts(one), &texts(other))
}

fn same_tables<R: Record + Debug>(what: &str, one: &Table<R>, other: &Table<R>) -> Result<(), String> {
    let texts = |table: &Table<R>| -> BTreeMap<(crate::AccountId, u64), String> {
        table.ordered().map(|(account, entity)| ((account, entity.serial()), format!("{entity:?}"))).collect()
    };
    same(what, &texts(one), &texts(other))?;
    same(what, &one.len(), &other.len())?;
    let found = |entity: &Arc<R>| one.get(&entity.key()).is_some_and(|own| Arc::ptr_eq(own, entity));
    if one.ordered().all(|(_, entity)| found(entity)) {
        return Ok(());
    }
    Err(format!("{what}: an entity is not found by its key"))
}
