//! Why a command is not carried out. One variant a cause; which wire code each becomes is decided elsewhere.

use crate::{
    id::{InstanceId, NetworkInterfaceId, NodeId, SecurityGroupId},
    instance::InstanceStatus,
    interface::InterfaceStatus,
    node::{DeviceName, NodeStatus},
};

/// What is named by [`Refusal::Limit`] and the RAM refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A security group of an account.
    SecurityGroup,
    /// A group that an interface is in.
    GroupOfInterface,
    /// An interface that is in a group.
    InterfaceOfGroup,
    /// An interface of an instance.
    InterfaceOfInstance,
    /// An address of an interface.
    AddressOfInterface,
    /// An instance of an account.
    Instance,
    /// A network of an account.
    Network,
    /// A vSwitch of a network.
    VSwitch,
    /// A node of an account.
    Node,
    /// An interface that is bound to a node.
    InterfaceOfNode,
    /// A prefix that an interface may use beside its addresses.
    PrefixOfInterface,
    /// A tag of a resource.
    Tag,
    /// An account.
    Account,
    /// A RAM user.
    User,
    /// An access key.
    AccessKey,
    /// A policy.
    Policy,
    /// A version of a policy.
    PolicyVersion,
    /// A policy attached to a user.
    Attachment,
}

impl Kind {
    /// What people call several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::SecurityGroup => "security groups of the account",
            Self::GroupOfInterface => "security groups of one network interface",
            Self::InterfaceOfGroup => "network interfaces in one security group",
            Self::InterfaceOfInstance => "network interfaces of one instance",
            Self::AddressOfInterface => "IPv4 addresses of one network interface",
            Self::Instance => "instances of the account",
            Self::Network => "networks of the account",
            Self::VSwitch => "vSwitches of the network",
            Self::Node => "nodes of the account",
            Self::InterfaceOfNode => "network interfaces bound to one node",
            Self::PrefixOfInterface => "allowed prefixes of one network interface",
            Self::Tag => "tags of one resource",
            Self::Account => "accounts",
            Self::User => "RAM users of the account",
            Self::AccessKey => "access keys of one user",
            Self::Policy => "policies of the account",
            Self::PolicyVersion => "versions of one policy",
            Self::Attachment => "policies attached to one user",
        }
    }
}

/// The target of a Join or Leave, as the caller named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// An instance, which stands for its primary interface.
    Instance(InstanceId),
    /// One interface.
    Interface(NetworkInterfaceId),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Instance(id) => write!(f, "instance {id}"),
            Self::Interface(id) => write!(f, "network interface {id}"),
        }
    }
}

/// Why a command is not carried out. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The group does not exist, or is another account's.
    #[error("the security group does not exist")]
    SecurityGroupNotFound,
    /// The instance does not exist, or is another account's.
    #[error("the instance does not exist")]
    InstanceNotFound,
    /// The interface does not exist, or is another account's.
    #[error("the network interface does not exist")]
    InterfaceNotFound,
    /// The network does not exist, or is another account's.
    #[error("the network does not exist")]
    NetworkNotFound,
    /// The vSwitch does not exist, or is another account's.
    #[error("the vSwitch does not exist")]
    VSwitchNotFound,
    /// The disk does not exist, or is another account's.
    #[error("the disk does not exist")]
    DiskNotFound,
    /// The image is not offered.
    #[error("the image does not exist")]
    ImageNotFound,
    /// The edge site is not offered.
    #[error("the edge site does not exist")]
    RegionNotFound,
    /// The instance type is not offered.
    #[error("the instance type does not exist")]
    InstanceTypeNotFound,
    /// The state of the instance does not allow it.
    #[error("the instance is {}", .0.name())]
    InstanceStatus(InstanceStatus),
    /// The state of the interface does not allow it.
    #[error("the network interface is {}", .0.name())]
    InterfaceStatus(InterfaceStatus),
    /// A primary interface cannot be detached or deleted.
    #[error("the network interface is the primary one of its instance")]
    InterfacePrimary,
    /// The target of a Leave is not in the group (contract, decision 2).
    #[error("{target} is not a member of security group {group}")]
    NotAMember {
        /// Who should leave.
        target: Target,
        /// What it should leave.
        group: SecurityGroupId,
    },
    /// The target of a Join is in the group already.
    #[error("{target} is already a member of security group {group}")]
    AlreadyAMember {
        /// Who should join.
        target: Target,
        /// What it should join.
        group: SecurityGroupId,
    },
    /// The group has this very rule already.
    #[error("the security group has this rule already")]
    RuleDuplicated,
    /// The group would have more rules than it may.
    #[error("a security group may have at most {limit} rules; this would be {wanted}")]
    RuleLimit {
        /// How many there may be.
        limit: usize,
        /// How many there would be.
        wanted: usize,
    },
    /// An interface would have more rules, in all its groups together, than can be enforced for it.
    #[error(
        "the groups of a network interface may have at most {limit} rules together; this would be {wanted}"
    )]
    InterfaceRuleLimit {
        /// How many there may be.
        limit: usize,
        /// How many there would be.
        wanted: usize,
    },
    /// The group has no such rule.
    #[error("the security group has no such rule")]
    RuleNotFound,
    /// The resource is still used by others; the message names the first of them.
    #[error("{what} is still used by {}{}", .users.join(", "), more(.total, .users.len()))]
    InUse {
        /// What cannot be deleted.
        what: String,
        /// The first users, as ids.
        users: Vec<String>,
        /// How many users there are.
        total: usize,
    },
    /// There would be more of something than there may be.
    #[error("there may be at most {limit} {}", .kind.plural())]
    Limit {
        /// Of what.
        kind: Kind,
        /// How many there may be.
        limit: usize,
    },
    /// A parameter is well-formed, but does not fit what exists; the message names both.
    #[error("{field}: {reason}")]
    Unfit {
        /// The parameter.
        field: &'static str,
        /// Why it does not fit.
        reason: String,
    },
    /// The instance is protected from release.
    #[error("the instance is protected from release; switch DeletionProtection off first")]
    DeletionProtected,
    /// A RAM entity does not exist.
    #[error("{name} does not exist")]
    RamNotFound {
        /// Of which kind it would be.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// A RAM entity of this name exists already.
    #[error("{name} already exists")]
    RamExists {
        /// Of which kind it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// A RAM entity cannot be deleted while it has others.
    #[error("{name} still has {}", .holds.plural())]
    RamDeleteConflict {
        /// Of which kind it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// What it still has.
        holds: Kind,
    },
    /// The default version of a policy cannot be deleted.
    #[error("the version is the default version of the policy")]
    DefaultPolicyVersion,
    /// The node does not exist, or is another account's.
    #[error("the node does not exist")]
    NodeNotFound,
    /// The state of the node does not allow it.
    #[error("the node is {}", .0.name())]
    NodeStatus(NodeStatus),
    /// The interface is bound already.
    #[error("network interface {interface} is bound to {node} already; unbind it first")]
    InterfaceBound {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The node that it is bound to.
        node: NodeId,
    },
    /// The interface is not bound.
    #[error("network interface {0} is not bound to a node")]
    InterfaceNotBound(NetworkInterfaceId),
    /// The interface is one of an instance that a lab node runs.
    #[error(
        "network interface {interface} is one of instance {instance}, which {node} runs and binds by itself"
    )]
    InterfaceHosted {
        /// The interface.
        interface: NetworkInterfaceId,
        /// Its instance.
        instance: InstanceId,
        /// The node.
        node: NodeId,
    },
    /// The device of the node stands for another interface.
    #[error("device {device} of {node} stands for network interface {interface} already")]
    DeviceBound {
        /// The node.
        node: NodeId,
        /// Its device.
        device: DeviceName,
        /// The interface that is bound to it.
        interface: NetworkInterfaceId,
    },
    /// There is no authority, and so nodes cannot join.
    #[error("no node can join yet: there is no authority that could vouch for it")]
    NoNodeAuthority,
    /// The authority is not the one that is to be replaced.
    #[error("the authority of nodes is another one by now")]
    OtherNodeAuthority,
    /// The node has not regressed, as far as is known.
    #[error("node {0} has not been found to hold a newer generation than this server ever gave")]
    NodeNotRegressed(NodeId),
    /// A host may not join.
    #[error("the token is not accepted: {0}")]
    NodeToken(TokenFault),
    /// A certificate is not accepted.
    #[error("the certificate is not accepted: {0}")]
    NodeCertificate(CertificateFault),
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenFault {
    /// It is not the newest token of its node, or was revoked.
    #[error("it is not the token of its node")]
    Unknown,
    /// It was used before.
    #[error("it was used before")]
    Used,
    /// It is not good any more.
    #[error("it has expired")]
    Expired,
    /// It is for a node at another edge site.
    #[error("it is for a node at another edge site")]
    Region,
    /// It is for a node of another name.
    #[error("it is for a node of another name")]
    Name,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CertificateFault {
    /// It is no certificate of this node, has expired or was revoked.
    #[error("it is not one of the node that is good")]
    NotGood,
    /// The new one would not be good for any time.
    #[error("the new one has expired")]
    Expired,
    /// The new one is some node's already.
    #[error("the new one is in use")]
    InUse,
}

fn more(total: &usize, shown: usize) -> String {
    match total.checked_sub(shown) {
        None | Some(0) => String::new(),
        Some(rest) => format!(" and {rest} more"),
    }
}

impl Refusal {
    /// A parameter that is well-formed but does not fit what exists.
    pub fn unfit(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Unfit { field, reason: reason.into() }
    }
}
