//! Which interfaces a change concerns, by the groups that they are in before it and after. Pure.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
};

use model::{
    Change, Changes, Entity, InstanceId, NetworkInterfaceId, NodeId, SecurityGroupId, State,
    interface::NetworkInterface, security_group::SecurityGroup,
};
use policy::Group;

/// An interface that a change concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concerned {
    /// The interface.
    pub id: NetworkInterfaceId,
    /// Its instance.
    pub instance: Option<InstanceId>,
    /// Its addresses.
    pub addresses: Box<[IpAddr]>,
    /// The node that it is bound to.
    pub node: Option<NodeId>,
}

/// Interfaces that are in the same groups before a change and after.
pub(super) struct ConcernedClass {
    /// By id.
    pub(super) before: Vec<Arc<SecurityGroup>>,
    /// By id.
    pub(super) after: Vec<Arc<SecurityGroup>>,
    pub(super) interfaces: Vec<Concerned>,
}

/// Everything that a change concerns, the classes of the most interfaces first.
pub(super) struct ConcernedClasses {
    pub(super) classes: Vec<ConcernedClass>,
    /// The nodes that interfaces of them are bound to, and what they are called.
    pub(super) nodes: BTreeMap<NodeId, Box<str>>,
}

impl ConcernedClasses {
    pub(super) fn interface_count(&self) -> usize {
        self.classes.iter().map(|own| own.interfaces.len()).sum()
    }

    pub(super) fn unbound_count(&self) -> usize {
        let unbound = |own: &ConcernedClass| own.interfaces.iter().filter(|one| one.node.is_none()).count();
        self.classes.iter().map(unbound).sum()
    }
}

/// Groups as policy classes have them, each made once.
#[derive(Default)]
pub(super) struct Groups(HashMap<*const SecurityGroup, Group>);

impl Groups {
    /// The rules of a group. One group may be here as it is and as it would be: they are told apart by where they lie,
    /// which is the same for as long as somebody has them.
    pub(super) fn rules_of(&mut self, group: &Arc<SecurityGroup>) -> Group {
        self.0.entry(Arc::as_ptr(group)).or_insert_with(|| super::rules_of(group)).clone()
    }
}

/// Groups by id, and what the change makes of them.
struct After<'a> {
    state: &'a State,
    changed: BTreeMap<SecurityGroupId, &'a Arc<SecurityGroup>>,
}

impl After<'_> {
    fn before(&self, ids: &[SecurityGroupId]) -> Vec<Arc<SecurityGroup>> {
        ids.iter().filter_map(|id| self.state.groups().get(id).cloned()).collect()
    }

    fn after(&self, ids: &[SecurityGroupId]) -> Vec<Arc<SecurityGroup>> {
        let group = |id| self.changed.get(id).copied().or_else(|| self.state.groups().get(id)).cloned();
        ids.iter().filter_map(group).collect()
    }
}

/// What a change that was planned against a state concerns.
pub(super) fn concerned(changes: &Changes, state: &State) -> ConcernedClasses {
    let mut after = After { state, changed: BTreeMap::new() };
    let mut moved: BTreeMap<NetworkInterfaceId, &NetworkInterface> = BTreeMap::new();
    for Change { before, after: then } in &changes.0 {
        match (before, then) {
            (Some(Entity::SecurityGroup(_)), Some(Entity::SecurityGroup(then))) => {
                after.changed.insert(then.id, then);
            }
            (Some(Entity::Interface(before)), Some(Entity::Interface(then)))
                if before.groups != then.groups =>
            {
                moved.insert(then.id, then);
            }
            _ => {}
        }
    }
    let members = after.changed.keys().flat_map(|group| state.members(*group)).map(|member| member.id);
    let ids: BTreeSet<NetworkInterfaceId> = members.chain(moved.keys().copied()).collect();
    let mut classes: BTreeMap<_, Vec<Concerned>> = BTreeMap::new();
    for id in ids {
        let Some(interface) = state.interfaces().get(&id) else { continue };
        let then = moved.get(&id).map_or(&interface.groups, |then| &then.groups);
        classes.entry((sorted(&interface.groups), sorted(then))).or_default().push(one(state, interface));
    }
    let class = |((before, then), interfaces): ((Vec<_>, Vec<_>), _)| ConcernedClass {
        before: after.before(&before),
        after: after.after(&then),
        interfaces,
    };
    let mut classes: Vec<ConcernedClass> = classes.into_iter().map(class).collect();
    classes.sort_by_key(|own| Reverse(own.interfaces.len()));
    let bound = classes.iter().flat_map(|own| &own.interfaces).filter_map(|own| own.node);
    let named = bound.filter_map(|id| Some((id, state.nodes().get(&id)?.name.clone())));
    let nodes = named.collect();
    ConcernedClasses { classes, nodes }
}

fn sorted(groups: &[SecurityGroupId]) -> Vec<SecurityGroupId> {
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    groups
}

fn one(state: &State, interface: &NetworkInterface) -> Concerned {
    let ipv6 = interface.ipv6_addresses.iter().copied().map(IpAddr::V6);
    Concerned {
        id: interface.id,
        instance: interface.instance,
        addresses: interface.addresses().map(IpAddr::V4).chain(ipv6).collect(),
        node: state.bindings().get(&interface.id).map(|binding| binding.node),
    }
}
