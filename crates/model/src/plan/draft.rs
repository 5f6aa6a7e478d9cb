//! Instances and interfaces on their way to being [`Changes`], for plans that touch one of them more than once.

use std::{collections::BTreeMap, sync::Arc};

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
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self { state, instances: BTreeMap::new(), interfaces: BTreeMap::new() }
    }

    /// How many entities were touched.
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
        for (id, after) in self.interfaces {
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
