//! The operations on networks and vSwitches, from the text of a call to its answer.

use serde_json::{Value, json};

use super::testing::{REGION, World};

const AT: (&str, &str) = ("EnsRegionId", REGION);

fn made(world: &mut World, operation: &str, call: &[(&str, &str)]) -> String {
    let field = if operation == "CreateNetwork" { "NetworkId" } else { "VSwitchId" };
    let answer = world.call(operation, call).unwrap_or_else(|fault| panic!("{call:?}: {fault:?}"));
    answer[field].as_str().unwrap().to_owned()
}

fn networks(world: &mut World, filters: &[(&str, &str)]) -> Vec<Value> {
    let answer = world.call("DescribeNetworks", filters).unwrap();
    let shown = answer["Networks"]["Network"].as_array().unwrap().clone();
    assert_eq!(answer["TotalCount"], json!(shown.len()), "{filters:?}");
    shown
}

fn vswitches(world: &mut World, filters: &[(&str, &str)]) -> Vec<Value> {
    let answer = world.call("DescribeVSwitches", filters).unwrap();
    let shown = answer["VSwitches"]["VSwitch"].as_array().unwrap().clone();
    assert_eq!(answer["TotalCount"], json!(shown.len()), "{filters:?}");
    shown
}

fn ids(shown: &[Value], field: &str) -> Vec<String> {
    shown.iter().map(|entry| entry[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_network_is_shown_as_it_was_made_with_every_wrapper() {
    let mut world = World::new();
    let id = made(
        &mut world,
        "CreateNetwork",
        &[
            AT,
            ("CidrBlock", "10.0.0.0/8"),
            ("NetworkName", "front"),
            ("Description", "Front ends"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "blue"),
        ],
    );
    let created = world.now.to_text();
    let tag = json!({ "Key": "team", "TagKey": "team", "Value": "blue", "TagValue": "blue" });
    let expected = json!([{
        "NetworkId": id,
        "NetworkName": "front",
        "Description": "Front ends",
        "EnsRegionId": REGION,
        "CidrBlock": "10.0.0.0/8",
        "SecondaryCidrBlocks": { "SecondaryCidrBlock": [] },
        "Ipv6CidrBlocks": { "Ipv6CidrBlock": [] },
        "Status": "Available",
        "CreatedTime": created,
        "VSwitchIds": { "VSwitchId": [] },
        "Tags": { "Tag": [tag] },
        "RouterTableId": "",
        "RouteTableId": "",
        "RouteTableIds": { "RouteTableId": [] },
        "GatewayRouteTableId": "",
        "NetworkAclId": "",
    }]);
    assert_eq!(json!(networks(&mut world, &[])), expected);
}

#[test]
fn blocks_are_blocks_of_the_right_place_and_size() {
    let mut world = World::new();
    let network = made(&mut world, "CreateNetwork", &[AT, ("CidrBlock", "192.168.0.0/16")]);
    for (block, network_code, vswitch_code) in [
        ("192.168.1.0", "InvalidParameter.CidrBlock", "InvalidParameter.CidrBlock"),
        ("192.168.1.0/33", "InvalidParameter.CidrBlock", "InvalidParameter.CidrBlock"),
        ("fd00::/64", "InvalidParameter.CidrBlock", "InvalidParameter.CidrBlock"),
        ("192.168.1.1/24", "InvalidParameter", "InvalidParameter"),
        ("8.8.8.0/24", "InvalidParameter", "InvalidParameter"),
        ("192.168.1.0/30", "InvalidParameter", "InvalidParameter"),
    ] {
        assert_eq!(world.fault("CreateNetwork", &[AT, ("CidrBlock", block)]), network_code, "{block}");
        let call = [AT, ("CidrBlock", block), ("NetworkId", &network)];
        assert_eq!(world.fault("CreateVSwitch", &call), vswitch_code, "{block}");
    }
    made(&mut world, "CreateVSwitch", &[AT, ("CidrBlock", "192.168.1.0/24"), ("NetworkId", &network)]);
    let overlapping = [AT, ("CidrBlock", "192.168.0.0/20"), ("NetworkId", &network)];
    assert_eq!(world.fault("CreateVSwitch", &overlapping), "InvalidParameter");
}

#[test]
fn what_a_network_or_vswitch_is_made_of_must_exist_and_fit() {
    let mut world = World::new();
    let network = made(&mut world, "CreateNetwork", &[AT, ("CidrBlock", "192.168.0.0/16")]);
    let nowhere = ("EnsRegionId", "cn-none");
    let elsewhere = ("EnsRegionId", "id-jakarta-1");
    let block = ("CidrBlock", "192.168.1.0/24");
    for (operation, call, code) in [
        ("CreateNetwork", &[AT][..], "MissingParameter"),
        ("CreateNetwork", &[nowhere, block], "InvalidEnsRegionId.NotFound"),
        ("CreateNetwork", &[AT, block, ("EnableIpv6", "yes")], "InvalidParameter.EnableIpv6"),
        ("CreateNetwork", &[AT, block, ("NetworkName", "http://n")], "InvalidParameter.NetworkName"),
        ("CreateNetwork", &[AT, block, ("Tag.1.Value", "blue")], "MissingParameter"),
        ("CreateNetwork", &[AT, block, ("Tag.1.Key", "acs:k")], "InvalidParameter.Key"),
        ("CreateVSwitch", &[block], "MissingParameter"),
        ("CreateVSwitch", &[nowhere, block], "InvalidEnsRegionId.NotFound"),
        ("CreateVSwitch", &[AT, block, ("NetworkId", "n-none")], "InvalidNetworkId.NotFound"),
        ("CreateVSwitch", &[elsewhere, block, ("NetworkId", &network)], "InvalidParameter"),
        (
            "CreateVSwitch",
            &[AT, block, ("NetworkId", &network), ("Ipv6CidrBlock", "256")],
            "InvalidParameter.Ipv6CidrBlock",
        ),
        (
            "CreateVSwitch",
            &[AT, block, ("NetworkId", &network), ("Ipv6CidrBlock", "fd00::")],
            "InvalidParameter.Ipv6CidrBlock",
        ),
        ("CreateVSwitch", &[AT, block, ("NetworkId", &network), ("Ipv6CidrBlock", "1")], "InvalidParameter"),
    ] {
        assert_eq!(world.fault(operation, call), code, "{operation} {call:?}");
    }
    world.limits.networks_per_account = 1;
    assert_eq!(world.fault("CreateNetwork", &[AT, block]), "QuotaExceeded");
    world.limits.vswitches_per_network = 0;
    assert_eq!(world.fault("CreateVSwitch", &[AT, block, ("NetworkId", &network)]), "QuotaExceeded");
}

#[test]
fn a_vswitch_without_a_network_is_in_the_default_one() {
    let mut world = World::new();
    let vswitch =
        made(&mut world, "CreateVSwitch", &[AT, ("CidrBlock", "172.17.4.0/24"), ("VSwitchName", "v")]);
    let shown = vswitches(&mut world, &[]);
    let networks = networks(&mut world, &[]);
    assert_eq!(networks.len(), 1);
    assert_eq!(networks[0]["VSwitchIds"], json!({ "VSwitchId": [vswitch] }));
    let created = world.now.to_text();
    let expected = json!([{
        "VSwitchId": vswitch,
        "VSwitchName": "v",
        "Description": "",
        "EnsRegionId": REGION,
        "NetworkId": networks[0]["NetworkId"],
        "CidrBlock": "172.17.4.0/24",
        "Ipv6CidrBlock": "",
        "FreeIpCount": 253,
        "Status": "Available",
        "CreatedTime": created,
        "Tags": { "Tag": [] },
    }]);
    assert_eq!(json!(shown), expected);
}

#[test]
fn a_network_is_deleted_after_its_vswitches_and_these_after_their_interfaces() {
    let mut world = World::new();
    let (network, vswitch) = world.network("10.1.0.0/24");
    let (network, vswitch) = (network.to_string(), vswitch.to_string());
    let group = world.group("web").to_string();
    let create = [("SecurityGroupIds.1", &*group), ("VSwitchId", &vswitch)];
    let interface = world.call("CreateNetworkInterface", &create).unwrap()["NetworkInterfaceIds"][0].clone();
    let interface = interface.as_str().unwrap();
    let (delete_network, delete_vswitch) = ([("NetworkId", &*network)], [("VSwitchId", &*vswitch)]);
    for (operation, call, named) in
        [("DeleteNetwork", &delete_network, &*vswitch), ("DeleteVSwitch", &delete_vswitch, interface)]
    {
        let fault = world.call(operation, call).unwrap_err();
        assert_eq!(fault.code, "DependencyViolation");
        assert!(fault.message.contains(named), "{}", fault.message);
    }
    world.call("DeleteNetworkInterfaces", &[("NetworkInterfaceIds.1", interface)]).unwrap();
    world.settle();
    world.call("DeleteVSwitch", &delete_vswitch).unwrap();
    world.call("DeleteNetwork", &delete_network).unwrap();
    assert_eq!(world.fault("DeleteVSwitch", &delete_vswitch), "InvalidVSwitchId.NotFound");
    assert_eq!(world.fault("DeleteNetwork", &delete_network), "InvalidNetworkId.NotFound");
    assert_eq!(world.fault("DescribeVSwitchAttributes", &delete_vswitch), "InvalidVSwitchId.NotFound");
    assert_eq!(world.fault("DescribeNetworkAttribute", &delete_network), "InvalidNetworkId.NotFound");
    // The way of a public client: a network that is gone is one that the list does not have.
    assert!(networks(&mut world, &delete_network).is_empty());
}

#[test]
fn attributes_show_what_is_in_a_network_and_in_a_vswitch() {
    let mut world = World::new();
    let instance = world.instance(&[]);
    let primary = world.see(instance).primary_interface;
    let vswitch = world.state.interfaces().get(&primary).unwrap().vswitch;
    let network = world.state.vswitches().get(&vswitch).unwrap().network;
    let group = world.group("web").to_string();
    let create = [("SecurityGroupIds.1", &*group), ("VSwitchId", &vswitch.to_string())];
    let free = world.call("CreateNetworkInterface", &create).unwrap()["NetworkInterfaceIds"][0].clone();
    let shown = world.call("DescribeVSwitchAttributes", &[("VSwitchId", &vswitch.to_string())]).unwrap();
    assert_eq!(shown["CidrBlock"], json!("172.17.0.0/16"));
    assert_eq!(shown["AvailableIpAddressCount"], json!(65_533 - 2));
    assert_eq!(shown["InstanceIds"], json!({ "InstanceId": [instance.to_string()] }));
    let network_shown =
        world.call("DescribeNetworkAttribute", &[("NetworkId", &network.to_string())]).unwrap();
    for answer in [&shown, &network_shown] {
        let mut interfaces = ids_of(&answer["NetworkInterfaceIds"]["NetworkInterfaceId"]);
        interfaces.sort();
        let mut expected = [primary.to_string(), free.as_str().unwrap().to_owned()];
        expected.sort();
        assert_eq!(interfaces, expected);
        for (list, of) in [
            ("HaVipIds", "HaVipId"),
            ("LoadBalancerIds", "LoadBalancerId"),
            ("NatGatewayIds", "NatGatewayId"),
        ] {
            assert_eq!(answer[list], json!({ of: [] }));
        }
    }
    assert_eq!(network_shown["InstanceIds"], json!({ "InstanceId": [instance.to_string()] }));
    assert_eq!(network_shown["VSwitchIds"], json!({ "VSwitchId": [vswitch.to_string()] }));
    let counts = json!({ "CloudResourceSetType": [{ "ResourceType": "VSwitch", "ResourceCount": 1 }] });
    assert_eq!(network_shown["CloudResources"], counts);
}

fn ids_of(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[test]
fn names_and_descriptions_change_where_they_are_given() {
    let mut world = World::new();
    let (network, vswitch) = world.network("10.1.0.0/24");
    let (network, vswitch) = (network.to_string(), vswitch.to_string());
    world
        .call(
            "ModifyNetworkAttribute",
            &[("NetworkId", &network), ("NetworkName", "a"), ("Description", "b")],
        )
        .unwrap();
    world.call("ModifyNetworkAttribute", &[("NetworkId", &network), ("Description", "c")]).unwrap();
    world
        .call(
            "ModifyVSwitchAttribute",
            &[("VSwitchId", &vswitch), ("VSwitchName", "d"), ("Description", "e")],
        )
        .unwrap();
    world.call("ModifyVSwitchAttribute", &[("VSwitchId", &vswitch), ("VSwitchName", "f")]).unwrap();
    let shown = networks(&mut world, &[("NetworkName", "a")]);
    assert_eq!(shown[0]["Description"], json!("c"));
    let shown = vswitches(&mut world, &[("VSwitchName", "f")]);
    assert_eq!(shown[0]["Description"], json!("e"));
    assert_eq!(
        world.fault("ModifyNetworkAttribute", &[("NetworkId", "n-none")]),
        "InvalidNetworkId.NotFound"
    );
    assert_eq!(
        world.fault("ModifyVSwitchAttribute", &[("VSwitchId", "vsw-none")]),
        "InvalidVSwitchId.NotFound"
    );
    let long = "d".repeat(257);
    let call = [("NetworkId", &*network), ("Description", &long)];
    assert_eq!(world.fault("ModifyNetworkAttribute", &call), "InvalidParameter.Description");
}

#[test]
fn ipv6_is_chosen_switched_on_and_switched_off() {
    let mut world = World::new();
    let wish = [AT, ("CidrBlock", "10.1.0.0/16"), ("EnableIpv6", "true"), ("Ipv6Isp", "telecom")];
    let network = made(&mut world, "CreateNetwork", &wish);
    let blocks = &networks(&mut world, &[])[0]["Ipv6CidrBlocks"]["Ipv6CidrBlock"];
    assert_eq!((&blocks[0]["Ipv6Isp"], &blocks[0]["Type"]), (&json!("telecom"), &json!("private")));
    let whole = blocks[0]["Ipv6CidrBlock"].as_str().unwrap().to_owned();
    assert!(whole.ends_with("/56"), "{whole}");
    let attribute = world.call("DescribeNetworkAttribute", &[("NetworkId", &network)]).unwrap();
    assert_eq!(attribute["Ipv6CidrBlocks"]["Ipv6CidrBlock"][0]["Ipv6CidrBlock"], json!(whole));

    let own = |world: &mut World, vswitch: &str| {
        let shown = world.call("DescribeVSwitchAttributes", &[("VSwitchId", vswitch)]).unwrap();
        shown["Ipv6CidrBlock"].as_str().unwrap().to_owned()
    };
    let part = |third: u8| ("CidrBlock", format!("10.1.{third}.0/24"));
    let mut create = |third: u8, ipv6: &[(&str, &str)]| {
        let (name, block) = part(third);
        let call = [&[AT, (name, &*block), ("NetworkId", &network)], ipv6].concat();
        made(&mut world, "CreateVSwitch", &call)
    };
    let (first, second) = (create(1, &[("Ipv6CidrBlock", "255")]), create(2, &[]));
    let block = own(&mut world, &first);
    assert!(block.ends_with("ff::/64"), "{block}");
    assert_eq!(own(&mut world, &second), "");
    let with = |wanted: &str| [("VSwitchId", second.clone()), ("Ipv6CidrBlock", wanted.to_owned())];
    let borrowed = with(&block);
    let call = borrowed.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(world.fault("ModifyVSwitchAttribute", &call), "InvalidParameter", "it is the other's");
    let filter = |world: &mut World, on: &str| ids(&vswitches(world, &[("EnableIpv6", on)]), "VSwitchId");
    assert_eq!(filter(&mut world, "true"), [first.as_str()]);
    assert_eq!(filter(&mut world, "false"), [second.as_str()]);

    let modify = |world: &mut World, ipv6: &[(&str, &str)]| {
        let call = [&[("VSwitchId", &*second)], ipv6].concat();
        world.call("ModifyVSwitchAttribute", &call).map_err(|fault| fault.code.into_owned())
    };
    modify(&mut world, &[("EnableIPv6", "true")]).unwrap();
    let some = own(&mut world, &second);
    assert!(some.ends_with("/64") && some != block, "{some}");
    modify(&mut world, &[("EnableIPv6", "true"), ("Ipv6CidrBlock", "7")]).unwrap();
    let seventh = own(&mut world, &second);
    modify(&mut world, &[("VSwitchName", "v")]).unwrap();
    assert_eq!(own(&mut world, &second), seventh, "it stays where it is not mentioned");
    let contradiction = modify(&mut world, &[("EnableIPv6", "false"), ("Ipv6CidrBlock", "7")]);
    assert_eq!(contradiction, Err("InvalidParameter".into()));
    modify(&mut world, &[("EnableIPv6", "false")]).unwrap();
    assert_eq!(own(&mut world, &second), "");
    modify(&mut world, &[("Ipv6CidrBlock", &seventh)]).unwrap();
    assert_eq!(own(&mut world, &second), seventh);

    let family = model::command::AddressFamily::Dual;
    let vswitch = Some(second.parse().unwrap());
    world.run(model::command::InstanceWish { vswitch, family, ipv6_count: 1, ..World::wish() });
    assert_eq!(modify(&mut world, &[("EnableIPv6", "false")]), Err("DependencyViolation".into()));
}

#[test]
fn filters_hold_all_at_once_and_pages_are_cut() {
    let mut world = World::new();
    let (a, va) = world.network("10.1.0.0/24");
    let (b, vb) = world.network("10.2.0.0/24");
    let far = made(
        &mut world,
        "CreateNetwork",
        &[("EnsRegionId", "id-jakarta-1"), ("CidrBlock", "10.3.0.0/24"), ("NetworkName", "far")],
    );
    let [a, va, b, vb] = [a.to_string(), va.to_string(), b.to_string(), vb.to_string()];
    let (a, b, far) = (&*a, &*b, &*far);
    let both = json!([a, b, a]).to_string();
    for (filters, expected) in [
        (&[][..], &[far, b, a][..]),
        (&[("NetworkId", a)], &[a]),
        (&[("NetworkIds", &*both)], &[b, a]),
        (&[("NetworkIds", "[]")], &[]),
        (&[("NetworkIds.1", a), ("NetworkId", b)], &[]),
        (&[AT], &[b, a]),
        (&[("EnsRegionIds.1", "id-jakarta-1")], &[far]),
        (&[AT, ("NetworkName", "far")], &[]),
        (&[("NetworkName", "far")], &[far]),
        (&[("NetworkId", "n-none")], &[]),
    ] {
        assert_eq!(ids(&networks(&mut world, filters), "NetworkId"), expected, "{filters:?}");
    }
    let (v, w) = (&*va, &*vb);
    for (filters, expected) in [
        (&[][..], &[w, v][..]),
        (&[("NetworkId", a)], &[v]),
        (&[("NetworkId", "n-none")], &[]),
        (&[("VSwitchId", v)], &[v]),
        (&[("VSwitchIds.1", v), ("VSwitchIds.2", w)], &[w, v]),
        (&[("VSwitchIds.1", v), ("NetworkId", b)], &[]),
        (&[("EnsRegionId", "id-jakarta-1")], &[]),
        (&[AT], &[w, v]),
        (&[("VSwitchName", "none")], &[]),
    ] {
        assert_eq!(ids(&vswitches(&mut world, filters), "VSwitchId"), expected, "{filters:?}");
    }
    let answer = world.call("DescribeNetworks", &[("PageSize", "2"), ("PageNumber", "2")]).unwrap();
    assert_eq!(answer["TotalCount"], json!(3));
    assert_eq!(ids(answer["Networks"]["Network"].as_array().unwrap(), "NetworkId"), [a]);
    assert_eq!(world.fault("DescribeNetworks", &[("PageSize", "51")]), "InvalidParameter.PageSize");

    world.actor = model::Actor::Root(world.new_account("other"));
    assert!(networks(&mut world, &[("NetworkId", a)]).is_empty());
    assert!(vswitches(&mut world, &[("NetworkId", a)]).is_empty());
    assert!(vswitches(&mut world, &[("VSwitchId", v)]).is_empty());
    assert_eq!(world.fault("DeleteNetwork", &[("NetworkId", a)]), "InvalidNetworkId.NotFound");
    assert_eq!(world.fault("DescribeVSwitchAttributes", &[("VSwitchId", v)]), "InvalidVSwitchId.NotFound");
}
