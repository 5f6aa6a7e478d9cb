//! How one change of one entity changes the indexes.

use std::sync::Arc;

use super::{AddressPool, Due, State};
use crate::{
    change::Entity,
    context::UnixMillis,
    id::SecurityGroupId,
    instance::Instance,
    interface::NetworkInterface,
    ram::{CustomPolicy, User, document::PolicyDocument},
    site::Symbol,
};

impl State {
    pub(super) fn apply_one(&mut self, before: Option<&Entity>, after: Option<&Entity>) {
        // Most changes are of these two kinds, and touch few indexes.
        match (before, after) {
            (Some(Entity::Instance(before)), Some(Entity::Instance(after))) if same_places(before, after) => {
                self.reschedule(before.due_at(), after.due_at(), Due::Instance(after.id));
                self.put_instance(after);
                return;
            }
            (Some(Entity::Interface(before)), Some(Entity::Interface(after)))
                if same_addresses(before, after) =>
            {
                self.reschedule(before.due_at, after.due_at, Due::Interface(after.id));
                self.leave_groups(before, &after.groups);
                self.join_groups(after, &before.groups);
                self.interfaces.put(Arc::clone(after));
                return;
            }
            _ => {}
        }
        if let Some(entity) = before {
            self.forget(entity, after.is_none());
        }
        if let Some(entity) = after {
            self.learn(entity);
        }
    }

    /// Takes an entity out of the indexes, and out of its table too where it is gone for good.
    fn forget(&mut self, entity: &Entity, gone: bool) {
        match entity {
            Entity::Account(e) => {
                self.account_names.remove(&e.name);
                self.accounts.remove(&e.id);
            }
            Entity::User(e) => self.forget_user(e, gone),
            Entity::AccessKey(e) => {
                let owner = (e.account, e.user);
                if let Some(keys) = self.keys_of.get_mut(&owner) {
                    keys.remove(&(e.serial, e.id.clone()));
                    if keys.is_empty() {
                        self.keys_of.remove(&owner);
                    }
                }
                if gone {
                    self.access_keys.remove(e);
                }
            }
            Entity::CustomPolicy(e) => {
                self.documents.remove(&(e.account, e.name.clone()));
                if gone {
                    self.policies.remove(e);
                }
            }
            Entity::Network(e) if gone => self.networks.remove(e),
            Entity::VSwitch(e) if gone => {
                if let Some(siblings) = self.vswitches_of.get_mut(&e.network) {
                    siblings.remove(&e.id);
                    if siblings.is_empty() {
                        self.vswitches_of.remove(&e.network);
                    }
                }
                self.pools.remove(&e.id);
                self.vswitches.remove(e);
            }
            Entity::Network(_) | Entity::VSwitch(_) => {}
            Entity::Instance(e) => self.forget_instance(e, gone),
            Entity::Interface(e) => self.forget_interface(e, gone),
            Entity::SecurityGroup(e) => {
                if gone {
                    self.groups.remove(e);
                }
            }
            Entity::Node(e) => self.forget_node(e, gone),
            Entity::Binding(e) => self.forget_binding(e, gone),
            Entity::Enforcement(e) => {
                if gone {
                    self.enforcements.remove(e);
                }
            }
            Entity::NodeAuthority(_) => self.node_authority = None,
            Entity::Hosting(e) => self.forget_hosting(e, gone),
            Entity::EnforcementWait(e) => drop(self.enforcement_waits.remove(&e.account)),
        }
    }

    /// Puts an entity into its table and the indexes.
    fn learn(&mut self, entity: &Entity) {
        match entity {
            Entity::Account(e) => {
                self.account_names.insert(e.name.clone(), e.id);
                self.accounts.insert(e.id, Arc::clone(e));
            }
            Entity::User(e) => {
                self.count_serial(e.serial);
                self.learn_user(e);
            }
            Entity::AccessKey(e) => {
                self.count_serial(e.serial);
                self.keys_of.entry((e.account, e.user)).or_default().insert((e.serial, e.id.clone()));
                self.access_keys.put(Arc::clone(e));
            }
            Entity::CustomPolicy(e) => {
                self.count_serial(e.serial);
                self.learn_policy(e);
            }
            Entity::Network(e) => {
                self.count_serial(e.serial);
                self.networks.put(Arc::clone(e));
            }
            Entity::VSwitch(e) => {
                self.count_serial(e.serial);
                self.vswitches_of.entry(e.network).or_default().insert(e.id);
                // When loading, interfaces may come before their vSwitch: then they wait in `interfaces_in`.
                if !self.pools.contains_key(&e.id) {
                    let mut pool = AddressPool::new(e);
                    let taken = self.interfaces_in.get(&e.id).into_iter().flatten();
                    taken.for_each(|(address, _)| pool.take(*address));
                    self.pools.insert(e.id, pool);
                }
                self.vswitches.put(Arc::clone(e));
            }
            Entity::Instance(e) => {
                self.count_serial(e.serial);
                self.learn_instance(e);
            }
            Entity::Interface(e) => {
                self.count_serial(e.serial);
                self.learn_interface(e);
            }
            Entity::SecurityGroup(e) => {
                self.count_serial(e.serial);
                self.groups.put(Arc::clone(e));
            }
            Entity::Node(e) => {
                self.count_serial(e.serial);
                self.learn_node(e);
            }
            Entity::Binding(e) => {
                self.count_serial(e.serial);
                self.learn_binding(e);
            }
            Entity::Enforcement(e) => {
                self.count_serial(e.serial);
                self.enforcements.put(Arc::clone(e));
            }
            Entity::NodeAuthority(e) => self.node_authority = Some(Arc::clone(e)),
            Entity::Hosting(e) => {
                self.count_serial(e.serial);
                self.learn_hosting(e);
            }
            Entity::EnforcementWait(e) => drop(self.enforcement_waits.insert(e.account, Arc::clone(e))),
        }
    }

    fn count_serial(&mut self, serial: u64) {
        self.next_serial = self.next_serial.max(serial + 1);
    }

    fn forget_user(&mut self, user: &User, gone: bool) {
        self.user_names.remove(&(user.account, user.name.clone()));
        for attachment in &user.policies {
            let key = (user.account, attachment.policy.clone());
            if let Some(users) = self.attached_to.get_mut(&key) {
                users.remove(&user.id);
                if users.is_empty() {
                    self.attached_to.remove(&key);
                }
            }
        }
        if gone {
            self.users.remove(user);
        }
    }

    fn learn_user(&mut self, user: &Arc<User>) {
        self.user_names.insert((user.account, user.name.clone()), user.id);
        for attachment in &user.policies {
            self.attached_to.entry((user.account, attachment.policy.clone())).or_default().insert(user.id);
        }
        self.users.put(Arc::clone(user));
    }

    fn learn_policy(&mut self, policy: &Arc<CustomPolicy>) {
        // A document was understood when it was written. One that is not understood now grants nothing, and denies
        // everything: it might have held a Deny.
        let document = policy.document().and_then(|text| PolicyDocument::parse(text).ok());
        let document = document.unwrap_or_else(PolicyDocument::deny_all);
        self.documents.insert((policy.account, policy.name.clone()), Arc::new(document));
        self.policies.put(Arc::clone(policy));
    }

    fn forget_instance(&mut self, instance: &Instance, gone: bool) {
        if let Some(name) = &instance.name {
            self.instance_names.remove(&(instance.account, name_digest(name), instance.id));
        }
        if let Some(at) = instance.due_at() {
            self.due.remove(&(at, Due::Instance(instance.id)));
        }
        if let Some(address) = instance.public_address {
            self.public_addresses.remove(&address);
        }
        for disk in instance.disks() {
            self.disks.remove(&disk.id);
        }
        if gone {
            self.instances.remove(instance);
        }
    }

    fn learn_instance(&mut self, instance: &Arc<Instance>) {
        if let Some(name) = &instance.name {
            self.instance_names.insert((instance.account, name_digest(name), instance.id));
        }
        if let Some(at) = instance.due_at() {
            self.due.insert((at, Due::Instance(instance.id)));
        }
        if let Some(address) = instance.public_address {
            self.public_addresses.insert(address, instance.id);
        }
        for disk in instance.disks() {
            self.disks.insert(disk.id, instance.id);
        }
        self.put_instance(instance);
    }

    fn put_instance(&mut self, instance: &Arc<Instance>) {
        let mut instance = Arc::clone(instance);
        self.share_symbols(&mut instance);
        self.instances.put(instance);
    }

    fn reschedule(&mut self, before: Option<UnixMillis>, after: Option<UnixMillis>, what: Due) {
        if before == after {
            return;
        }
        if let Some(at) = before {
            self.due.remove(&(at, what));
        }
        if let Some(at) = after {
            self.due.insert((at, what));
        }
    }

    /// Takes the texts that many instances share from one place.
    pub(super) fn share_symbols(&mut self, instance: &mut Arc<Instance>) {
        if symbols(instance)
            .all(|own| self.symbols.get(own).is_some_and(|known| Arc::ptr_eq(&known.0, &own.0)))
        {
            return;
        }
        let own = Arc::make_mut(instance);
        for symbol in [&mut own.region, &mut own.instance_type, &mut own.image, &mut own.system_disk.category]
        {
            *symbol = self.share(symbol);
        }
        for disk in &mut own.data_disks {
            disk.category = self.share(&disk.category);
        }
    }

    fn share(&mut self, symbol: &Symbol) -> Symbol {
        self.symbols.get_or_insert_with(symbol, Symbol::clone).clone()
    }

    fn forget_interface(&mut self, interface: &NetworkInterface, gone: bool) {
        if let Some(at) = interface.due_at {
            self.due.remove(&(at, Due::Interface(interface.id)));
        }
        if let Some(pool) = self.pools.get_mut(&interface.vswitch) {
            interface.addresses().for_each(|address| pool.give_back(address));
        }
        if let Some(siblings) = self.interfaces_in.get_mut(&interface.vswitch) {
            for address in interface.addresses() {
                siblings.remove(&address);
            }
            if siblings.is_empty() {
                self.interfaces_in.remove(&interface.vswitch);
            }
        }
        for address in &interface.ipv6_addresses {
            self.interfaces_at_ipv6.remove(&(interface.account, *address, interface.id));
        }
        self.leave_groups(interface, &[]);
        if gone {
            self.interfaces.remove(interface);
        }
    }

    fn learn_interface(&mut self, interface: &Arc<NetworkInterface>) {
        if let Some(at) = interface.due_at {
            self.due.insert((at, Due::Interface(interface.id)));
        }
        if let Some(pool) = self.pools.get_mut(&interface.vswitch) {
            interface.addresses().for_each(|address| pool.take(address));
        }
        let siblings = self.interfaces_in.entry(interface.vswitch).or_default();
        siblings.extend(interface.addresses().map(|address| (address, interface.id)));
        for address in &interface.ipv6_addresses {
            self.interfaces_at_ipv6.insert((interface.account, *address, interface.id));
        }
        self.join_groups(interface, &[]);
        self.interfaces.put(Arc::clone(interface));
    }

    /// Takes the interface out of its groups but those of `kept`.
    fn leave_groups(&mut self, interface: &NetworkInterface, kept: &[SecurityGroupId]) {
        for group in interface.groups.iter().filter(|group| !kept.contains(group)) {
            if let Some(members) = self.members.get_mut(group) {
                members.remove(&interface.id);
                if members.is_empty() {
                    self.members.remove(group);
                }
            }
        }
    }

    /// Puts the interface into its groups, but those of `already`, in which it is.
    fn join_groups(&mut self, interface: &NetworkInterface, already: &[SecurityGroupId]) {
        for group in interface.groups.iter().filter(|group| !already.contains(group)) {
            self.members.entry(*group).or_default().insert(interface.id);
        }
    }
}

/// 64 bits of a name (FNV-1a). Names of one digest are told apart by themselves.
pub(super) fn name_digest(name: &str) -> u64 {
    let mix = |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Whether both are found under the same name, public address and disks.
fn same_places(one: &Instance, other: &Instance) -> bool {
    let disks = one.disks().map(|disk| disk.id).eq(other.disks().map(|disk| disk.id));
    disks && one.name == other.name && one.public_address == other.public_address
}

/// Whether both have the same addresses.
fn same_addresses(one: &NetworkInterface, other: &NetworkInterface) -> bool {
    one.vswitch == other.vswitch
        && one.address == other.address
        && one.secondary_addresses == other.secondary_addresses
        && one.ipv6_addresses == other.ipv6_addresses
}

fn symbols(instance: &Instance) -> impl Iterator<Item = &Symbol> {
    let categories = instance.disks().map(|disk| &disk.category);
    [&instance.region, &instance.instance_type, &instance.image].into_iter().chain(categories)
}
