//! What a command changes: whole entities, before and after.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, AccountId},
    id::{InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, VSwitchId},
    instance::Instance,
    interface::NetworkInterface,
    network::{Network, VSwitch},
    node::{Binding, Enforcement, EnforcementWait, Hosting, Node, NodeAuthority},
    ram::{AccessKey, CustomPolicy, User, UserId},
    security_group::SecurityGroup,
};

/// Anything that is kept. The order of the variants is part of the stored form: new ones go to the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Entity {
    /// An account.
    Account(Arc<Account>),
    /// A RAM user.
    User(Arc<User>),
    /// An access key.
    AccessKey(Arc<AccessKey>),
    /// A policy that an account wrote.
    CustomPolicy(Arc<CustomPolicy>),
    /// A network.
    Network(Arc<Network>),
    /// A vSwitch.
    VSwitch(Arc<VSwitch>),
    /// An instance.
    Instance(Arc<Instance>),
    /// A network interface.
    Interface(Arc<NetworkInterface>),
    /// A security group.
    SecurityGroup(Arc<SecurityGroup>),
    /// A node.
    Node(Arc<Node>),
    /// The binding of a network interface.
    Binding(Arc<Binding>),
    /// What a network interface may be beside its addresses.
    Enforcement(Arc<Enforcement>),
    /// The authority of nodes.
    NodeAuthority(Arc<NodeAuthority>),
    /// Where an instance really runs.
    Hosting(Arc<Hosting>),
    /// How long an account's changes wait for nodes.
    EnforcementWait(Arc<EnforcementWait>),
}

/// Names one entity among all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntityKey {
    /// An account.
    Account(AccountId),
    /// A RAM user.
    User(UserId),
    /// An access key.
    AccessKey(Box<str>),
    /// A policy that an account wrote.
    CustomPolicy(AccountId, Box<str>),
    /// A network.
    Network(NetworkId),
    /// A vSwitch.
    VSwitch(VSwitchId),
    /// An instance.
    Instance(InstanceId),
    /// A network interface.
    Interface(NetworkInterfaceId),
    /// A security group.
    SecurityGroup(SecurityGroupId),
    /// A node.
    Node(NodeId),
    /// The binding of a network interface.
    Binding(NetworkInterfaceId),
    /// What a network interface may be beside its addresses.
    Enforcement(NetworkInterfaceId),
    /// The authority of nodes.
    NodeAuthority,
    /// Where an instance really runs.
    Hosting(InstanceId),
    /// How long an account's changes wait for nodes.
    EnforcementWait(AccountId),
}

impl Entity {
    /// What names it.
    pub fn key(&self) -> EntityKey {
        match self {
            Self::Account(e) => EntityKey::Account(e.id),
            Self::User(e) => EntityKey::User(e.id),
            Self::AccessKey(e) => EntityKey::AccessKey(e.id.clone()),
            Self::CustomPolicy(e) => EntityKey::CustomPolicy(e.account, e.name.clone()),
            Self::Network(e) => EntityKey::Network(e.id),
            Self::VSwitch(e) => EntityKey::VSwitch(e.id),
            Self::Instance(e) => EntityKey::Instance(e.id),
            Self::Interface(e) => EntityKey::Interface(e.id),
            Self::SecurityGroup(e) => EntityKey::SecurityGroup(e.id),
            Self::Node(e) => EntityKey::Node(e.id),
            Self::Binding(e) => EntityKey::Binding(e.interface),
            Self::Enforcement(e) => EntityKey::Enforcement(e.interface),
            Self::NodeAuthority(_) => EntityKey::NodeAuthority,
            Self::Hosting(e) => EntityKey::Hosting(e.instance),
            Self::EnforcementWait(e) => EntityKey::EnforcementWait(e.account),
        }
    }

    /// Whose it is; none: the authority of nodes, which is the operator's.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account(e) => Some(e.id),
            Self::User(e) => Some(e.account),
            Self::AccessKey(e) => Some(e.account),
            Self::CustomPolicy(e) => Some(e.account),
            Self::Network(e) => Some(e.account),
            Self::VSwitch(e) => Some(e.account),
            Self::Instance(e) => Some(e.account),
            Self::Interface(e) => Some(e.account),
            Self::SecurityGroup(e) => Some(e.account),
            Self::Node(e) => Some(e.account),
            Self::Binding(e) => Some(e.account),
            Self::Enforcement(e) => Some(e.account),
            Self::NodeAuthority(_) => None,
            Self::Hosting(e) => Some(e.account),
            Self::EnforcementWait(e) => Some(e.account),
        }
    }

    /// Its place in the order of creation; accounts, their settings and the authority of nodes stand before everything.
    pub fn serial(&self) -> u64 {
        match self {
            Self::Account(_) | Self::NodeAuthority(_) | Self::EnforcementWait(_) => 0,
            Self::User(e) => e.serial,
            Self::AccessKey(e) => e.serial,
            Self::CustomPolicy(e) => e.serial,
            Self::Network(e) => e.serial,
            Self::VSwitch(e) => e.serial,
            Self::Instance(e) => e.serial,
            Self::Interface(e) => e.serial,
            Self::SecurityGroup(e) => e.serial,
            Self::Node(e) => e.serial,
            Self::Binding(e) => e.serial,
            Self::Enforcement(e) => e.serial,
            Self::Hosting(e) => e.serial,
        }
    }
}

macro_rules! into_entity {
    ($($kind:ident => $variant:ident),*) => {$(
        impl From<Arc<$kind>> for Entity {
            fn from(value: Arc<$kind>) -> Self {
                Self::$variant(value)
            }
        }
        impl From<$kind> for Entity {
            fn from(value: $kind) -> Self {
                Self::$variant(Arc::new(value))
            }
        }
    )*};
}

into_entity! {
    Account => Account, User => User, AccessKey => AccessKey, CustomPolicy => CustomPolicy, Network => Network,
    VSwitch => VSwitch, Instance => Instance, NetworkInterface => Interface, SecurityGroup => SecurityGroup,
    Node => Node, Binding => Binding, Enforcement => Enforcement, NodeAuthority => NodeAuthority,
    Hosting => Hosting, EnforcementWait => EnforcementWait
}

/// One entity that comes, changes or goes. Both sides name the same entity.
#[derive(Debug, Clone)]
pub struct Change {
    /// What was; none: it comes.
    pub before: Option<Entity>,
    /// What is then; none: it goes.
    pub after: Option<Entity>,
}

impl Change {
    /// What names the entity.
    pub fn key(&self) -> Option<EntityKey> {
        self.after.as_ref().or(self.before.as_ref()).map(Entity::key)
    }
}

/// Everything that one command changes, in order. Each entity stands in it at most once.
#[derive(Debug, Clone, Default)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Adds an entity that comes.
    pub fn create(&mut self, after: impl Into<Entity>) {
        self.0.push(Change { before: None, after: Some(after.into()) });
    }

    /// Adds an entity that changes.
    pub fn update(&mut self, before: impl Into<Entity>, after: impl Into<Entity>) {
        self.0.push(Change { before: Some(before.into()), after: Some(after.into()) });
    }

    /// Adds an entity that goes.
    pub fn remove(&mut self, before: impl Into<Entity>) {
        self.0.push(Change { before: Some(before.into()), after: None });
    }
}
