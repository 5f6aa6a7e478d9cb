use model::{
    InstanceId,
    instance::{Charge, Instance, InstanceStatus},
};

use crate::operations::ens::testing::{REGION, World};

const HERE: (&str, &str) = ("EnsRegionId", REGION);

/// The new instances of a call that must be good.
fn run(world: &mut World, parameters: &[(&str, &str)]) -> Vec<InstanceId> {
    let answer = world.call("RunInstances", parameters).unwrap();
    answer["InstanceIds"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect()
}

fn one<'w>(world: &'w mut World, parameters: &[(&str, &str)]) -> &'w Instance {
    let ids = run(world, &[&[HERE], parameters].concat());
    assert_eq!(ids.len(), 1);
    world.see(ids[0])
}

#[track_caller]
fn refused(world: &mut World, parameters: &[(&str, &str)], code: &str) {
    let fault = world.call("RunInstances", &[&[HERE], parameters].concat()).unwrap_err();
    assert_eq!(fault.code, code, "{parameters:?}: {}", fault.message);
}

#[test]
fn an_edge_site_is_enough() {
    let mut world = World::new();
    let id = run(&mut world, &[HERE])[0];
    world.settle();
    let made = world.see(id);
    assert_eq!(made.status, InstanceStatus::Running);
    assert_eq!((made.region.as_str(), made.charge), (REGION, Charge::PostPaid));
    let interface = world.state.interfaces().get(&made.primary_interface).unwrap();
    assert!(interface.groups.is_empty());
}

#[test]
fn the_place_is_an_edge_site_or_an_area() {
    let mut world = World::new();
    let area = ("NetDistrictCode", "330100");
    for (parameters, region) in [
        (&[("ScheduleAreaLevel", "Region"), HERE][..], REGION),
        (&[HERE, area, ("Carrier", "telecom")], REGION),
        (&[area, ("Carrier", "telecom")], "cn-hangzhou-telecom"),
        (&[("ScheduleAreaLevel", "Small"), area, ("Carrier", "telecom"), HERE], "cn-hangzhou-telecom"),
    ] {
        let id = run(&mut world, parameters)[0];
        assert_eq!(world.see(id).region.as_str(), region, "{parameters:?}");
    }
    let level = |level| ("ScheduleAreaLevel", level);
    for (parameters, code) in [
        (&[][..], "MissingParameter"),
        (&[level("Region")], "MissingParameter"),
        (&[level("Region"), area], "MissingParameter"),
        (&[level("Big"), HERE], "MissingParameter"),
        (&[level("Middle"), area], "MissingParameter"),
        (&[level("Village"), HERE], "InvalidParameter.ScheduleAreaLevel"),
        (&[("EnsRegionId", "nowhere")], "InvalidEnsRegionId.NotFound"),
        (&[area, ("Carrier", "cmcc")], "InvalidEnsRegionId.NotFound"),
        (&[area, ("Carrier", "telecom"), ("VSwitchId", "vsw-1")], "InvalidParameter"),
    ] {
        assert_eq!(world.fault("RunInstances", parameters), code, "{parameters:?}");
    }
}

#[test]
fn what_is_named_must_exist() {
    let mut world = World::new();
    for (name, value, code) in [
        ("ImageId", "m-none", "InvalidImageId.NotFound"),
        ("InstanceType", "ens.none", "InvalidInstanceType.NotFound"),
        ("SecurityId", "sg-none", "InvalidSecurityGroupId.NotFound"),
        ("VSwitchId", "vsw-none", "InvalidVSwitchId.NotFound"),
        ("NetWorkId", "n-none", "InvalidNetworkId.NotFound"),
    ] {
        refused(&mut world, &[(name, value)], code);
    }
}

#[test]
fn limits_are_named() {
    let mut world = World::new();
    let group = world.group("web").to_string();
    world.limits.interfaces_per_group = 1;
    let two = [("Amount", "2"), ("SecurityId", &*group)];
    refused(&mut world, &two, "SecurityGroupInstanceLimitExceeded");
    let all = [("IpProtocol", "all"), ("PortRange", "-1/-1"), ("SourceCidrIp", "10.0.0.0/8")];
    let rule = [&[("SecurityGroupId", &*group)][..], &all].concat();
    world.call("AuthorizeSecurityGroup", &rule).unwrap();
    world.limits.rules_per_interface = 0;
    refused(&mut world, &[("SecurityId", &*group)], "AuthorizationLimitExceed");
    world.limits.groups_per_interface = 0;
    refused(&mut world, &[("SecurityId", &*group)], "InstanceSecurityGroupLimitExceeded");
    world.limits.instances_per_account = 1;
    refused(&mut world, &[("Amount", "2")], "QuotaExceeded");
    refused(&mut world, &[("Amount", "0")], "InvalidParameter.Amount");
    refused(&mut world, &[("Amount", "101")], "InvalidParameter.Amount");
}

#[test]
fn many_instances_are_one_call() {
    let mut world = World::new();
    let group = world.group("web");
    let text = group.to_string();
    let many =
        [HERE, ("Amount", "3"), ("SecurityId", &*text), ("InstanceName", "web"), ("UniqueSuffix", "true")];
    let ids = run(&mut world, &many);
    let names: Vec<_> = ids.iter().map(|id| world.see(*id).display_name()).collect();
    assert_eq!(names, ["web001", "web002", "web003"]);
    assert_eq!(world.state.member_count(group), 3);
}

#[test]
fn disks_come_as_json_or_dotted() {
    let mut world = World::new();
    for parameters in [
        &[
            ("SystemDisk", r#"{"Size":50,"Category":"cloud_ssd"}"#),
            (
                "DataDisk",
                r#"[{"Size":"20","Category":"local_hdd","Encrypted":true,"KMSKeyId":"key"},{"Size":40}]"#,
            ),
        ][..],
        &[
            ("SystemDisk.Size", "50"),
            ("SystemDisk.Category", "cloud_ssd"),
            ("DataDisk.1.Size", "20"),
            ("DataDisk.1.Category", "local_hdd"),
            ("DataDisk.1.Encrypted", "true"),
            ("DataDisk.1.KMSKeyId", "key"),
            ("DataDisk.2.Size", "40"),
        ],
    ] {
        let made = one(&mut world, parameters);
        assert_eq!((made.system_disk.size_gib, made.system_disk.category.as_str()), (50, "cloud_ssd"));
        let data = |number: usize| {
            let disk = &made.data_disks[number];
            (disk.size_gib, disk.category.as_str(), disk.encrypted, &*disk.key_id)
        };
        assert_eq!((data(0), data(1)), ((20, "local_hdd", true, "key"), (40, "cloud_efficiency", false, "")));
    }
    // What Terraform sends for a disk of which nothing is said.
    let nothing =
        [("SystemDisk", "{}"), ("DataDisk", r#"[{"Size":0,"Category":"","Encrypted":false,"KMSKeyId":""}]"#)];
    let made = one(&mut world, &nothing);
    assert_eq!((made.system_disk.size_gib, made.data_disks[0].size_gib), (20, 20));
    for (name, value, code) in [
        ("SystemDisk", r#"{"Size":5}"#, "InvalidParameter"),
        ("SystemDisk", r#"{"Size":-1}"#, "InvalidParameter.Size"),
        ("SystemDisk", "[]", "InvalidParameter.SystemDisk"),
        ("DataDisk", r#"[{"Category":"tape"}]"#, "InvalidParameter"),
        ("DataDisk", "{", "InvalidParameter.DataDisk"),
    ] {
        refused(&mut world, &[(name, value)], code);
    }
}

#[test]
fn an_address_is_for_one_instance_in_a_vswitch() {
    let mut world = World::new();
    let (network, vswitch) = world.network("10.7.0.0/24");
    let (network, vswitch) = (network.to_string(), vswitch.to_string());
    let (vswitch, address) = (("VSwitchId", &*vswitch), ("PrivateIpAddress", "10.7.0.9"));
    let id = one(&mut world, &[vswitch, address]).id;
    assert_eq!(world.address(id).to_string(), "10.7.0.9");
    refused(&mut world, &[vswitch, address], "InvalidParameter");
    refused(&mut world, &[address], "InvalidParameter");
    refused(&mut world, &[vswitch, ("PrivateIpAddress", "10.7.0.10"), ("Amount", "2")], "InvalidParameter");
    refused(&mut world, &[vswitch, ("PrivateIpAddress", "10.8.0.9")], "InvalidParameter");
    refused(&mut world, &[vswitch, ("PrivateIpAddress", "10.7.0")], "InvalidParameter.PrivateIpAddress");
    let id = one(&mut world, &[("NetWorkId", &network)]).id;
    assert!(world.address(id).to_string().starts_with("10.7.0."));
}

#[test]
fn addresses_of_both_families_and_public_ones() {
    let mut world = World::new();
    assert_eq!(one(&mut world, &[]).public_address, None);
    assert_eq!(one(&mut world, &[("InternetMaxBandwidthOut", "0")]).public_address, None);
    assert!(one(&mut world, &[("InternetMaxBandwidthOut", "5")]).public_address.is_some());
    assert!(one(&mut world, &[("PublicIpIdentification", "true")]).public_address.is_some());
    let none = [("InternetMaxBandwidthOut", "5"), ("PublicIpIdentification", "false")];
    assert_eq!(one(&mut world, &none).public_address, None);
    refused(&mut world, &[("InternetMaxBandwidthOut", "1001")], "InvalidParameter");
    one(&mut world, &[("IpType", "ipv4"), ("Ipv6AddressCount", "3")]);
    for family in ["ipv6", "ipv4Andipv6", "ipv4Withipv6"] {
        // The default network has no IPv6.
        refused(&mut world, &[("IpType", family)], "InvalidParameter");
    }
    refused(&mut world, &[("IpType", "IPv4")], "InvalidParameter.IpType");
    refused(&mut world, &[("Ipv6AddressCount", "11")], "InvalidParameter.Ipv6AddressCount");
}

#[test]
fn a_subscription_has_a_period() {
    let mut world = World::new();
    let prepaid = ("InstanceChargeType", "PrePaid");
    for (parameters, days) in [
        (&[][..], 30),
        (&[("Period", "2")], 60),
        (&[("Period", "12"), ("PeriodUnit", "Month")], 360),
        (&[("Period", "3"), ("PeriodUnit", "Day")], 3),
        (&[("PeriodUnit", "Day")], 3),
    ] {
        let made = one(&mut world, &[&[prepaid, ("AutoRenew", "true")], parameters].concat());
        let length = made.created_at.plus(days * 86_400_000);
        let days = u32::try_from(days).unwrap();
        assert_eq!(made.charge, Charge::PrePaid { expires_at: length, renew_days: Some(days) });
    }
    for (name, value, code) in [
        ("Period", "10", "InvalidParameter"),
        ("Period", "0", "InvalidParameter.Period"),
        ("Period", "13", "InvalidParameter.Period"),
        ("PeriodUnit", "Year", "InvalidParameter.PeriodUnit"),
        ("DeletionProtection", "true", "InvalidParameter"),
        ("AutoReleaseTime", "2027-01-01T00:00:00Z", "InvalidParameter"),
    ] {
        refused(&mut world, &[prepaid, (name, value)], code);
    }
    refused(&mut world, &[prepaid, ("PeriodUnit", "Day"), ("Period", "4")], "InvalidParameter");
    // Somebody who pays by use may say what they like of periods.
    assert_eq!(one(&mut world, &[("Period", "10"), ("PeriodUnit", "Day")]).charge, Charge::PostPaid);
}

#[test]
fn everything_else_is_kept_or_has_no_effect() {
    let mut world = World::new();
    let made = one(
        &mut world,
        &[
            ("HostName", "web-1"),
            ("KeyPairName", "operators"),
            ("UserData", "YQ=="),
            ("DeletionProtection", "true"),
            ("AutoReleaseTime", "2027-01-01T00:00:00Z"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "network"),
            ("Tag.2.Key", "empty"),
            ("Password", "yourPassword:1"),
            ("PasswordInherit", "false"),
            ("BillingCycle", "Hour"),
            ("AutoUseCoupon", "true"),
            ("SchedulingStrategy", "Concentrate"),
            ("SpotStrategy", "NoSpot"),
            ("RegionId", "cn-hangzhou"),
            ("VpdVSwitchIds", "[]"),
        ],
    );
    assert_eq!(made.host_name.as_deref(), Some("web-1"));
    assert_eq!(made.key_pair.as_deref(), Some("operators"));
    assert_eq!(made.user_data.as_deref(), Some("YQ=="));
    assert!(made.deletion_protection && made.auto_release_at.is_some());
    let tags: Vec<_> = made.tags.iter().map(|tag| (&*tag.key, &*tag.value)).collect();
    assert_eq!(tags, [("empty", ""), ("team", "network")]);
    for (name, value, code) in [
        ("Password", "yourPassword", "InvalidParameter.Password"),
        ("UserData", "%", "InvalidParameter.UserData"),
        ("HostName", "web..1", "InvalidParameter.HostName"),
        ("InstanceName", "http://web", "InvalidParameter.InstanceName"),
        ("AutoReleaseTime", "tomorrow", "InvalidParameter.AutoReleaseTime"),
        ("AutoReleaseTime", "2020-01-01T00:00:00Z", "InvalidParameter"),
        ("Tag.1.Key", "acs:team", "InvalidParameter.Key"),
        ("Tag.1.Value", "x", "MissingParameter"),
    ] {
        refused(&mut world, &[(name, value)], code);
    }
}

#[test]
fn create_instance_makes_subscriptions() {
    let mut world = World::new();
    let required = [HERE, ("InstanceType", "ens.sn1.small"), ("Period", "2"), ("Quantity", "2")];
    let others = [
        ("SystemDisk.Size", "40"),
        ("DataDisk.1.Size", "50"),
        ("AutoRenew", "True"),
        ("AutoRenewPeriod", "2"),
        ("PaymentType", "Subscription"),
        ("UserData", "#!/bin/sh"),
        ("OwnerId", "7"),
    ];
    let answer = world.call("CreateInstance", &[&required[..], &others].concat()).unwrap();
    assert_eq!(answer["Code"], 0);
    let ids = answer["InstanceIds"]["InstanceId"].as_array().unwrap();
    assert_eq!(ids.len(), 2);
    let made = world.see(ids[0].as_str().unwrap().parse().unwrap());
    let expires_at = made.created_at.plus(60 * 86_400_000);
    assert_eq!(made.charge, Charge::PrePaid { expires_at, renew_days: Some(60) });
    assert_eq!((made.system_disk.size_gib, made.data_disks[0].size_gib), (40, 50));
    assert_eq!(made.public_address, None);
    for missing in 0..required.len() {
        let mut some = required.to_vec();
        some.remove(missing);
        assert_eq!(world.fault("CreateInstance", &some), "MissingParameter");
    }
    for (name, value, code) in [
        ("Period", "10", "InvalidParameter.Period"),
        ("Quantity", "0", "InvalidParameter.Quantity"),
        ("InstanceType", "ens.none", "InvalidInstanceType.NotFound"),
        ("PaymentType", "PayAsYouGo", "InvalidParameter.PaymentType"),
        ("AutoRenewPeriod", "3", "InvalidParameter"),
    ] {
        let mut some = [&required[..], &[("AutoRenew", "true")]].concat();
        some.retain(|(own, _)| *own != name);
        some.push((name, value));
        assert_eq!(world.fault("CreateInstance", &some), code, "{name}={value}");
    }
}
