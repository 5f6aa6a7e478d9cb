//! The operations on network interfaces, from the text of a call to its answer.

mod listing;

use model::{InstanceId, SecurityGroupId, instance::InstanceStatus};
use serde_json::{Value, json};

use super::testing::World;
use crate::catalogue::Answer;

/// A new interface in the vSwitch and the groups.
fn interface(world: &mut World, vswitch: &str, groups: &[SecurityGroupId]) -> String {
    let groups = json!(groups.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string();
    let answer =
        world.call("CreateNetworkInterface", &[("SecurityGroupIds", &groups), ("VSwitchId", vswitch)]);
    let answer = answer.unwrap();
    let ids = answer["NetworkInterfaceIds"].as_array().unwrap();
    assert_eq!(ids.len(), 1);
    ids[0].as_str().unwrap().to_owned()
}

/// A stopped instance and its vSwitch.
fn stopped(world: &mut World) -> (InstanceId, String) {
    let id = world.instance(&[]);
    world.call("StopInstance", &[("InstanceId", &id.to_string())]).unwrap();
    world.settle();
    assert_eq!(world.see(id).status, InstanceStatus::Stopped);
    let vswitch = world.state.interfaces().get(&world.see(id).primary_interface).unwrap().vswitch;
    (id, vswitch.to_string())
}

fn list(world: &mut World, filters: &[(&str, &str)]) -> Vec<Value> {
    let answer = world.call("DescribeNetworkInterfaces", filters).unwrap();
    let shown = entries(&answer).clone();
    assert_eq!(answer["TotalCount"], json!(shown.len()), "{filters:?}");
    shown
}

fn entries(answer: &Answer) -> &Vec<Value> {
    answer["NetworkInterfaceSets"]["NetworkInterfaceSet"].as_array().unwrap()
}

fn ids(world: &mut World, filters: &[(&str, &str)]) -> Vec<String> {
    list(world, filters)
        .iter()
        .map(|entry| entry["NetworkInterfaceId"].as_str().unwrap().to_owned())
        .collect()
}

fn status(world: &mut World, id: &str) -> String {
    list(world, &[("NetworkInterfaceId", id)])[0]["Status"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_interface_is_available_in_its_groups_the_newest_first() {
    let mut world = World::new();
    let (network, vswitch) = world.network("10.1.0.0/24");
    let (old, new) = (world.group("old"), world.group("new"));
    let list_of_groups = json!([old.to_string(), new.to_string()]).to_string();
    let call = [
        ("SecurityGroupIds", &*list_of_groups),
        ("VSwitchId", &vswitch.to_string()),
        ("Name", "backup"),
        ("Description", "for backups"),
    ];
    let answer = world.call("CreateNetworkInterface", &call).unwrap();
    let id = answer["NetworkInterfaceIds"][0].as_str().unwrap();
    let mac = world.state.interfaces().newest_first(world.account()).next().unwrap().mac.to_string();
    let created = world.now.to_text();
    let shown = list(&mut world, &[("NetworkInterfaceId", id)]);
    let expected = json!([{
        "NetworkInterfaceId": id,
        "NetworkInterfaceName": "backup",
        "Description": "for backups",
        "Type": "Secondary",
        "Status": "Available",
        "InstanceId": "",
        "EnsRegionId": "edge-1",
        "NetworkId": network.to_string(),
        "VSwitchId": vswitch.to_string(),
        "MacAddress": mac,
        "PrimaryIp": "10.1.0.2",
        "PrimaryIpType": "private",
        "PrivateIpSets": { "PrivateIpSet": [
            { "PrivateIpAddress": "10.1.0.2", "Primary": true, "PrivateIpStatus": "Available" }
        ] },
        "Ipv6Sets": { "Ipv6Set": [] },
        "SecurityGroupIds": { "SecurityGroup": [new.to_string(), old.to_string()] },
        "VmncLearn": false,
        "CreationTime": created,
    }]);
    assert_eq!(json!(shown), expected);
    // The group that a request filters by stands first.
    let shown = list(&mut world, &[("SecurityGroupId", &old.to_string())]);
    assert_eq!(shown[0]["SecurityGroupIds"]["SecurityGroup"], json!([old.to_string(), new.to_string()]));
}

#[test]
fn a_new_interface_needs_a_vswitch_and_groups_that_fit() {
    let mut world = World::new();
    let vswitch = world.network("10.1.0.0/24").1.to_string();
    let group = world.group("web").to_string();
    let one = json!([group]).to_string();
    let twice = json!([group, group]).to_string();
    let six = json!((0..6).map(|_| world.group("more").to_string()).collect::<Vec<_>>()).to_string();
    let url = [("SecurityGroupIds", &*one), ("VSwitchId", &vswitch), ("Name", "https://a")];
    for (call, code) in [
        (&[("VSwitchId", &*vswitch)][..], "MissingParameter"),
        (&[("SecurityGroupIds", &one)], "InvalidParameter"),
        (&[("SecurityGroupIds", "[]"), ("VSwitchId", &vswitch)], "InvalidParameter.SecurityGroupIds"),
        (&[("SecurityGroupIds", "{}"), ("VSwitchId", &vswitch)], "InvalidParameter.SecurityGroupIds"),
        (&[("SecurityGroupIds", &twice), ("VSwitchId", &vswitch)], "InvalidParameter"),
        (&[("SecurityGroupIds", &six), ("VSwitchId", &vswitch)], "InstanceSecurityGroupLimitExceeded"),
        (&[("SecurityGroupIds.1", "sg-none"), ("VSwitchId", &vswitch)], "InvalidSecurityGroupId.NotFound"),
        (&[("SecurityGroupIds", &one), ("VSwitchId", "vsw-none")], "InvalidVSwitchId.NotFound"),
        (&url, "InvalidParameter.Name"),
    ] {
        assert_eq!(world.fault("CreateNetworkInterface", call), code, "{call:?}");
    }
    world.limits.interfaces_per_group = 1;
    let good = [("SecurityGroupIds.1", &*group), ("VSwitchId", &vswitch)];
    world.call("CreateNetworkInterface", &good).unwrap();
    assert_eq!(world.fault("CreateNetworkInterface", &good), "SecurityGroupInstanceLimitExceeded");
    assert_eq!(list(&mut world, &[]).len(), 1);
}

#[test]
fn an_interface_is_attached_and_detached_while_its_instance_is_stopped() {
    let mut world = World::new();
    let (instance, vswitch) = stopped(&mut world);
    let group = world.group("web");
    let id = interface(&mut world, &vswitch, &[group]);
    let instance_text = instance.to_string();
    let call = [("NetworkInterfaceId", &*id), ("InstanceId", &instance_text)];
    world.call("AttachNetworkInterface", &call).unwrap();
    assert_eq!(status(&mut world, &id), "Attaching");
    assert_eq!(world.fault("AttachNetworkInterface", &call), "InvalidOperation.InvalidEniStatus");
    world.settle();
    assert_eq!(status(&mut world, &id), "InUse");
    assert_eq!(ids(&mut world, &[("InstanceId", &instance_text), ("Type", "Secondary")]), [id.as_str()]);

    world.call("StartInstance", &[("InstanceId", &instance_text)]).unwrap();
    world.settle();
    let detach = [("NetworkInterfaceId", &*id)];
    assert_eq!(world.fault("DetachNetworkInterface", &detach), "InvalidOperation.InvalidEnsStatus");
    world.call("StopInstance", &[("InstanceId", &instance_text)]).unwrap();
    world.settle();
    world.call("DetachNetworkInterface", &detach).unwrap();
    assert_eq!(status(&mut world, &id), "Detaching");
    world.settle();
    assert_eq!(status(&mut world, &id), "Available");
    assert_eq!(world.fault("DetachNetworkInterface", &detach), "InvalidOperation.InvalidEniStatus");
    let groups = &list(&mut world, &[("NetworkInterfaceId", &id)])[0]["SecurityGroupIds"]["SecurityGroup"];
    assert_eq!(*groups, json!([group.to_string()]), "memberships are the interface's own");
}

#[test]
fn what_cannot_be_attached_or_detached_is_refused() {
    let mut world = World::new();
    let running = world.instance(&[]).to_string();
    let (instance, vswitch) = stopped(&mut world);
    let primary = world.see(instance).primary_interface.to_string();
    let instance = instance.to_string();
    let elsewhere = world.network("10.9.0.0/24").1.to_string();
    let group = world.group("web");
    let (here, there) =
        (interface(&mut world, &vswitch, &[group]), interface(&mut world, &elsewhere, &[group]));
    for (interface, instance, code) in [
        ("eni-none", &*instance, "InvalidEniId.NotFound"),
        (&here, "i-none", "InstanceNotFound"),
        (&here, &running, "InvalidOperation.InvalidEnsStatus"),
        (&primary, &instance, "InvalidOperation.InvalidEniType"),
        (&there, &instance, "InvalidParameter"),
    ] {
        let call = [("NetworkInterfaceId", interface), ("InstanceId", instance)];
        assert_eq!(world.fault("AttachNetworkInterface", &call), code, "{call:?}");
    }
    for (interface, code) in [
        ("eni-none", "InvalidEniId.NotFound"),
        (&primary, "InvalidOperation.InvalidEniType"),
        (&here, "InvalidOperation.InvalidEniStatus"),
    ] {
        assert_eq!(world.fault("DetachNetworkInterface", &[("NetworkInterfaceId", interface)]), code);
    }
    world.limits.interfaces_per_instance = 1;
    let call = [("NetworkInterfaceId", &*here), ("InstanceId", &*instance)];
    assert_eq!(world.fault("AttachNetworkInterface", &call), "QuotaExceeded");
}

#[test]
fn interfaces_are_deleted_all_or_none_in_both_dialects() {
    let mut world = World::new();
    let (instance, vswitch) = stopped(&mut world);
    let primary = world.see(instance).primary_interface.to_string();
    let group = world.group("web");
    let [a, b, c] = [0; 3].map(|_| interface(&mut world, &vswitch, &[group]));
    for (list_of_ids, code) in [
        (json!([]), "InvalidParameter.NetworkInterfaceIds"),
        (json!([a, "eni-none"]), "InvalidEniId.NotFound"),
        (json!([a, primary]), "InvalidOperation.InvalidEniType"),
    ] {
        let call = [("NetworkInterfaceIds", &*list_of_ids.to_string())];
        assert_eq!(world.fault("DeleteNetworkInterfaces", &call), code, "{list_of_ids}");
    }
    assert_eq!(status(&mut world, &a), "Available", "none was deleted");
    let both = json!([a, b]).to_string();
    world.call("DeleteNetworkInterfaces", &[("NetworkInterfaceIds", &both)]).unwrap();
    assert_eq!(status(&mut world, &a), "Deleting");
    assert_eq!(
        world.fault("DeleteNetworkInterfaces", &[("NetworkInterfaceIds", &both)]),
        "InvalidOperation.InvalidEniStatus"
    );
    assert_eq!(ids(&mut world, &[("SecurityGroupId", &group.to_string())]), [c.as_str()]);
    // The way of a public client: numbered, then a look until nothing is listed.
    world.call("DeleteNetworkInterfaces", &[("NetworkInterfaceIds.1", &c)]).unwrap();
    world.settle();
    for id in [&a, &b, &c] {
        assert!(list(&mut world, &[("NetworkInterfaceId", id)]).is_empty());
    }
}

#[test]
fn name_and_description_change_where_they_are_given() {
    let mut world = World::new();
    let vswitch = world.network("10.1.0.0/24").1.to_string();
    let group = world.group("web");
    let id = interface(&mut world, &vswitch, &[group]);
    let modify = "ModifyNetworkInterfaceAttribute";
    world
        .call(modify, &[("NetworkInterfaceId", &id), ("NetworkInterfaceName", "a"), ("Description", "b")])
        .unwrap();
    world
        .call(modify, &[("NetworkInterfaceId", &id), ("NetworkInterfaceName", ""), ("Description", "c")])
        .unwrap();
    let shown = list(&mut world, &[("NetworkInterfaceName", "a")]);
    assert_eq!((&shown[0]["NetworkInterfaceName"], &shown[0]["Description"]), (&json!("a"), &json!("c")));
    assert_eq!(world.fault(modify, &[("NetworkInterfaceId", "eni-none")]), "InvalidEniId.NotFound");
    let url = [("NetworkInterfaceId", &*id), ("Description", "http://a")];
    assert_eq!(world.fault(modify, &url), "InvalidParameter.Description");
    let long = "n".repeat(129);
    let long = [("NetworkInterfaceId", &*id), ("NetworkInterfaceName", &long)];
    assert_eq!(world.fault(modify, &long), "InvalidParameter.NetworkInterfaceName");
}

#[test]
fn further_addresses_are_assigned_and_taken_away() {
    let mut world = World::new();
    let vswitch = world.network("10.1.0.0/28").1.to_string();
    let group = world.group("web");
    let id = interface(&mut world, &vswitch, &[group]);
    let assigned =
        world.call("AssignPrivateIpAddresses", &[("NetworkInterfaceId", &id), ("VSwitchId", &vswitch)]);
    let set = &assigned.unwrap()["AssignedPrivateIpAddressesSet"];
    assert_eq!(*set, json!({ "NetworkInterfaceId": id, "PrivateIpSet": ["10.1.0.3"] }));
    let shown = &list(&mut world, &[("NetworkInterfaceId", &id)])[0]["PrivateIpSets"]["PrivateIpSet"];
    assert_eq!((&shown[1]["PrivateIpAddress"], &shown[1]["Primary"]), (&json!("10.1.0.3"), &json!(false)));

    for (operation, call, code) in [
        ("AssignPrivateIpAddresses", &[("NetworkInterfaceId", "eni-none")][..], "InvalidEniId.NotFound"),
        (
            "AssignPrivateIpAddresses",
            &[("NetworkInterfaceId", &id), ("VSwitchId", "vsw-none")],
            "InvalidVSwitchId.NotFound",
        ),
        ("UnassignPrivateIpAddresses", &[("NetworkInterfaceId", &id)], "MissingParameter"),
        (
            "UnassignPrivateIpAddresses",
            &[("NetworkInterfaceId", &id), ("PrivateIpAddress.1", "10.1.0.999")],
            "InvalidParameter.PrivateIpAddress",
        ),
        (
            "UnassignPrivateIpAddresses",
            &[("NetworkInterfaceId", &id), ("PrivateIpAddress", "[]")],
            "InvalidParameter.PrivateIpAddress",
        ),
        (
            "UnassignPrivateIpAddresses",
            &[("NetworkInterfaceId", &id), ("PrivateIpAddress.1", "10.1.0.2")],
            "InvalidParameter",
        ),
        (
            "UnassignPrivateIpAddresses",
            &[("NetworkInterfaceId", "eni-none"), ("PrivateIpAddress.1", "10.1.0.3")],
            "InvalidEniId.NotFound",
        ),
    ] {
        assert_eq!(world.fault(operation, call), code, "{operation} {call:?}");
    }
    world
        .call(
            "UnassignPrivateIpAddresses",
            &[("NetworkInterfaceId", &id), ("PrivateIpAddress.1", "10.1.0.3")],
        )
        .unwrap();
    let shown = &list(&mut world, &[("NetworkInterfaceId", &id)])[0]["PrivateIpSets"]["PrivateIpSet"];
    assert_eq!(shown.as_array().unwrap().len(), 1);

    world.limits.addresses_per_interface = 1;
    assert_eq!(world.fault("AssignPrivateIpAddresses", &[("NetworkInterfaceId", &id)]), "QuotaExceeded");
    world.call("DeleteNetworkInterfaces", &[("NetworkInterfaceIds.1", &id)]).unwrap();
    let gone = world.fault("AssignPrivateIpAddresses", &[("NetworkInterfaceId", &id)]);
    assert_eq!(gone, "InvalidOperation.InvalidEniStatus");
}

#[test]
fn a_full_vswitch_has_no_address_for_an_interface() {
    let mut world = World::new();
    let vswitch = world.network("10.1.0.0/28").1.to_string();
    let group = world.group("web");
    let id = interface(&mut world, &vswitch, &[group]);
    // A /28 without the network's address, the gateway's and the broadcast address.
    for _ in 1..13 {
        world.call("AssignPrivateIpAddresses", &[("NetworkInterfaceId", &id)]).unwrap();
    }
    assert_eq!(world.fault("AssignPrivateIpAddresses", &[("NetworkInterfaceId", &id)]), "InvalidParameter");
    let create = [("SecurityGroupIds.1", &*group.to_string()), ("VSwitchId", &vswitch)];
    assert_eq!(world.fault("CreateNetworkInterface", &create), "InvalidParameter");
}
