//! Metrics of the gateway: requests by operation and code, and how long they took.

use std::{sync::atomic::AtomicI64, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::catalogue::{Answer, Fault, Operation};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

/// Upper bounds of the latency histogram, in seconds.
const SECONDS: [f64; 13] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

pub(super) struct Metrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<OperationLabel, Histogram>,
    entities: Family<KindLabel, Gauge<i64, AtomicI64>>,
    nonces: Gauge,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            entities: Family::default(),
            nonces: Gauge::default(),
        };
        registry.register("ravelin_requests", "Requests, by operation and code", metrics.requests.clone());
        registry.register(
            "ravelin_request_seconds",
            "Time from a request to its answer, by operation",
            metrics.seconds.clone(),
        );
        registry.register("ravelin_entities", "What exists, by kind", metrics.entities.clone());
        registry.register("ravelin_nonces", "Nonces that are remembered", metrics.nonces.clone());
        metrics
    }

    pub(super) fn count(
        &self,
        operation: Option<&'static Operation>,
        result: &Result<Answer, Fault>,
        took: Duration,
    ) {
        let operation = operation.map_or("-", |operation| operation.name);
        let code = match result {
            Ok(_) => "OK".into(),
            // One series for all malformed fields: their names are the caller's in part.
            Err(fault) if fault.code.starts_with("InvalidParameter.") => "InvalidParameter.*".into(),
            Err(fault) => fault.code.to_string(),
        };
        self.requests.get_or_create(&RequestLabels { operation, code }).inc();
        self.seconds.get_or_create(&OperationLabel { operation }).observe(took.as_secs_f64());
    }

    pub(super) fn observe_sizes(&self, sizes: &control::Sizes, nonces: usize) {
        let number = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        for (kind, size) in [
            ("account", sizes.accounts),
            ("user", sizes.users),
            ("access_key", sizes.access_keys),
            ("policy", sizes.policies),
            ("network", sizes.networks),
            ("vswitch", sizes.vswitches),
            ("instance", sizes.instances),
            ("network_interface", sizes.interfaces),
            ("security_group", sizes.security_groups),
            ("membership", sizes.memberships),
            ("node", sizes.nodes),
            ("binding", sizes.bindings),
        ] {
            self.entities.get_or_create(&KindLabel { kind }).set(number(size));
        }
        self.nonces.set(number(nonces));
    }
}
