//! What a control plane and the agents of its nodes say to each other: the messages of `proto/ravelin_node.proto`, and as
//! messages what a node is to enforce and to run.
//!
//! This crate must not know who keeps state, nor what is done with a message.

pub mod desired;
pub mod instance;
pub mod rule;

/// The messages, the client and the server, as they are generated from the protocol file.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]
pub mod node {
    tonic::include_proto!("ravelin.node.v1");
}

/// The largest message, in bytes: some 100,000 rules.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A message that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value:?}, which is not {wanted}")]
pub struct Malformed {
    /// The field.
    pub field: &'static str,
    /// What it is, cut short.
    pub value: String,
    /// What it should be.
    pub wanted: &'static str,
}

impl Malformed {
    /// The value that is shown of a field, in characters.
    const SHOWN: usize = 64;

    /// A field with a value that it cannot have.
    pub fn new(field: &'static str, value: impl ToString, wanted: &'static str) -> Self {
        let value = value.to_string().chars().take(Self::SHOWN).collect();
        Self { field, value, wanted }
    }
}
