use crate::{
    Outcome, Refusal, UnixMillis,
    command::{AddressFamily, InstanceCommand, InstanceWish, Ipv6Wish, NetworkCommand as Command},
    network::VSwitch,
    refusal::Kind,
    tag::Tag,
    world::{SITE, World, new_network, new_vswitch, unfit_field, wish},
};

fn vswitch_of(world: &World, id: crate::VSwitchId) -> VSwitch {
    VSwitch::clone(world.state.vswitches().get(&id).expect("the vSwitch exists"))
}

#[test]
fn a_network_is_a_private_block_without_host_bits() {
    let mut world = World::new();
    for good in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "10.1.2.16/28"] {
        world.network(good);
    }
    for bad in ["10.0.0.1/8", "11.0.0.0/8", "172.0.0.0/8", "172.32.0.0/16", "0.0.0.0/0", "192.168.0.0/29"] {
        assert_eq!(unfit_field(world.act(new_network(bad))), "CidrBlock", "{bad}");
    }
}

#[test]
fn a_network_keeps_what_it_was_given() {
    let mut world = World::new();
    let mut create = new_network("10.0.0.0/16");
    let Command::Create { name, description, tags, ipv6, ipv6_isp, .. } = &mut create else { panic!() };
    (*name, *description, *ipv6, *ipv6_isp) = ("n".into(), "d".into(), true, "telecom".into());
    *tags = vec![Tag { key: "k".into(), value: "v".into() }];
    let Outcome::Network(id) = world.must(create) else { panic!("no network") };
    let held = world.state.networks().get(&id).unwrap();
    assert_eq!((&*held.name, &*held.description, &*held.ipv6_isp), ("n", "d", "telecom"));
    assert_eq!((held.region.as_str(), held.tags.len(), held.default), (SITE, 1, false));
    let block = held.ipv6_cidr.expect("an IPv6 block");
    assert_eq!((block.prefix_len(), block.network().octets()[0], block.trunc()), (56, 0xfd, block));
    world.must(Command::Modify { network: id, name: Some("m".into()), description: None });
    let held = world.state.networks().get(&id).unwrap();
    assert_eq!((&*held.name, &*held.description), ("m", "d"));
}

#[test]
fn networks_are_counted_and_placed() {
    let mut world = World::new();
    world.limits.networks_per_account = 1;
    world.limits.tags_per_resource = 1;
    let tag = |key: &str| Tag { key: key.into(), value: "".into() };
    let mut create = new_network("10.0.0.0/16");
    let Command::Create { region, tags, .. } = &mut create else { panic!() };
    *tags = vec![tag("a"), tag("b")];
    *region = "nowhere".into();
    assert_eq!(world.act(create.clone()), Err(Refusal::RegionNotFound));
    let Command::Create { region, .. } = &mut create else { panic!() };
    *region = SITE.into();
    assert_eq!(world.act(create), Err(Refusal::Limit { kind: Kind::Tag, limit: 1 }));
    world.network("10.0.0.0/16");
    let more = world.act(new_network("10.1.0.0/16"));
    assert_eq!(more, Err(Refusal::Limit { kind: Kind::Network, limit: 1 }));
}

#[test]
fn a_vswitch_lies_in_its_network_and_overlaps_no_other() {
    let mut world = World::new();
    let network = world.network("10.0.0.0/12");
    world.vswitch(network, "10.0.0.0/24");
    world.vswitch(network, "10.1.0.0/16");
    let bad = [
        "10.0.0.1/24",  // host bits
        "10.0.0.0/15",  // too large
        "10.2.0.0/30",  // too small
        "10.16.0.0/16", // outside
        "10.0.0.0/24",  // the same again
        "10.0.0.0/16",  // around another
        "10.1.7.0/24",  // inside another
    ];
    for cidr in bad {
        assert_eq!(unfit_field(world.act(new_vswitch(network, cidr))), "CidrBlock", "{cidr}");
    }
    world.limits.vswitches_per_network = 2;
    let more = world.act(new_vswitch(network, "10.2.0.0/29"));
    assert_eq!(more, Err(Refusal::Limit { kind: Kind::VSwitch, limit: 2 }));
}

#[test]
fn a_vswitch_is_at_the_site_of_its_network() {
    let mut world = World::new();
    let network = world.network("10.0.0.0/16");
    let mut create = new_vswitch(network, "10.0.0.0/24");
    let mut at = |place: &str, id| {
        let Command::CreateVSwitch { region, network, .. } = &mut create else { panic!() };
        (*region, *network) = (place.into(), id);
        create.clone()
    };
    let (nowhere, jakarta) = (at("nowhere", Some(network)), at("id-jakarta-1", Some(network)));
    let unknown = at(SITE, Some(crate::NetworkId::from_entropy(5)));
    assert_eq!(world.act(nowhere), Err(Refusal::RegionNotFound));
    assert_eq!(unfit_field(world.act(jakarta)), "EnsRegionId");
    assert_eq!(world.act(unknown), Err(Refusal::NetworkNotFound));
}

#[test]
fn a_vswitch_without_a_network_is_in_the_default_one() {
    let mut world = World::new();
    let mut create = new_vswitch(crate::NetworkId::from_entropy(5), "172.17.4.0/24");
    let Command::CreateVSwitch { network, .. } = &mut create else { panic!() };
    *network = None;
    let Outcome::VSwitch(id) = world.must(create.clone()) else { panic!("no vSwitch") };
    let Command::CreateVSwitch { cidr, .. } = &mut create else { panic!() };
    *cidr = "172.17.5.0/24".parse().unwrap();
    world.must(create);
    let network = vswitch_of(&world, id).network;
    assert!(world.state.networks().get(&network).unwrap().default);
    assert_eq!((world.state.networks().len(), world.state.vswitches_of(network).count()), (1, 2));
    // Instances that name nothing go there too.
    let instance = world.run(wish())[0];
    assert_eq!(world.primary(instance).vswitch, id);
}

#[test]
fn a_default_network_that_is_not_there_yet_is_named_as_such() {
    let mut world = World::new();
    let mut create = new_vswitch(crate::NetworkId::from_entropy(5), "10.0.0.0/24");
    let Command::CreateVSwitch { network, .. } = &mut create else { panic!() };
    *network = None;
    let Err(Refusal::Unfit { reason, .. }) = world.act(create) else { panic!("it does not fit") };
    assert!(reason.ends_with(&format!("of the default network at {SITE}")), "{reason}");
}

fn with_ipv6(network: crate::NetworkId, block: &str, wish: Ipv6Wish) -> Command {
    let mut create = new_vswitch(network, block);
    if let Command::CreateVSwitch { ipv6, .. } = &mut create {
        *ipv6 = wish;
    }
    create
}

#[test]
fn ipv6_blocks_are_cut_from_the_networks_block() {
    let mut world = World::new();
    let first = world.dual_subnet();
    let network = vswitch_of(&world, first).network;
    let whole = world.state.networks().get(&network).unwrap().ipv6_cidr.unwrap();
    let numbered = |number: u128| {
        ipnet::Ipv6Net::new((u128::from(whole.network()) | (number << 64)).into(), 64).unwrap()
    };
    assert_eq!(vswitch_of(&world, first).ipv6_cidr, Some(numbered(0)));
    for (cidr, wish, number) in [
        ("10.6.1.0/24", Ipv6Wish::Number(7), 7),
        ("10.6.2.0/24", Ipv6Wish::Any, 1),
        ("10.6.3.0/24", Ipv6Wish::Block(numbered(255)), 255),
    ] {
        let Outcome::VSwitch(id) = world.must(with_ipv6(network, cidr, wish)) else { panic!("no vSwitch") };
        assert_eq!(vswitch_of(&world, id).ipv6_cidr, Some(numbered(number)));
    }
    let taken = with_ipv6(network, "10.6.4.0/24", Ipv6Wish::Number(7));
    let large = with_ipv6(network, "10.6.4.0/24", Ipv6Wish::Block(whole));
    let foreign = with_ipv6(network, "10.6.4.0/24", Ipv6Wish::Block("2001:db8::/64".parse().unwrap()));
    let odd = ipnet::Ipv6Net::new((u128::from(whole.network()) | 1).into(), 64).unwrap();
    let odd = with_ipv6(network, "10.6.4.0/24", Ipv6Wish::Block(odd));
    for bad in [taken, large, foreign, odd] {
        assert_eq!(unfit_field(world.act(bad)), "Ipv6CidrBlock");
    }
    let plain = world.network("10.7.0.0/16");
    assert_eq!(unfit_field(world.act(with_ipv6(plain, "10.7.0.0/24", Ipv6Wish::Any))), "Ipv6CidrBlock");
}

#[test]
fn the_ipv6_block_of_a_vswitch_stays_while_it_is_used() {
    let mut world = World::new();
    let vswitch = world.dual_subnet();
    let modify = |ipv6| Command::ModifyVSwitch { vswitch, name: None, description: None, ipv6: Some(ipv6) };
    let held = vswitch_of(&world, vswitch).ipv6_cidr;
    world.must(modify(Ipv6Wish::Any));
    assert_eq!(vswitch_of(&world, vswitch).ipv6_cidr, held);
    let family = AddressFamily::Dual;
    let instance = world.running(InstanceWish { vswitch: Some(vswitch), family, ..wish() });
    for change in [Ipv6Wish::Off, Ipv6Wish::Number(9)] {
        match world.act(modify(change)) {
            Err(Refusal::InUse { users, total: 1, .. }) => {
                assert_eq!(users, [format!("instance {instance}")])
            }
            other => panic!("{other:?}"),
        }
    }
    world.must(modify(Ipv6Wish::Number(0)));
    world.must(InstanceCommand::Release { instance, charge: None });
    world.settle();
    world.must(modify(Ipv6Wish::Off));
    assert_eq!(vswitch_of(&world, vswitch).ipv6_cidr, None);
    world.must(modify(Ipv6Wish::Number(9)));
    assert_ne!(vswitch_of(&world, vswitch).ipv6_cidr, held);
}

#[test]
fn what_is_used_is_not_deleted_and_five_users_are_named() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let network = vswitch_of(&world, vswitch).network;
    match world.act(Command::Delete { network }) {
        Err(Refusal::InUse { users, total: 1, .. }) => assert_eq!(users, [format!("vSwitch {vswitch}")]),
        other => panic!("{other:?}"),
    }
    for _ in 0..7 {
        world.interface_in(vswitch, &[]);
    }
    match world.act(Command::DeleteVSwitch { vswitch }) {
        Err(refusal @ Refusal::InUse { .. }) => {
            let text = refusal.to_string();
            assert_eq!(text.matches("network interface eni-").count(), 5, "{text}");
            assert!(text.ends_with("and 2 more"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    let interfaces = world.state.interfaces().all().map(|interface| interface.id).collect();
    world.must(crate::command::InterfaceCommand::Delete { interfaces });
    world.settle();
    world.must(Command::DeleteVSwitch { vswitch });
    world.must(Command::Delete { network });
    assert_eq!(world.act(Command::DeleteVSwitch { vswitch }), Err(Refusal::VSwitchNotFound));
    assert_eq!(world.act(Command::Delete { network }), Err(Refusal::NetworkNotFound));
}

#[test]
fn a_vswitch_is_modified_where_something_is_given() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let modify = |name: Option<&str>, description: Option<&str>| Command::ModifyVSwitch {
        vswitch,
        name: name.map(Into::into),
        description: description.map(Into::into),
        ipv6: None,
    };
    world.must(modify(Some("a"), None));
    world.must(modify(None, Some("b")));
    let held = vswitch_of(&world, vswitch);
    assert_eq!((&*held.name, &*held.description), ("a", "b"));
    assert!(held.created_at > UnixMillis(0));
    world.account = crate::AccountId(2);
    assert_eq!(world.act(modify(Some("c"), None)), Err(Refusal::VSwitchNotFound));
}
