//! What a node says of itself when it begins to follow, and what it is told from then on.

use std::net::SocketAddr;

use model::{UnixMillis, node::Digest};
use policy::{Delta, Desired};

use super::Question;

/// What a node says of itself when it begins to follow.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The newest generation that the node has been wanted to have, also by an earlier process of its agent; 0 for
    /// none.
    pub generation: u64,
    /// The run of the control plane that made that generation, as it was told; 0: it was not told.
    pub run: u64,
    /// When its machine was started; none: it does not say.
    pub booted_at: Option<UnixMillis>,
    /// The version of its agent.
    pub agent_version: Box<str>,
    /// Where it connects from.
    pub source: SocketAddr,
    /// The fingerprint of the certificate that it proved itself with.
    pub certificate: Digest,
}

/// What a node is told. Each [`Told::Snapshot`], [`Told::Delta`] and [`Told::Current`] is to be answered by one of
/// [`Heard::Confirmed`](super::Heard::Confirmed), [`Heard::NotInForce`](super::Heard::NotInForce) and
/// [`Heard::Refused`](super::Heard::Refused) of its generation or of a later one: only so many are told before the
/// first of them is answered, and what changes meanwhile is told together.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// All that is wanted of the node, whatever was before.
    Snapshot {
        /// The generation that it is of.
        generation: u64,
        /// The run of the control plane that made it; 0: it is not known any more.
        run: u64,
        /// What is wanted.
        desired: Desired,
        /// Whether an operator has said that it is to be obeyed although the node has been wanted to have a newer
        /// generation.
        obey_regression: bool,
    },
    /// What has changed.
    Delta {
        /// The generation that the node is at: of the snapshot, delta or current before this, or of its hello.
        from: u64,
        /// The generation that the change leads to.
        generation: u64,
        /// The run of the control plane that made it.
        run: u64,
        /// The change.
        delta: Delta,
    },
    /// Nothing has changed for the node up to this generation: it is at it from now on.
    Current {
        /// That generation.
        generation: u64,
        /// The run of the control plane that made it; 0: it is not known any more.
        run: u64,
    },
    /// Somebody wants to know something.
    Question {
        /// The number of the question, which its answer repeats.
        id: u64,
        /// What.
        question: Question,
    },
}

/// Why a node is told no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// It follows through another connection.
    #[error("the node follows through a newer connection")]
    Replaced,
    /// The certificate that it proved itself with is not good any more.
    #[error("the certificate of the node was revoked")]
    Revoked,
    /// It does not exist any more.
    #[error("the node was deleted")]
    Deleted,
    /// The control plane is ending.
    #[error("the server is stopping")]
    Stopping,
}

/// Why a node may not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// There is no such node.
    #[error("the node does not exist")]
    NotFound,
    /// The certificate is not one of the node's, is expired or was revoked.
    #[error("the certificate of the node is not good: it is another node's, has expired, or was revoked")]
    Certificate,
    /// The control plane is ending.
    #[error("the server is stopping")]
    Stopping,
}
