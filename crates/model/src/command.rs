//! What people and the clock ask for. One variant an operation (or a family of operations that differ in wire form
//! only); each says when it is legal. All names and values in them are well-formed already; whether they fit what
//! exists is decided by [`crate::plan`].

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::{
    id::{DiskId, InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, VSwitchId},
    node::NodeCommand,
    ram::{RamCommand, Secret},
    refusal::Target,
    rule::Rule,
    tag::Tag,
};

/// A command.
#[derive(Debug, Clone)]
pub enum Command {
    /// Security groups, rules and memberships.
    SecurityGroup(SecurityGroupCommand),
    /// Instances and disks.
    Instance(InstanceCommand),
    /// Network interfaces.
    Interface(InterfaceCommand),
    /// Networks and vSwitches.
    Network(NetworkCommand),
    /// Tags of instances.
    Tag(TagCommand),
    /// Accounts, RAM users, access keys and policies.
    Ram(RamCommand),
    /// Nodes, and what is bound to them.
    Node(NodeCommand),
    /// Time has passed: ends every passing state that is due, and subscriptions that are over. At most `most`
    /// entities are changed at once, so that a commit stays bounded.
    Advance {
        /// The most entities to change.
        most: usize,
    },
}

/// Commands on security groups. Legal for an account that has the group.
#[derive(Debug, Clone)]
pub enum SecurityGroupCommand {
    /// Makes a group with rules. Legal while the account has fewer groups than it may.
    Create {
        /// Its name, or empty.
        name: Box<str>,
        /// Its description, or empty.
        description: Box<str>,
        /// Its rules; none of them twice.
        rules: Vec<Rule>,
    },
    /// Deletes a group. Legal when no interface is a member.
    Delete {
        /// The group.
        group: SecurityGroupId,
    },
    /// Changes name and description, where given.
    Modify {
        /// The group.
        group: SecurityGroupId,
        /// The new name.
        name: Option<Box<str>>,
        /// The new description.
        description: Option<Box<str>>,
    },
    /// Adds rules, all or none. Legal when the group has none of them yet.
    AddRules {
        /// The group.
        group: SecurityGroupId,
        /// The rules.
        rules: Vec<Rule>,
    },
    /// Removes rules by content, all or none. Legal when the group has all of them.
    RemoveRules {
        /// The group.
        group: SecurityGroupId,
        /// The rules.
        rules: Vec<Rule>,
    },
    /// Makes the target a member. Legal when its instance is `Running` or `Stopped`, and it is not a member yet.
    Join {
        /// The group.
        group: SecurityGroupId,
        /// The instance or interface.
        target: Target,
    },
    /// Ends a membership. Legal when the target's instance is `Running` or `Stopped`, and it is a member.
    Leave {
        /// The group.
        group: SecurityGroupId,
        /// The instance or interface.
        target: Target,
    },
}

/// A disk that is asked for.
#[derive(Debug, Clone)]
pub struct DiskWish {
    /// GiB; none: the size of the image, or the smallest data disk.
    pub size_gib: Option<u32>,
    /// `cloud_efficiency`, `cloud_ssd`, ...; none: `cloud_efficiency`.
    pub category: Option<Box<str>>,
    /// Whether to encrypt it.
    pub encrypted: bool,
    /// The key to encrypt it with, or empty.
    pub key_id: Box<str>,
}

/// How new instances are to be paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeWish {
    /// By use.
    PostPaid,
    /// A subscription.
    PrePaid {
        /// Its length, in days.
        days: u32,
        /// Whether it renews itself.
        renew: bool,
    },
}

/// Which addresses new instances get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFamily {
    /// IPv4 alone.
    Ipv4,
    /// IPv6 besides IPv4: the vSwitch must have an IPv6 block. (Instances without any IPv4 address do not exist
    /// here: `PrimaryIpAddress` is never empty.)
    Dual,
}

/// Where new instances go.
#[derive(Debug, Clone)]
pub enum Placement {
    /// To one edge site.
    Region(Box<str>),
    /// To some edge site of a district; the first that has the provider.
    District {
        /// `NetDistrictCode`.
        code: Box<str>,
        /// `Carrier`.
        isp: Option<Box<str>>,
    },
}

/// What new instances are to be like.
#[derive(Debug, Clone)]
pub struct InstanceWish {
    /// How many, 1 to 100.
    pub amount: usize,
    /// Where.
    pub placement: Placement,
    /// The image; none: the first that is offered.
    pub image: Option<Box<str>>,
    /// The type; none: the first that is offered.
    pub instance_type: Option<Box<str>>,
    /// Their name; none: their ids.
    pub name: Option<Box<str>>,
    /// Their host name; none: their ids.
    pub host_name: Option<Box<str>>,
    /// Whether `001` to `999` is put behind name and host name.
    pub unique_suffix: bool,
    /// The vSwitch; none: that of the network, or the account's default one at the site.
    pub vswitch: Option<VSwitchId>,
    /// The network; only looked at where no vSwitch is given.
    pub network: Option<NetworkId>,
    /// The address of the one instance.
    pub address: Option<Ipv4Addr>,
    /// Which addresses.
    pub family: AddressFamily,
    /// How many IPv6 addresses, where there are any.
    pub ipv6_count: usize,
    /// The group that they join at once.
    pub group: Option<SecurityGroupId>,
    /// How they are paid for.
    pub charge: ChargeWish,
    /// When they are to be released.
    pub auto_release_at: Option<crate::context::UnixMillis>,
    /// Whether they are protected from release.
    pub deletion_protection: bool,
    /// The key pair.
    pub key_pair: Option<Box<str>>,
    /// Base64 text.
    pub user_data: Option<Box<str>>,
    /// Whether they get public addresses.
    pub public_address: bool,
    /// Public bandwidth, Mbit/s.
    pub internet_bandwidth_mbps: u32,
    /// The system disk.
    pub system_disk: DiskWish,
    /// Data disks.
    pub data_disks: Vec<DiskWish>,
    /// Tags.
    pub tags: Vec<Tag>,
}

/// Commands on instances.
#[derive(Debug, Clone)]
pub enum InstanceCommand {
    /// Makes instances.
    Run(Box<InstanceWish>),
    /// Legal when `Stopped`.
    Start {
        /// The instance.
        instance: InstanceId,
    },
    /// Legal when `Running`.
    Stop {
        /// The instance.
        instance: InstanceId,
    },
    /// Legal when `Running`.
    Reboot {
        /// The instance.
        instance: InstanceId,
    },
    /// Resets the system disk to an image. Legal when `Running` or `Stopped`.
    Reinit {
        /// The instance.
        instance: InstanceId,
        /// The image; none: the one it has.
        image: Option<Box<str>>,
    },
    /// Resets one disk of an instance. Legal when the instance is `Running` or `Stopped`.
    ReinitDisk {
        /// The disk.
        disk: DiskId,
        /// The image.
        image: Box<str>,
    },
    /// Moves an instance to other hardware of its site. Legal when `Running` or `Stopped`.
    Transfer {
        /// The instance.
        instance: InstanceId,
    },
    /// Changes attributes, where given. Not legal while `Releasing`; a password not while `Running` or `Starting`.
    Modify {
        /// The instance.
        instance: InstanceId,
        /// The new name.
        name: Option<Box<str>>,
        /// The new host name.
        host_name: Option<Box<str>>,
        /// The new user data.
        user_data: Option<Box<str>>,
        /// The new protection.
        deletion_protection: Option<bool>,
        /// Whether a new password was given (it is not kept).
        password: bool,
    },
    /// Releases an instance; its memberships end at once. Legal when `Running`, `Stopped` or `Expired`, of the
    /// wanted charge, and not protected.
    Release {
        /// The instance.
        instance: InstanceId,
        /// Of which charge it must be; none: of any.
        charge: Option<ReleaseCharge>,
    },
}

/// Which instances a release is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseCharge {
    /// Those paid by use.
    PostPaid,
    /// Subscriptions.
    PrePaid,
}

/// Commands on network interfaces.
#[derive(Debug, Clone)]
pub enum InterfaceCommand {
    /// Makes an interface that is not attached.
    Create {
        /// Where its address is from.
        vswitch: VSwitchId,
        /// Its groups; the last one is the newest membership.
        groups: Vec<SecurityGroupId>,
        /// Its name, or empty.
        name: Box<str>,
        /// Its description, or empty.
        description: Box<str>,
    },
    /// Deletes interfaces, all or none. Legal when they are `Available`.
    Delete {
        /// The interfaces.
        interfaces: Vec<NetworkInterfaceId>,
    },
    /// Attaches an `Available` interface to a `Stopped` instance of its network.
    Attach {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The instance.
        instance: InstanceId,
    },
    /// Detaches a secondary interface from its `Stopped` instance.
    Detach {
        /// The interface.
        interface: NetworkInterfaceId,
    },
    /// Changes name and description, where given.
    Modify {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The new name.
        name: Option<Box<str>>,
        /// The new description.
        description: Option<Box<str>>,
    },
    /// Gives an interface one more address.
    AssignAddress {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The vSwitch that it must be in, where the caller names one.
        vswitch: Option<VSwitchId>,
    },
    /// Takes secondary addresses away, all or none.
    UnassignAddresses {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The addresses.
        addresses: Vec<Ipv4Addr>,
    },
}

/// Whether and where a vSwitch has IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ipv6Wish {
    /// No IPv6.
    Off,
    /// Some free block of the network.
    Any,
    /// This block.
    Block(ipnet::Ipv6Net),
    /// The block with this number, 0 to 255, in the network's.
    Number(u8),
}

/// Commands on networks and vSwitches.
#[derive(Debug, Clone)]
pub enum NetworkCommand {
    /// Makes a network.
    Create {
        /// The edge site.
        region: Box<str>,
        /// Its block: private, /8 to /28.
        cidr: Ipv4Net,
        /// Its name, or empty.
        name: Box<str>,
        /// Its description, or empty.
        description: Box<str>,
        /// Its tags.
        tags: Vec<Tag>,
        /// Whether it has IPv6.
        ipv6: bool,
        /// The provider that IPv6 is asked from, or empty.
        ipv6_isp: Box<str>,
    },
    /// Deletes a network. Legal when it has no vSwitch.
    Delete {
        /// The network.
        network: NetworkId,
    },
    /// Changes name and description, where given.
    Modify {
        /// The network.
        network: NetworkId,
        /// The new name.
        name: Option<Box<str>>,
        /// The new description.
        description: Option<Box<str>>,
    },
    /// Makes a vSwitch in a network of the same site, overlapping no other.
    CreateVSwitch {
        /// The edge site.
        region: Box<str>,
        /// The network; none: the account's default one at the site.
        network: Option<NetworkId>,
        /// Its block, /16 to /29.
        cidr: Ipv4Net,
        /// Its name, or empty.
        name: Box<str>,
        /// Its description, or empty.
        description: Box<str>,
        /// Its tags.
        tags: Vec<Tag>,
        /// Its IPv6 block.
        ipv6: Ipv6Wish,
    },
    /// Deletes a vSwitch. Legal when no interface has an address from it.
    DeleteVSwitch {
        /// The vSwitch.
        vswitch: VSwitchId,
    },
    /// Changes attributes, where given. IPv6 goes off only when no interface uses it.
    ModifyVSwitch {
        /// The vSwitch.
        vswitch: VSwitchId,
        /// The new name.
        name: Option<Box<str>>,
        /// The new description.
        description: Option<Box<str>>,
        /// The new IPv6 block.
        ipv6: Option<Ipv6Wish>,
    },
}

/// Commands on tags of instances. Legal when all the instances exist.
#[derive(Debug, Clone)]
pub enum TagCommand {
    /// Puts tags on instances.
    Tag {
        /// The instances.
        instances: Vec<InstanceId>,
        /// The tags.
        tags: Vec<Tag>,
    },
    /// Takes tags off instances.
    Untag {
        /// The instances.
        instances: Vec<InstanceId>,
        /// The keys; none: all tags.
        keys: Option<Vec<Box<str>>>,
    },
}

/// What a command made, for the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to tell.
    Done,
    /// A group.
    SecurityGroup(SecurityGroupId),
    /// Instances.
    Instances(Vec<InstanceId>),
    /// An interface.
    Interface(NetworkInterfaceId),
    /// An interface and the address it got.
    Address(NetworkInterfaceId, Ipv4Addr),
    /// A network.
    Network(NetworkId),
    /// A vSwitch.
    VSwitch(VSwitchId),
    /// Something of RAM.
    Ram(crate::ram::RamOutcome),
    /// A token: its text is told once.
    NodeToken {
        /// The node that it is for.
        node: NodeId,
        /// Its text.
        token: Secret,
        /// From when on it is not good any more.
        expires_at: crate::context::UnixMillis,
    },
    /// A node that is to obey although it has been wanted to have a newer generation.
    NodeReadmitted(NodeId),
    /// How many entities the clock changed.
    Advanced(usize),
}
