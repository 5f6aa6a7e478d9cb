//! Instances and interfaces on their way to being [`Changes`], for plans that touch one of them more than once. What is
//! bound to an interface, and what it may be, goes with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::binding;
use crate::{
    change::Changes,
    id::{InstanceId, NetworkInterfaceId},
    instance::Instance,
    interface::NetworkInterface,
    state::State,
};

/// What the state will be, as far as it was touched. None in a map: it goes.
pub(super) struct Draft<'a> {
    state: &'a State,
    instances: BTreeMap<InstanceId, Option<Instance>>,
    interfaces: BTreeMap<NetworkInterfaceId, Option<NetworkInterface>>,
    unbound: BTreeSet<NetworkInterfaceId>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self { state, instances: BTreeMap::new(), interfaces: BTreeMap::new(), unbound: BTreeSet::new() }
    }

    /// How many instances and interfaces were touched. What goes with an interface is not counted: it is two more at
    /// most.
    pub(super) fn len(&self) -> usize {
        self.instances.len() + self.interfaces.len()
    }

    /// The instance as it will be.
    pub(super) fn instance(&self, id: InstanceId) -> Option<&Instance> {
        match self.instances.get(&id) {
            Some(drafted) => drafted.as_ref(),
            None => self.state.instances().get(&id).map(|instance| &**instance),
        }
    }

    /// The instance, to be changed.
    pub(super) fn instance_mut(&mut self, id: InstanceId) -> Option<&mut Instance> {
        let held = self.state.instances().get(&id)?;
        self.instances.entry(id).or_insert_with(|| Some(Instance::clone(held))).as_mut()
    }

    /// The interface as it will be.
    pub(super) fn interface(&self, id: NetworkInterfaceId) -> Option<&NetworkInterface> {
        match self.interfaces.get(&id) {
            Some(drafted) => drafted.as_ref(),
            None => self.state.interfaces().get(&id).map(|interface| &**interface),
        }
    }

    /// The interface, to be changed.
    pub(super) fn interface_mut(&mut self, id: NetworkInterfaceId) -> Option<&mut NetworkInterface> {
        let held = self.state.interfaces().get(&id)?;
        self.interfaces.entry(id).or_insert_with(|| Some(NetworkInterface::clone(held))).as_mut()
    }

    /// The instance goes.
    pub(super) fn remove_instance(&mut self, id: InstanceId) {
        self.instances.insert(id, None);
    }

    /// The interface goes.
    pub(super) fn remove_interface(&mut self, id: NetworkInterfaceId) {
        self.interfaces.insert(id, None);
        self.unbind(id);
    }

    /// The binding of the interface ends, where there is one.
    pub(super) fn unbind(&mut self, id: NetworkInterfaceId) {
        self.unbound.insert(id);
    }

    /// What has changed against the state, each entity once.
    pub(super) fn finish(self) -> Changes {
        let mut changes = Changes::default();
        for (id, after) in self.instances {
            if let Some(before) = self.state.instances().get(&id).map(Arc::clone) {
                match after {
                    Some(after) => changes.update(before, after),
                    None => changes.remove(before),
                }
            }
        }
        for id in self.unbound {
            binding::end(self.state, id, &mut changes);
        }
        for (id, after) in self.interfaces {
            if let (None, Some(held)) = (&after, self.state.enforcements().get(&id)) {
                changes.remove(Arc::clone(held));
            }
            if let Some(before) = self.state.interfaces().get(&id).map(Arc::clone) {
                match after {
                    Some(after) => changes.update(before, after),
                    None => changes.remove(before),
                }
            }
        }
        changes
    }
}
