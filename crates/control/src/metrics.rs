//! What the control plane counts.

use prometheus_client::{
    metrics::{
        counter::Counter,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::published::Published;

/// Counters and histograms of the writer.
pub(crate) struct Metrics {
    /// Seconds of a durable commit, the wait for the disk included.
    pub(crate) commit_duration: Histogram,
    /// Commands carried out by one commit.
    pub(crate) commit_commands: Histogram,
    /// Commits that succeeded.
    pub(crate) commits: Counter,
    /// Writes to the store that failed.
    pub(crate) failed_commits: Counter,
    /// Recoveries that succeeded.
    pub(crate) recoveries: Counter,
    /// Commands that were not legal.
    pub(crate) refusals: Counter,
    /// Commands that found the queue full.
    pub(crate) overloads: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            // 50 microseconds to 13 seconds.
            commit_duration: Histogram::new(exponential_buckets(0.000_05, 2.0, 19)),
            commit_commands: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            commits: Counter::default(),
            failed_commits: Counter::default(),
            recoveries: Counter::default(),
            refusals: Counter::default(),
            overloads: Counter::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("control");
        registry.register_with_unit(
            "commit_duration",
            "Time of one durable commit",
            Unit::Seconds,
            self.commit_duration.clone(),
        );
        registry.register(
            "commit_commands",
            "Commands carried out by one commit",
            self.commit_commands.clone(),
        );
        registry.register("commits", "Commits that succeeded", self.commits.clone());
        registry.register("failed_commits", "Writes to the store that failed", self.failed_commits.clone());
        registry.register("recoveries", "Recoveries of the store that succeeded", self.recoveries.clone());
        registry.register("refusals", "Commands that were not legal", self.refusals.clone());
        registry.register("overloads", "Commands that found the queue full", self.overloads.clone());
    }
}

/// How much there is of what. A look at the moment: changes that are just being committed are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Accounts.
    pub accounts: usize,
    /// RAM users.
    pub users: usize,
    /// Access keys.
    pub access_keys: usize,
    /// Policies that accounts wrote.
    pub policies: usize,
    /// Networks.
    pub networks: usize,
    /// vSwitches.
    pub vswitches: usize,
    /// Instances.
    pub instances: usize,
    /// Network interfaces.
    pub interfaces: usize,
    /// Security groups.
    pub security_groups: usize,
    /// Memberships of interfaces in groups.
    pub memberships: usize,
    /// Nodes.
    pub nodes: usize,
    /// Network interfaces that are bound to nodes.
    pub bindings: usize,
}

impl Sizes {
    pub(crate) fn of(published: &Published) -> Self {
        let state = &published.state;
        Self {
            accounts: state.accounts().len(),
            users: state.users().len(),
            access_keys: state.access_keys().len(),
            policies: state.policies().len(),
            networks: state.networks().len(),
            vswitches: state.vswitches().len(),
            instances: state.instances().len(),
            interfaces: state.interfaces().len(),
            security_groups: state.groups().len(),
            memberships: published.memberships,
            nodes: state.nodes().len(),
            bindings: state.bindings().len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_has_these_names() {
        let (metrics, mut registry, mut text) = (Metrics::new(), Registry::default(), String::new());
        metrics.register(&mut registry);
        metrics.commits.inc();
        metrics.commit_duration.observe(0.000_2);
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "control_commits_total 1",
            "control_commit_duration_seconds_count 1",
            "control_commit_commands_count 0",
            "control_failed_commits_total 0",
            "control_recoveries_total 0",
            "control_refusals_total 0",
            "control_overloads_total 0",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
    }
}
