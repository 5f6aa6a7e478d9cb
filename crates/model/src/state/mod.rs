//! Everything that exists, in indexed form.
//!
//! A state is what its entities say: every index here can be computed again from them, and tests compare the two
//! after each step ([`State::recomputed`]). Nothing but [`State::apply`] changes a state.

mod addresses;
mod compare;
mod index;
mod loading;
mod nodes;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use hashbrown::{HashMap, HashSet};

pub use self::{
    addresses::AddressPool,
    loading::Loading,
    table::{Record, Table},
};
use crate::{
    account::{Account, AccountId},
    change::{Changes, Entity},
    context::UnixMillis,
    id::{DiskId, InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, VSwitchId},
    instance::Instance,
    interface::NetworkInterface,
    network::{Network, VSwitch},
    node::{Binding, DeviceName, Digest, Enforcement, EnforcementWait, Hosting, Node, NodeAuthority},
    ram::{AccessKey, CustomPolicy, User, UserId, document::PolicyDocument},
    security_group::SecurityGroup,
    site::Symbol,
};

/// What the clock will change, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// An instance in a passing state, or whose subscription or time is over.
    Instance(InstanceId),
    /// An interface in a passing state.
    Interface(NetworkInterfaceId),
}

/// The ids of the access keys of one user or root, the oldest first.
type KeysOfOwner = BTreeSet<(u64, Box<str>)>;

/// Everything that exists.
#[derive(Debug, Default)]
pub struct State {
    next_serial: u64,
    accounts: HashMap<AccountId, Arc<Account>>,
    account_names: HashMap<Box<str>, AccountId>,
    users: Table<User>,
    user_names: HashMap<(AccountId, Box<str>), UserId>,
    access_keys: Table<AccessKey>,
    keys_of: HashMap<(AccountId, Option<UserId>), KeysOfOwner>,
    policies: Table<CustomPolicy>,
    documents: HashMap<(AccountId, Box<str>), Arc<PolicyDocument>>,
    attached_to: HashMap<(AccountId, crate::ram::PolicyName), BTreeSet<UserId>>,
    networks: Table<Network>,
    vswitches: Table<VSwitch>,
    vswitches_of: HashMap<NetworkId, BTreeSet<VSwitchId>>,
    pools: HashMap<VSwitchId, AddressPool>,
    instances: Table<Instance>,
    /// By a digest of the name: texts would cost more, and be compared slowly, a million times.
    instance_names: BTreeSet<(AccountId, u64, InstanceId)>,
    public_addresses: HashMap<Ipv4Addr, InstanceId>,
    disks: HashMap<DiskId, InstanceId>,
    interfaces: Table<NetworkInterface>,
    interfaces_in: HashMap<VSwitchId, BTreeMap<Ipv4Addr, NetworkInterfaceId>>,
    interfaces_at_ipv6: BTreeSet<(AccountId, Ipv6Addr, NetworkInterfaceId)>,
    groups: Table<SecurityGroup>,
    members: HashMap<SecurityGroupId, BTreeSet<NetworkInterfaceId>>,
    nodes: Table<Node>,
    nodes_in: HashMap<Symbol, BTreeSet<NodeId>>,
    certificates: HashMap<Digest, NodeId>,
    bindings: Table<Binding>,
    bound_to: HashMap<NodeId, BTreeSet<NetworkInterfaceId>>,
    devices: HashMap<(NodeId, DeviceName), NetworkInterfaceId>,
    enforcements: Table<Enforcement>,
    node_authority: Option<Arc<NodeAuthority>>,
    hostings: Table<Hosting>,
    hosted_by: HashMap<NodeId, BTreeSet<InstanceId>>,
    enforcement_waits: HashMap<AccountId, Arc<EnforcementWait>>,
    due: BTreeSet<(UnixMillis, Due)>,
    symbols: HashSet<Symbol>,
}

impl State {
    /// A state with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The serial that the next entity gets.
    pub fn next_serial(&self) -> u64 {
        self.next_serial
    }

    /// The account with this number.
    pub fn account(&self, id: AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(&id)
    }

    /// The account that the operator gave this name.
    pub fn account_named(&self, name: &str) -> Option<&Arc<Account>> {
        self.account_names.get(name).and_then(|id| self.accounts.get(id))
    }

    /// Every account, in the order of their numbers.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        let mut all: Vec<_> = self.accounts.values().cloned().collect();
        all.sort_by_key(|account| account.id);
        all
    }

    /// The RAM users.
    pub fn users(&self) -> &Table<User> {
        &self.users
    }

    /// The account's user of this name.
    pub fn user_named(&self, account: AccountId, name: &str) -> Option<&Arc<User>> {
        // The key is built because a pair cannot be borrowed in part; names are short.
        self.user_names.get(&(account, name.into())).and_then(|id| self.users.get(id))
    }

    /// The access keys.
    pub fn access_keys(&self) -> &Table<AccessKey> {
        &self.access_keys
    }

    /// The access key with this id.
    pub fn access_key(&self, id: &str) -> Option<&Arc<AccessKey>> {
        self.access_keys.get(&Box::from(id))
    }

    /// The access keys of a user, or of the account's root, the oldest first.
    pub fn keys_of(&self, account: AccountId, user: Option<UserId>) -> impl Iterator<Item = &Arc<AccessKey>> {
        self.keys_of
            .get(&(account, user))
            .into_iter()
            .flatten()
            .filter_map(|(_, id)| self.access_keys.get(id))
    }

    /// The policies that accounts wrote.
    pub fn policies(&self) -> &Table<CustomPolicy> {
        &self.policies
    }

    /// The document in force of a policy that the account wrote.
    pub fn document(&self, account: AccountId, name: &str) -> Option<&Arc<PolicyDocument>> {
        self.documents.get(&(account, name.into()))
    }

    /// The users that a policy is attached to.
    pub fn attached_to(
        &self,
        account: AccountId,
        policy: &crate::ram::PolicyName,
    ) -> impl Iterator<Item = &Arc<User>> {
        let users = self.attached_to.get(&(account, policy.clone()));
        users.into_iter().flatten().filter_map(|id| self.users.get(id))
    }

    /// The networks.
    pub fn networks(&self) -> &Table<Network> {
        &self.networks
    }

    /// The vSwitches.
    pub fn vswitches(&self) -> &Table<VSwitch> {
        &self.vswitches
    }

    /// The vSwitches of a network.
    pub fn vswitches_of(&self, network: NetworkId) -> impl Iterator<Item = &Arc<VSwitch>> {
        self.vswitches_of.get(&network).into_iter().flatten().filter_map(|id| self.vswitches.get(id))
    }

    /// The addresses of a vSwitch.
    pub fn pool(&self, vswitch: VSwitchId) -> Option<&AddressPool> {
        self.pools.get(&vswitch)
    }

    /// The instances.
    pub fn instances(&self) -> &Table<Instance> {
        &self.instances
    }

    /// The account's instances that were given this name.
    pub fn instances_named<'a>(
        &'a self,
        account: AccountId,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Instance>> {
        let digest = index::name_digest(name);
        let (low, high) = (InstanceId::from_number(0), InstanceId::from_number(u128::MAX));
        let range = self.instance_names.range((account, digest, low)..=(account, digest, high));
        let found = range.filter_map(|(_, _, id)| self.instances.get(id));
        found.filter(move |instance| instance.name.as_deref() == Some(name))
    }

    /// The instance that has this public address.
    pub fn instance_at(&self, public: Ipv4Addr) -> Option<&Arc<Instance>> {
        self.public_addresses.get(&public).and_then(|id| self.instances.get(id))
    }

    /// The instance that has this disk.
    pub fn instance_with_disk(&self, disk: DiskId) -> Option<&Arc<Instance>> {
        self.disks.get(&disk).and_then(|id| self.instances.get(id))
    }

    /// The network interfaces.
    pub fn interfaces(&self) -> &Table<NetworkInterface> {
        &self.interfaces
    }

    /// The interfaces with addresses from this vSwitch, in the order of their first addresses.
    pub fn interfaces_in(&self, vswitch: VSwitchId) -> impl Iterator<Item = &Arc<NetworkInterface>> {
        let addresses = self.interfaces_in.get(&vswitch).into_iter().flatten();
        addresses.filter_map(|(address, id)| self.interfaces.get(id).filter(|own| own.address == *address))
    }

    /// The account's interfaces that have this private address, in whatever network.
    pub fn interfaces_at(
        &self,
        account: AccountId,
        address: IpAddr,
    ) -> impl Iterator<Item = &Arc<NetworkInterface>> {
        let ipv4 = match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        };
        let ipv6 = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(address),
        };
        let ipv4 = ipv4.into_iter().flat_map(move |address| self.at_ipv4(account, address));
        let ipv6 = ipv6.into_iter().flat_map(move |address| self.at_ipv6(account, address));
        ipv4.chain(ipv6).filter_map(|id| self.interfaces.get(&id))
    }

    /// Looked for in the account's vSwitches one after the other: they are few beside the interfaces, and an index of
    /// all addresses would cost each interface more than anything else here.
    fn at_ipv4(&self, account: AccountId, address: Ipv4Addr) -> impl Iterator<Item = NetworkInterfaceId> {
        let vswitches = self.vswitches.oldest_first(account);
        let around = vswitches.filter(move |vswitch| vswitch.cidr.contains(&address));
        around.filter_map(move |vswitch| self.interfaces_in.get(&vswitch.id)?.get(&address).copied())
    }

    /// All private addresses of the account's interfaces, one vSwitch after the other, IPv6 last. No interface is looked at.
    pub fn private_addresses(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (IpAddr, NetworkInterfaceId)> + '_ {
        let in_vswitch = |vswitch: &Arc<VSwitch>| self.interfaces_in.get(&vswitch.id).into_iter().flatten();
        let ipv4 = self.vswitches.oldest_first(account).flat_map(in_vswitch);
        let first = (account, Ipv6Addr::UNSPECIFIED, NetworkInterfaceId::from_number(0));
        let ipv6 = self.interfaces_at_ipv6.range(first..).take_while(move |(owner, ..)| *owner == account);
        ipv4.map(|(address, id)| ((*address).into(), *id))
            .chain(ipv6.map(|(_, address, id)| ((*address).into(), *id)))
    }

    fn at_ipv6(&self, account: AccountId, address: Ipv6Addr) -> impl Iterator<Item = NetworkInterfaceId> {
        let (low, high) = (NetworkInterfaceId::from_number(0), NetworkInterfaceId::from_number(u128::MAX));
        let range = self.interfaces_at_ipv6.range((account, address, low)..=(account, address, high));
        range.map(|(_, _, id)| *id)
    }

    /// The security groups.
    pub fn groups(&self) -> &Table<SecurityGroup> {
        &self.groups
    }

    /// The interfaces that are members of a group.
    pub fn members(&self, group: SecurityGroupId) -> impl Iterator<Item = &Arc<NetworkInterface>> {
        self.members.get(&group).into_iter().flatten().filter_map(|id| self.interfaces.get(id))
    }

    /// How many interfaces are members of a group.
    pub fn member_count(&self, group: SecurityGroupId) -> usize {
        self.members.get(&group).map_or(0, BTreeSet::len)
    }

    /// The nodes.
    pub fn nodes(&self) -> &Table<Node> {
        &self.nodes
    }

    /// The nodes at an edge site, whosever they are.
    pub fn nodes_in(&self, region: &str) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes_in.get(region).into_iter().flatten().filter_map(|id| self.nodes.get(id))
    }

    /// The node that has a certificate with this fingerprint, good or not.
    pub fn node_with_certificate(&self, fingerprint: Digest) -> Option<&Arc<Node>> {
        self.certificates.get(&fingerprint).and_then(|id| self.nodes.get(id))
    }

    /// The bindings, by interface.
    pub fn bindings(&self) -> &Table<Binding> {
        &self.bindings
    }

    /// What is bound to a node, in the order of the ids of the interfaces.
    pub fn bound_to(&self, node: NodeId) -> impl Iterator<Item = &Arc<Binding>> {
        self.bound_to.get(&node).into_iter().flatten().filter_map(|id| self.bindings.get(id))
    }

    /// How many interfaces are bound to a node.
    pub fn bound_count(&self, node: NodeId) -> usize {
        self.bound_to.get(&node).map_or(0, BTreeSet::len)
    }

    /// The binding to the device of this name of a node.
    pub fn bound_at(&self, node: NodeId, device: &DeviceName) -> Option<&Arc<Binding>> {
        self.devices.get(&(node, device.clone())).and_then(|id| self.bindings.get(id))
    }

    /// What interfaces may be beside their addresses, by interface.
    pub fn enforcements(&self) -> &Table<Enforcement> {
        &self.enforcements
    }

    /// The authority of nodes.
    pub fn node_authority(&self) -> Option<&Arc<NodeAuthority>> {
        self.node_authority.as_ref()
    }

    /// Which lab nodes run instances, by instance.
    pub fn hostings(&self) -> &Table<Hosting> {
        &self.hostings
    }

    /// The instances that a node hosts, in the order of their ids.
    pub fn hosted_by(&self, node: NodeId) -> impl Iterator<Item = &Arc<Hosting>> {
        self.hosted_by.get(&node).into_iter().flatten().filter_map(|id| self.hostings.get(id))
    }

    /// How many instances a node hosts.
    pub fn hosted_count(&self, node: NodeId) -> usize {
        self.hosted_by.get(&node).map_or(0, BTreeSet::len)
    }

    /// How long the account's changes wait for nodes; none: it has no setting of its own.
    pub fn enforcement_wait(&self, account: AccountId) -> Option<&Arc<EnforcementWait>> {
        self.enforcement_waits.get(&account)
    }

    /// The text as a symbol: the one copy that is kept here, where there is one.
    pub fn symbol(&self, text: &str) -> Symbol {
        self.symbols.get(text).cloned().unwrap_or_else(|| text.into())
    }

    /// What the clock changes next, and when.
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What the clock has to change by now, the earliest first.
    pub fn due_by(&self, now: UnixMillis) -> impl Iterator<Item = Due> + '_ {
        self.due.iter().take_while(move |(at, _)| *at <= now).map(|(_, due)| *due)
    }

    /// Every entity, in no particular order: what a store keeps.
    pub fn entities(&self) -> impl Iterator<Item = Entity> + '_ {
        let accounts = self.accounts.values().cloned().map(Entity::from);
        accounts
            .chain(self.users.all().cloned().map(Entity::from))
            .chain(self.access_keys.all().cloned().map(Entity::from))
            .chain(self.policies.all().cloned().map(Entity::from))
            .chain(self.networks.all().cloned().map(Entity::from))
            .chain(self.vswitches.all().cloned().map(Entity::from))
            .chain(self.instances.all().cloned().map(Entity::from))
            .chain(self.interfaces.all().cloned().map(Entity::from))
            .chain(self.groups.all().cloned().map(Entity::from))
            .chain(self.nodes.all().cloned().map(Entity::from))
            .chain(self.bindings.all().cloned().map(Entity::from))
            .chain(self.enforcements.all().cloned().map(Entity::from))
            .chain(self.node_authority.iter().cloned().map(Entity::from))
            .chain(self.hostings.all().cloned().map(Entity::from))
            .chain(self.enforcement_waits.values().cloned().map(Entity::from))
    }

    /// Makes the changes. They must have been planned against this very state.
    pub fn apply(&mut self, changes: &Changes) {
        for change in &changes.0 {
            self.apply_one(change.before.as_ref(), change.after.as_ref());
        }
    }

    /// Adds an entity as a store kept it; in any order. Many at once are loaded faster by
    /// [`Loading`].
    pub fn load(&mut self, entity: &Entity) {
        self.apply_one(None, Some(entity));
    }

    /// A state computed anew from the entities of this one.
    pub fn recomputed(&self) -> Self {
        let mut state = Self::new();
        for entity in self.entities() {
            state.load(&entity);
        }
        state.next_serial = self.next_serial;
        state
    }
}
