//! Commands on nodes, and on what is bound to them.

use ipnet::IpNet;

use super::{AuthorityFingerprint, Device, Digest, InstanceReport, PreviousAuthority};
use crate::{
    context::UnixMillis,
    id::{NetworkInterfaceId, NodeId},
    ram::Secret,
};

/// Which node a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeWish {
    /// One that does not exist yet. Legal while the account has fewer nodes than it may.
    New {
        /// The edge site that it stands at.
        region: Box<str>,
        /// The name that it must join with; none: any.
        name: Option<Box<str>>,
        /// Whether instances that are run at its edge site are made on it.
        lab: bool,
    },
    /// One that joins again: its host was made anew, or its certificates were revoked. What is bound to it stays.
    Again(NodeId),
}

/// Commands on nodes, bindings and what bound interfaces may be. Legal for an account that has what they name;
/// [`Join`](Self::Join), [`RenewCertificate`](Self::RenewCertificate) and [`ReportInstances`](Self::ReportInstances) for
/// the node itself alone, those on the authority for the operator alone.
#[derive(Debug, Clone)]
pub enum NodeCommand {
    /// Keeps an authority. Where there is one it stays, and nothing changes.
    EstablishAuthority {
        /// Its certificate (DER).
        certificate: Box<[u8]>,
        /// Its private key: PKCS #8 in PEM.
        key: Secret,
    },
    /// Puts an authority in place of the present one. Legal while that is the one that the caller means.
    ReplaceAuthority {
        /// The one that is replaced.
        present: AuthorityFingerprint,
        /// The certificate of the new one (DER).
        certificate: Box<[u8]>,
        /// Its private key: PKCS #8 in PEM.
        key: Secret,
        /// For how long nodes that trust the replaced one alone are still served, and how; none: they have to join again.
        previous: Option<PreviousAuthority>,
    },
    /// Makes a token, in place of the one that the node had, and the node where it is new. Legal while there is an
    /// authority.
    CreateToken {
        /// Which node it is for.
        wish: NodeWish,
        /// For how many milliseconds it is good.
        valid_ms: u64,
    },
    /// Uses up a token: the node is `Ready`, and this is its only certificate. Legal with the secret of the newest
    /// token, once, before it expires, for the edge site and the name that it is for.
    Join {
        /// The node that the token is for.
        node: NodeId,
        /// The SHA-256 of the token's secret.
        secret: Digest,
        /// The edge site that the host is at, where it knows.
        region: Option<Box<str>>,
        /// The name of the host: 1 to [`NODE_NAME_MAX`](super::NODE_NAME_MAX) characters, and the name that the node
        /// has, where it has one.
        name: Box<str>,
        /// The fingerprint of the certificate that it is given.
        fingerprint: Digest,
        /// When that certificate expires.
        expires_at: UnixMillis,
    },
    /// Gives a node one more certificate. Legal under a certificate of its own that is good. That one stays good until
    /// it expires; others do not.
    RenewCertificate {
        /// The node.
        node: NodeId,
        /// The certificate that it proved itself with.
        under: Digest,
        /// The fingerprint of the new one.
        fingerprint: Digest,
        /// When the new one expires.
        expires_at: UnixMillis,
    },
    /// Lets a node obey what is wanted of it here although it has been wanted to have a newer generation. Changes nothing
    /// that is kept: whether the node has regressed is known where nodes are followed.
    Readmit {
        /// The node.
        node: NodeId,
    },
    /// Revokes all certificates of a node and its token. What is bound to it stays bound. Always legal.
    RevokeCertificates {
        /// The node.
        node: NodeId,
    },
    /// Deletes a node. Legal when it hosts no instance and nothing is bound to it, or with `force`, which releases its
    /// instances, protected ones too, and ends its bindings.
    Delete {
        /// The node.
        node: NodeId,
        /// Whether instances and bindings end with it.
        force: bool,
    },
    /// Ends the passing states of instances that a node hosts, as far as these reports are about their present starts and
    /// images and say that what is wanted is so. Others change nothing. Legal while the node is `Ready`.
    ReportInstances {
        /// The node.
        node: NodeId,
        /// What it says.
        reports: Vec<InstanceReport>,
    },
    /// Binds an interface to a device of a node at the interface's edge site. Legal when the node is not `Gone`, the
    /// interface is bound to none, is not going and is not one of an instance on a lab node, and the device stands for no
    /// other.
    Bind {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The node.
        node: NodeId,
        /// The device.
        device: Device,
        /// For how many seconds flows that run already are taken over.
        adopt_seconds: u32,
    },
    /// Ends a binding. Legal when there is one, and not that of an interface of an instance on a lab node.
    Unbind {
        /// The interface.
        interface: NetworkInterfaceId,
    },
    /// Changes what an interface may be beside its addresses, where given.
    ModifyEnforcement {
        /// The interface.
        interface: NetworkInterfaceId,
        /// Whether its addresses are checked.
        source_check: Option<bool>,
        /// The prefixes that it may use, in place of those that it might.
        allowed_prefixes: Option<Vec<IpNet>>,
    },
    /// Sets how long the account's changes wait for nodes.
    ModifyEnforcementWait {
        /// For how many seconds, up to [`ENFORCEMENT_WAIT_SECONDS_MAX`](super::ENFORCEMENT_WAIT_SECONDS_MAX); none: as
        /// long as the server's setting says.
        seconds: Option<u8>,
    },
}
