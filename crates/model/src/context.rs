//! What a plan is given besides state and command: time, ids, limits. All of it is an argument, none is looked up.

use serde::{Deserialize, Serialize};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The end of the scale: a time that does not come.
    pub const NEVER: Self = Self(i64::MAX);

    /// The time this many milliseconds later; it stops at the end of the scale.
    #[must_use]
    pub fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add_unsigned(milliseconds))
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// `YYYY-MM-DDThh:mm:ssZ`, as the API writes times. Times that no calendar year of four digits holds are written
    /// as the nearest that one does.
    pub fn to_text(self) -> String {
        let seconds = self.seconds().clamp(-62_135_596_800, 253_402_207_200);
        let stamp = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Reads `YYYY-MM-DDThh:mm:ssZ`.
    pub fn parse(text: &str) -> Option<Self> {
        let shape = text.len() == 20 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
        let stamp: jiff::Timestamp = if shape { text.parse().ok()? } else { return None };
        Some(Self(stamp.as_millisecond()))
    }
}

/// How many of what there may be. The defaults are those of the design; all are configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Rules in one security group.
    pub rules_per_group: usize,
    /// Groups that one interface may be in.
    pub groups_per_interface: usize,
    /// Rules in all the groups of one interface together; at most [`Limits::RULES_PER_INTERFACE_MAX`], and that where more
    /// is said. The defaults of the two limits above cannot lead to so many.
    pub rules_per_interface: usize,
    /// Interfaces that may be in one group.
    pub interfaces_per_group: usize,
    /// Groups of one account.
    pub groups_per_account: usize,
    /// Interfaces of one instance, its primary one included.
    pub interfaces_per_instance: usize,
    /// IPv4 addresses of one interface.
    pub addresses_per_interface: usize,
    /// Instances of one account.
    pub instances_per_account: usize,
    /// Networks of one account.
    pub networks_per_account: usize,
    /// vSwitches of one network.
    pub vswitches_per_network: usize,
    /// Nodes of one account.
    pub nodes_per_account: usize,
    /// Interfaces that may be bound to one node.
    pub interfaces_per_node: usize,
    /// Prefixes that one interface may use beside its addresses.
    pub allowed_prefixes_per_interface: usize,
    /// Tags of one resource.
    pub tags_per_resource: usize,
    /// RAM users of one account.
    pub users_per_account: usize,
    /// Access keys of one user, or of the account's root.
    pub access_keys_per_user: usize,
    /// Custom policies of one account.
    pub policies_per_account: usize,
    /// Versions of one policy.
    pub versions_per_policy: usize,
    /// System policies attached to one user.
    pub system_policies_per_user: usize,
    /// Custom policies attached to one user.
    pub custom_policies_per_user: usize,
}

impl Limits {
    /// The most rules that can be enforced for one interface, in all its groups and both directions together.
    pub const RULES_PER_INTERFACE_MAX: usize = 1024;

    /// How many rules one interface may have in all its groups together.
    pub fn rules_of_interface(&self) -> usize {
        self.rules_per_interface.min(Self::RULES_PER_INTERFACE_MAX)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rules_per_group: 200,
            groups_per_interface: 5,
            rules_per_interface: Self::RULES_PER_INTERFACE_MAX,
            interfaces_per_group: 2_000,
            groups_per_account: 10_000,
            interfaces_per_instance: 10,
            addresses_per_interface: 20,
            instances_per_account: 1_000_000,
            networks_per_account: 1_000,
            vswitches_per_network: 256,
            nodes_per_account: 10_000,
            interfaces_per_node: 4_096,
            allowed_prefixes_per_interface: 32,
            tags_per_resource: 20,
            users_per_account: 5_000,
            access_keys_per_user: 2,
            policies_per_account: 1_500,
            versions_per_policy: 5,
            system_policies_per_user: 20,
            custom_policies_per_user: 10,
        }
    }
}

/// How long passing states last where no node decides it, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// `Creating`.
    pub creating_ms: u64,
    /// `ImageDownloading`.
    pub image_downloading_ms: u64,
    /// `Starting`.
    pub starting_ms: u64,
    /// `Stopping`.
    pub stopping_ms: u64,
    /// `Resetting`.
    pub resetting_ms: u64,
    /// `Transferring`.
    pub transferring_ms: u64,
    /// `Releasing`.
    pub releasing_ms: u64,
    /// An interface's `Attaching`.
    pub attaching_ms: u64,
    /// An interface's `Detaching`.
    pub detaching_ms: u64,
    /// An interface's `Deleting`.
    pub deleting_ms: u64,
    /// One day of a subscription. Tests make it short; thirty of it are a month.
    pub billing_day_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            creating_ms: 300,
            image_downloading_ms: 300,
            starting_ms: 300,
            stopping_ms: 300,
            resetting_ms: 5_000,
            transferring_ms: 5_000,
            releasing_ms: 300,
            attaching_ms: 300,
            detaching_ms: 300,
            deleting_ms: 300,
            billing_day_ms: 86_400_000,
        }
    }
}

/// Where new ids come from. A plan asks for as many as it needs, in a fixed order.
pub trait Entropy {
    /// 128 bits that nobody can guess.
    fn next(&mut self) -> u128;
}

impl<F: FnMut() -> u128> Entropy for F {
    fn next(&mut self) -> u128 {
        self()
    }
}

/// What a plan is given besides state and command.
pub struct Context<'a> {
    /// The time of the command.
    pub now: UnixMillis,
    /// Where new ids come from.
    pub entropy: &'a mut dyn Entropy,
    /// How many of what there may be.
    pub limits: &'a Limits,
    /// How long passing states last.
    pub timing: &'a Timing,
    /// The edge sites, images and instance types that there are.
    pub site: &'a crate::site::Catalogue,
}
