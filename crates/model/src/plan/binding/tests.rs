use super::*;
use crate::{
    command::{InstanceCommand, InstanceWish, InterfaceCommand},
    node::{NodeCommand, NodeWish},
    world::{World, bind, device, unfit_field, wish},
};

fn enforcement(id: NetworkInterfaceId, check: Option<bool>, prefixes: Option<&[&str]>) -> NodeCommand {
    let parsed = |prefixes: &[&str]| prefixes.iter().map(|text| text.parse().expect("a prefix")).collect();
    NodeCommand::ModifyEnforcement {
        interface: id,
        source_check: check,
        allowed_prefixes: prefixes.map(parsed),
    }
}

#[test]
fn an_interface_is_bound_to_one_device_and_a_device_stands_for_one_interface() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let (one, other) = (world.interface_in(vswitch, &[]), world.interface_in(vswitch, &[]));
    let (node, second) = (world.node(1), world.node(2));
    world.must(NodeCommand::Bind { interface: one, node, device: device("vnet0"), adopt_seconds: 30 });
    assert_eq!(world.binding(one).map(|binding| binding.adopt_seconds), Some(30));
    let bound = Refusal::InterfaceBound { interface: one, node };
    assert_eq!(world.act(bind(one, second, device("vnet0"))), Err(bound));
    let taken = Refusal::DeviceBound { node, device: "vnet0".parse().expect("a name"), interface: one };
    assert_eq!(world.act(bind(other, node, device("vnet0"))), Err(taken));
    world.must(bind(other, second, device("vnet0")));
    world.must(NodeCommand::Unbind { interface: one });
    assert_eq!(world.act(NodeCommand::Unbind { interface: one }), Err(Refusal::InterfaceNotBound(one)));
    world.must(bind(one, node, device("vnet0")));
}

#[test]
fn a_binding_needs_what_it_names() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let interface = world.interface_in(vswitch, &[]);
    let node = world.node(1);
    let nobody = NetworkInterfaceId::from_entropy(1);
    let nowhere = NodeId::from_entropy(1);
    assert_eq!(world.act(bind(nobody, nowhere, Device::Aliased)), Err(Refusal::InterfaceNotFound));
    assert_eq!(world.act(bind(interface, nowhere, Device::Aliased)), Err(Refusal::NodeNotFound));
    assert_eq!(world.act(NodeCommand::Unbind { interface: nobody }), Err(Refusal::InterfaceNotFound));
    let wish = NodeWish::New { region: "id-jakarta-1".into(), name: None, lab: false };
    world.must(NodeCommand::CreateToken { wish, valid_ms: 1_000 });
    let far = world.tokens.last().expect("a token").node;
    assert_eq!(unfit_field(world.act(bind(interface, far, Device::Aliased))), "NodeId");
    world.limits.interfaces_per_node = 1;
    world.bound(interface, node);
    let full = Refusal::Limit { kind: Kind::InterfaceOfNode, limit: 1 };
    let second = world.interface_in(vswitch, &[]);
    assert_eq!(world.act(bind(second, node, Device::Aliased)), Err(full));
}

#[test]
fn a_binding_ends_when_its_interface_is_detached_or_deleted() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let node = world.node(1);
    let instance = world.stopped(InstanceWish { vswitch: Some(vswitch), ..wish() });
    let interface = world.interface_in(vswitch, &[]);
    world.bound(interface, node);
    world.must(InterfaceCommand::Attach { interface, instance });
    assert!(world.binding(interface).is_some(), "it may be bound before it is attached");
    world.settle();
    world.must(InterfaceCommand::Detach { interface });
    assert!(world.binding(interface).is_none());
    let detaching = Refusal::InterfaceStatus(InterfaceStatus::Detaching);
    assert_eq!(world.act(bind(interface, node, Device::Aliased)), Err(detaching));
    world.settle();
    world.bound(interface, node);
    world.must(enforcement(interface, Some(false), None));
    world.must(InterfaceCommand::Delete { interfaces: vec![interface] });
    assert!(world.binding(interface).is_none());
    let deleting = Refusal::InterfaceStatus(InterfaceStatus::Deleting);
    assert_eq!(world.act(bind(interface, node, Device::Aliased)), Err(deleting));
    world.settle();
    assert!(world.state.enforcements().is_empty());
}

#[test]
fn the_bindings_of_an_instance_end_with_its_release() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let node = world.node(1);
    let instance = world.stopped(InstanceWish { vswitch: Some(vswitch), ..wish() });
    let secondary = world.interface_in(vswitch, &[]);
    world.must(InterfaceCommand::Attach { interface: secondary, instance });
    world.settle();
    let primary = world.primary(instance).id;
    world.bound(primary, node);
    world.bound(secondary, node);
    world.must(enforcement(primary, Some(false), None));
    world.must(InstanceCommand::Release { instance, charge: None });
    assert!(world.state.bindings().is_empty());
    let releasing = Refusal::InstanceStatus(InstanceStatus::Releasing);
    assert_eq!(world.act(bind(primary, node, Device::Aliased)), Err(releasing));
    world.bound(secondary, node);
    world.settle();
    assert!(world.state.enforcements().is_empty());
    assert!(world.binding(secondary).is_some());
}

#[test]
fn what_an_interface_may_be_is_kept_where_it_says_something() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let id = world.interface_in(vswitch, &[]);
    world.must(enforcement(id, Some(true), Some(&[])));
    assert!(world.state.enforcements().is_empty());
    world.must(enforcement(id, None, Some(&["10.9.0.7/24", "fd00::1/64", "10.9.0.0/24"])));
    let held = world.state.enforcements().get(&id).expect("it is kept").clone();
    let texts: Vec<String> = held.allowed_prefixes.iter().map(ToString::to_string).collect();
    assert_eq!((held.source_check, texts), (true, vec!["10.9.0.0/24".to_owned(), "fd00::/64".to_owned()]));
    world.must(enforcement(id, Some(false), None));
    let held = world.state.enforcements().get(&id).expect("it is kept");
    assert_eq!((held.source_check, held.allowed_prefixes.len()), (false, 2));
    let mapped = world.act(enforcement(id, None, Some(&["::ffff:10.0.0.0/104"])));
    assert_eq!(unfit_field(mapped), "AllowedPrefixes");
    world.limits.allowed_prefixes_per_interface = 1;
    let two = world.act(enforcement(id, None, Some(&["10.0.0.0/8", "11.0.0.0/8"])));
    assert_eq!(two, Err(Refusal::Limit { kind: Kind::PrefixOfInterface, limit: 1 }));
    world.must(enforcement(id, Some(true), Some(&[])));
    assert!(world.state.enforcements().is_empty());
    let nobody = enforcement(NetworkInterfaceId::from_entropy(1), Some(false), None);
    assert_eq!(world.act(nobody), Err(Refusal::InterfaceNotFound));
}
