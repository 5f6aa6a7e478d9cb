//! Nodes: the Linux hosts whose agents enforce what is decided here, and what is bound to them.

mod authority;
mod binding;
mod command;
mod hosting;
mod token;
mod wait;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use self::hosting::Arrival;
pub use self::{
    authority::{AuthorityFingerprint, InvalidFingerprint, NodeAuthority, PreviousAuthority},
    binding::{Binding, Device, DeviceName, Enforcement, InvalidDeviceName},
    command::{NodeCommand, NodeWish},
    hosting::{Hosting, InstanceReport, ReportedState},
    token::{NodeToken, TokenText},
    wait::{ENFORCEMENT_WAIT_SECONDS_MAX, EnforcementWait},
};
use crate::{account::AccountId, context::UnixMillis, id::NodeId, site::Symbol};

/// A SHA-256 digest, written as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeStatus {
    /// It has a token and has not joined yet.
    Pending,
    /// It has joined, and its certificate is good until it expires.
    Ready,
    /// Its certificates are revoked: it is not listened to until it joins again with a new token.
    Gone,
}

impl NodeStatus {
    /// The name that the API gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Ready => "Ready",
            Self::Gone => "Gone",
        }
    }
}

/// What a node proves itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCertificate {
    /// The SHA-256 of the certificate's DER encoding.
    pub fingerprint: Digest,
    /// From when on it is not good any more.
    pub expires_at: UnixMillis,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
}

impl NodeCertificate {
    /// Whether it is good at this time.
    pub fn is_good(&self, now: UnixMillis) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// The longest name of a node, in characters.
pub const NODE_NAME_MAX: usize = 64;
/// The longest text of a node, an explanation for people, in characters.
pub const TEXT_MAX: usize = 500;

/// A Linux host with an agent. It enforces for interfaces of its account alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// The edge site (`EnsRegionId`) that it stands at.
    pub region: Symbol,
    /// Up to [`NODE_NAME_MAX`] characters; empty until it joins, where its token names none. It does not change any more:
    /// a host that joins as this node again has this name.
    pub name: Box<str>,
    /// Where it stands.
    pub status: NodeStatus,
    /// Whether instances that are run at its edge site are made on it.
    pub lab: bool,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it joined last.
    pub joined_at: Option<UnixMillis>,
    /// The newest token that was made for it, also after it was used.
    pub token: Option<NodeToken>,
    /// Its certificates, the newest first: one, or two while it changes from the one to the other.
    pub certificates: Box<[NodeCertificate]>,
}

impl Node {
    /// Its certificate with this fingerprint, if that is good at this time.
    pub fn certificate(&self, fingerprint: Digest, now: UnixMillis) -> Option<&NodeCertificate> {
        self.certificates.iter().find(|own| own.fingerprint == fingerprint && own.is_good(now))
    }
}
