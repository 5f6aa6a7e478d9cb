use crate::{
    Outcome, Refusal,
    command::{
        ChargeWish, InstanceCommand as Command, InstanceWish, InterfaceCommand, NetworkCommand, ReleaseCharge,
    },
    id::{DiskId, InstanceId},
    instance::InstanceStatus as S,
    interface::InterfaceStatus,
    world::{World, disk, unfit_field, wish},
};

/// Every way between the states, each from where it begins to where it ends.
#[test]
fn journeys_pass_the_documented_states() {
    let mut world = World::new();
    let instance = world.running(wish());
    let other: Box<str> = world.site.images[1].id.as_str().into();
    let journeys: [(Command, &[S]); 9] = [
        (Command::Reboot { instance }, &[S::Stopping, S::Starting, S::Running]),
        (Command::Reinit { instance, image: None }, &[S::Resetting, S::Running]),
        (Command::Reinit { instance, image: Some(other) }, &[S::ImageDownloading, S::Resetting, S::Running]),
        (Command::Transfer { instance }, &[S::Transferring, S::Running]),
        (Command::Stop { instance }, &[S::Stopping, S::Stopped]),
        (Command::Reinit { instance, image: None }, &[S::Resetting, S::Stopped]),
        (Command::Transfer { instance }, &[S::Transferring, S::Stopped]),
        (Command::Start { instance }, &[S::Starting, S::Running]),
        (Command::Release { instance, charge: None }, &[S::Releasing]),
    ];
    for (command, states) in journeys {
        world.must(command.clone());
        for (index, status) in states.iter().enumerate() {
            assert_eq!(world.instance(instance).status, *status, "{command:?}");
            if index + 1 < states.len() {
                world.later(crate::instance::duration_ms(*status, &world.timing));
            }
        }
    }
    assert_eq!(world.instance(instance).image.as_str(), world.site.images[1].id);
    world.settle();
    assert!(world.state.instances().is_empty() && world.state.interfaces().is_empty());
}

#[test]
fn each_command_is_legal_in_its_states_alone() {
    for status in S::ALL {
        let mut world = World::new();
        let group = world.group();
        let instance = world.in_status(status, group);
        let disk = world.instance(instance).system_disk.id;
        let image: Box<str> = world.site.images[0].id.as_str().into();
        let legal: [(Command, &[S]); 7] = [
            (Command::Start { instance }, &[S::Stopped]),
            (Command::Stop { instance }, &[S::Running]),
            (Command::Reboot { instance }, &[S::Running]),
            (Command::Reinit { instance, image: None }, &[S::Running, S::Stopped]),
            (Command::ReinitDisk { disk, image }, &[S::Running, S::Stopped]),
            (Command::Transfer { instance }, &[S::Running, S::Stopped]),
            (Command::Release { instance, charge: None }, &[S::Running, S::Stopped, S::Expired]),
        ];
        for (command, states) in legal {
            let mut world = World::new();
            let group = world.group();
            assert_eq!(world.in_status(status, group), instance, "worlds are the same each time");
            let expected = if states.contains(&status) {
                Ok(Outcome::Done)
            } else {
                Err(Refusal::InstanceStatus(status))
            };
            assert_eq!(world.act(command.clone()), expected, "{command:?} in {status:?}");
        }
    }
}

#[test]
fn a_disk_is_reset_to_an_image_that_fits() {
    let mut world = World::new();
    let windows: Box<str> = "m-windows-2022".into();
    let instance = world.running(InstanceWish { data_disks: vec![disk(Some(100))], ..wish() });
    let [system, data] = [0, 1].map(|n| world.instance(instance).disks().nth(n).unwrap().id);
    let reset = |disk, image: &str| Command::ReinitDisk { disk, image: image.into() };
    assert_eq!(world.act(reset(DiskId::from_entropy(3), &windows)), Err(Refusal::DiskNotFound));
    assert_eq!(world.act(reset(system, "m-none")), Err(Refusal::ImageNotFound));
    assert_eq!(unfit_field(world.act(reset(system, &windows))), "ImageId");
    let reinit = Command::Reinit { instance, image: Some(windows.clone()) };
    assert_eq!(unfit_field(world.act(reinit)), "ImageId");
    world.must(reset(data, &windows));
    world.settle();
    assert_eq!(
        world.instance(instance).image.as_str(),
        world.site.images[0].id,
        "the data disk is not its image"
    );
    world.must(reset(system, "m-ubuntu-24-04"));
    assert_eq!(world.instance(instance).image.as_str(), "m-ubuntu-24-04");
    world.account = crate::AccountId(2);
    assert_eq!(world.act(reset(system, "m-debian-12")), Err(Refusal::DiskNotFound));
}

fn modify(instance: InstanceId) -> Command {
    Command::Modify {
        instance,
        name: None,
        host_name: None,
        user_data: None,
        deletion_protection: None,
        password: false,
    }
}

#[test]
fn attributes_change_where_given() {
    let mut world = World::new();
    let instance = world.running(InstanceWish { host_name: Some("h".into()), ..wish() });
    let mut rename = modify(instance);
    if let Command::Modify { name, user_data, deletion_protection, .. } = &mut rename {
        (*name, *user_data, *deletion_protection) = (Some("web".into()), Some("aGk=".into()), Some(true));
    }
    world.must(rename);
    let held = world.instance(instance);
    assert_eq!((held.name.as_deref(), held.host_name.as_deref()), (Some("web"), Some("h")));
    assert_eq!((held.user_data.as_deref(), held.deletion_protection), (Some("aGk="), true));
    assert_eq!(world.state.instances_named(world.account, "web").count(), 1);
    assert_eq!(world.act(Command::Release { instance, charge: None }), Err(Refusal::DeletionProtected));
}

#[test]
fn a_password_is_for_what_does_not_run_and_nothing_is_for_what_goes() {
    for status in S::ALL {
        let mut world = World::new();
        let group = world.group();
        let instance = world.in_status(status, group);
        let mut password = modify(instance);
        if let Command::Modify { password, .. } = &mut password {
            *password = true;
        }
        let answers = [world.act(modify(instance)).is_ok(), world.act(password).is_ok()];
        let expected = [status != S::Releasing, !matches!(status, S::Releasing | S::Running | S::Starting)];
        assert_eq!(answers, expected, "{status:?}");
    }
}

#[test]
fn a_subscription_is_not_protected() {
    let mut world = World::new();
    let charge = ChargeWish::PrePaid { days: 30, renew: false };
    let instance = world.running(InstanceWish { charge, ..wish() });
    let mut protect = modify(instance);
    if let Command::Modify { deletion_protection, .. } = &mut protect {
        *deletion_protection = Some(true);
    }
    assert_eq!(unfit_field(world.act(protect)), "DeletionProtection");
}

#[test]
fn a_release_is_for_the_charge_it_names() {
    let mut world = World::new();
    let by_use = world.running(wish());
    let charge = ChargeWish::PrePaid { days: 30, renew: false };
    let subscription = world.running(InstanceWish { charge, ..wish() });
    let release = |instance, charge| Command::Release { instance, charge: Some(charge) };
    assert_eq!(unfit_field(world.act(release(by_use, ReleaseCharge::PrePaid))), "InstanceId");
    assert_eq!(unfit_field(world.act(release(subscription, ReleaseCharge::PostPaid))), "InstanceId");
    world.must(release(by_use, ReleaseCharge::PostPaid));
    world.must(release(subscription, ReleaseCharge::PrePaid));
    world.settle();
    let gone = Command::Release { instance: by_use, charge: None };
    assert_eq!(world.act(gone), Err(Refusal::InstanceNotFound));
}

#[test]
fn a_release_ends_the_memberships_of_what_goes_and_keeps_what_stays() {
    let mut world = World::new();
    let (group, vswitch) = (world.group(), world.subnet());
    let instance = world.stopped(InstanceWish { vswitch: Some(vswitch), group: Some(group), ..wish() });
    let interface = world.interface_in(vswitch, &[group]);
    world.must(InterfaceCommand::Attach { interface, instance });
    world.settle();
    world.must(Command::Release { instance, charge: None });
    assert!(world.primary(instance).groups.is_empty());
    assert_eq!(world.instance(instance).status, S::Releasing);
    let kept = world.interface(interface);
    assert_eq!((kept.status, kept.instance), (InterfaceStatus::Available, None));
    assert_eq!(*kept.groups, [group]);
    assert_eq!(world.state.members(group).map(|member| member.id).collect::<Vec<_>>(), [interface]);
    world.settle();
    assert_eq!(world.state.interfaces().len(), 1);
    world.must(InterfaceCommand::Delete { interfaces: vec![interface] });
    world.settle();
    world.must(NetworkCommand::DeleteVSwitch { vswitch });
}
