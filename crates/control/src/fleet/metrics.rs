//! What is counted of nodes, and how far behind they are.

use std::{fmt, sync::Arc};

use model::NodeId;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet},
    metrics::{
        MetricType,
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::{RefusalReason, Told, hearing::Counted, view::Totals};
use crate::control::Core;

/// The most nodes that have series of their own: those that are furthest behind.
const NODES_SHOWN_MAX: usize = 100;

/// Counters and histograms of nodes.
#[derive(Debug)]
pub(crate) struct FleetMetrics {
    /// Seconds from when a generation is on disk until a node that it concerns has confirmed it.
    confirmation: Histogram,
    /// Seconds from the arrival of an update at a node to the end of its read-back, as the node says.
    switch: Histogram,
    /// Connections that began.
    pub(super) connections: Counter,
    /// What nodes were told, by kind.
    told: Family<Kind, Counter>,
    /// Updates that nodes do not obey, by reason.
    refusals: Family<Reason, Counter>,
    /// Updates that are not in force everywhere.
    failures: Counter,
    /// Nodes that were found to have regressed.
    pub(super) regressions: Counter,
    /// What nodes said of generations that they were never told.
    impossible: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Node {
    node: String,
}

impl FleetMetrics {
    pub(crate) fn new() -> Self {
        // Half a millisecond to a minute.
        let seconds = || Histogram::new(exponential_buckets(0.000_5, 2.0, 18));
        Self {
            confirmation: seconds(),
            switch: seconds(),
            connections: Counter::default(),
            told: Family::default(),
            refusals: Family::default(),
            failures: Counter::default(),
            regressions: Counter::default(),
            impossible: Counter::default(),
        }
    }

    pub(super) fn told(&self, told: &Told) {
        let kind = match told {
            Told::Snapshot { .. } => "snapshot",
            Told::Delta { .. } => "delta",
            Told::Current { .. } => "current",
            Told::Question { .. } => "question",
        };
        self.told.get_or_create(&Kind { kind }).inc();
    }

    pub(super) fn heard(&self, counted: &Counted) {
        counted.confirmed_after.iter().for_each(|after| self.confirmation.observe(after.as_secs_f64()));
        if let Some(took) = counted.took {
            self.switch.observe(took.as_secs_f64());
        }
        if let Some(reason) = counted.refused {
            let reason = match reason {
                RefusalReason::Gap => "gap",
                RefusalReason::Regressed => "regressed",
                RefusalReason::Invalid => "invalid",
            };
            self.refusals.get_or_create(&Reason { reason }).inc();
        }
        for (is_so, counter) in [
            (counted.not_in_force, &self.failures),
            (counted.regressed, &self.regressions),
            (counted.impossible, &self.impossible),
        ] {
            counter.inc_by(u64::from(is_so));
        }
    }

    /// Adds what is counted, and what [`Totals`] says at the time, under names that begin with `fleet_`.
    pub(crate) fn register(&self, core: &Arc<Core>, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("fleet");
        registry.register_with_unit(
            "confirmation",
            "Time from when a change is on disk until a node that it concerns has confirmed it",
            Unit::Seconds,
            self.confirmation.clone(),
        );
        registry.register_with_unit(
            "switch",
            "Time from the arrival of an update at a node to the end of its read-back",
            Unit::Seconds,
            self.switch.clone(),
        );
        registry.register("connections", "Connections of nodes that began", self.connections.clone());
        registry.register("told", "What nodes were told, by kind", self.told.clone());
        registry.register("refusals", "Updates that nodes do not obey, by reason", self.refusals.clone());
        registry.register("failures", "Updates that are not in force everywhere", self.failures.clone());
        registry.register("regressions", "Nodes that were found to have regressed", self.regressions.clone());
        registry.register(
            "impossible",
            "Answers of nodes about generations that they were never told",
            self.impossible.clone(),
        );
        registry.register_collector(Box::new(Gauges(Arc::clone(core))));
    }
}

/// How nodes are at the moment at which somebody asks.
struct Gauges(Arc<Core>);

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let fleet = &self.0.fleet;
        let now = fleet.moment(self.0.clock.now());
        let totals = fleet.roster().totals(now, NODES_SHOWN_MAX);
        for (name, help, value) in gauges(&totals) {
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
        }
        let (name, help) = ("node_generations_behind", "Unconfirmed generations that concern a node");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (node, behind) in &totals.furthest_behind {
            family.encode_family(&label(*node))?.encode_gauge(&as_float(behind.generations))?;
        }
        let (name, help) = ("node_behind", "For how long the oldest of them has been on disk");
        let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for (node, behind) in &totals.furthest_behind {
            family.encode_family(&label(*node))?.encode_gauge(&behind.time.as_secs_f64())?;
        }
        Ok(())
    }
}

fn label(node: NodeId) -> Node {
    Node { node: node.to_string() }
}

#[allow(clippy::cast_precision_loss, reason = "nobody counts so far")]
fn as_float(number: u64) -> f64 {
    number as f64
}

fn gauges(totals: &Totals) -> [(&'static str, &'static str, f64); 7] {
    let most = totals.furthest_behind.first().map(|(_, behind)| *behind).unwrap_or_default();
    [
        ("nodes_connected", "Nodes that are connected", as_float(totals.connected)),
        (
            "nodes_behind",
            "Nodes that have not confirmed something that concerns them",
            as_float(totals.behind),
        ),
        ("nodes_regressed", "Nodes that have regressed and wait for ReadmitNode", as_float(totals.regressed)),
        ("generations_unconfirmed", "Generations that some node has not confirmed", as_float(totals.open)),
        (
            "generations_behind_max",
            "The most generations that a node is behind",
            as_float(totals.generations_behind_max),
        ),
        ("behind_seconds_max", "The longest time that a node is behind", most.time.as_secs_f64()),
        (
            "pending_bytes",
            "About how many bytes of changes are kept for nodes",
            as_float(totals.pending_bytes),
        ),
    ]
}
