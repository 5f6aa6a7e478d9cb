//! What is odd about the rules of an account: such as never decide or change nothing, such as stand twice, groups that nobody
//! is in, and ports for administration that are open to the world.
//!
//! Rules are looked at the way they decide: in the classes that interfaces really have. What a group does alone is said once,
//! at that group; what only several groups together do is said at the first of them. What a group opens is said of all its
//! members at which it is open, whatever other groups they are in: only where another group changes it, it is said of those.
//! Where one group alone is looked at, what others open is said of the interfaces in both. A step looks at some groups, the
//! newest first, and does no more than so much: it says where to go on.

mod alone;
mod gather;
mod look;
mod open;
#[cfg(test)]
mod tests;
mod unused;

use model::{AccountId, NetworkInterfaceId, SecurityGroupId};
use policy::Family;

pub use self::unused::{Unused, UnusedFound, UnusedScope, UnusedWish};
use self::{
    gather::{gather, sorted},
    look::{WORK, look},
};
use crate::{
    control::Control,
    published::{Read, Unavailable},
    survey,
};

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Ports for administration are open to the world.
    OpenToTheWorld,
    /// A rule is about no packet.
    AboutNothing,
    /// A rule never decides.
    NeverDecides,
    /// A rule decides, and without it everything would be decided the same.
    NoEffect,
    /// A rule stands more than once.
    Repeated,
    /// Nobody is in a group.
    NoMembers,
}

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingScope {
    /// At all groups, the newest first: those that were made before the one with this serial.
    All(Option<u64>),
    /// At one group, and at everybody who is in it.
    Group(SecurityGroupId),
    /// At one interface.
    Interface(NetworkInterfaceId),
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct FindingsWish {
    /// Whose groups.
    pub account: AccountId,
    /// Where.
    pub scope: FindingScope,
    /// What; none: everything.
    pub kinds: Option<Vec<FindingKind>>,
    /// A step ends with the group at which it has so many.
    pub most: usize,
}

/// A rule, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRule {
    /// The group.
    pub group: SecurityGroupId,
    /// The rule's place in it, from 0.
    pub position: usize,
    /// The rule as text.
    pub text: String,
}

impl FoundRule {
    /// The rule's place in its group as people count, from 1.
    pub fn number(&self) -> usize {
        self.position.saturating_add(1)
    }
}

/// Something odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub kind: FindingKind,
    /// A sentence without its end.
    pub text: String,
    /// The groups that it takes: those of the class, or the one group.
    pub groups: Vec<SecurityGroupId>,
    /// How many interfaces are in exactly these groups; of a group alone, how many are in it; of what a group alone opens,
    /// at how many of its members it is open.
    pub interface_count: usize,
    /// Of what a group alone opens: at how many more it may be open, where to tell would take too much work.
    pub unknown_count: usize,
    /// One of them.
    pub interface: Option<NetworkInterfaceId>,
    /// The rule that it is about, with every place where it stands; of what is open to the world, the rules that open it.
    pub rules: Vec<FoundRule>,
    /// The rules that decide instead.
    pub instead: Vec<FoundRule>,
    /// Ports that are open to the world.
    pub ports: Vec<String>,
    /// For addresses of which family they are.
    pub family: Option<Family>,
}

/// A step's findings.
#[derive(Debug, Clone, Default)]
pub struct FindingsFound {
    /// They, group by group.
    pub found: Vec<Found>,
    /// How many questions about rules were not answered, because it would have taken too much work.
    pub undecided: usize,
    /// How many more there are of what was looked at, that are not listed.
    pub left_out: usize,
    /// How many groups were looked at.
    pub group_count: usize,
    /// The serial of the last of them, if there are more.
    pub next: Option<u64>,
}

/// Why nothing can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FindingsError {
    /// The account has no such group.
    #[error("the security group does not exist")]
    GroupNotFound,
    /// The account has no such interface.
    #[error("the network interface does not exist")]
    InterfaceNotFound,
    /// The state cannot be shown at present.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Control {
    /// What is odd about the rules of an account.
    ///
    /// # Errors
    /// What is named does not exist, or the state cannot be shown.
    pub async fn findings(&self, wish: FindingsWish) -> Result<FindingsFound, FindingsError> {
        let Read { value: gathered, .. } = self.read(|state| gather(state, &wish)).await?;
        let gathered = gathered?;
        let looking = survey::blocking(move || look(gathered, &wish, WORK));
        Ok(looking.await.map_err(|_| Unavailable)?)
    }
}
