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

/// The largest message to a node, in bytes: some 100,000 rules.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The largest message of a node while it follows, in bytes: an answer with 1,000 flows takes a quarter of it.
pub const FROM_NODE_BYTES_MAX: usize = 1024 * 1024;
/// The largest message of a host that joins, or of a node that renews its certificate, in bytes.
pub const ENROLMENT_BYTES_MAX: usize = 16 * 1024;
/// The largest request for a certificate, in bytes.
pub const CERTIFICATE_REQUEST_BYTES_MAX: usize = 4 * 1024;
/// The longest text in a message of a node, an explanation, in characters; what is longer is cut.
pub const TEXT_MAX: usize = model::node::TEXT_MAX;
/// The name that the certificate of a control plane is for, at whatever address it listens.
pub const SERVER_NAME: &str = "control-plane.ravelin.internal";
/// The protocol that both sides agree on while TLS begins.
pub const ALPN: &[u8] = b"h2";

/// A text of a node for people: of one line, without what a terminal would obey, and no longer than [`TEXT_MAX`].
pub fn text(text: &str) -> Box<str> {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(TEXT_MAX).map(plain).collect()
}

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
