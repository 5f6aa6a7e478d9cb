use crate::{
    Limits, Refusal, SecurityGroupId,
    command::{InstanceCommand, InterfaceCommand, Outcome, SecurityGroupCommand as Command},
    instance::InstanceStatus,
    refusal::{Kind, Target},
    rule::{Direction, Policy, PortRange, Protocol, Rule},
    world::{World, join, leave, wish},
};

fn rule(port: u16) -> Rule {
    Rule {
        direction: Direction::Ingress,
        protocol: Protocol::Tcp,
        policy: Policy::Accept,
        priority: 1,
        ports: PortRange::Ports { low: port, high: port },
        source_ports: PortRange::EVERY,
        source: None,
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: crate::UnixMillis(0),
    }
}

/// The precondition of the contract, state by state, for Leave and Join.
#[test]
fn memberships_change_in_running_and_stopped_alone() {
    for status in InstanceStatus::ALL {
        let mut world = World::new();
        let (group, other) = (world.group(), world.group());
        let instance = world.in_status(status, group);
        let groups = world.primary(instance).groups.clone();
        let answers = [world.act(join(other, instance)), world.act(leave(group, instance))];
        if status.allows_membership_change() {
            assert_eq!(answers, [Ok(Outcome::Done), Ok(Outcome::Done)], "{status:?}");
            assert_eq!(*world.primary(instance).groups, [other], "{status:?}");
        } else {
            let refused = Err(Refusal::InstanceStatus(status));
            assert_eq!(answers, [refused.clone(), refused], "{status:?}");
            assert_eq!(world.primary(instance).groups, groups, "{status:?}");
        }
    }
    let legal: Vec<_> = InstanceStatus::ALL.into_iter().filter(|s| s.allows_membership_change()).collect();
    assert_eq!(legal, [InstanceStatus::Running, InstanceStatus::Stopped]);
}

#[test]
fn an_interface_follows_its_instance_and_is_free_without_one() {
    let mut world = World::new();
    let (group, vswitch) = (world.group(), world.subnet());
    let interface = world.interface_in(vswitch, &[group]);
    let leave = Command::Leave { group, target: Target::Interface(interface) };
    let join = Command::Join { group, target: Target::Interface(interface) };
    world.must(leave.clone());
    world.must(join.clone());
    let instance = world.stopped(crate::command::InstanceWish { vswitch: Some(vswitch), ..wish() });
    world.must(InterfaceCommand::Attach { interface, instance });
    world.must(InstanceCommand::Start { instance });
    assert_eq!(world.act(leave.clone()), Err(Refusal::InstanceStatus(InstanceStatus::Starting)));
    world.settle();
    world.must(leave);
    // The instance stands for its primary interface: the other one is not touched.
    world.must(crate::world::join(group, instance));
    assert!(world.interface(interface).groups.is_empty());
    assert_eq!(*world.primary(instance).groups, [group]);
}

#[test]
fn the_group_is_looked_for_before_the_target_and_the_state_before_the_membership() {
    let mut world = World::new();
    let (group, other) = (world.group(), world.group());
    let instance = world.in_status(InstanceStatus::Starting, group);
    let nobody = crate::InstanceId::from_entropy(1);
    let no_group = crate::SecurityGroupId::from_entropy(1);
    let no_interface = Target::Interface(crate::NetworkInterfaceId::from_entropy(1));
    assert_eq!(world.act(leave(no_group, nobody)), Err(Refusal::SecurityGroupNotFound));
    assert_eq!(world.act(leave(group, nobody)), Err(Refusal::InstanceNotFound));
    let leave_interface = Command::Leave { group, target: no_interface };
    assert_eq!(world.act(leave_interface), Err(Refusal::InterfaceNotFound));
    assert_eq!(world.act(leave(other, instance)), Err(Refusal::InstanceStatus(InstanceStatus::Starting)));
    world.settle();
    let target = Target::Instance(instance);
    assert_eq!(world.act(leave(other, instance)), Err(Refusal::NotAMember { target, group: other }));
    assert_eq!(world.act(join(group, instance)), Err(Refusal::AlreadyAMember { target, group }));
}

#[test]
fn a_repeated_leave_is_refused_and_the_last_group_may_be_left() {
    let mut world = World::new();
    let group = world.group();
    let instance = world.in_status(InstanceStatus::Running, group);
    world.must(leave(group, instance));
    assert!(world.primary(instance).groups.is_empty());
    let target = Target::Instance(instance);
    assert_eq!(world.act(leave(group, instance)), Err(Refusal::NotAMember { target, group }));
}

#[test]
fn the_newest_membership_stands_first() {
    let mut world = World::new();
    let groups = [world.group(), world.group(), world.group()];
    let instance = world.in_status(InstanceStatus::Running, groups[0]);
    world.must(join(groups[1], instance));
    world.must(join(groups[2], instance));
    assert_eq!(*world.primary(instance).groups, [groups[2], groups[1], groups[0]]);
    world.must(leave(groups[1], instance));
    assert_eq!(*world.primary(instance).groups, [groups[2], groups[0]]);
}

#[test]
fn join_ends_at_both_limits() {
    let mut world = World::new();
    world.limits.groups_per_interface = 1;
    world.limits.interfaces_per_group = 1;
    let (group, other) = (world.group(), world.group());
    let first = world.in_status(InstanceStatus::Running, group);
    let second = world.running(wish());
    let limit = |kind| Err(Refusal::Limit { kind, limit: 1 });
    assert_eq!(world.act(join(other, first)), limit(Kind::GroupOfInterface));
    assert_eq!(world.act(join(group, second)), limit(Kind::InterfaceOfGroup));
    world.must(leave(group, first));
    world.must(join(group, second));
}

#[test]
fn an_interface_that_is_being_deleted_joins_nothing() {
    let mut world = World::new();
    let (group, vswitch) = (world.group(), world.subnet());
    let interface = world.interface_in(vswitch, &[group]);
    let target = Target::Interface(interface);
    world.must(InterfaceCommand::Delete { interfaces: vec![interface] });
    let deleting = crate::interface::InterfaceStatus::Deleting;
    assert_eq!(world.act(Command::Join { group, target }), Err(Refusal::InterfaceStatus(deleting)));
    assert_eq!(world.act(Command::Leave { group, target }), Err(Refusal::NotAMember { target, group }));
}

#[test]
fn a_group_with_members_is_not_deleted_and_says_who_they_are() {
    let mut world = World::new();
    let group = world.group();
    let instance = world.in_status(InstanceStatus::Running, group);
    match world.act(Command::Delete { group }) {
        Err(Refusal::InUse { users, total: 1, .. }) => assert_eq!(users, [format!("instance {instance}")]),
        other => panic!("{other:?}"),
    }
    world.must(leave(group, instance));
    world.must(Command::Delete { group });
    assert_eq!(world.act(Command::Delete { group }), Err(Refusal::SecurityGroupNotFound));
}

#[test]
fn rules_are_added_and_removed_all_or_none() {
    let mut world = World::new();
    world.limits.rules_per_group = 2;
    let group = world.group();
    let add =
        |ports: &[u16]| Command::AddRules { group, rules: ports.iter().map(|port| rule(*port)).collect() };
    let remove =
        |ports: &[u16]| Command::RemoveRules { group, rules: ports.iter().map(|port| rule(*port)).collect() };
    world.must(add(&[80]));
    assert_eq!(world.act(add(&[81, 80])), Err(Refusal::RuleDuplicated));
    assert_eq!(world.act(add(&[81, 81])), Err(Refusal::RuleDuplicated));
    assert_eq!(world.act(add(&[81, 82])), Err(Refusal::RuleLimit { limit: 2, wanted: 3 }));
    assert_eq!(world.act(remove(&[80, 81])), Err(Refusal::RuleNotFound));
    let held = |world: &World| world.state.groups().get(&group).map(|group| group.rules.len());
    assert_eq!(held(&world), Some(1));
    world.must(add(&[81]));
    world.must(remove(&[80, 81]));
    assert_eq!(held(&world), Some(0));
}

/// A world in which an interface may have three rules, and groups with so many.
fn world_of_three_rules(rules: &[u16]) -> (World, Vec<SecurityGroupId>) {
    let mut world = World::new();
    world.limits.rules_per_interface = 3;
    let groups = rules.iter().map(|count| {
        let group = world.group();
        let rules = (1..=*count).map(rule).collect();
        world.must(Command::AddRules { group, rules });
        group
    });
    let groups = groups.collect();
    (world, groups)
}

fn too_many<T>(wanted: usize) -> Result<T, Refusal> {
    Err(Refusal::InterfaceRuleLimit { limit: 3, wanted })
}

#[test]
fn no_interface_joins_groups_with_more_rules_than_can_be_enforced() {
    let (mut world, groups) = world_of_three_rules(&[2, 2, 1]);
    let instance = world.in_status(InstanceStatus::Running, groups[0]);
    assert_eq!(world.act(join(groups[1], instance)), too_many(4));
    world.must(join(groups[2], instance));
    world.must(leave(groups[0], instance));
    world.must(join(groups[1], instance));
}

#[test]
fn no_group_gets_more_rules_than_can_be_enforced_for_its_members() {
    let (mut world, groups) = world_of_three_rules(&[1, 1]);
    let add = |ports: &[u16]| {
        let rules = ports.iter().map(|port| rule(*port)).collect();
        Command::AddRules { group: groups[1], rules }
    };
    let instance = world.in_status(InstanceStatus::Running, groups[0]);
    world.must(join(groups[1], instance));
    assert_eq!(world.act(add(&[80, 81])), too_many(4));
    world.must(add(&[80]));
    world.must(leave(groups[1], instance));
    world.must(add(&[81, 82, 83]));
    assert_eq!(world.act(join(groups[1], instance)), too_many(6));
}

#[test]
fn the_usual_limits_cannot_lead_to_more_rules_than_can_be_enforced() {
    let limits = Limits::default();
    assert!(limits.rules_per_group * limits.groups_per_interface <= limits.rules_of_interface());
    let limits = Limits { rules_per_interface: usize::MAX, ..limits };
    assert_eq!(limits.rules_of_interface(), Limits::RULES_PER_INTERFACE_MAX);
}

#[test]
fn a_group_is_modified_where_something_is_given_and_accounts_have_a_limit() {
    let mut world = World::new();
    world.limits.groups_per_account = 1;
    let group = world.group();
    world.must(Command::Modify { group, name: Some("web".into()), description: None });
    world.must(Command::Modify { group, name: None, description: Some("front".into()) });
    let held = world.state.groups().get(&group).unwrap();
    assert_eq!((&*held.name, &*held.description), ("web", "front"));
    let more = Command::Create { name: "".into(), description: "".into(), rules: vec![] };
    assert_eq!(world.act(more), Err(Refusal::Limit { kind: Kind::SecurityGroup, limit: 1 }));
}

#[test]
fn what_another_account_has_does_not_exist() {
    let mut world = World::new();
    let group = world.group();
    let instance = world.in_status(InstanceStatus::Running, group);
    world.account = crate::AccountId(2);
    assert_eq!(world.act(leave(group, instance)), Err(Refusal::SecurityGroupNotFound));
    let own = world.group();
    assert_eq!(world.act(leave(own, instance)), Err(Refusal::InstanceNotFound));
    assert_eq!(world.act(Command::Delete { group }), Err(Refusal::SecurityGroupNotFound));
}
