//! Which nodes a change concerns, and what each of them has to be told.
//!
//! A node is concerned when what it is to enforce or to run differs afterwards, and only then: when a binding to it begins,
//! ends or changes; when an interface that is bound to it changes its groups, addresses or what it may be beside them; when
//! the rules of a group change that such an interface is in; when an instance comes to it, leaves it, is to be in another
//! state, or changes its host name or interfaces. Everything else costs a node nothing.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Change, Changes, Entity, InstanceId, NetworkInterfaceId, NodeId, SecurityGroupId, State,
    instance::Instance,
    interface::NetworkInterface,
    node::{Binding, Hosting},
    security_group::SecurityGroup,
};
use policy::{desired::Delta, same_rules};

use crate::desired;

/// The nodes that a change concerns, and what changes for each. `after` is the state in which the change is made, and
/// nothing that follows it. A node that the change deletes is not among them: there is nobody to tell.
pub fn concern(changes: &Changes, after: &State) -> BTreeMap<NodeId, Delta> {
    let mut concern = Concern { after, deltas: BTreeMap::new() };
    for Change { before, after } in &changes.0 {
        match (before, after) {
            (before, Some(Entity::Binding(binding))) => {
                if let Some(Entity::Binding(before)) = before
                    && before.node != binding.node
                {
                    concern.goes(before);
                }
                concern.comes(binding);
            }
            (Some(Entity::Binding(binding)), None) => concern.goes(binding),
            (Some(Entity::Interface(before)), Some(Entity::Interface(after))) => {
                concern.interface(before, after);
            }
            (before, Some(Entity::Hosting(hosting))) => {
                if let Some(Entity::Hosting(before)) = before
                    && before.node != hosting.node
                {
                    concern.leaves(before);
                }
                concern.instance(hosting.instance);
            }
            (Some(Entity::Hosting(hosting)), None) => concern.leaves(hosting),
            (Some(Entity::Instance(before)), Some(Entity::Instance(after))) => {
                concern.state(before, after);
            }
            (Some(Entity::Enforcement(own)), _) | (_, Some(Entity::Enforcement(own))) => {
                concern.changes(own.interface, &[]);
            }
            (Some(Entity::SecurityGroup(before)), Some(Entity::SecurityGroup(after))) => {
                concern.group(before, after);
            }
            _ => {}
        }
    }
    concern.deltas
}

struct Concern<'a> {
    after: &'a State,
    deltas: BTreeMap<NodeId, Delta>,
}

impl Concern<'_> {
    fn delta(&mut self, node: NodeId) -> &mut Delta {
        self.deltas.entry(node).or_default()
    }

    /// A binding that is there afterwards.
    fn comes(&mut self, binding: &Binding) {
        let groups =
            self.after.interfaces().get(&binding.interface).map(|interface| interface.groups.clone());
        self.changes(binding.interface, &groups.unwrap_or_default());
        self.instance_of(binding.interface);
    }

    /// A binding to a node that is not there afterwards.
    fn goes(&mut self, binding: &Binding) {
        if self.after.nodes().get(&binding.node).is_some() {
            self.delta(binding.node).interfaces.insert(binding.interface, None);
        }
        self.instance_of(binding.interface);
    }

    /// The instance of an interface, where a node hosts it, may have changed.
    fn instance_of(&mut self, interface: NetworkInterfaceId) {
        let interface = self.after.interfaces().get(&interface);
        if let Some(instance) = interface.and_then(|interface| interface.instance) {
            self.instance(instance);
        }
    }

    /// An instance may have changed, where a node hosts it.
    fn instance(&mut self, id: InstanceId) {
        let state = self.after;
        if let Some(hosting) = state.hostings().get(&id) {
            self.delta(hosting.node).instances.insert(id, desired::instance(state, hosting));
        }
    }

    /// An instance that a node hosts no more.
    fn leaves(&mut self, hosting: &Hosting) {
        if self.after.nodes().get(&hosting.node).is_some() {
            self.delta(hosting.node).instances.insert(hosting.instance, None);
        }
    }

    /// An instance whose state or name may have changed. What its counts or interfaces do is seen by theirs.
    fn state(&mut self, before: &Instance, after: &Instance) {
        let Some(hosting) = self.after.hostings().get(&after.id) else { return };
        let wanted = |of| desired::wanted(of, hosting);
        if wanted(before) != wanted(after) || desired::host_name(before) != desired::host_name(after) {
            self.instance(after.id);
        }
    }

    /// An interface that may have changed, and has come into these groups.
    fn changes(&mut self, interface: NetworkInterfaceId, joined: &[SecurityGroupId]) {
        let state = self.after;
        let Some(binding) = state.bindings().get(&interface) else { return };
        let delta = self.delta(binding.node);
        delta.interfaces.insert(interface, desired::interface(state, binding));
        let groups = joined.iter().filter_map(|id| Some((*id, desired::group(state, *id)?)));
        delta.groups.extend(groups);
    }

    fn interface(&mut self, before: &NetworkInterface, after: &NetworkInterface) {
        if self.after.bindings().get(&after.id).is_none() {
            return;
        }
        let joined: Vec<SecurityGroupId> =
            after.groups.iter().copied().filter(|group| !before.groups.contains(group)).collect();
        let left = before.groups.iter().any(|group| !after.groups.contains(group));
        let same = before.mac == after.mac
            && before.vswitch == after.vswitch
            && before.addresses().eq(after.addresses())
            && before.ipv6_addresses == after.ipv6_addresses;
        if left || !joined.is_empty() || !same {
            self.changes(after.id, &joined);
        }
        if !same {
            self.instance_of(after.id);
        }
    }

    /// Nodes are told the rules of a group once, however many of its members are bound to them.
    fn group(&mut self, before: &SecurityGroup, after: &SecurityGroup) {
        if same_rules(&before.rules, &after.rules) {
            return;
        }
        let state = self.after;
        let bound = state.members(after.id).filter_map(|member| state.bindings().get(&member.id));
        let nodes: BTreeSet<NodeId> = bound.map(|binding| binding.node).collect();
        if nodes.is_empty() {
            return;
        }
        let told = desired::rules_of(after);
        for node in nodes {
            self.delta(node).groups.insert(after.id, told.clone());
        }
    }
}
