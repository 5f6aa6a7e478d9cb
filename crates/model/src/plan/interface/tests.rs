use std::net::Ipv4Addr;

use crate::{
    NetworkInterfaceId, Outcome, Refusal, SecurityGroupId, VSwitchId,
    command::{InstanceCommand, InstanceWish, InterfaceCommand as Command},
    instance::InstanceStatus,
    interface::InterfaceStatus,
    refusal::Kind,
    world::{World, unfit_field, wish},
};

fn create(vswitch: VSwitchId, groups: &[SecurityGroupId]) -> Command {
    Command::Create { vswitch, groups: groups.into(), name: "a".into(), description: "b".into() }
}

/// A stopped instance and an interface that it may have.
fn pair(world: &mut World) -> (crate::InstanceId, NetworkInterfaceId, VSwitchId) {
    let vswitch = world.subnet();
    let instance = world.stopped(InstanceWish { vswitch: Some(vswitch), ..wish() });
    (instance, world.interface_in(vswitch, &[]), vswitch)
}

#[test]
fn a_new_interface_is_available_and_its_last_group_the_newest() {
    let mut world = World::new();
    let groups = [world.group(), world.group()];
    let vswitch = world.subnet();
    let Outcome::Interface(id) = world.must(create(vswitch, &groups)) else { panic!("no interface") };
    let held = world.interface(id);
    assert_eq!((held.status, held.instance, held.primary), (InterfaceStatus::Available, None, false));
    assert_eq!(*held.groups, [groups[1], groups[0]]);
    assert_eq!(held.address, Ipv4Addr::new(10, 0, 0, 2));
    assert_eq!((&*held.name, &*held.description), ("a", "b"));
    let renamed = Command::Modify { interface: id, name: Some("c".into()), description: None };
    world.must(renamed);
    assert_eq!((&*world.interface(id).name, &*world.interface(id).description), ("c", "b"));
}

#[test]
fn a_new_interface_must_fit() {
    let mut world = World::new();
    let groups: Vec<_> = (0..6).map(|_| world.group()).collect();
    let vswitch = world.subnet();
    let nothing = SecurityGroupId::from_entropy(9);
    let no_vswitch = VSwitchId::from_entropy(9);
    assert_eq!(world.act(create(no_vswitch, &[nothing])), Err(Refusal::SecurityGroupNotFound));
    assert_eq!(world.act(create(no_vswitch, &groups[..1])), Err(Refusal::VSwitchNotFound));
    let twice = create(vswitch, &[groups[0], groups[1], groups[0]]);
    assert_eq!(unfit_field(world.act(twice)), "SecurityGroupIds");
    let limit = |kind, limit| Err(Refusal::Limit { kind, limit });
    assert_eq!(world.act(create(vswitch, &groups)), limit(Kind::GroupOfInterface, 5));
    let ruled = world.group_with_a_rule();
    world.limits.rules_per_interface = 0;
    let too_many = Err(Refusal::InterfaceRuleLimit { limit: 0, wanted: 1 });
    assert_eq!(world.act(create(vswitch, &[groups[0], ruled])), too_many);
    world.limits.interfaces_per_group = 1;
    world.must(create(vswitch, &groups[..1]));
    assert_eq!(world.act(create(vswitch, &groups[..2])), limit(Kind::InterfaceOfGroup, 1));
    let network = world.network("10.9.0.0/16");
    let small = world.vswitch(network, "10.9.0.0/29");
    (0..5).for_each(|_| drop(world.must(create(small, &[]))));
    assert_eq!(unfit_field(world.act(create(small, &[]))), "VSwitchId");
}

#[test]
fn interfaces_are_deleted_all_or_none() {
    let mut world = World::new();
    let group = world.group();
    let (instance, first, vswitch) = pair(&mut world);
    let second = world.interface_in(vswitch, &[group]);
    let primary = world.instance(instance).primary_interface;
    let delete = |interfaces: &[NetworkInterfaceId]| Command::Delete { interfaces: interfaces.into() };
    let unknown = NetworkInterfaceId::from_entropy(9);
    assert_eq!(world.act(delete(&[first, unknown])), Err(Refusal::InterfaceNotFound));
    assert_eq!(world.act(delete(&[first, primary])), Err(Refusal::InterfacePrimary));
    world.must(Command::Attach { interface: first, instance });
    let attaching = Err(Refusal::InterfaceStatus(InterfaceStatus::Attaching));
    assert_eq!(world.act(delete(&[second, first])), attaching);
    assert_eq!(world.state.member_count(group), 1);
    world.must(delete(&[second, second]));
    assert_eq!(world.state.member_count(group), 0, "memberships end at once");
    assert_eq!(world.act(delete(&[second])), Err(Refusal::InterfaceStatus(InterfaceStatus::Deleting)));
    world.settle();
    assert_eq!(world.act(delete(&[second])), Err(Refusal::InterfaceNotFound));
}

#[test]
fn attach_wants_a_stopped_instance_of_the_same_network() {
    let mut world = World::new();
    let (instance, interface, _) = pair(&mut world);
    let primary = world.instance(instance).primary_interface;
    let attach = |interface, instance| Command::Attach { interface, instance };
    let unknown = NetworkInterfaceId::from_entropy(9);
    assert_eq!(world.act(attach(unknown, instance)), Err(Refusal::InterfaceNotFound));
    let nobody = crate::InstanceId::from_entropy(9);
    assert_eq!(world.act(attach(interface, nobody)), Err(Refusal::InstanceNotFound));
    assert_eq!(world.act(attach(primary, instance)), Err(Refusal::InterfacePrimary));
    let elsewhere = world.stopped(wish());
    assert_eq!(unfit_field(world.act(attach(interface, elsewhere))), "NetworkInterfaceId");
    world.must(InstanceCommand::Start { instance });
    let starting = Err(Refusal::InstanceStatus(InstanceStatus::Starting));
    assert_eq!(world.act(attach(interface, instance)), starting);
    world.settle();
    let running = Err(Refusal::InstanceStatus(InstanceStatus::Running));
    assert_eq!(world.act(attach(interface, instance)), running);
    world.must(InstanceCommand::Stop { instance });
    world.settle();
    world.must(attach(interface, instance));
    assert_eq!(*world.instance(instance).secondary_interfaces, [interface], "it is listed at once");
    let again = Err(Refusal::InterfaceStatus(InterfaceStatus::Attaching));
    assert_eq!(world.act(attach(interface, instance)), again);
}

#[test]
fn an_instance_has_a_limited_number_of_interfaces() {
    let mut world = World::new();
    world.limits.interfaces_per_instance = 2;
    let (instance, interface, vswitch) = pair(&mut world);
    let second = world.interface_in(vswitch, &[]);
    world.must(Command::Attach { interface, instance });
    let limit = Err(Refusal::Limit { kind: Kind::InterfaceOfInstance, limit: 2 });
    assert_eq!(world.act(Command::Attach { interface: second, instance }), limit);
}

#[test]
fn detach_wants_a_stopped_instance_and_a_secondary_interface_in_use() {
    let mut world = World::new();
    let (instance, interface, _) = pair(&mut world);
    let detach = Command::Detach { interface };
    let primary = Command::Detach { interface: world.instance(instance).primary_interface };
    assert_eq!(world.act(primary), Err(Refusal::InterfacePrimary));
    let status = |status| Err(Refusal::InterfaceStatus(status));
    assert_eq!(world.act(detach.clone()), status(InterfaceStatus::Available));
    world.must(Command::Attach { interface, instance });
    assert_eq!(world.act(detach.clone()), status(InterfaceStatus::Attaching));
    world.settle();
    world.must(InstanceCommand::Start { instance });
    world.settle();
    assert_eq!(world.act(detach.clone()), Err(Refusal::InstanceStatus(InstanceStatus::Running)));
    world.must(InstanceCommand::Stop { instance });
    world.settle();
    world.must(detach.clone());
    assert_eq!(world.act(detach), status(InterfaceStatus::Detaching));
    world.settle();
    assert_eq!(world.interface(interface).instance, None);
    world.must(Command::Attach { interface, instance });
}

#[test]
fn addresses_come_and_go() {
    let mut world = World::new();
    world.limits.addresses_per_interface = 3;
    let (instance, interface, vswitch) = pair(&mut world);
    let assign = |vswitch| Command::AssignAddress { interface, vswitch };
    let ip = |last| Ipv4Addr::new(10, 0, 0, last);
    assert_eq!(world.act(assign(Some(VSwitchId::from_entropy(9)))), Err(Refusal::VSwitchNotFound));
    let network = world.network("10.9.0.0/16");
    let other = world.vswitch(network, "10.9.0.0/24");
    assert_eq!(unfit_field(world.act(assign(Some(other)))), "VSwitchId");
    assert_eq!(world.must(assign(Some(vswitch))), Outcome::Address(interface, ip(4)));
    assert_eq!(world.must(assign(None)), Outcome::Address(interface, ip(5)));
    let limit = Err(Refusal::Limit { kind: Kind::AddressOfInterface, limit: 3 });
    assert_eq!(world.act(assign(None)), limit);
    let unassign = |last: &[u8]| Command::UnassignAddresses {
        interface,
        addresses: last.iter().map(|last| ip(*last)).collect(),
    };
    let first = world.interface(interface).address.octets()[3];
    for bad in [&[4, first][..], &[4, 77]] {
        assert_eq!(unfit_field(world.act(unassign(bad))), "PrivateIpAddress");
    }
    world.must(unassign(&[4, 4]));
    assert_eq!(*world.interface(interface).secondary_addresses, [ip(5)]);
    assert_eq!(world.must(assign(None)), Outcome::Address(interface, ip(4)), "the lowest free one");
    // A primary interface too, unless its instance goes.
    let primary = world.instance(instance).primary_interface;
    let assign_primary = Command::AssignAddress { interface: primary, vswitch: None };
    world.must(assign_primary.clone());
    world.must(InstanceCommand::Release { instance, charge: None });
    assert_eq!(world.act(assign_primary), Err(Refusal::InstanceStatus(InstanceStatus::Releasing)));
    world.must(Command::Delete { interfaces: vec![interface] });
    assert_eq!(world.act(assign(None)), Err(Refusal::InterfaceStatus(InterfaceStatus::Deleting)));
}

#[test]
fn a_full_vswitch_has_no_more_addresses() {
    let mut world = World::new();
    let network = world.network("10.9.0.0/16");
    let vswitch = world.vswitch(network, "10.9.0.0/29");
    let interface = world.interface_in(vswitch, &[]);
    let assign = Command::AssignAddress { interface, vswitch: None };
    (0..4).for_each(|_| drop(world.must(assign.clone())));
    assert_eq!(unfit_field(world.act(assign)), "VSwitchId");
}

#[test]
fn what_another_account_has_does_not_exist() {
    let mut world = World::new();
    let (instance, interface, vswitch) = pair(&mut world);
    world.account = crate::AccountId(2);
    assert_eq!(world.act(create(vswitch, &[])), Err(Refusal::VSwitchNotFound));
    assert_eq!(world.act(Command::Attach { interface, instance }), Err(Refusal::InterfaceNotFound));
    assert_eq!(world.act(Command::Delete { interfaces: vec![interface] }), Err(Refusal::InterfaceNotFound));
    assert_eq!(world.act(Command::Detach { interface }), Err(Refusal::InterfaceNotFound));
    let modify = Command::Modify { interface, name: None, description: None };
    assert_eq!(world.act(modify), Err(Refusal::InterfaceNotFound));
}
