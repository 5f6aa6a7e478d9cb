//! Which nodes a change concerns, against what every node is to enforce before and after it: computed from the whole
//! state after each step of a random walk.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "../../model/tests/world/mod.rs"]
mod world;

use std::collections::BTreeMap;

use control::{concern, desired};
use model::{
    Command, InstanceId, NetworkInterfaceId, NodeId, SecurityGroupId,
    command::{AddressFamily, InstanceCommand, InstanceWish, InterfaceCommand, SecurityGroupCommand},
    node::{Device, InstanceReport, NodeCommand, ReportedState},
    refusal::Target,
};
use policy::WantedState;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use world::{
    IntoCommand, World, bind,
    walk::{KINDS, Step, command, steps},
    wish,
};

/// What every node there is is to enforce.
fn all_desired(world: &World) -> BTreeMap<NodeId, policy::Desired> {
    world.state.nodes().all().map(|node| (node.id, desired(&world.state, node.id))).collect()
}

/// Carries out a command, compares what it concerns with what differs, and gives the nodes that it concerns.
fn act(world: &mut World, command: impl IntoCommand) -> Option<Vec<NodeId>> {
    let before = all_desired(world);
    world.act(command).ok()?;
    let deltas = concern(&world.changes, &world.state);
    for (node, after) in all_desired(world) {
        let mut held = before.get(&node).cloned().unwrap_or_default();
        let differs = held != after;
        assert_eq!(differs, deltas.contains_key(&node), "{node} is concerned if and only if it differs");
        if let Some(delta) = deltas.get(&node) {
            held.apply(delta);
        }
        assert_eq!(held, after, "the delta leads to what is desired of {node}");
    }
    assert!(deltas.keys().all(|node| world.state.nodes().get(node).is_some()));
    Some(deltas.into_keys().collect())
}

/// Two nodes, each with an interface of each of two groups.
struct Two {
    world: World,
    nodes: [NodeId; 2],
    groups: [SecurityGroupId; 2],
    interfaces: [NetworkInterfaceId; 2],
}

impl Two {
    fn new() -> Self {
        let mut world = World::new();
        let vswitch = world.subnet();
        let nodes = [world.node(250), world.node(251)];
        let groups = [world.group_with_a_rule(), world.group()];
        let interfaces = [0, 1].map(|place| {
            let interface = world.interface_in(vswitch, &[groups[place]]);
            world.bound(interface, nodes[place]);
            interface
        });
        Self { world, nodes, groups, interfaces }
    }

    fn concerned(&mut self, command: impl IntoCommand) -> Vec<NodeId> {
        act(&mut self.world, command).expect("the command is legal")
    }
}

#[test]
fn a_leave_concerns_the_node_of_the_interface_alone() {
    let mut two = Two::new();
    let [group, _] = two.groups;
    let target = Target::Interface(two.interfaces[0]);
    assert_eq!(two.concerned(SecurityGroupCommand::Leave { group, target }), [two.nodes[0]]);
    assert_eq!(two.concerned(SecurityGroupCommand::Join { group, target }), [two.nodes[0]]);
    let unbound = two
        .world
        .running(InstanceWish { vswitch: Some(two.world.interface(two.interfaces[0]).vswitch), ..wish() });
    assert!(two.concerned(world::join(group, unbound)).is_empty());
    assert!(two.concerned(world::leave(group, unbound)).is_empty());
}

#[test]
fn rules_concern_the_nodes_of_members_and_names_concern_nobody() {
    let mut two = Two::new();
    let [group, other] = two.groups;
    let rules = two.world.state.groups().get(&group).unwrap().rules.clone();
    let remove = SecurityGroupCommand::RemoveRules { group, rules: rules.clone() };
    assert_eq!(two.concerned(remove), [two.nodes[0]]);
    let join = SecurityGroupCommand::Join { group, target: Target::Interface(two.interfaces[1]) };
    assert_eq!(two.concerned(join), [two.nodes[1]]);
    let mut both = two.nodes;
    both.sort_unstable();
    assert_eq!(two.concerned(SecurityGroupCommand::AddRules { group, rules }), both);
    let rename = SecurityGroupCommand::Modify { group: other, name: Some("b".into()), description: None };
    assert!(two.concerned(rename).is_empty());
    let interface = two.interfaces[0];
    let name = Some("front".into());
    assert!(two.concerned(InterfaceCommand::Modify { interface, name, description: None }).is_empty());
    let empty = two.world.group();
    let rules = two.world.state.groups().get(&group).unwrap().rules.clone();
    assert!(two.concerned(SecurityGroupCommand::AddRules { group: empty, rules }).is_empty());
}

#[test]
fn addresses_and_what_else_an_interface_may_be_concern_its_node() {
    let mut two = Two::new();
    let interface = two.interfaces[1];
    let node = [two.nodes[1]];
    assert_eq!(two.concerned(InterfaceCommand::AssignAddress { interface, vswitch: None }), node);
    let addresses = two.world.interface(interface).secondary_addresses.to_vec();
    assert_eq!(two.concerned(InterfaceCommand::UnassignAddresses { interface, addresses }), node);
    let modify = |source_check| NodeCommand::ModifyEnforcement {
        interface,
        source_check: Some(source_check),
        allowed_prefixes: None,
    };
    assert_eq!(two.concerned(modify(false)), node);
    assert!(two.concerned(modify(false)).is_empty(), "it is so already");
    assert_eq!(two.concerned(modify(true)), node);
}

#[test]
fn a_binding_concerns_its_node_from_beginning_to_end() {
    let mut two = Two::new();
    let interface = two.interfaces[0];
    let [node, other] = two.nodes;
    assert_eq!(two.concerned(NodeCommand::Unbind { interface }), [node]);
    assert_eq!(two.concerned(bind(interface, other, Device::Aliased)), [other]);
    assert_eq!(two.concerned(InterfaceCommand::Delete { interfaces: vec![interface] }), [other]);
    let gone = two.concerned(NodeCommand::Delete { node: other, force: true });
    assert!(gone.is_empty(), "there is nobody to tell");
    assert!(two.concerned(NodeCommand::RevokeCertificates { node }).is_empty());
}

#[test]
fn a_release_concerns_the_nodes_of_all_the_interfaces_of_the_instance() {
    let mut two = Two::new();
    let [node, other] = two.nodes;
    let vswitch = two.world.interface(two.interfaces[0]).vswitch;
    let instance =
        two.world.stopped(InstanceWish { vswitch: Some(vswitch), group: Some(two.groups[0]), ..wish() });
    two.concerned(InterfaceCommand::Attach { interface: two.interfaces[1], instance });
    two.world.settle();
    let primary = two.world.primary(instance).id;
    assert_eq!(two.concerned(bind(primary, node, Device::Aliased)), [node]);
    assert!(two.concerned(InstanceCommand::Start { instance }).is_empty());
    two.world.settle();
    let mut both = [node, other];
    both.sort_unstable();
    assert_eq!(two.concerned(InstanceCommand::Release { instance, charge: None }), both);
}

/// A world with two lab nodes and an instance that runs on the first.
fn lab() -> (World, [NodeId; 2], InstanceId) {
    let mut world = World::new();
    let vswitch = world.dual_subnet();
    let nodes = [world.lab_node(250), world.lab_node(251)];
    let wish = InstanceWish { vswitch: Some(vswitch), family: AddressFamily::Dual, ..wish() };
    let instance = world.run(wish)[0];
    world.reported(instance, ReportedState::Running);
    (world, nodes, instance)
}

#[test]
fn an_instance_concerns_its_node_when_it_is_to_be_otherwise_and_not_when_it_is_so() {
    let (mut world, [node, _], instance) = lab();
    let mut concerned = |command: Command| act(&mut world, command).expect("the command is legal");
    let reported = |boots, images, state| {
        let reports = vec![InstanceReport { instance, boots, images, state }];
        Command::Node(NodeCommand::ReportInstances { node, reports })
    };
    for (command, report) in [
        (InstanceCommand::Stop { instance }, reported(1, 1, ReportedState::Stopped)),
        (InstanceCommand::Start { instance }, reported(2, 1, ReportedState::Running)),
        (InstanceCommand::Reboot { instance }, reported(3, 1, ReportedState::Running)),
        (InstanceCommand::Reinit { instance, image: None }, reported(4, 2, ReportedState::Running)),
    ] {
        assert_eq!(concerned(Command::Instance(command)), [node]);
        assert!(concerned(report).is_empty());
    }
    let modify = |name: Option<&str>, host_name: Option<&str>| {
        let (name, host_name) = (name.map(Into::into), host_name.map(Into::into));
        let (user_data, deletion_protection, password) = (None, None, false);
        Command::Instance(InstanceCommand::Modify {
            instance,
            name,
            host_name,
            user_data,
            deletion_protection,
            password,
        })
    };
    assert!(concerned(modify(Some("a"), None)).is_empty());
    assert_eq!(concerned(modify(None, Some("web"))), [node]);
    assert_eq!(concerned(Command::Instance(InstanceCommand::Release { instance, charge: None })), [node]);
    assert_eq!(concerned(reported(4, 2, ReportedState::Gone)), [node]);
    assert_eq!(desired(&world.state, node), policy::Desired::default());
}

#[test]
fn an_instance_is_told_with_its_interfaces_as_it_has_them() {
    let (mut world, [node, _], instance) = lab();
    let told = |world: &World| desired(&world.state, node).instances.remove(&instance).unwrap();
    let primary = world.primary(instance).clone();
    let network = world.state.vswitches().get(&primary.vswitch).unwrap().network;
    let is = told(&world);
    assert_eq!((&*is.host_name, is.wanted), (&*instance.to_string(), WantedState::Running));
    let [interface] = &*is.interfaces else { panic!("{is:?}") };
    assert_eq!((interface.id, interface.network, interface.mac), (primary.id, network, primary.mac));
    let texts = |of: &[ipnet::IpNet]| of.iter().map(ToString::to_string).collect::<Vec<_>>();
    let ipv6 = primary.ipv6_addresses[0];
    assert_eq!(texts(&interface.addresses), [format!("{}/24", primary.address), format!("{ipv6}/64")]);
    assert!(
        interface.blocks.iter().all(|block| {
            interface.gateways.iter().filter(|gateway| block.contains(*gateway)).count() == 1
        })
    );
    world.must(InterfaceCommand::AssignAddress { interface: primary.id, vswitch: None });
    assert_eq!(told(&world).interfaces[0].addresses.len(), 3);
    world.must(InstanceCommand::Stop { instance });
    world.reported(instance, ReportedState::Stopped);
    assert_eq!(told(&world).wanted, WantedState::Stopped);
    let second = world.interface_in(primary.vswitch, &[]);
    assert_eq!(act(&mut world, InterfaceCommand::Attach { interface: second, instance }), Some(vec![node]));
    let ids = |world: &World| told(world).interfaces.iter().map(|of| of.id).collect::<Vec<_>>();
    assert_eq!(ids(&world), [primary.id, second]);
    assert_eq!(told(&world).interfaces[1].gateways.len(), 1, "it has no IPv6 address");
    world.settle();
    assert_eq!(act(&mut world, InterfaceCommand::Detach { interface: second }), Some(vec![node]));
    assert_eq!(ids(&world), [primary.id]);
}

#[test]
fn a_transfer_concerns_the_node_that_is_left_and_then_both() {
    let (mut world, [node, other], instance) = lab();
    assert_eq!(act(&mut world, InstanceCommand::Transfer { instance }), Some(vec![node]));
    let mut both = vec![node, other];
    both.sort_unstable();
    let gone = world.report_of(instance, ReportedState::Gone);
    assert_eq!(act(&mut world, gone), Some(both));
    assert_eq!(desired(&world.state, node), policy::Desired::default());
    let held = desired(&world.state, other);
    assert_eq!((held.instances[&instance].wanted, held.interfaces.len()), (WantedState::Running, 1));
    let deleted = NodeCommand::Delete { node: other, force: true };
    assert!(act(&mut world, deleted).unwrap().is_empty(), "there is nobody to tell");
}

/// Steps that are mostly about interfaces, bindings, rules and instances.
fn walk() -> impl Strategy<Value = Vec<Step>> {
    steps(prop_oneof![1 => 0..KINDS, 6 => 15u8..29, 4 => 39u8..KINDS, 2 => 4u8..13])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_node_is_concerned_if_and_only_if_what_it_is_to_enforce_differs(
        steps in walk(),
        pauses in prop::collection::vec(0u64..1_500, 120),
        lab_nodes in 0u8..3,
    ) {
        let two = Two::new();
        let mut world = two.world;
        for number in 0..lab_nodes {
            world.lab_node(240 + number);
        }
        world.dual_subnet();
        world.limits.interfaces_per_instance = 3;
        for (step, pause) in steps.into_iter().zip(pauses) {
            let next = command(&world, step);
            act(&mut world, next);
            world.now = world.now.plus(pause);
            act(&mut world, Command::Advance { most: step.one % 4 });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_differences_lead_to_the_same_as_all_of_them(steps in walk(), lab_nodes in 0u8..3) {
        let mut world = Two::new().world;
        for number in 0..lab_nodes {
            world.lab_node(240 + number);
        }
        let mut held = all_desired(&world);
        let mut pending: BTreeMap<NodeId, policy::Delta> = BTreeMap::new();
        for step in steps {
            let next = command(&world, step);
            if world.act(next).is_ok() {
                for (node, delta) in concern(&world.changes, &world.state) {
                    pending.entry(node).or_default().merge(delta);
                }
            }
            // Now and then a node is told.
            if step.how == 0 && let Some((node, delta)) = pending.pop_first() {
                held.entry(node).or_default().apply(&delta);
            }
        }
        for (node, delta) in pending {
            held.entry(node).or_default().apply(&delta);
        }
        for (node, wanted) in all_desired(&world) {
            prop_assert_eq!(held.remove(&node).unwrap_or_default(), wanted);
        }
    }
}

/// How often the walk above comes to what it is about.
#[test]
fn the_walk_concerns_nodes_often() {
    let mut runner = TestRunner::deterministic();
    let strategy = walk();
    let (mut legal, mut concerning) = (0, 0);
    for _ in 0..30 {
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        let mut world = Two::new().world;
        for step in steps {
            let next = command(&world, step);
            let nodes = act(&mut world, next);
            legal += usize::from(nodes.is_some());
            concerning += usize::from(nodes.is_some_and(|nodes| !nodes.is_empty()));
        }
    }
    assert!(concerning > 150, "only {concerning} of {legal} changes concerned a node");
}
