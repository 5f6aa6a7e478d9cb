//! Which network interfaces are listed, for whom, and in which order.

use model::command::InstanceWish;
use serde_json::json;

use super::{entries, ids, interface, list};
use crate::operations::ens::testing::{REGION, World};

#[test]
fn every_filter_holds_and_all_at_once() {
    let mut world = World::new();
    let (web, db) = (world.group("web"), world.group("db"));
    let instance = world.run(InstanceWish { group: Some(web), ..World::wish() })[0];
    world.settle();
    let primary = world.see(instance).primary_interface;
    let default = world.state.interfaces().get(&primary).unwrap().vswitch;
    let default_network = world.state.vswitches().get(&default).unwrap().network.to_string();
    let (network, vswitch) = world.network("10.1.0.0/24");
    let free = interface(&mut world, &vswitch.to_string(), &[web, db]);
    let (primary, vswitch, network) = (primary.to_string(), vswitch.to_string(), network.to_string());
    let (address, instance) = (world.address(instance).to_string(), instance.to_string());
    let (web, db) = (web.to_string(), db.to_string());
    let (p, f) = (&*primary, &*free);
    let pair = json!([f, p, f]).to_string();
    for (filters, expected) in [
        (&[][..], &[f, p][..]),
        (&[("NetworkInterfaceId", p)], &[p]),
        (&[("NetworkInterfaceIds", &*pair)], &[f, p]),
        (&[("NetworkInterfaceIds", "[]")], &[]),
        (&[("NetworkInterfaceIds.1", f), ("NetworkInterfaceId", p)], &[]),
        (&[("InstanceId", &instance)], &[p]),
        (&[("InstanceId", "i-none")], &[]),
        (&[("NetworkId", &network)], &[f]),
        (&[("NetworkId", &default_network)], &[p]),
        (&[("VSwitchId", &vswitch)], &[f]),
        (&[("VSwitchId", &vswitch), ("NetworkId", &default_network)], &[]),
        (&[("SecurityGroupId", &web)], &[f, p]),
        (&[("SecurityGroupId", &db)], &[f]),
        (&[("SecurityGroupId", &db), ("InstanceId", &instance)], &[]),
        (&[("PrimaryIpAddress", &address)], &[p]),
        (&[("PrimaryIpAddress", "10.1.0.2"), ("SecurityGroupId", &web)], &[f]),
        (&[("Ipv6Address.1", "2001:db8::1")], &[]),
        (&[("Status", "InUse")], &[p]),
        (&[("Status", "Available")], &[f]),
        (&[("Type", "Primary")], &[p]),
        (&[("Type", "Secondary"), ("Status", "InUse")], &[]),
        (&[("EnsRegionId", "edge-1")], &[f, p]),
        (&[("EnsRegionIds.1", "edge-1"), ("EnsRegionIds.2", "id-jakarta-1")], &[f, p]),
        (&[("EnsRegionId", "id-jakarta-1")], &[]),
        (&[("NetworkInterfaceName", "none")], &[]),
    ] {
        assert_eq!(ids(&mut world, filters), expected, "{filters:?}");
    }
    for (name, value) in [
        ("Status", "In_use"),
        ("Type", "primary"),
        ("PrimaryIpAddress", "10.1.0"),
        ("Ipv6Address.1", "10.1.0.2"),
        ("PageSize", "101"),
        ("PageSize", "0"),
        ("PageNumber", "one"),
        ("NetworkInterfaceId", "eni 1"),
    ] {
        let field = name.trim_end_matches(".1");
        assert_eq!(
            world.fault("DescribeNetworkInterfaces", &[(name, value)]),
            format!("InvalidParameter.{field}")
        );
    }
}

#[test]
fn an_interface_is_found_by_its_ipv6_address() {
    let mut world = World::new();
    let region = ("EnsRegionId", REGION);
    let network =
        world.call("CreateNetwork", &[region, ("CidrBlock", "10.1.0.0/16"), ("EnableIpv6", "true")]);
    let network = network.unwrap()["NetworkId"].as_str().unwrap().to_owned();
    let vswitch = [region, ("CidrBlock", "10.1.0.0/24"), ("NetworkId", &network), ("Ipv6CidrBlock", "1")];
    let vswitch = world.call("CreateVSwitch", &vswitch).unwrap()["VSwitchId"].as_str().unwrap().to_owned();
    let vswitch = Some(vswitch.parse().unwrap());
    let family = model::command::AddressFamily::Dual;
    let instance = world.run(InstanceWish { vswitch, family, ipv6_count: 2, ..World::wish() })[0];
    let primary = world.see(instance).primary_interface;
    let addresses = world.state.interfaces().get(&primary).unwrap().ipv6_addresses.clone();
    let [one, two] = [addresses[0].to_string(), addresses[1].to_string()];
    let shown = list(
        &mut world,
        &[("Ipv6Address.1", "2001:db8::1"), ("Ipv6Address.2", &one), ("Ipv6Address.3", &two)],
    );
    assert_eq!(shown.len(), 1, "found by both addresses, listed once");
    assert_eq!(shown[0]["NetworkInterfaceId"], json!(primary.to_string()));
    assert_eq!(shown[0]["Ipv6Sets"]["Ipv6Set"], json!([{ "Ipv6Address": one }, { "Ipv6Address": two }]));
}

#[test]
fn pages_are_cut_from_the_newest_to_the_oldest_with_and_without_filters() {
    let mut world = World::new();
    let vswitch = world.network("10.1.0.0/24").1.to_string();
    let group = world.group("web");
    let mut made: Vec<String> = (0..5).map(|_| interface(&mut world, &vswitch, &[group])).collect();
    made.reverse();
    let group = group.to_string();
    for filter in [&[][..], &[("SecurityGroupId", &*group)], &[("Status", "Available")]] {
        let mut all = Vec::new();
        for page in ["1", "2", "3", "4"] {
            let call = [filter, &[("PageNumber", page), ("PageSize", "2")]].concat();
            let answer = world.call("DescribeNetworkInterfaces", &call).unwrap();
            assert_eq!((&answer["TotalCount"], &answer["PageSize"]), (&json!(5), &json!(2)));
            assert_eq!(answer["PageNumber"].to_string(), page);
            all.extend(
                entries(&answer).iter().map(|entry| entry["NetworkInterfaceId"].as_str().unwrap().to_owned()),
            );
        }
        assert_eq!(all, made, "{filter:?}");
    }
    assert_eq!(world.call("DescribeNetworkInterfaces", &[]).unwrap()["PageSize"], json!(50));
}

#[test]
fn another_account_s_interfaces_do_not_exist() {
    let mut world = World::new();
    let (network, vswitch) = world.network("10.1.0.0/24");
    let (network, vswitch) = (network.to_string(), vswitch.to_string());
    let group = world.group("web");
    let id = interface(&mut world, &vswitch, &[group]);
    world.actor = model::Actor::Root(world.new_account("other"));
    let group = group.to_string();
    for filter in [
        ("NetworkInterfaceId", &*id),
        ("SecurityGroupId", &group),
        ("VSwitchId", &vswitch),
        ("NetworkId", &network),
        ("PrimaryIpAddress", "10.1.0.2"),
        ("Status", "Available"),
    ] {
        assert!(list(&mut world, &[filter]).is_empty(), "{filter:?}");
    }
    let own = world.group("own").to_string();
    let create = [("SecurityGroupIds.1", &*own), ("VSwitchId", &vswitch)];
    assert_eq!(world.fault("CreateNetworkInterface", &create), "InvalidVSwitchId.NotFound");
    for operation in ["DetachNetworkInterface", "AssignPrivateIpAddresses", "ModifyNetworkInterfaceAttribute"]
    {
        assert_eq!(world.fault(operation, &[("NetworkInterfaceId", &id)]), "InvalidEniId.NotFound");
    }
    assert_eq!(
        world.fault("DeleteNetworkInterfaces", &[("NetworkInterfaceIds.1", &id)]),
        "InvalidEniId.NotFound"
    );
}
