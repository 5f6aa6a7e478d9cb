//! The log's line about each mutation: who asked for what, and what became of it. Never what is secret.

use std::{fmt, net::IpAddr};

use model::{Actor, Refusal};

/// Who asked for what.
pub(crate) struct About {
    pub(crate) actor: Actor,
    /// Of a RAM user: what it is called.
    pub(crate) actor_name: Option<Box<str>>,
    pub(crate) operation: &'static str,
    pub(crate) request_id: Box<str>,
    pub(crate) source: Option<IpAddr>,
}

/// What became of it.
pub(crate) enum Verdict {
    Applied(u64),
    Refused(Refusal),
    NotDurable,
    Unknown,
}

struct Name(Actor);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Actor::Operator => f.write_str("operator"),
            Actor::Clock => f.write_str("clock"),
            Actor::Root(account) => write!(f, "{account}:root"),
            Actor::User(account, user) => write!(f, "{account}:{user}"),
            Actor::Node(node) => node.fmt(f),
        }
    }
}

/// Writes the line. What the clock does by itself is logged at `debug`: it follows from what people asked for.
pub(crate) fn log(about: &About, verdict: &Verdict) {
    let (actor, operation, request_id) = (Name(about.actor), about.operation, &*about.request_id);
    let source = about.source.map(tracing::field::display);
    match verdict {
        Verdict::Applied(generation) if about.actor == Actor::Clock => {
            tracing::debug!(target: "audit", request_id, operation, %actor, source, generation, "applied");
        }
        Verdict::Applied(generation) => {
            tracing::info!(target: "audit", request_id, operation, %actor, source, generation, "applied");
        }
        Verdict::Refused(refusal) => {
            tracing::info!(target: "audit", request_id, operation, %actor, source, %refusal, "refused");
        }
        Verdict::NotDurable => {
            tracing::warn!(target: "audit", request_id, operation, %actor, source, "not durable, nothing changed");
        }
        Verdict::Unknown => {
            tracing::warn!(target: "audit", request_id, operation, %actor, source, "outcome not known");
        }
    }
}
