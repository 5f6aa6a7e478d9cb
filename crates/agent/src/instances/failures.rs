//! What could not be done in one call of the driver: for one instance, for all of a network, or for others. Pure.

use std::collections::BTreeMap;

use model::{InstanceId, NetworkId};

use super::{
    step::Step,
    target::{Machine, Target},
};
use crate::enforcer::chain;

/// What could not be done. It is not tried again in the same call.
#[derive(Debug, Default)]
pub(super) struct Failures {
    instances: BTreeMap<InstanceId, String>,
    networks: BTreeMap<NetworkId, String>,
    others: Vec<(Step, String)>,
}

impl Failures {
    /// Instances for which nothing can be done.
    pub(super) fn refuse(&mut self, refused: BTreeMap<InstanceId, String>) {
        self.instances.extend(refused);
    }

    /// A step could not be carried out.
    pub(super) fn add(&mut self, step: &Step, error: &dyn std::error::Error) {
        let why = format!("cannot {step}: {}", chain(error));
        tracing::warn!(why, "an instance is not as it is wanted");
        match (step.instance(), step.network()) {
            (Some(instance), _) => drop(self.instances.entry(instance).or_insert(why)),
            (None, Some(network)) => drop(self.networks.entry(network).or_insert(why)),
            (None, None) => self.others.push((step.clone(), why)),
        }
    }

    /// Whether a step cannot be carried out because of what failed.
    pub(super) fn stop(&self, step: &Step, target: &Target) -> bool {
        let machine = step.instance().and_then(|id| Some((id, target.machines.get(&id)?)));
        let of_machine = match machine {
            Some((id, machine)) => self.of(id, machine).is_some(),
            None => step.instance().is_some_and(|id| self.instances.contains_key(&id)),
        };
        let of_network = step.network().is_some_and(|network| self.networks.contains_key(&network));
        of_machine || of_network || self.others.iter().any(|(failed, _)| failed == step)
    }

    /// Why an instance cannot be as it is wanted.
    pub(super) fn of(&self, id: InstanceId, machine: &Machine) -> Option<&str> {
        // What is to be gone needs no bridge.
        let ports = machine.ports.iter().filter(|_| machine.runs());
        let of_network = ports.filter_map(|port| self.networks.get(&port.network)).next();
        self.instances.get(&id).or(of_network).map(String::as_str)
    }

    /// Everything that failed, as one text; none: nothing.
    pub(super) fn all(&self) -> Option<String> {
        let others = self.others.iter().map(|(_, why)| why);
        let all: Vec<&str> =
            self.instances.values().chain(self.networks.values()).chain(others).map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}
