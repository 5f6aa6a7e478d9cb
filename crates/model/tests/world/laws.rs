//! What holds in every state, and of every change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{
    Changes, Entity, EntityKey, Limits, State, UnixMillis,
    instance::{InstanceStatus, Journey},
    interface::{InterfaceStatus, NetworkInterface},
    node::{Device, NodeStatus},
};

/// Each entity stands in the changes once, `before` is what the state holds, and memberships change only where they
/// may.
pub fn check_changes(state: &State, changes: &Changes) {
    let mut seen = BTreeSet::new();
    for change in &changes.0 {
        let key = change.key().expect("a change has a side");
        assert!(seen.insert(key.clone()), "{key:?} stands in the changes twice");
        for side in [&change.before, &change.after].into_iter().flatten() {
            assert_eq!(side.key(), key, "both sides name one entity");
        }
        let held = held(state, &key);
        assert_eq!(format!("{held:?}"), format!("{:?}", change.before), "before is what the state holds");
        if let (Some(Entity::Interface(before)), Some(Entity::Interface(after))) =
            (&change.before, &change.after)
        {
            check_memberships(state, changes, before, after);
        }
    }
}

/// Memberships change in `Running` and `Stopped` only; what is released or deleted loses all of them.
fn check_memberships(state: &State, changes: &Changes, before: &NetworkInterface, after: &NetworkInterface) {
    if before.groups == after.groups {
        return;
    }
    let instance = before.instance.and_then(|id| state.instances().get(&id));
    let released = changes.0.iter().any(|change| match &change.after {
        Some(Entity::Instance(e)) => Some(e.id) == before.instance && e.status == InstanceStatus::Releasing,
        _ => false,
    });
    if released || after.status == InterfaceStatus::Deleting {
        assert!(after.groups.is_empty());
    } else {
        assert!(instance.is_none_or(|instance| instance.status.allows_membership_change()));
        assert_eq!(before.groups.len().abs_diff(after.groups.len()), 1, "one at a time");
    }
}

fn held(state: &State, key: &EntityKey) -> Option<Entity> {
    match key {
        EntityKey::Account(id) => state.account(*id).cloned().map(Entity::from),
        EntityKey::User(id) => state.users().get(id).cloned().map(Entity::from),
        EntityKey::AccessKey(id) => state.access_key(id).cloned().map(Entity::from),
        EntityKey::CustomPolicy(account, name) => {
            state.policies().get(&(*account, name.clone())).cloned().map(Entity::from)
        }
        EntityKey::Network(id) => state.networks().get(id).cloned().map(Entity::from),
        EntityKey::VSwitch(id) => state.vswitches().get(id).cloned().map(Entity::from),
        EntityKey::Instance(id) => state.instances().get(id).cloned().map(Entity::from),
        EntityKey::Interface(id) => state.interfaces().get(id).cloned().map(Entity::from),
        EntityKey::SecurityGroup(id) => state.groups().get(id).cloned().map(Entity::from),
        EntityKey::Node(id) => state.nodes().get(id).cloned().map(Entity::from),
        EntityKey::Binding(id) => state.bindings().get(id).cloned().map(Entity::from),
        EntityKey::Enforcement(id) => state.enforcements().get(id).cloned().map(Entity::from),
        EntityKey::NodeAuthority => state.node_authority().cloned().map(Entity::from),
        EntityKey::Hosting(id) => state.hostings().get(id).cloned().map(Entity::from),
        EntityKey::EnforcementWait(account) => state.enforcement_wait(*account).cloned().map(Entity::from),
    }
}

/// The clock ends no passing state of an instance that a node hosts, and hosts none elsewhere.
pub fn check_clock(state: &State, changes: &Changes) {
    for change in &changes.0 {
        match &change.before {
            Some(Entity::Instance(before)) if state.hostings().get(&before.id).is_some() => {
                assert_eq!(before.passage, None, "the clock moves {}", before.id);
            }
            Some(Entity::Hosting(before)) => panic!("the clock moves {}", before.instance),
            _ => {}
        }
    }
}

/// Every index says what the entities say, and the entities fit each other.
pub fn check_state(state: &State, limits: &Limits) {
    state.same_as(&state.recomputed()).expect("indexes say what the entities say");
    let mut serials = BTreeSet::new();
    let mut fresh = |serial: u64| {
        assert!(serial < state.next_serial() && serials.insert(serial), "serial {serial}");
    };
    state.groups().all().for_each(|e| fresh(e.serial));
    state.networks().all().for_each(|e| fresh(e.serial));
    state.vswitches().all().for_each(|e| fresh(e.serial));
    state.instances().all().for_each(|e| fresh(e.serial));
    state.interfaces().all().for_each(|e| fresh(e.serial));
    state.nodes().all().for_each(|e| fresh(e.serial));
    state.bindings().all().for_each(|e| fresh(e.serial));
    state.enforcements().all().for_each(|e| fresh(e.serial));
    state.hostings().all().for_each(|e| fresh(e.serial));
    check_networks(state, limits);
    check_addresses(state, limits);
    check_instances(state, limits);
    check_groups(state, limits);
    check_nodes(state, limits);
    check_bindings(state, limits);
    check_hostings(state);
}

fn check_networks(state: &State, limits: &Limits) {
    for vswitch in state.vswitches().all() {
        let network = state.networks().get(&vswitch.network).expect("a vSwitch has its network");
        assert!(network.cidr.contains(&vswitch.cidr) && network.region == vswitch.region);
        assert!(vswitch.ipv6_cidr.is_none_or(|own| network.ipv6_cidr.is_some_and(|all| all.contains(&own))));
    }
    for network in state.networks().all() {
        let vswitches: Vec<_> = state.vswitches_of(network.id).collect();
        assert!(vswitches.len() <= limits.vswitches_per_network);
        for (index, one) in vswitches.iter().enumerate() {
            for other in &vswitches[index + 1..] {
                assert!(!one.cidr.contains(&other.cidr) && !other.cidr.contains(&one.cidr));
                assert!(one.ipv6_cidr.is_none() || one.ipv6_cidr != other.ipv6_cidr);
            }
        }
    }
}

fn check_addresses(state: &State, limits: &Limits) {
    let mut owners = BTreeMap::new();
    let mut macs = BTreeSet::new();
    let mut free: BTreeMap<_, u32> = BTreeMap::new();
    for vswitch in state.vswitches().all() {
        free.insert(vswitch.id, u32::from(vswitch.cidr.broadcast()) - u32::from(vswitch.cidr.network()) - 2);
    }
    for interface in state.interfaces().all() {
        let vswitch = state.vswitches().get(&interface.vswitch).expect("an interface has its vSwitch");
        assert!(interface.addresses().count() <= limits.addresses_per_interface);
        for address in interface.addresses() {
            assert!(vswitch.may_assign(address));
            let other = owners.insert((vswitch.network, address), interface.id);
            assert_eq!(other, None, "{address} is owned twice");
            assert!(!state.pool(vswitch.id).expect("a vSwitch has its pool").is_free(address));
            *free.entry(vswitch.id).or_default() -= 1;
        }
        for address in &interface.ipv6_addresses {
            assert!(vswitch.ipv6_cidr.expect("the vSwitch has IPv6").contains(address));
            assert_eq!(state.interfaces_at(interface.account, (*address).into()).count(), 1);
        }
        assert!(macs.insert((vswitch.network, interface.mac)), "{:?} is owned twice", interface.mac);
    }
    for (vswitch, free) in free {
        assert_eq!(state.pool(vswitch).expect("a vSwitch has its pool").free(), free);
    }
    let public: Vec<_> = state.instances().all().filter_map(|instance| instance.public_address).collect();
    assert_eq!(public.iter().collect::<BTreeSet<_>>().len(), public.len(), "a public address is owned twice");
}

fn check_instances(state: &State, limits: &Limits) {
    use InstanceStatus as S;
    for instance in state.instances().all() {
        let stable = matches!(instance.status, S::Running | S::Stopped | S::Expired);
        assert_eq!(instance.passage.is_none(), stable, "{:?}", instance.status);
        assert!(instance.interfaces().count() <= limits.interfaces_per_instance);
        let primary = state.interfaces().get(&instance.primary_interface).expect("a primary interface");
        assert!(primary.primary && primary.instance == Some(instance.id));
        assert_eq!(primary.status, InterfaceStatus::InUse);
        let attached =
            state.interfaces().all().filter(|own| own.instance == Some(instance.id) && !own.primary);
        let attached: BTreeSet<_> = attached.map(|own| own.id).collect();
        assert_eq!(attached, instance.secondary_interfaces.iter().copied().collect());
        for disk in instance.disks() {
            let holder = state.instance_with_disk(disk.id).map(Arc::clone);
            assert_eq!(holder.map(|holder| holder.id), Some(instance.id));
        }
    }
}

fn check_groups(state: &State, limits: &Limits) {
    for interface in state.interfaces().all() {
        let alone = matches!(interface.status, InterfaceStatus::Available | InterfaceStatus::Deleting);
        assert_eq!(interface.instance.is_none(), alone, "{:?}", interface.status);
        let passing = !matches!(interface.status, InterfaceStatus::Available | InterfaceStatus::InUse);
        assert_eq!(interface.due_at.is_some(), passing, "{:?}", interface.status);
        if let Some(instance) = interface.instance {
            assert!(state.instances().get(&instance).is_some(), "{instance} is gone");
        }
        let groups: BTreeSet<_> = interface.groups.iter().collect();
        assert_eq!(groups.len(), interface.groups.len(), "a membership is there twice");
        assert!(groups.len() <= limits.groups_per_interface);
        let mut rules = 0;
        for group in groups {
            let group = state.groups().get(group).expect("a membership is of a group that exists");
            assert_eq!(group.account, interface.account);
            rules += group.rules.len();
        }
        assert!(rules <= limits.rules_of_interface(), "{} has {rules} rules", interface.id);
    }
    for group in state.groups().all() {
        assert!(state.member_count(group.id) <= limits.interfaces_per_group);
    }
}

fn check_nodes(state: &State, limits: &Limits) {
    for node in state.nodes().all() {
        assert!(state.nodes().count(node.account) <= limits.nodes_per_account);
        assert!(state.nodes_in(node.region.as_str()).any(|own| own.id == node.id));
        assert!(node.certificates.len() <= 2);
        let revoked = node.certificates.iter().filter(|own| own.revoked_at.is_some()).count();
        match node.status {
            NodeStatus::Pending => assert!(node.certificates.is_empty() && node.joined_at.is_none()),
            NodeStatus::Ready => {
                assert!(!node.certificates.is_empty() && revoked == 0 && node.joined_at.is_some())
            }
            NodeStatus::Gone => assert_eq!(revoked, node.certificates.len()),
        }
        for certificate in &node.certificates {
            let owner = state.node_with_certificate(certificate.fingerprint).map(|owner| owner.id);
            assert_eq!(owner, Some(node.id), "a certificate is that of one node");
        }
        assert!(state.bound_count(node.id) <= limits.interfaces_per_node);
    }
}

fn check_bindings(state: &State, limits: &Limits) {
    let mut devices = BTreeSet::new();
    for binding in state.bindings().all() {
        let interface =
            state.interfaces().get(&binding.interface).expect("a binding is of an interface that exists");
        let node = state.nodes().get(&binding.node).expect("a binding is to a node that exists");
        assert_eq!((binding.account, binding.account), (interface.account, node.account));
        let vswitch = state.vswitches().get(&interface.vswitch).expect("an interface has its vSwitch");
        assert_eq!(vswitch.region, node.region, "a node is where its interfaces are");
        assert!(!matches!(interface.status, InterfaceStatus::Detaching | InterfaceStatus::Deleting));
        let instance = interface.instance.and_then(|id| state.instances().get(&id));
        let hosted = interface.instance.is_some_and(|id| state.hostings().get(&id).is_some());
        assert!(hosted || instance.is_none_or(|instance| instance.status != InstanceStatus::Releasing));
        if let Device::Named(name) = &binding.device {
            assert!(devices.insert((node.id, name.clone())), "{name} of {} is bound twice", node.id);
            assert_eq!(state.bound_at(node.id, name).map(|own| own.interface), Some(binding.interface));
        }
        assert!(state.bound_to(node.id).any(|own| own.interface == binding.interface));
    }
    for enforcement in state.enforcements().all() {
        let interface =
            state.interfaces().get(&enforcement.interface).expect("it is of an interface that exists");
        assert_eq!(enforcement.account, interface.account);
        assert!(!enforcement.source_check || !enforcement.allowed_prefixes.is_empty(), "it says nothing");
        assert!(enforcement.allowed_prefixes.len() <= limits.allowed_prefixes_per_interface);
        assert!(enforcement.allowed_prefixes.is_sorted_by(|one, other| one < other));
    }
}

/// A node ends the passing states of its instances, and every interface of one is bound to it, but for those that are
/// being taken away.
fn check_hostings(state: &State) {
    for instance in state.instances().all() {
        let never = instance.passage.map(|passage| passage.due_at == UnixMillis::NEVER);
        let hosted = state.hostings().get(&instance.id).is_some();
        assert!(never.is_none_or(|never| never == hosted), "who ends the state of {}?", instance.id);
    }
    for hosting in state.hostings().all() {
        let instance = state.instances().get(&hosting.instance).expect("it is of an instance that exists");
        let node = state.nodes().get(&hosting.node).expect("it is by a node that exists");
        assert!(node.lab && hosting.boots > 0 && hosting.images > 0);
        assert_eq!((hosting.account, hosting.account), (instance.account, node.account));
        assert_eq!(instance.region, node.region, "a node is where its instances are");
        assert!(state.hosted_by(node.id).any(|own| own.instance == instance.id));
        let journey = instance.passage.map(|passage| passage.journey);
        assert!(!hosting.leaving || matches!(journey, Some(Journey::Transfer { .. })));
        for interface in state.interfaces().all().filter(|own| own.instance == Some(instance.id)) {
            let bound = state.bindings().get(&interface.id).map(|bound| (bound.node, &bound.device));
            let detaching = interface.status == InterfaceStatus::Detaching;
            assert_eq!(bound, (!detaching).then_some((node.id, &Device::Aliased)), "{}", interface.id);
        }
    }
}
