//! The indexes of nodes, of what is bound to them and of what they host.

use std::sync::Arc;

use super::State;
use crate::node::{Binding, Device, Hosting, Node};

impl State {
    pub(super) fn forget_node(&mut self, node: &Node, gone: bool) {
        if let Some(others) = self.nodes_in.get_mut(&node.region) {
            others.remove(&node.id);
            if others.is_empty() {
                self.nodes_in.remove(&node.region);
            }
        }
        for certificate in &node.certificates {
            self.certificates.remove(&certificate.fingerprint);
        }
        if gone {
            self.nodes.remove(node);
        }
    }

    pub(super) fn learn_node(&mut self, node: &Arc<Node>) {
        self.nodes_in.entry(node.region.clone()).or_default().insert(node.id);
        for certificate in &node.certificates {
            self.certificates.insert(certificate.fingerprint, node.id);
        }
        self.nodes.put(Arc::clone(node));
    }

    pub(super) fn forget_binding(&mut self, binding: &Binding, gone: bool) {
        if let Some(others) = self.bound_to.get_mut(&binding.node) {
            others.remove(&binding.interface);
            if others.is_empty() {
                self.bound_to.remove(&binding.node);
            }
        }
        if let Device::Named(name) = &binding.device {
            self.devices.remove(&(binding.node, name.clone()));
        }
        if gone {
            self.bindings.remove(binding);
        }
    }

    pub(super) fn learn_binding(&mut self, binding: &Arc<Binding>) {
        self.bound_to.entry(binding.node).or_default().insert(binding.interface);
        if let Device::Named(name) = &binding.device {
            self.devices.insert((binding.node, name.clone()), binding.interface);
        }
        self.bindings.put(Arc::clone(binding));
    }

    pub(super) fn forget_hosting(&mut self, hosting: &Hosting, gone: bool) {
        if let Some(others) = self.hosted_by.get_mut(&hosting.node) {
            others.remove(&hosting.instance);
            if others.is_empty() {
                self.hosted_by.remove(&hosting.node);
            }
        }
        if gone {
            self.hostings.remove(hosting);
        }
    }

    pub(super) fn learn_hosting(&mut self, hosting: &Arc<Hosting>) {
        self.hosted_by.entry(hosting.node).or_default().insert(hosting.instance);
        self.hostings.put(Arc::clone(hosting));
    }
}
