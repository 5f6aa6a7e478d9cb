use model::{
    InstanceId,
    command::{AddressFamily, ChargeWish, DiskWish, InstanceWish, Placement},
    refusal::Target,
    tag::Tag,
};

use super::*;
use crate::operations::ens::testing::{REGION, World};

/// The ids that a call shows, in its order; the total must be their number.
fn ids(world: &mut World, parameters: &[(&str, &str)]) -> Vec<String> {
    let answer = world.call("DescribeInstances", parameters).unwrap();
    let shown = answer["Instances"]["Instance"].as_array().unwrap();
    let ids: Vec<String> = shown.iter().map(|one| one["InstanceId"].as_str().unwrap().into()).collect();
    assert_eq!(answer["TotalCount"], ids.len(), "{parameters:?}");
    ids
}

fn texts(ids: &[InstanceId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn named(name: &str) -> InstanceWish {
    InstanceWish { name: Some(name.into()), ..World::wish() }
}

/// Asserts that the filter finds exactly these of some instances.
#[track_caller]
fn finds(world: &mut World, filter: &str, value: &str, expected: &[InstanceId]) {
    assert_eq!(ids(world, &[(filter, value)]), texts(expected), "{filter}={value}");
}

#[test]
fn ids_and_lists_of_ids_find_what_exists() {
    let mut world = World::new();
    let (a, b) = (world.instance(&[]), world.instance(&[]));
    finds(&mut world, "InstanceId", &a.to_string(), &[a]);
    finds(&mut world, "InstanceId", "i-bp67acfmxazb4p", &[]);
    finds(&mut world, "InstanceIds", "[]", &[]);
    // Newest first, each once, and what does not exist is no error.
    finds(&mut world, "InstanceIds", &format!(r#"["{a}","i-none","{b}","{a}"]"#), &[b, a]);
    let both = [("InstanceId", &*a.to_string()), ("InstanceIds", &format!(r#"["{b}"]"#))];
    assert_eq!(ids(&mut world, &both), texts(&[]));
    for malformed in [&*a.to_string(), "[", "{}", &format!("{:?}", vec!["i-1"; 101])] {
        let fault = world.fault("DescribeInstances", &[("InstanceIds", malformed)]);
        assert_eq!(fault, "InvalidParameter.InstanceIds", "{malformed}");
    }
}

#[test]
fn others_instances_do_not_exist() {
    let mut world = World::new();
    let group = world.group("web");
    let id = world.instance(&[group]);
    let owner = world.actor;
    world.actor = model::Actor::Root(world.new_account("other"));
    let address = world.address(id).to_string();
    for (filter, value) in
        [("InstanceId", id.to_string()), ("SecurityGroupId", group.to_string()), ("IntranetIp", address)]
    {
        finds(&mut world, filter, &value, &[]);
    }
    assert_eq!(ids(&mut world, &[]), texts(&[]));
    world.actor = owner;
    assert_eq!(ids(&mut world, &[]), texts(&[id]));
}

#[test]
fn the_filter_of_a_group_is_about_the_primary_interface() {
    let mut world = World::new();
    let (web, other) = (world.group("web"), world.group("other"));
    let (a, b) = (world.instance(&[web, other]), world.instance(&[other]));
    finds(&mut world, "SecurityGroupId", &web.to_string(), &[a]);
    finds(&mut world, "SecurityGroupId", &other.to_string(), &[b, a]);
    finds(&mut world, "SecurityGroupId", "sg-none", &[]);
    // A secondary interface in a group does not make its instance a member.
    let vswitch = world.state.interfaces().get(&world.see(b).primary_interface).unwrap().vswitch.to_string();
    let groups = format!(r#"["{web}"]"#);
    let create = [("VSwitchId", &*vswitch), ("SecurityGroupIds", &groups)];
    let made = world.call("CreateNetworkInterface", &create).unwrap();
    let interface = made["NetworkInterfaceIds"]["NetworkInterfaceId"][0].as_str();
    let interface = interface.or_else(|| made["NetworkInterfaceIds"][0].as_str()).unwrap().to_owned();
    world.call("StopInstance", &[("InstanceId", &b.to_string())]).unwrap();
    world.settle();
    let attach = [("NetworkInterfaceId", &*interface), ("InstanceId", &b.to_string())];
    world.call("AttachNetworkInterface", &attach).unwrap();
    world.settle();
    finds(&mut world, "SecurityGroupId", &web.to_string(), &[a]);
    let answer = world.call("DescribeInstances", &[("InstanceId", &b.to_string())]).unwrap();
    let shown = &answer["Instances"]["Instance"][0];
    assert_eq!(shown["SecurityGroupIds"]["SecurityGroupId"], json!([other.to_string()]));
    let types: Vec<_> = shown["NetworkInterfaces"]["NetworkInterfaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["Type"])
        .collect();
    assert_eq!(types, ["Primary", "Secondary"]);
    assert_eq!(shown["PrivateIpAddresses"]["PrivateIpAddress"].as_array().unwrap().len(), 2);
    assert_eq!(shown["NetworkAttributes"]["PrivateIpAddress"]["IpAddress"].as_array().unwrap().len(), 1);
}

#[test]
fn what_terraform_waits_for_comes() {
    let mut world = World::new();
    let (first, second) = (world.group("first"), world.group("second"));
    let id = world.instance(&[]);
    let (instance, group) = (id.to_string(), first.to_string());
    let poll = [("InstanceId", &*instance), ("SecurityGroupId", &group)];
    assert_eq!(ids(&mut world, &poll), texts(&[]));
    world.call("JoinSecurityGroup", &poll).unwrap();
    world
        .call("JoinSecurityGroup", &[("InstanceId", &instance), ("SecurityGroupId", &second.to_string())])
        .unwrap();
    // The newest membership comes first, but the group that is asked for before it.
    let shown = |world: &mut World, parameters: &[(&str, &str)]| {
        let answer = world.call("DescribeInstances", parameters).unwrap();
        answer["Instances"]["Instance"][0]["SecurityGroupIds"]["SecurityGroupId"].clone()
    };
    let (first, second) = (first.to_string(), second.to_string());
    assert_eq!(shown(&mut world, &poll), json!([first, second]));
    assert_eq!(shown(&mut world, &[("InstanceId", &instance)]), json!([second, first]));
    world.call("LeaveSecurityGroup", &poll).unwrap();
    assert_eq!(ids(&mut world, &poll), texts(&[]));
    assert_eq!(shown(&mut world, &[("InstanceId", &instance)]), json!([second]));
    // The instance goes, and its memberships with it.
    world.call("ReleasePostPaidInstance", &[("InstanceId", &instance)]).unwrap();
    assert_eq!(ids(&mut world, &[("SecurityGroupId", &second)]), texts(&[]));
    assert_eq!(ids(&mut world, &[("InstanceId", &instance), ("Status", "Releasing")]), texts(&[id]));
    world.settle();
    assert_eq!(ids(&mut world, &[("InstanceId", &instance)]), texts(&[]));
}

#[test]
fn names_are_exact_and_an_id_is_the_name_of_the_nameless() {
    let mut world = World::new();
    let (web, other, none) =
        (world.run(named("web"))[0], world.run(named("web2"))[0], world.run(World::wish())[0]);
    let again = world.run(named("web"))[0];
    finds(&mut world, "InstanceName", "web", &[again, web]);
    finds(&mut world, "InstanceName", "Web", &[]);
    finds(&mut world, "InstanceName", &none.to_string(), &[none]);
    finds(&mut world, "InstanceName", &other.to_string(), &[]);
}

#[test]
fn addresses_and_networks_find_their_instances() {
    let mut world = World::new();
    let (network, vswitch) = world.network("10.7.0.0/24");
    let inside = InstanceWish { vswitch: Some(vswitch), public_address: true, ..World::wish() };
    let (a, b) = (world.run(inside.clone())[0], world.run(inside)[0]);
    let outside = world.run(World::wish())[0];
    world.settle();
    finds(&mut world, "VSwitchId", &vswitch.to_string(), &[b, a]);
    finds(&mut world, "NetworkId", &network.to_string(), &[b, a]);
    finds(&mut world, "VSwitchId", "vsw-none", &[]);
    finds(&mut world, "NetworkId", "n-none", &[]);
    let (of_a, of_outside) = (world.address(a).to_string(), world.address(outside).to_string());
    finds(&mut world, "IntranetIp", &of_a, &[a]);
    finds(&mut world, "IntranetIp", &of_outside, &[outside]);
    finds(&mut world, "IntranetIp", "192.0.2.1", &[]);
    assert_eq!(world.fault("DescribeInstances", &[("IntranetIp", "10.7.0")]), "InvalidParameter.IntranetIp");
    let public = |id: InstanceId| world.see(id).public_address.unwrap().to_string();
    let (of_a, of_b) = (public(a), public(b));
    let addresses = format!(r#"["{of_b}","192.0.2.1"]"#);
    finds(&mut world, "EipAddresses", &addresses, &[b]);
    finds(&mut world, "EipAddresses", "[]", &[]);
    finds(&mut world, "SearchKey", &of_a, &[a]);
    finds(&mut world, "SearchKey", "10.7.0.", &[b, a]);
    let both = [("VSwitchId", &*vswitch.to_string()), ("IntranetIp", &of_outside)];
    assert_eq!(ids(&mut world, &both), texts(&[]));
}

#[test]
fn other_filters_look_at_what_instances_are() {
    let mut world = World::new();
    let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
    let first = InstanceWish {
        placement: Placement::Region("cn-hangzhou-telecom".into()),
        image: Some("m-ubuntu-24-04".into()),
        instance_type: Some("ens.se1.tiny".into()),
        charge: ChargeWish::PrePaid { days: 30, renew: false },
        tags: vec![tag("team", "network"), tag("empty", "")],
        ..named("Gateway-North")
    };
    let a = world.run(first)[0];
    let b = world.run(InstanceWish { tags: vec![tag("team", "web")], ..World::wish() })[0];
    world.settle();
    world.call("StopInstance", &[("InstanceId", &b.to_string())]).unwrap();
    world.settle();
    for (filter, value, expected) in [
        ("EnsRegionId", "cn-hangzhou-telecom", &[a][..]),
        ("EnsRegionId", "nowhere", &[]),
        ("EnsRegionIds", r#"["cn-hangzhou-telecom","nowhere"]"#, &[a]),
        ("EnsRegionIds", &format!(r#"["cn-hangzhou-telecom","{REGION}"]"#), &[b, a]),
        ("EnsRegionIds", "[]", &[]),
        ("ImageId", "m-ubuntu-24-04", &[a]),
        ("InstanceType", "ens.se1.tiny", &[a]),
        ("Status", "Running", &[a]),
        ("Status", "Stopped", &[b]),
        ("Status", "Expired", &[]),
        ("ServiceStatus", r#"["Normal"]"#, &[b, a]),
        ("ServiceStatus", r#"["Expired","Arrears"]"#, &[]),
        ("InstanceResourceType", "EnsInstance", &[a]),
        ("InstanceResourceType", "EnsPostPaidInstance", &[b]),
        ("InstanceResourceType", "EnsPostInstance", &[b]),
        ("InstanceResourceType", "BuildMachine", &[]),
        ("Tags", r#"[{"Key":"team"}]"#, &[b, a]),
        ("Tags", r#"[{"Key":"team","Value":"network"}]"#, &[a]),
        ("Tags", r#"[{"Key":"team"},{"Key":"empty","Value":""}]"#, &[a]),
        ("Tags", r#"[{"Key":"team","Value":"none"}]"#, &[]),
        ("Tags", r#"[{"Value":"web"}]"#, &[b]),
        ("Tags", "[]", &[b, a]),
        ("SearchKey", "gateway-n", &[a]),
        ("SearchKey", &b.to_string()[5..20], &[b]),
        ("SearchKey", "nobody", &[]),
        ("EnsServiceId", "ens-20190730202316s", &[]),
        ("VpdId", "vpd-1", &[]),
        ("VpdVSwitchId", "vpdvsw-1", &[]),
    ] {
        finds(&mut world, filter, value, expected);
    }
    for (filter, value) in
        [("Status", "running"), ("ServiceStatus", r#"["Deleting"]"#), ("InstanceResourceType", "x")]
    {
        assert_eq!(
            world.fault("DescribeInstances", &[(filter, value)]),
            format!("InvalidParameter.{filter}")
        );
    }
}

#[test]
fn a_search_does_not_mind_the_size_of_letters() {
    let mut world = World::new();
    let street = world.run(named("KÖLNER-Straße"))[0];
    let city = world.run(named("Ἀθῆναι.Ab:7"))[0];
    for (wanted, expected) in [
        ("kölner", &[street][..]),
        ("KÖLNER-STRASSE", &[]),
        ("STRAßE", &[street]),
        ("ἈΘῆναι", &[city]),
        // As an address might be written, and is not.
        ("ab:7", &[city]),
        ("I-", &[city, street]),
        ("kolner", &[]),
    ] {
        finds(&mut world, "SearchKey", wanted, expected);
    }
}

#[test]
fn a_search_looks_at_every_address_of_an_account_and_at_no_others() {
    let mut world = World::new();
    let region = ("EnsRegionId", REGION);
    let network = [region, ("CidrBlock", "10.1.0.0/16"), ("EnableIpv6", "true")];
    let network = world.call("CreateNetwork", &network).unwrap()["NetworkId"].as_str().unwrap().to_owned();
    let vswitch = [region, ("CidrBlock", "10.1.0.0/24"), ("NetworkId", &network), ("Ipv6CidrBlock", "1")];
    let vswitch = world.call("CreateVSwitch", &vswitch).unwrap()["VSwitchId"].as_str().unwrap().parse().ok();
    let dual = InstanceWish { vswitch, family: AddressFamily::Dual, ipv6_count: 2, ..World::wish() };
    let a = world.run(dual)[0];
    let primary = world.state.interfaces().get(&world.see(a).primary_interface).unwrap().clone();
    let (first, second) = (primary.ipv6_addresses[0].to_string(), primary.ipv6_addresses[1].to_string());
    finds(&mut world, "SearchKey", &first.to_uppercase(), &[a]);
    finds(&mut world, "SearchKey", &second, &[a]);
    finds(&mut world, "SearchKey", &primary.address.to_string(), &[a]);
    let owner = world.actor;
    world.actor = model::Actor::Root(world.new_account("other"));
    let b = world.run(InstanceWish { public_address: true, internet_bandwidth_mbps: 1, ..World::wish() })[0];
    let public = world.see(b).public_address.unwrap().to_string();
    finds(&mut world, "SearchKey", &second, &[]);
    finds(&mut world, "SearchKey", &public, &[b]);
    world.actor = owner;
    finds(&mut world, "SearchKey", &public, &[]);
    finds(&mut world, "SearchKey", ":", &[a]);
}

#[test]
fn pages_are_cut_out_of_the_newest_first() {
    let mut world = World::new();
    let group = world.group("web");
    let all = world.run(InstanceWish { amount: 25, group: Some(group), ..World::wish() });
    let newest: Vec<String> = all.iter().rev().map(ToString::to_string).collect();
    for filter in [&[][..], &[("SecurityGroupId", &*group.to_string())], &[("EnsRegionId", REGION)]] {
        for (number, size, expected) in
            [("1", "10", &newest[..10]), ("3", "10", &newest[20..]), ("4", "10", &[]), ("1", "100", &newest)]
        {
            let page = [&[("PageNumber", number), ("PageSize", size)], filter].concat();
            let answer = world.call("DescribeInstances", &page).unwrap();
            let shown = answer["Instances"]["Instance"].as_array().unwrap();
            let ids: Vec<_> = shown.iter().map(|one| one["InstanceId"].as_str().unwrap()).collect();
            assert_eq!(ids, expected);
            assert_eq!((&answer["TotalCount"], answer["PageSize"].to_string()), (&json!(25), size.into()));
        }
    }
    let answer = world.call("DescribeInstances", &[]).unwrap();
    assert_eq!(
        (&answer["Code"], &answer["PageNumber"], &answer["PageSize"]),
        (&json!(0), &json!(1), &json!(10))
    );
    for (name, value) in [("PageSize", "101"), ("PageSize", "0"), ("PageNumber", "0"), ("PageSize", "x")] {
        assert_eq!(world.fault("DescribeInstances", &[(name, value)]), format!("InvalidParameter.{name}"));
    }
}

#[test]
fn order_is_as_asked_for() {
    let mut world = World::new();
    let prepaid = |days| ChargeWish::PrePaid { days, renew: false };
    let north = || Placement::Region("cn-beijing-unicom".into());
    let a = world.run(InstanceWish { charge: prepaid(60), ..named("b") })[0];
    let b = world.run(InstanceWish { charge: prepaid(30), placement: north(), ..named("c") })[0];
    let c = world.run(InstanceWish { placement: north(), ..named("a") })[0];
    for (order, expected) in [
        ("{}", [c, b, a]),
        (r#"{"CreationTimeSort":"asc"}"#, [a, b, c]),
        (r#"{"CreationTimeSort":"desc"}"#, [c, b, a]),
        (r#"{"InstanceNameSort":"asc"}"#, [c, a, b]),
        (r#"{"InstanceNameSort":"desc"}"#, [b, a, c]),
        (r#"{"ExpireTimeSort":"asc"}"#, [b, a, c]),
        (r#"{"EnsRegionId":"asc","CreationTimeSort":"asc"}"#, [b, c, a]),
        (r#"{"EnsRegionId":"desc","InstanceNameSort":"asc"}"#, [a, c, b]),
    ] {
        finds(&mut world, "OrderByParams", order, &expected);
    }
    let fault = world.fault("DescribeInstances", &[("OrderByParams", r#"{"InstanceNameSort":"up"}"#)]);
    assert_eq!(fault, "InvalidParameter.InstanceNameSort");
}

#[test]
fn an_instance_is_shown_whole() {
    let mut world = World::new();
    let disk =
        |size_gib| DiskWish { size_gib: Some(size_gib), category: None, encrypted: true, key_id: "k".into() };
    let wish = InstanceWish {
        instance_type: Some("ens.sn1.small".into()),
        image: Some("m-debian-12".into()),
        data_disks: vec![disk(50)],
        public_address: true,
        internet_bandwidth_mbps: 7,
        tags: vec![Tag { key: "team".into(), value: "network".into() }],
        ..World::wish()
    };
    let id = world.run(wish)[0];
    world.settle();
    let answer = world.call("DescribeInstances", &[("InstanceId", &id.to_string())]).unwrap();
    let shown = &answer["Instances"]["Instance"][0];
    for (field, value) in [
        ("Cpu", json!("2")),
        ("Memory", json!(4096)),
        ("Disk", json!(71_680)),
        ("Status", json!("Running")),
        ("InstanceName", json!(id.to_string())),
        ("HostName", json!(id.to_string())),
        ("InternetMaxBandwidthOut", json!(7)),
        ("SecurityGroupIds", json!({ "SecurityGroupId": [] })),
        ("Tags", json!({ "Tags": [{ "TagKey": "team", "TagValue": "network" }] })),
        ("InnerIpAddress", json!({ "IpAddress": [world.address(id).to_string()] })),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["SystemDisk"]["Size"], 20_480);
    assert_eq!(shown["DataDisk"]["DataDisk"][0]["Size"], 51_200);
    assert_eq!(shown["DataDisk"]["DataDisk"][0]["DiskSize"], 50);
    assert_eq!(shown["PublicIpAddress"]["IpAddress"].as_array().unwrap().len(), 1);
    assert!(shown["ExpiredTime"].as_str().unwrap().starts_with("2125-"));
    // Everything that is declared is shown, but for what this instance does not have.
    let missing = ["AutoReleaseTime", "VpdId", "VpdVSwitchId", "Ipv6Address", "SecurityGroupId[]"];
    for field in OPERATION.answer {
        let there = !crate::catalogue::value_at(&Value::Object(answer.clone()), field.path).is_empty();
        assert_eq!(there, !missing.iter().any(|own| field.path.ends_with(own)), "{}", field.path);
    }
}

#[test]
fn an_instance_whose_type_is_not_offered_any_more_is_still_shown() {
    let mut world = World::new();
    let id = world.instance(&[]);
    world.site.instance_types.clear();
    world.site.images.clear();
    world.site.regions.clear();
    finds(&mut world, "InstanceId", &id.to_string(), &[id]);
}

#[test]
fn a_leave_is_seen_at_once() {
    let mut world = World::new();
    let group = world.group("web");
    let id = world.instance(&[group]);
    let leave = SecurityGroupCommand::Leave { group, target: Target::Instance(id) };
    world.plan(Command::SecurityGroup(leave)).unwrap();
    finds(&mut world, "SecurityGroupId", &group.to_string(), &[]);
}
