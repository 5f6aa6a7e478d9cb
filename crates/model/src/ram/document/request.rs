//! What a policy is evaluated against, and what comes of it.

use std::net::IpAddr;

use crate::context::UnixMillis;

use super::resource::ResourceName;

/// A request that someone must be allowed to make. An operation that concerns several resources is several requests,
/// each of which must be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRequest<'a> {
    /// What is to be done, such as `ens:LeaveSecurityGroup`.
    pub action: &'a str,
    /// With what.
    pub resource: ResourceName<'a>,
    /// Where the request comes from. An IPv4 address in IPv6 form counts as the IPv4 address.
    pub source_ip: IpAddr,
    /// Whether it came over TLS.
    pub secure_transport: bool,
    /// When it is decided.
    pub now: UnixMillis,
}

/// What documents say about a request. Only [`Decision::Allow`] lets it pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow(DecidedBy),
    /// A statement denies it, whatever others allow.
    ExplicitDeny(DecidedBy),
    /// No statement is about it.
    ImplicitDeny,
}

impl Decision {
    /// Whether the request may pass.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// The first statement that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidedBy {
    /// The document's place in what was evaluated, from 0.
    pub document: usize,
    /// The statement's place in that document, from 0.
    pub statement: usize,
}
