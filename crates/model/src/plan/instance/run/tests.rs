use std::net::Ipv4Addr;

use crate::{
    Outcome, Refusal, UnixMillis,
    command::{AddressFamily, ChargeWish, DiskWish, InstanceCommand as Command, InstanceWish, Placement},
    id::DiskId,
    instance::{Charge, InstanceStatus as S},
    refusal::Kind,
    tag::Tag,
    world::{SITE, World, disk, unfit_field, wish},
};

fn run(wish: InstanceWish) -> Command {
    Command::Run(Box::new(wish))
}

#[test]
fn a_hundred_instances_are_one_plan() {
    let mut world = World::new();
    let group = world.group();
    let many = InstanceWish {
        amount: 100,
        name: Some("worker-".into()),
        host_name: Some("w".into()),
        unique_suffix: true,
        group: Some(group),
        public_address: true,
        ..wish()
    };
    let ids = world.run(many);
    assert_eq!(ids.len(), 100);
    assert_eq!(world.state.member_count(group), 100);
    let last = world.instance(ids[99]);
    assert_eq!((last.name.as_deref(), last.host_name.as_deref()), (Some("worker-100"), Some("w100")));
    assert_eq!(world.instance(ids[0]).name.as_deref(), Some("worker-001"));
    assert_eq!(world.primary(ids[0]).address, Ipv4Addr::new(172, 17, 0, 2));
    assert_eq!(world.primary(ids[99]).address, Ipv4Addr::new(172, 17, 0, 101));
    let public = last.public_address.expect("a public address").octets();
    assert!(public[0] == 198 && (18..=19).contains(&public[1]));
    // The oldest is made first, and each after its interface.
    let order: Vec<_> = world.state.instances().oldest_first(world.account).map(|e| e.id).collect();
    assert_eq!(order, ids);
    assert_eq!(world.primary(ids[0]).serial + 1, world.instance(ids[0]).serial);
}

#[test]
fn a_new_instance_downloads_is_created_starts_and_runs() {
    let mut world = World::new();
    let id = world.run(wish())[0];
    let mut seen = vec![world.instance(id).status];
    for _ in 0..3 {
        world.later(300);
        seen.push(world.instance(id).status);
    }
    assert_eq!(seen, [S::ImageDownloading, S::Creating, S::Starting, S::Running]);
    world.timing.image_downloading_ms = 0;
    let id = world.run(wish())[0];
    assert_eq!(world.instance(id).status, S::Creating);
}

#[test]
fn nothing_wished_gives_what_is_offered_first() {
    let mut world = World::new();
    let id = world.run(wish())[0];
    let instance = world.instance(id).clone();
    assert_eq!(instance.image.as_str(), world.site.images[0].id);
    assert_eq!(instance.instance_type.as_str(), world.site.instance_types[0].id);
    assert_eq!(instance.system_disk.size_gib, world.site.images[0].size_gib);
    assert_eq!(instance.system_disk.category.as_str(), "cloud_efficiency");
    assert_eq!(instance.display_name(), id.to_string());
    assert_eq!((instance.charge, instance.public_address), (Charge::PostPaid, None));
    assert!(world.primary(id).groups.is_empty() && world.primary(id).ipv6_addresses.is_empty());
}

#[test]
fn what_is_not_offered_is_not_found() {
    let mut world = World::new();
    let somewhere = |placement| run(InstanceWish { placement, ..wish() });
    let at = Placement::Region("nowhere".into());
    assert_eq!(world.act(somewhere(at)), Err(Refusal::RegionNotFound));
    let wrong_isp = Placement::District { code: "330100".into(), isp: Some("unicom".into()) };
    assert_eq!(world.act(somewhere(wrong_isp)), Err(Refusal::RegionNotFound));
    let image = run(InstanceWish { image: Some("m-none".into()), ..wish() });
    assert_eq!(world.act(image), Err(Refusal::ImageNotFound));
    let kind = run(InstanceWish { instance_type: Some("ens.none".into()), ..wish() });
    assert_eq!(world.act(kind), Err(Refusal::InstanceTypeNotFound));
    let group = Some(crate::SecurityGroupId::from_entropy(7));
    assert_eq!(world.act(run(InstanceWish { group, ..wish() })), Err(Refusal::SecurityGroupNotFound));
    let vswitch = Some(crate::VSwitchId::from_entropy(7));
    assert_eq!(world.act(run(InstanceWish { vswitch, ..wish() })), Err(Refusal::VSwitchNotFound));
    let network = Some(crate::NetworkId::from_entropy(7));
    assert_eq!(world.act(run(InstanceWish { network, ..wish() })), Err(Refusal::NetworkNotFound));
    assert!(world.state.instances().is_empty() && world.state.networks().is_empty());
}

#[test]
fn a_district_is_its_first_site_with_the_provider() {
    let mut world = World::new();
    let place = Placement::District { code: "431000".into(), isp: Some("cmcc".into()) };
    let id = world.run(InstanceWish { placement: place, ..wish() })[0];
    assert_eq!(world.instance(id).region.as_str(), "cn-chenzhou-telecom_unicom_cmcc");
    let place = Placement::District { code: "330100".into(), isp: None };
    let id = world.run(InstanceWish { placement: place, ..wish() })[0];
    assert_eq!(world.instance(id).region.as_str(), "cn-hangzhou-telecom");
}

#[test]
fn the_default_network_is_made_once_a_site_and_account() {
    let mut world = World::new();
    let ids = [world.run(wish())[0], world.run(wish())[0]];
    assert_eq!(world.state.networks().len(), 1);
    assert_eq!(world.primary(ids[0]).vswitch, world.primary(ids[1]).vswitch);
    world.run(InstanceWish { placement: Placement::Region("id-jakarta-1".into()), ..wish() });
    world.account = crate::AccountId(2);
    world.run(wish());
    let defaults = world.state.networks().all().filter(|network| network.default);
    assert_eq!(defaults.count(), 3);
    world.limits.networks_per_account = 1;
    world.account = crate::AccountId(3);
    world.network("10.0.0.0/8");
    assert_eq!(world.act(run(wish())), Err(Refusal::Limit { kind: Kind::Network, limit: 1 }));
}

#[test]
fn a_full_vswitch_takes_nobody() {
    let mut world = World::new();
    let network = world.network("10.0.0.0/16");
    let first = world.vswitch(network, "10.0.0.0/29");
    let named = |amount| InstanceWish { vswitch: Some(first), amount, ..wish() };
    assert_eq!(unfit_field(world.act(run(named(6)))), "VSwitchId");
    world.run(named(5));
    assert_eq!(unfit_field(world.act(run(named(1)))), "VSwitchId");
    // A network: its oldest vSwitch that has room.
    let somewhere = InstanceWish { network: Some(network), ..wish() };
    assert_eq!(unfit_field(world.act(run(somewhere.clone()))), "VSwitchId");
    let second = world.vswitch(network, "10.0.1.0/29");
    world.vswitch(network, "10.0.2.0/29");
    let id = world.run(somewhere)[0];
    assert_eq!(world.primary(id).vswitch, second);
    let empty = world.network("10.1.0.0/16");
    assert_eq!(unfit_field(world.act(run(InstanceWish { network: Some(empty), ..wish() }))), "NetWorkId");
}

#[test]
fn vswitch_and_network_are_of_the_site() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let network = world.state.vswitches().get(&vswitch).unwrap().network;
    let placement = Placement::Region("id-jakarta-1".into());
    let there = InstanceWish { placement, ..wish() };
    let named = run(InstanceWish { vswitch: Some(vswitch), ..there.clone() });
    assert_eq!(unfit_field(world.act(named)), "VSwitchId");
    assert_eq!(unfit_field(world.act(run(InstanceWish { network: Some(network), ..there }))), "NetWorkId");
}

#[test]
fn an_address_that_is_named_must_be_free_and_for_one() {
    let mut world = World::new();
    let vswitch = Some(world.subnet());
    let at = |last, amount| {
        let address = Some(Ipv4Addr::new(10, 0, 0, last));
        run(InstanceWish { vswitch, address, amount, ..wish() })
    };
    for unusable in [0, 1, 255] {
        assert_eq!(unfit_field(world.act(at(unusable, 1))), "PrivateIpAddress");
    }
    assert_eq!(unfit_field(world.act(at(9, 2))), "PrivateIpAddress");
    let Outcome::Instances(ids) = world.must(at(9, 1)) else { panic!("no instance") };
    assert_eq!(world.primary(ids[0]).address, Ipv4Addr::new(10, 0, 0, 9));
    assert_eq!(unfit_field(world.act(at(9, 1))), "PrivateIpAddress");
    let elsewhere = Some(Ipv4Addr::new(10, 0, 1, 9));
    let wish = InstanceWish { vswitch, address: elsewhere, ..wish() };
    assert_eq!(unfit_field(world.act(run(wish))), "PrivateIpAddress");
}

#[test]
fn ipv6_comes_from_the_block_of_the_vswitch() {
    let mut world = World::new();
    let family = AddressFamily::Dual;
    let without = InstanceWish { vswitch: Some(world.subnet()), family, ..wish() };
    assert_eq!(unfit_field(world.act(run(without))), "IpType");
    let vswitch = world.dual_subnet();
    let with = InstanceWish { vswitch: Some(vswitch), family, ipv6_count: 3, amount: 2, ..wish() };
    let ids = world.run(with.clone());
    let block = world.state.vswitches().get(&vswitch).unwrap().ipv6_cidr.unwrap();
    for id in ids {
        assert_eq!(world.primary(id).ipv6_addresses.len(), 3);
        assert!(world.primary(id).ipv6_addresses.iter().all(|address| block.contains(address)));
    }
    let too_many = InstanceWish { ipv6_count: 11, ..with };
    assert_eq!(unfit_field(world.act(run(too_many))), "Ipv6AddressCount");
}

#[test]
fn disks_are_within_what_is_offered() {
    let mut world = World::new();
    let system = |size| run(InstanceWish { system_disk: disk(Some(size)), ..wish() });
    let data = |size| run(InstanceWish { data_disks: vec![disk(Some(size))], ..wish() });
    for size in [19, 501] {
        assert_eq!(unfit_field(world.act(system(size))), "SystemDisk");
    }
    for size in [19, 32_769] {
        assert_eq!(unfit_field(world.act(data(size))), "DataDisk");
    }
    let odd = DiskWish { category: Some("floppy".into()), ..disk(None) };
    let odd = run(InstanceWish { system_disk: odd, ..wish() });
    assert_eq!(unfit_field(world.act(odd)), "SystemDisk");
    let many = run(InstanceWish { data_disks: vec![disk(None); 17], ..wish() });
    assert_eq!(unfit_field(world.act(many)), "DataDisk");
    let ssd = DiskWish { category: Some("cloud_ssd".into()), ..disk(Some(500)) };
    let good = InstanceWish { system_disk: ssd, data_disks: vec![disk(None), disk(Some(40))], ..wish() };
    let id = world.run(good)[0];
    let sizes: Vec<_> = world.instance(id).disks().map(|disk| disk.size_gib).collect();
    assert_eq!(sizes, [500, 20, 40]);
    let ids: Vec<DiskId> = world.instance(id).disks().map(|disk| disk.id).collect();
    assert!(ids.iter().all(|disk| world.state.instance_with_disk(*disk).is_some_and(|own| own.id == id)));
}

#[test]
fn other_wishes_must_fit_too() {
    let mut world = World::new();
    for amount in [0, 101] {
        assert_eq!(unfit_field(world.act(run(InstanceWish { amount, ..wish() }))), "Amount");
    }
    let fast = InstanceWish { internet_bandwidth_mbps: 1_001, ..wish() };
    assert_eq!(unfit_field(world.act(run(fast))), "InternetMaxBandwidthOut");
    let late = InstanceWish { auto_release_at: Some(world.now), ..wish() };
    assert_eq!(unfit_field(world.act(run(late))), "AutoReleaseTime");
    let charge = ChargeWish::PrePaid { days: 1, renew: false };
    let protected = InstanceWish { charge, deletion_protection: true, ..wish() };
    assert_eq!(unfit_field(world.act(run(protected))), "DeletionProtection");
}

#[test]
fn limits_hold_for_the_whole_amount() {
    let mut world = World::new();
    world.limits.instances_per_account = 3;
    world.limits.interfaces_per_group = 2;
    world.limits.tags_per_resource = 1;
    let group = world.group();
    let limit = |kind, limit| Err(Refusal::Limit { kind, limit });
    assert_eq!(world.act(run(InstanceWish { amount: 4, ..wish() })), limit(Kind::Instance, 3));
    let joined = InstanceWish { amount: 3, group: Some(group), ..wish() };
    assert_eq!(world.act(run(joined.clone())), limit(Kind::InterfaceOfGroup, 2));
    let tag = |key: &str| Tag { key: key.into(), value: "".into() };
    let tags = vec![tag("a"), tag("b")];
    assert_eq!(world.act(run(InstanceWish { tags, ..wish() })), limit(Kind::Tag, 1));
    let ruled = world.group_with_a_rule();
    world.limits.rules_per_interface = 0;
    let too_many = Err(Refusal::InterfaceRuleLimit { limit: 0, wanted: 1 });
    assert_eq!(world.act(run(InstanceWish { group: Some(ruled), ..wish() })), too_many);
    world.limits.groups_per_interface = 0;
    assert_eq!(world.act(run(InstanceWish { amount: 1, ..joined })), limit(Kind::GroupOfInterface, 0));
    assert!(world.state.instances().is_empty());
}

#[test]
fn subscriptions_end_when_their_days_are_over() {
    let mut world = World::new();
    let charge = ChargeWish::PrePaid { days: 30, renew: true };
    let begin = world.now;
    let id = world.run(InstanceWish { charge, ..wish() })[0];
    let expires_at = UnixMillis(begin.0 + 30 * 86_400_000);
    assert_eq!(world.instance(id).charge, Charge::PrePaid { expires_at, renew_days: Some(30) });
    assert_eq!(world.instance(id).region.as_str(), SITE);
}
