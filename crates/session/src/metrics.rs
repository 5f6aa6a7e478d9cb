//! What the listener for nodes counts.

use std::sync::atomic::AtomicI64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tonic::{Code, Status};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// Why a connection is not taken, or closed before anything is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unconnected {
    /// Its address has as many as it may have.
    Address,
    /// The node has as many as it may have.
    Node,
    /// There are as many connections of nodes as there may be.
    Full,
    /// The TLS handshake failed.
    Handshake,
    /// The TLS handshake took too long.
    Slow,
}

impl Unconnected {
    fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Node => "node",
            Self::Full => "full",
            Self::Handshake => "handshake",
            Self::Slow => "slow",
        }
    }
}

/// Counters and gauges of the listener for nodes. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(crate) connections: Gauge<i64, AtomicI64>,
    unconnected: Family<ReasonLabel, Counter>,
    joins: Family<CodeLabel, Counter>,
    renewals: Family<CodeLabel, Counter>,
    sessions_ended: Family<CodeLabel, Counter>,
    pub(crate) messages_sent: Counter,
    pub(crate) bytes_sent: Counter,
    pub(crate) messages_received: Counter,
}

impl Metrics {
    /// Puts them into a registry, with names that begin with `node_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("node");
        registry.register(
            "connections",
            "Connections that nodes and hosts have open",
            self.connections.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that were closed before anything was asked for, by reason",
            self.unconnected.clone(),
        );
        registry.register("joins", "Attempts of hosts to join, by code", self.joins.clone());
        registry.register("renewals", "Attempts to renew a certificate, by code", self.renewals.clone());
        registry.register("sessions_ended", "Sessions that ended, by code", self.sessions_ended.clone());
        registry.register("messages_sent", "Messages to nodes", self.messages_sent.clone());
        registry.register("sent_bytes", "Bytes of messages to nodes, before TLS", self.bytes_sent.clone());
        registry.register("messages_received", "Messages of nodes", self.messages_received.clone());
    }

    pub(crate) fn count_unconnected(&self, why: Unconnected) {
        self.unconnected.get_or_create(&ReasonLabel { reason: why.name() }).inc();
    }

    pub(crate) fn count_join<T>(&self, result: &Result<T, Status>) {
        self.joins.get_or_create(&label(result)).inc();
    }

    pub(crate) fn count_renewal<T>(&self, result: &Result<T, Status>) {
        self.renewals.get_or_create(&label(result)).inc();
    }

    /// How a session ended: `OK` by the node, `CANCELLED` with its connection, else by what the node was told.
    pub(crate) fn count_session(&self, code: Code) {
        self.sessions_ended.get_or_create(&CodeLabel { code: name(code) }).inc();
    }
}

fn label<T>(result: &Result<T, Status>) -> CodeLabel {
    CodeLabel { code: name(result.as_ref().map_or_else(Status::code, |_| Code::Ok)) }
}

/// The name of a code, as the protocol file has it.
pub(crate) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_has_these_names() {
        let (metrics, mut registry, mut text) = (Metrics::default(), Registry::default(), String::new());
        metrics.register(&mut registry);
        metrics.count_join::<()>(&Err(Status::already_exists("used")));
        metrics.count_renewal(&Ok(()));
        metrics.count_session(Code::Ok);
        metrics.count_unconnected(Unconnected::Handshake);
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "node_connections 0",
            "node_connections_refused_total{reason=\"handshake\"} 1",
            "node_joins_total{code=\"ALREADY_EXISTS\"} 1",
            "node_renewals_total{code=\"OK\"} 1",
            "node_sessions_ended_total{code=\"OK\"} 1",
            "node_messages_sent_total 0",
            "node_sent_bytes_total 0",
            "node_messages_received_total 0",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
    }
}
