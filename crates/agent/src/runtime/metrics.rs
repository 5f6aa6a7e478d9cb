//! What the agent counts.

use std::{
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::{measure::Measures, shared::EnforcementStanding};

/// A label of what was told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    /// `snapshot`, `delta`, `current` or `question`.
    pub(crate) kind: &'static str,
}

/// A label of what became of an update.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Result {
    /// `confirmed`, `not_in_force` or `refused`.
    pub(crate) result: &'static str,
}

/// A label of why packets were dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// A label of how devices or interfaces stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

type Number = Gauge<i64, AtomicI64>;
type Count = Counter<u64, AtomicU64>;

/// What the agent counts. It is counted as it happens, and what the kernel counts is read when somebody asks.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) told_messages: Family<Kind, Count>,
    pub(crate) told_bytes: Family<Kind, Count>,
    pub(crate) updates: Family<Result, Count>,
    pub(crate) update_duration: Histogram,
    pub(crate) switched_duration: Histogram,
    pub(crate) switch_duration: Histogram,
    pub(crate) save_duration: Histogram,
    pub(crate) failed_saves: Count,
    pub(crate) connections: Count,
    pub(crate) failed_connections: Count,
    pub(crate) connected: Number,
    pub(crate) certificate_expires: Number,
    pub(crate) drift_found: Count,
    pub(crate) drift_repaired: Count,
    generation_wanted: Number,
    generation_confirmed: Number,
    generations_behind: Number,
    behind: Gauge<f64, AtomicU64>,
    interfaces: Family<State, Number>,
    devices: Family<State, Number>,
    flows: Number,
    dropped_packets: Family<Reason, Count>,
}

fn durations() -> Histogram {
    // 10 microseconds to 10 seconds.
    Histogram::new(exponential_buckets(0.000_01, 2.0, 21))
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            told_messages: Family::default(),
            told_bytes: Family::default(),
            updates: Family::default(),
            update_duration: durations(),
            switched_duration: durations(),
            switch_duration: durations(),
            save_duration: durations(),
            failed_saves: Counter::default(),
            connections: Counter::default(),
            failed_connections: Counter::default(),
            connected: Gauge::default(),
            certificate_expires: Gauge::default(),
            drift_found: Counter::default(),
            drift_repaired: Counter::default(),
            generation_wanted: Gauge::default(),
            generation_confirmed: Gauge::default(),
            generations_behind: Gauge::default(),
            behind: Gauge::default(),
            interfaces: Family::default(),
            devices: Family::default(),
            flows: Gauge::default(),
            dropped_packets: Family::default(),
        }
    }
}

fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

impl Metrics {
    /// Sets what is so now.
    pub(crate) fn set(&self, standing: &EnforcementStanding, behind: Option<Duration>) {
        self.generation_wanted.set(number(standing.wanted));
        self.generation_confirmed.set(number(standing.confirmed));
        self.generations_behind.set(number(standing.wanted.saturating_sub(standing.confirmed)));
        self.behind.set(behind.map_or(0.0, |behind| behind.as_secs_f64()));
        let tally = standing.tally;
        for (state, count) in [("bound", tally.bound), ("absent", tally.absent), ("troubled", tally.troubled)]
        {
            self.interfaces.get_or_create(&State { state }).set(number(count));
        }
        for (state, count) in [("guarded", tally.guarded), ("open", tally.open)] {
            self.devices.get_or_create(&State { state }).set(number(count));
        }
    }

    /// Sets what was read from the kernel.
    pub(crate) fn set_measures(&self, measures: &Measures) {
        self.flows.set(number(measures.flows));
        for (reason, count) in &measures.dropped {
            let counter = self.dropped_packets.get_or_create(&Reason { reason: reason.name() });
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }

    /// All of it, as Prometheus reads it.
    pub(crate) fn text(&self) -> String {
        let mut registry = Registry::with_prefix("ravelin_agent");
        self.register_session(&mut registry);
        self.register_enforcement(&mut registry);
        self.register_kernel(&mut registry);
        let mut text = String::new();
        // Writing to a string has no way to fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }

    fn register_session(&self, registry: &mut Registry) {
        let connected =
            "Whether there is a session with the control plane; without one what is in force is frozen";
        registry.register("connected", connected, self.connected.clone());
        registry.register("connections", "Sessions that began", self.connections.clone());
        let failed = "Sessions that could not begin, or that ended otherwise than by being told to";
        registry.register("failed_connections", failed, self.failed_connections.clone());
        let told = "Messages of the control plane, by kind";
        registry.register("told_messages", told, self.told_messages.clone());
        let bytes = "Bytes of the messages of the control plane, by kind";
        registry.register_with_unit("told", bytes, Unit::Bytes, self.told_bytes.clone());
        let expires = "When the node's certificate expires, in seconds since 1970";
        registry.register_with_unit(
            "certificate_expires_at",
            expires,
            Unit::Seconds,
            self.certificate_expires.clone(),
        );
    }

    fn register_enforcement(&self, registry: &mut Registry) {
        let wanted = "The newest generation that is wanted";
        registry.register("generation_wanted", wanted, self.generation_wanted.clone());
        let confirmed = "The newest generation that is in force everywhere, read back and on disk";
        registry.register("generation_confirmed", confirmed, self.generation_confirmed.clone());
        let behind = "How many generations the confirmed one is behind the wanted one";
        registry.register("generations_behind", behind, self.generations_behind.clone());
        let since = "For how long something wanted is not confirmed";
        registry.register_with_unit("behind", since, Unit::Seconds, self.behind.clone());
        registry.register("updates", "Updates, by what became of them", self.updates.clone());
        let mut duration = |name: &str, help: &str, histogram: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        duration(
            "update_duration",
            "From the arrival of an update to its confirmation",
            &self.update_duration,
        );
        duration(
            "switched_duration",
            "From the arrival of an update to the last store that put it in force",
            &self.switched_duration,
        );
        duration("switch_duration", "Switching and reading back", &self.switch_duration);
        duration("save_duration", "Waiting for the disk before a confirmation", &self.save_duration);
        registry.register("failed_saves", "States that could not be kept on disk", self.failed_saves.clone());
        let found = "Differences between the kernel and what was put in force, found by audits";
        registry.register("drift_found", found, self.drift_found.clone());
        registry.register("drift_repaired", "How many of them were repaired", self.drift_repaired.clone());
        let interfaces = "Network interfaces, by how they stand";
        registry.register("interfaces", interfaces, self.interfaces.clone());
        let devices = "Devices that nobody bound: guarded ones are closed, open ones cannot be closed";
        registry.register("devices", devices, self.devices.clone());
    }

    fn register_kernel(&self, registry: &mut Registry) {
        registry.register("flows", "Flows in the table, alive and dead", self.flows.clone());
        let dropped = "Packets dropped since the agent began, by reason";
        registry.register("dropped_packets", dropped, self.dropped_packets.clone());
    }
}
