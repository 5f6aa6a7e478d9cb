//! Samples of packets that were dropped.

use std::time::Duration;

use dataplane::{Dataplane, Event};
use model::{NetworkInterfaceId, rule::Direction};
use protocol::node;

use super::Worker;
use crate::{
    clock,
    runtime::decided::{Decided, direction},
};

/// The most samples that are read at once.
const EVENTS_MAX: usize = 1024;

impl<D: Dataplane> Worker<D> {
    /// Reads the samples that the kernel has kept. Those of devices that nobody bound are counted and not kept.
    pub(super) fn drain(&mut self) {
        let events = match self.enforcer.dataplane().events(EVENTS_MAX) {
            Ok(events) if events.is_empty() => return,
            Ok(events) => events,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "samples of dropped packets cannot be read");
                return;
            }
        };
        let now = clock::now();
        let samples: Vec<node::Drop> = events.iter().filter_map(|event| self.sample(event, now.0)).collect();
        self.samples.push(samples);
    }

    fn sample(&mut self, event: &Event, now_ms: i64) -> Option<node::Drop> {
        let interface = self.enforcer.interface_of(event.binding?)?;
        let in_force = event.rule.and_then(|_| self.rules.in_force(&self.enforcer, interface));
        let decided = match (event.rule, in_force) {
            (Some(place), Some(in_force)) => Decided::under(&in_force.rules, event.direction, place),
            _ => Decided::default(),
        };
        let mut drop = node::Drop {
            at_ms: u64::try_from(now_ms - milliseconds(event.age)).unwrap_or(0),
            network_interface_id: interface.to_string(),
            direction: direction(event.direction),
            reason: event.reason.name().to_owned(),
            length: event.length.into(),
            security_group_id: decided.group,
            rule: decided.rule,
            decision: decided.decision.into(),
            rule_text: decided.text,
            ethertype: if event.tuple.is_none() { event.ethertype.into() } else { 0 },
            ..node::Drop::default()
        };
        if let Some(tuple) = event.tuple {
            let (local, remote) = ((tuple.local, tuple.local_port), (tuple.remote, tuple.remote_port));
            let (from, to) = match event.direction {
                Direction::Ingress => (remote, local),
                Direction::Egress => (local, remote),
            };
            drop.protocol = tuple.protocol.into();
            (drop.source, drop.source_port) = (from.0.to_string(), from.1.into());
            (drop.destination, drop.destination_port) = (to.0.to_string(), to.1.into());
        }
        Some(drop)
    }

    /// The binding of an interface, or why it has none.
    pub(super) fn bound(&self, interface: NetworkInterfaceId) -> Result<dataplane::Binding, String> {
        let wanted = self.enforcer.wanted().desired.interfaces.contains_key(&interface);
        let unbound = if wanted { "is at no device of this node now" } else { "is not bound to this node" };
        self.enforcer.binding_of(interface).ok_or_else(|| format!("{interface} {unbound}"))
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
