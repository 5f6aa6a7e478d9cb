use crate::{
    Command, Outcome, UnixMillis,
    command::{ChargeWish, InstanceCommand, InstanceWish, InterfaceCommand},
    instance::{Charge, InstanceStatus as S},
    interface::InterfaceStatus,
    world::{World, wish},
};

const DAY_MS: u64 = 86_400_000;

#[test]
fn a_late_clock_does_not_lengthen_a_journey() {
    let mut world = World::new();
    let begin = world.now;
    let id = world.run(wish())[0];
    // Two of three states are over: the third began when the second ended, not now.
    world.later(750);
    assert_eq!(world.instance(id).status, S::Starting);
    assert_eq!(world.instance(id).passage.unwrap().due_at, begin.plus(900));
    world.later(150);
    assert_eq!(world.instance(id).status, S::Running);
    assert_eq!(world.state.next_due(), None);
}

#[test]
fn nothing_changes_before_it_is_due() {
    let mut world = World::new();
    let id = world.run(wish())[0];
    world.later(299);
    assert_eq!(world.instance(id).status, S::ImageDownloading);
    world.later(1);
    assert_eq!(world.instance(id).status, S::Creating);
}

#[test]
fn states_that_last_no_time_are_over_at_the_next_tick() {
    let mut world = World::hasty();
    let id = world.run(wish())[0];
    assert_eq!(world.instance(id).status, S::Creating);
    assert_eq!(world.must(Command::Advance { most: 10 }), Outcome::Advanced(1));
    assert_eq!(world.instance(id).status, S::Running);
    world.must(InstanceCommand::Release { instance: id, charge: None });
    assert_eq!(world.must(Command::Advance { most: 10 }), Outcome::Advanced(2));
    assert!(world.state.instances().is_empty());
    assert_eq!(world.must(Command::Advance { most: 10 }), Outcome::Advanced(0));
}

#[test]
fn a_tick_is_bounded_and_the_rest_stays_due() {
    let mut world = World::new();
    world.run(InstanceWish { amount: 10, ..wish() });
    world.now = world.now.plus(10_000);
    assert_eq!(world.must(Command::Advance { most: 0 }), Outcome::Advanced(0));
    let mut running = 0;
    while running < 10 {
        let Outcome::Advanced(count) = world.must(Command::Advance { most: 4 }) else { panic!("no count") };
        assert!((1..=4).contains(&count));
        running += count;
    }
    assert_eq!(world.state.next_due(), None);
    // One instance and its interface go together, even where one entity is the most.
    let instance = world.state.instances().all().next().unwrap().id;
    world.must(InstanceCommand::Release { instance, charge: None });
    world.now = world.now.plus(10_000);
    assert_eq!(world.must(Command::Advance { most: 1 }), Outcome::Advanced(2));
}

#[test]
fn a_subscription_expires_running_or_stopped() {
    let mut world = World::new();
    let charge = ChargeWish::PrePaid { days: 2, renew: false };
    let wish = InstanceWish { charge, ..wish() };
    let ids = [world.running(wish.clone()), world.stopped(wish)];
    let due = world.expires_at(ids[0]);
    world.later(u64::try_from(due.0 - world.now.0 - 1).unwrap());
    assert_eq!(world.instance(ids[0]).status, S::Running);
    world.later(10_000);
    assert_eq!(ids.map(|id| world.instance(id).status), [S::Expired, S::Expired]);
    assert_eq!(world.state.next_due(), None);
}

#[test]
fn a_subscription_that_renews_itself_does_so_as_often_as_needed() {
    let mut world = World::new();
    let charge = ChargeWish::PrePaid { days: 2, renew: true };
    let id = world.running(InstanceWish { charge, ..wish() });
    let first = world.expires_at(id);
    world.later(2 * DAY_MS);
    assert_eq!(world.expires_at(id), first.plus(2 * DAY_MS));
    // Exactly at the end of a period, and several periods later.
    world.now = UnixMillis(world.expires_at(id).0 + 6 * 86_400_000);
    world.later(0);
    assert_eq!(world.expires_at(id), first.plus(10 * DAY_MS));
    assert_eq!(world.instance(id).status, S::Running);
    world.timing.billing_day_ms = 0;
    world.later(10 * DAY_MS);
    assert_eq!(world.instance(id).status, S::Expired, "a period of no length renews nothing");
}

#[test]
fn a_subscription_that_ends_on_a_journey_ends_after_it() {
    let mut world = World::new();
    world.timing.billing_day_ms = 1_000;
    let charge = ChargeWish::PrePaid { days: 2, renew: false };
    let instance = world.running(InstanceWish { charge, ..wish() });
    world.must(InstanceCommand::Reinit { instance, image: None });
    world.later(4_999);
    assert_eq!(world.instance(instance).status, S::Resetting);
    world.later(1);
    assert_eq!(world.instance(instance).status, S::Expired);
}

#[test]
fn an_instance_is_released_when_it_was_to_be() {
    let mut world = World::new();
    let group = world.group();
    let at = world.now.plus(50_000);
    let wish =
        InstanceWish { auto_release_at: Some(at), group: Some(group), deletion_protection: true, ..wish() };
    let id = world.running(wish);
    world.now = at;
    world.later(0);
    assert_eq!(world.instance(id).status, S::Releasing);
    assert_eq!(world.instance(id).passage.unwrap().due_at, at.plus(300));
    assert_eq!(world.state.member_count(group), 0);
    world.later(300);
    assert!(world.state.instances().is_empty() && world.state.interfaces().is_empty());
}

#[test]
fn an_expired_instance_is_released_when_it_was_to_be() {
    let mut world = World::new();
    let charge = ChargeWish::PrePaid { days: 1, renew: false };
    let auto_release_at = Some(world.now.plus(2 * DAY_MS));
    let id = world.running(InstanceWish { charge, auto_release_at, ..wish() });
    world.later(DAY_MS);
    assert_eq!(world.instance(id).status, S::Expired);
    world.later(2 * DAY_MS);
    assert!(world.state.instances().is_empty());
}

#[test]
fn a_release_and_a_due_interface_in_one_tick_combine() {
    for attached_before_release in [true, false] {
        let mut world = World::new();
        let (group, vswitch) = (world.group(), world.subnet());
        let at = world.now.plus(50_000);
        let wish = InstanceWish { vswitch: Some(vswitch), auto_release_at: Some(at), ..wish() };
        let instance = world.stopped(wish);
        let interface = world.interface_in(vswitch, &[group]);
        let early = if attached_before_release { 400 } else { 100 };
        world.now = UnixMillis(at.0 - early);
        world.must(InterfaceCommand::Attach { interface, instance });
        // Release, its end and the end of the attachment are all due now.
        world.now = at.plus(10_000);
        assert_eq!(world.must(Command::Advance { most: 100 }), Outcome::Advanced(3));
        assert!(world.state.instances().is_empty());
        let left = world.interface(interface);
        assert_eq!((left.status, left.instance, left.due_at), (InterfaceStatus::Available, None, None));
        assert_eq!(*left.groups, [group]);
        assert_eq!(world.state.next_due(), None);
    }
}

#[test]
fn interfaces_are_attached_detached_and_deleted_in_their_time() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let instance = world.stopped(InstanceWish { vswitch: Some(vswitch), ..wish() });
    let interface = world.interface_in(vswitch, &[]);
    let status = |world: &World| world.interface(interface).status;
    world.must(InterfaceCommand::Attach { interface, instance });
    world.later(299);
    assert_eq!(status(&world), InterfaceStatus::Attaching);
    world.later(1);
    assert_eq!(status(&world), InterfaceStatus::InUse);
    world.must(InterfaceCommand::Detach { interface });
    assert_eq!(status(&world), InterfaceStatus::Detaching);
    assert_eq!(*world.instance(instance).secondary_interfaces, [interface]);
    world.later(300);
    assert_eq!(status(&world), InterfaceStatus::Available);
    assert!(world.instance(instance).secondary_interfaces.is_empty());
    world.must(InterfaceCommand::Delete { interfaces: vec![interface] });
    assert_eq!(status(&world), InterfaceStatus::Deleting);
    world.later(300);
    assert!(world.state.interfaces().get(&interface).is_none());
}

#[test]
fn charges_by_use_never_end() {
    let mut world = World::new();
    let id = world.running(wish());
    world.later(10_000 * DAY_MS);
    assert_eq!((world.instance(id).status, world.instance(id).charge), (S::Running, Charge::PostPaid));
}
