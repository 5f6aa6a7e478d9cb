//! Instances and interfaces on their way to being [`Changes`], for plans that touch one of them more than once. What is
//! bound to an interface, and what it may be, goes with it; so does what hosts an instance.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    change::Changes,
    id::{InstanceId, NetworkInterfaceId, NodeId},
    instance::Instance,
    interface::NetworkInterface,
    node::{Binding, Hosting},
    state::State,
};

/// What the state will be, as far as it was touched. None in a map: it goes.
pub(super) struct Draft<'a> {
    state: &'a State,
    instances: BTreeMap<InstanceId, Option<Instance>>,
    interfaces: BTreeMap<NetworkInterfaceId, Option<NetworkInterface>>,
    hostings: BTreeMap<InstanceId, Option<Hosting>>,
    /// The nodes that interfaces which are bound now are bound to then; none: to none.
    bound: BTreeMap<NetworkInterfaceId, Option<NodeId>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        let (instances, interfaces) = (BTreeMap::new(), BTreeMap::new());
        Self { state, instances, interfaces, hostings: BTreeMap::new(), bound: BTreeMap::new() }
    }

    /// How many instances and interfaces were touched. What goes with them is not counted: it is two more for an interface
    /// at most, and one for an instance.
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

    /// What hosts the instance, as it will be.
    pub(super) fn hosting(&self, id: InstanceId) -> Option<&Hosting> {
        match self.hostings.get(&id) {
            Some(drafted) => drafted.as_ref(),
            None => self.state.hostings().get(&id).map(|hosting| &**hosting),
        }
    }

    /// What hosts the instance, to be changed.
    pub(super) fn hosting_mut(&mut self, id: InstanceId) -> Option<&mut Hosting> {
        let held = self.state.hostings().get(&id)?;
        self.hostings.entry(id).or_insert_with(|| Some(Hosting::clone(held))).as_mut()
    }

    /// No node hosts the instance any more.
    pub(super) fn remove_hosting(&mut self, id: InstanceId) {
        self.hostings.insert(id, None);
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
        self.bound.insert(id, None);
    }

    /// The binding of the interface, where there is one, is to another node from now on.
    pub(super) fn bind_elsewhere(&mut self, id: NetworkInterfaceId, node: NodeId) {
        self.bound.insert(id, Some(node));
    }

    /// Whether the interface will be bound.
    pub(super) fn is_bound(&self, id: NetworkInterfaceId) -> bool {
        self.state.bindings().get(&id).is_some() && self.bound.get(&id).is_none_or(Option::is_some)
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
        for (id, after) in self.hostings {
            if let Some(before) = self.state.hostings().get(&id).map(Arc::clone) {
                match after {
                    Some(after) => changes.update(before, after),
                    None => changes.remove(before),
                }
            }
        }
        for (id, node) in self.bound {
            if let Some(before) = self.state.bindings().get(&id).map(Arc::clone) {
                match node {
                    Some(node) => {
                        changes.update(Arc::clone(&before), Binding { node, ..Binding::clone(&before) })
                    }
                    None => changes.remove(before),
                }
            }
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
