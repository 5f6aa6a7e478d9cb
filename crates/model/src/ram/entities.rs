//! RAM users, their access keys and policies, as they are kept.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{account::AccountId, context::UnixMillis, tag::Tags};

/// The number of a RAM user: eighteen decimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserId(pub u64);

impl UserId {
    /// A user number from entropy: eighteen digits, the first of which is 2.
    pub fn from_entropy(entropy: u128) -> Self {
        // The remainder is below 10^17.
        #[allow(clippy::cast_possible_truncation)]
        let digits = (entropy % 100_000_000_000_000_000) as u64;
        Self(200_000_000_000_000_000 + digits)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:018}", self.0)
    }
}

/// Names a policy that can be attached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PolicyName {
    /// One that every account has, such as `AliyunENSFullAccess`.
    System(Box<str>),
    /// One that the account wrote.
    Custom(Box<str>),
}

impl PolicyName {
    /// The name alone.
    pub fn text(&self) -> &str {
        match self {
            Self::System(name) | Self::Custom(name) => name,
        }
    }

    /// Whether it is a system policy's.
    pub fn is_system(&self) -> bool {
        matches!(self, Self::System(_))
    }
}

/// A policy that is attached to a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Which policy.
    pub policy: PolicyName,
    /// When it was attached.
    pub attached_at: UnixMillis,
}

/// A RAM user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// Whose user it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// 1 to 64 characters, unique in the account: no two names differ in case alone.
    pub name: Box<str>,
    /// Its name for people, or empty.
    pub display_name: Box<str>,
    /// Its phone number, or empty.
    pub mobile_phone: Box<str>,
    /// Its address, or empty.
    pub email: Box<str>,
    /// Comments, or empty.
    pub comments: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// The policies attached to it, in the order of attachment.
    pub policies: Vec<Attachment>,
}

/// A secret that shows itself to nobody who prints it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for computing signatures and for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An access key: of a RAM user, or the account's root.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id, unique on this server.
    pub id: Box<str>,
    /// Whose it is.
    pub account: AccountId,
    /// The user that it belongs to; none: the account's root.
    pub user: Option<UserId>,
    /// Its place in the order of creation.
    pub serial: u64,
    /// Its secret.
    pub secret: Secret,
    /// Whether it may be used.
    pub active: bool,
    /// When it was created.
    pub created_at: UnixMillis,
}

/// One version of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// 1, 2, ...: written `v1`, `v2`, ...
    pub number: u32,
    /// The document, as it was sent.
    pub document: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
}

/// A policy that an account wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CustomPolicy {
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// 1 to 128 characters, unique in the account: no two names differ in case alone.
    pub name: Box<str>,
    /// Up to 1,024 characters, or empty.
    pub description: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Its versions, oldest first; never empty.
    pub versions: Vec<PolicyVersion>,
    /// The number of the version that is in force.
    pub default_version: u32,
    /// The number that the next version gets; numbers are not used twice.
    pub next_version: u32,
    /// Its tags.
    pub tags: Tags,
}

impl CustomPolicy {
    /// The version of this number.
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The document that is in force.
    pub fn document(&self) -> Option<&str> {
        self.version(self.default_version).map(|version| &*version.document)
    }
}
