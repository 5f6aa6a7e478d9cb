//! What a definition means for this host: which devices, bindings and classes there have to be.

use host::wire::{Medium, Wire};
use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
};

use dataplane::Interface as Bindable;
use model::{NetworkInterfaceId, SecurityGroupId, address::Mac};
use policy::{
    Plan, PolicyClass,
    intent::{Change, ClassKey, Intent, IntentError},
};
use xxhash_rust::xxh3::Xxh3Default;

use crate::{
    definition::{Definition, Interface, NetworkKind},
    name,
};

/// The group of every device that a lab makes in its host's namespace: by it they are told from those of others.
pub const DEVICE_GROUP: u32 = 0x7261_7665;

/// An interface as it has to be.
#[derive(Debug, Clone)]
pub struct DesiredInterface {
    /// Its id.
    pub id: NetworkInterfaceId,
    /// Whose it is.
    pub instance: String,
    /// Its place among the instance's interfaces.
    pub number: usize,
    /// How it is wired.
    pub wire: Wire,
    /// The alias of the host's end. It is set when everything else about the wire is done, and has a digest of it: a
    /// device with another alias is made anew.
    pub alias: String,
    /// What the dataplane is told.
    pub bindable: Bindable,
    /// Its class.
    pub class: ClassKey,
}

/// A class as it has to be.
#[derive(Debug, Clone)]
pub struct DesiredClass {
    /// Which one.
    pub key: ClassKey,
    /// By what it is found in the dataplane.
    pub label: u128,
    /// Its groups and rules.
    pub class: PolicyClass,
    /// Its compiled form.
    pub plan: Plan,
    /// The digest of that.
    pub digest: u64,
}

/// A lab as it has to be.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Its name.
    pub lab: String,
    /// Bridges, by name.
    pub bridges: Vec<String>,
    /// Instances, by name.
    pub instances: Vec<String>,
    /// Interfaces, by instance and number.
    pub interfaces: Vec<DesiredInterface>,
    /// Classes, by key.
    pub classes: Vec<DesiredClass>,
    /// The names of groups, by id.
    pub group_names: BTreeMap<SecurityGroupId, String>,
}

impl Desired {
    /// What a definition means.
    ///
    /// # Errors
    /// Groups that cannot be enforced together; a definition that was checked has none.
    pub fn of(definition: &Definition) -> Result<Self, IntentError> {
        let intent = intent(definition)?;
        let classes = intent.classes().map(|(key, class)| DesiredClass::of(key, class)).collect();
        let bridged = |network: &&crate::definition::Network| network.kind == NetworkKind::Bridged;
        let interfaces = definition.interfaces().filter_map(|interface| {
            let class = intent.class_of(interface.id)?.clone();
            Some(DesiredInterface::of(definition, interface, class))
        });
        Ok(Self {
            lab: definition.name().to_owned(),
            bridges: definition.networks().iter().filter(bridged).map(|of| name::bridge(&of.name)).collect(),
            instances: definition.instances().iter().map(|instance| instance.name.clone()).collect(),
            interfaces: interfaces.collect(),
            classes,
            group_names: definition.groups().iter().map(|group| (group.id, group.name.clone())).collect(),
        })
    }

    /// The class of this key.
    pub fn class(&self, key: &ClassKey) -> Option<&DesiredClass> {
        self.classes.iter().find(|class| class.key == *key)
    }

    /// The names of a class's groups, in alphabetical order.
    pub fn groups_of(&self, key: &ClassKey) -> Vec<String> {
        let mut names: Vec<String> =
            key.groups().iter().filter_map(|group| self.group_names.get(group).cloned()).collect();
        names.sort_unstable();
        names
    }

    /// A class as people call it: the names of its groups.
    pub fn class_name(&self, key: &ClassKey) -> String {
        let names = self.groups_of(key);
        if names.is_empty() { "no groups".into() } else { names.join("+") }
    }
}

impl DesiredClass {
    fn of(key: &ClassKey, class: &PolicyClass) -> Self {
        let plan = Plan::compile(class);
        let digest = plan.digest();
        Self { key: key.clone(), label: key.label(), class: class.clone(), plan, digest }
    }
}

impl DesiredInterface {
    fn of(definition: &Definition, interface: &Interface, class: ClassKey) -> Self {
        let wire = wire(definition, interface);
        let mut hasher = Xxh3Default::new();
        wire.hash(&mut hasher);
        let alias = name::alias(definition.name(), &interface.instance, interface.number);
        let bindable = Bindable {
            source_check: interface.source_check,
            ..Bindable::new(interface.id, interface.mac, interface.addresses())
        };
        Self {
            id: interface.id,
            instance: interface.instance.clone(),
            number: interface.number,
            alias: format!("{alias} ({:016x})", hasher.finish()),
            wire,
            bindable,
            class,
        }
    }
}

fn wire(definition: &Definition, interface: &Interface) -> Wire {
    let [_, _, _, a, b, c] = interface.mac.0;
    let medium = match definition.network(&interface.network) {
        Some(network) if network.kind == NetworkKind::Bridged => Medium::Bridged {
            bridge: name::bridge(&network.name),
            ipv4_length: network.ipv4.prefix_len(),
            ipv6_length: network.ipv6.map_or(128, |net| net.prefix_len()),
        },
        _ => Medium::Routed,
    };
    Wire {
        namespace: name::instance_namespace(definition.name(), &interface.instance),
        inner_device: name::inner_device(interface.number),
        number: u32::try_from(interface.number).unwrap_or(u32::MAX),
        mac: interface.mac,
        addresses: interface.addresses().collect(),
        link_local: interface.link_local(),
        device: name::device(&interface.instance, interface.number),
        // Locally administered, and higher than any instance's, so that a bridge does not take one of those.
        device_mac: Mac([0xfe, 0x16, 0x3e, a, b, c]),
        group: DEVICE_GROUP,
        medium,
    }
}

/// The groups and memberships of a definition.
fn intent(definition: &Definition) -> Result<Intent, IntentError> {
    let mut intent = Intent::default();
    for group in definition.groups() {
        intent.apply(Change::PutGroup { group: group.id, rules: group.rules.clone() })?;
    }
    for interface in definition.interfaces() {
        let groups = interface.groups.iter().filter_map(|name| definition.group(name)).map(|group| group.id);
        intent.apply(Change::PutInterface { interface: interface.id, groups: groups.collect() })?;
    }
    Ok(intent)
}
