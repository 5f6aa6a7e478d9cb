//! Explanations.

use serde_json::{Value, json};

use crate::{
    scene::{ADDRESS, about_now, at, call, site, texts},
    support::{REGION, Site},
};

#[tokio::test]
async fn traffic_is_explained_with_rule_membership_and_the_smallest_change() {
    let site = site().await;
    let asked = [("From", "internet"), ("To", site.interface.as_str()), ("Port", "443")];
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    assert_eq!(explained["Verdict"], "Accept");
    let side = at(&explained, "/Sides/Side/0");
    assert_eq!((&side["Direction"], &side["DecidedBy"]), (&json!("ingress"), &json!("Rule")));
    assert_eq!(side["Rule"]["SecurityGroupId"], json!(site.group));
    assert_eq!(side["Rule"]["PortRange"], "443/443");
    assert_eq!(side["Membership"]["Known"], true);
    assert_eq!(side["Membership"]["OperationName"], "CreateNetworkInterface");
    assert_eq!(
        (&side["Membership"]["ActorType"], &side["Membership"]["ActorName"]),
        (&json!("Root"), &json!("root"))
    );
    assert_eq!(side["Enforcement"]["State"], "Pending");
    assert_eq!(side["Enforcement"]["Reason"], "NeverConnected");
    assert_eq!(side["Flip"]["Kind"], "AddRule");
    assert!(at(&explained, "/Sides").as_object().unwrap()["Side"].as_array().unwrap().len() == 1);
    let host = site.host().await;
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    assert_eq!(at(&explained, "/Sides/Side/0/Enforcement/State"), "Confirmed", "{explained}");
    drop(host);
    let asked = [("From", "198.51.100.9"), ("To", ADDRESS), ("Port", "22"), ("Protocol", "tcp")];
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    assert_eq!(explained["Verdict"], "Drop");
    assert_eq!(explained["Packet"], "tcp 198.51.100.9:49152 > 10.0.0.2:22");
    let side = at(&explained, "/Sides/Side/0");
    assert_eq!(side["DecidedBy"], "Implicit");
    let reasons = texts(side, "/Considered/Rule", "Reason");
    assert!(reasons.contains(&"its source 198.51.100.9 is not in 192.0.2.0/24".to_owned()), "{reasons:?}");
    assert_eq!(side["Flip"]["Kind"], "AddRule");
    assert!(side["Flip"]["RuleText"].as_str().unwrap().contains("from 198.51.100.9"));
}

/// What a node has said since it confirmed a change counts, and both operations say the same of it.
#[tokio::test]
async fn what_is_not_in_force_any_more_is_not_said_to_be() {
    let site = site().await;
    let mut host = site.host().await;
    let asked = [("From", "internet"), ("To", site.interface.as_str()), ("Port", "443")];
    let own = [("NetworkInterfaceId", site.interface.as_str())];
    let states = async || {
        let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
        let bindings = call(&site, "DescribeNetworkInterfaceBindings", &own).await.done().body;
        let binding = "/NetworkInterfaceBindings/NetworkInterfaceBinding/0/Status";
        let state = |answer: &Value, place| at(answer, place).as_str().unwrap().to_owned();
        [state(&explained, "/Sides/Side/0/Enforcement/State"), state(&bindings, binding)]
    };
    assert_eq!(states().await, ["Confirmed", "Enforced"]);
    host.fail(&site.interface);
    assert_eq!(states().await, ["NotInForce", "NotInForce"]);
    host.confirm_without(&site.interface);
    assert_eq!(states().await, ["Absent", "Absent"]);
    host.confirm();
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    assert_eq!(states().await, ["Pending", "Pending"]);
    host.obey().await;
    host.confirm();
    assert_eq!(states().await, ["Confirmed", "Enforced"]);
    let node = site.node.to_string();
    call(&site, "RevokeNodeCertificate", &[("NodeId", &node)]).await.done();
    assert_eq!(states().await, ["NodeGone", "NodeGone"]);
}

/// Another interface of the group, bound to the same node.
async fn second(site: &Site) -> String {
    let shown = call(site, "DescribeNetworkInterfaces", &[]).await.done().body;
    let vswitch = at(&shown, "/NetworkInterfaceSets/NetworkInterfaceSet/0/VSwitchId").as_str().unwrap();
    let groups = json!([site.group]).to_string();
    let wish = [("VSwitchId", vswitch), ("SecurityGroupIds", &groups)];
    let made = call(site, "CreateNetworkInterface", &wish).await.done().body;
    let interface = made["NetworkInterfaceIds"][0].as_str().unwrap().to_owned();
    let binding = [("NetworkInterfaceId", &*interface), ("NodeId", &site.node.to_string())];
    site.call("BindNetworkInterface", &binding, &[("x-ravelin-wait", "0")]).await.done();
    interface
}

/// Where enforcement stands for what an interface gets.
async fn state(site: &Site, interface: &str) -> String {
    let asked = [("From", "internet"), ("To", interface), ("Port", "443")];
    let explained = call(site, "ExplainTraffic", &asked).await.done().body;
    at(&explained, "/Sides/Side/0/Enforcement/State").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_the_matter_with_another_interface_takes_nothing_back() {
    let site = site().await;
    let mut host = site.host().await;
    let other = second(&site).await;
    host.obey().await;
    host.confirm();
    host.fail(&other);
    assert_eq!(state(&site, &other).await, "NotInForce");
    assert_eq!(state(&site, &site.interface).await, "Confirmed");
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    assert_eq!(state(&site, &site.interface).await, "Pending");
    host.obey().await;
    host.confirm_without(&site.interface);
    host.fail(&other);
    assert_eq!(state(&site, &site.interface).await, "Absent");
    // It comes back with less than it had: what it confirmed does not count any more.
    drop(host);
    let _host = site.follow(1);
    assert_eq!(state(&site, &site.interface).await, "Pending");
}

#[tokio::test]
async fn what_does_not_concern_the_node_is_not_waited_for() {
    let site = site().await;
    let mut host = site.host().await;
    let other = second(&site).await;
    let renamed = [("SecurityGroupId", &*site.group), ("SecurityGroupName", "renamed")];
    call(&site, "ModifySecurityGroupAttribute", &renamed).await.done();
    assert_eq!(state(&site, &other).await, "Pending", "its binding is not confirmed");
    assert_eq!(state(&site, &site.interface).await, "Confirmed");
    let rule = [("IpProtocol", "udp"), ("PortRange", "53/53"), ("SourceCidrIp", "0.0.0.0/0")];
    let rule = [&[("SecurityGroupId", &*site.group)], &rule[..]].concat();
    call(&site, "AuthorizeSecurityGroup", &rule).await.done();
    assert_eq!(state(&site, &site.interface).await, "Pending");
    host.obey().await;
    host.confirm();
    assert_eq!([state(&site, &other).await, state(&site, &site.interface).await], ["Confirmed", "Confirmed"]);
}

/// An instance with an IPv4 and an IPv6 address in the group of the site; its interface and its IPv6 address.
async fn dual_stack(site: &Site) -> (String, String) {
    let region = ("EnsRegionId", REGION);
    let network = [region, ("CidrBlock", "10.1.0.0/16"), ("EnableIpv6", "true")];
    let network = call(site, "CreateNetwork", &network).await.done().text("NetworkId");
    let vswitch = [region, ("CidrBlock", "10.1.0.0/24"), ("NetworkId", &network), ("Ipv6CidrBlock", "1")];
    let vswitch = call(site, "CreateVSwitch", &vswitch).await.done().text("VSwitchId");
    let run = [
        region,
        ("ScheduleAreaLevel", "Region"),
        ("VSwitchId", &vswitch),
        ("SecurityId", &site.group),
        ("IpType", "ipv4Andipv6"),
    ];
    call(site, "RunInstances", &run).await.done();
    let shown = call(site, "DescribeNetworkInterfaces", &[("VSwitchId", &vswitch)]).await.done().body;
    let own = at(&shown, "/NetworkInterfaceSets/NetworkInterfaceSet/0");
    let text = |place| at(own, place).as_str().unwrap().to_owned();
    (text("/NetworkInterfaceId"), text("/Ipv6Sets/Ipv6Set/0/Ipv6Address"))
}

#[tokio::test]
async fn icmpv6_is_explained_between_ipv6_addresses() {
    let site = site().await;
    let (interface, address) = dual_stack(&site).await;
    let rule = |protocol, ports| {
        json!({
            "Direction": "ingress", "IpProtocol": protocol, "PortRange": ports, "Policy": "Accept",
            "Priority": 1, "Ipv6SourceCidrIp": "::/0",
        })
    };
    let rules = json!([rule("ICMPv6", "-1/-1"), rule("TCP", "8080/8080")]).to_string();
    let rules = [("SecurityGroupId", &*site.group), ("Permissions", &*rules)];
    call(&site, "CreateSecurityGroupPermissions", &rules).await.done();
    let explain = async |from: &str, to: &str, protocol: &str| {
        let asked = [("From", from), ("To", to), ("Protocol", protocol), ("Port", "8080")];
        call(&site, "ExplainTraffic", &asked).await
    };
    for (from, to) in [
        ("internet", &*interface),
        ("internet", &address),
        ("2001:db8::1", &interface),
        (&interface, &interface),
        (&address, &interface),
    ] {
        for protocol in ["icmpv6", "58"] {
            let explained = explain(from, to, protocol).await.done().body;
            assert_eq!(explained["Verdict"], "Accept", "{from} {to}: {explained}");
            assert_eq!(explained["DestinationAddress"], json!(address));
        }
    }
    let ipv4 = explain("internet", &interface, "icmp").await.done().body;
    assert_eq!((&ipv4["Verdict"], &ipv4["DestinationAddress"]), (&json!("Drop"), &json!("10.1.0.2")));
    for (from, to, protocol) in [
        ("192.0.2.9", &*interface, "icmpv6"),
        ("internet", "10.1.0.2", "icmpv6"),
        ("internet", &site.interface, "icmpv6"),
        ("2001:db8::1", &interface, "icmp"),
        ("internet", &address, "icmp"),
    ] {
        let refused = explain(from, to, protocol).await;
        assert_eq!(refused.code(), "InvalidParameter", "{from} {to} {protocol}");
        let word = if protocol == "icmp" { "icmp goes between IPv4" } else { "icmpv6 goes between IPv6" };
        assert!(refused.message().contains(word), "{refused:?}");
    }
    // Whoever asks about IPv6 names an address.
    let verdict = async |to: &str| explain("internet", to, "tcp").await.done().text("Verdict");
    assert_eq!([verdict(&interface).await, verdict(&address).await], ["Drop", "Accept"]);
}

#[tokio::test]
async fn a_narrow_group_is_told_before_broad_ones_however_old_it_is() {
    let site = site().await;
    let group = async |ports, source| {
        let group = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
        let rule = [("IpProtocol", "tcp"), ("PortRange", ports), ("SourceCidrIp", source)];
        let rule = [&[("SecurityGroupId", &*group)], &rule[..]].concat();
        call(&site, "AuthorizeSecurityGroup", &rule).await.done();
        group
    };
    let narrow = group("443/443", "198.51.100.9/32").await;
    for _ in 0..9 {
        group("1/65535", "0.0.0.0/0").await;
    }
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    let asked = [("From", "198.51.100.9"), ("To", ADDRESS), ("Port", "443")];
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    let flip = at(&explained, "/Sides/Side/0/Flip");
    assert_eq!((&flip["Kind"], &flip["SecurityGroupId"]), (&json!("JoinGroup"), &json!(narrow)));
    assert_eq!(flip["NotComparedCount"], 3, "of 11 groups that would do 8 are compared");
}

#[tokio::test]
async fn the_flipping_change_flips() {
    let site = site().await;
    let asked = [("From", "198.51.100.9"), ("To", ADDRESS), ("Port", "22")];
    let flip = call(&site, "ExplainTraffic", &asked).await.done().body;
    let flip = at(&flip, "/Sides/Side/0/Flip").clone();
    let rule = &flip["Rule"];
    let permission = json!([{
        "Direction": rule["Direction"], "IpProtocol": rule["IpProtocol"], "PortRange": rule["PortRange"],
        "Policy": rule["Policy"], "Priority": rule["Priority"], "SourceCidrIp": rule["SourceCidrIp"],
        "DestCidrIp": rule["DestCidrIp"],
    }]);
    let group = flip["SecurityGroupId"].as_str().unwrap();
    let permission = permission.to_string();
    let parameters = [("SecurityGroupId", group), ("Permissions", permission.as_str())];
    call(&site, "CreateSecurityGroupPermissions", &parameters).await.done();
    assert_eq!(call(&site, "ExplainTraffic", &asked).await.done().body["Verdict"], "Accept");
}

#[tokio::test]
async fn both_sides_decide_and_an_interface_in_no_group_is_told_what_to_join() {
    let site = site().await;
    let shown = call(&site, "DescribeNetworkInterfaces", &[]).await.done().body;
    let vswitch =
        at(&shown, "/NetworkInterfaceSets/NetworkInterfaceSet/0/VSwitchId").as_str().unwrap().to_owned();
    let groups = format!("[\"{}\"]", site.group);
    let second = [("VSwitchId", vswitch.as_str()), ("SecurityGroupIds", groups.as_str())];
    let second = call(&site, "CreateNetworkInterface", &second).await.done().body;
    let second = second["NetworkInterfaceIds"][0].as_str().unwrap().to_owned();
    let asked = [("From", second.as_str()), ("To", site.interface.as_str()), ("Port", "443")];
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    assert_eq!(texts(&explained, "/Sides/Side", "Direction"), ["egress", "ingress"]);
    assert_eq!(texts(&explained, "/Sides/Side", "Verdict"), ["Accept", "Accept"]);
    assert_eq!(at(&explained, "/Sides/Side/0/Enforcement/State"), "NotBound");
    assert_eq!(explained["AcrossNetworks"], false);
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    assert_eq!(texts(&explained, "/Sides/Side", "Verdict"), ["Accept", "Drop"]);
    assert_eq!(explained["Verdict"], "Drop");
    assert_eq!(at(&explained, "/Sides/Side/1/Flip/Kind"), "JoinGroup");
    assert_eq!(at(&explained, "/Sides/Side/1/Flip/SecurityGroupId"), &json!(site.group));
    let text = at(&explained, "/Sides/Side/1/Text").as_str().unwrap();
    assert!(text.ends_with("is dropped because the interface is in no security group"), "{text}");
}

#[tokio::test]
async fn what_an_interface_sends_to_itself_is_said_to_stay_there() {
    let site = site().await;
    for (from, to) in [(ADDRESS, &*site.interface), (&*site.interface, &*site.interface)] {
        let asked = [("From", from), ("To", to), ("Port", "443")];
        let note = call(&site, "ExplainTraffic", &asked).await.done().text("Note");
        assert!(note.contains("never leave it"), "{note}");
    }
    let other = [("From", "192.0.2.9"), ("To", ADDRESS), ("Port", "443")];
    assert!(call(&site, "ExplainTraffic", &other).await.done().body.get("Note").is_none());
}

#[tokio::test]
async fn where_a_group_is_full_another_one_is_told_that_would_flip_it() {
    let site = site().await;
    // The group of the site has 2 rules and may have 200.
    for batch in [1_000..1_099, 2_000..2_099] {
        let rule = |port: u16| {
            json!({
                "Direction": "ingress", "IpProtocol": "TCP", "PortRange": format!("{port}/{port}"),
                "Policy": "Accept", "Priority": 1, "SourceCidrIp": "10.0.0.0/8",
            })
        };
        let permissions = json!(batch.map(rule).collect::<Vec<_>>()).to_string();
        let parameters = [("SecurityGroupId", &*site.group), ("Permissions", &*permissions)];
        call(&site, "CreateSecurityGroupPermissions", &parameters).await.done();
    }
    let asked = [("From", "internet"), ("To", site.interface.as_str()), ("Port", "8080")];
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    assert!(at(&explained, "/Sides/Side/0").get("Flip").is_none(), "{explained}");
    let other = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let rule = [("IpProtocol", "tcp"), ("PortRange", "8080/8080"), ("SourceCidrIp", "0.0.0.0/0")];
    let accept = [&[("SecurityGroupId", &*other)], &rule[..]].concat();
    call(&site, "AuthorizeSecurityGroup", &accept).await.done();
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    let flip = at(&explained, "/Sides/Side/0/Flip");
    assert_eq!((&flip["Kind"], &flip["SecurityGroupId"]), (&json!("JoinGroup"), &json!(other)));
}

#[tokio::test]
async fn what_cannot_be_explained_is_said() {
    let site = site().await;
    let interface = site.interface.clone();
    for (parameters, code) in [
        (&[("From", "internet")][..], "MissingParameter"),
        (&[("From", "nowhere"), ("To", &*interface), ("Port", "1")], "InvalidParameter.From"),
        (&[("From", "internet"), ("To", "i-unknown"), ("Port", "1")], "InvalidInstanceId.NotFound"),
        (&[("From", "internet"), ("To", "eni-unknown"), ("Port", "1")], "InvalidEniId.NotFound"),
        (&[("From", "internet"), ("To", &*interface)], "InvalidParameter"),
        (&[("From", "internet"), ("To", &*interface), ("Protocol", "sctp")], "InvalidParameter.Protocol"),
        (&[("From", "internet"), ("To", &*interface), ("Port", "65536")], "InvalidParameter.Port"),
        (&[("From", "internet"), ("To", "192.0.2.9"), ("Port", "1")], "InvalidParameter"),
        (&[("From", "2001:db8::1"), ("To", &*interface), ("Port", "1")], "InvalidParameter"),
        (&[("From", "::ffff:192.0.2.9"), ("To", &*interface), ("Port", "1")], "InvalidParameter"),
        (&[("From", "224.0.0.1"), ("To", &*interface), ("Port", "1")], "InvalidParameter"),
        (&[("From", "ff02::1"), ("To", &*interface), ("Port", "1")], "InvalidParameter"),
        (
            &[("From", "internet"), ("To", &*interface), ("Port", "1"), ("AsOf", "yesterday")],
            "InvalidParameter.AsOf",
        ),
        (
            &[("From", "internet"), ("To", &*interface), ("Port", "1"), ("AsOf", "999999")],
            "InvalidAsOf.NotYet",
        ),
        (
            &[("From", "internet"), ("To", &*interface), ("Port", "1"), ("AsOf", "2999-01-01T00:00:00Z")],
            "InvalidAsOf.NotYet",
        ),
    ] {
        assert_eq!(call(&site, "ExplainTraffic", parameters).await.code(), code, "{parameters:?}");
    }
    let other = [("From", "192.0.2.9"), ("To", &*interface), ("Protocol", "132")];
    assert_eq!(call(&site, "ExplainTraffic", &other).await.done().body["Verdict"], "Drop");
}
