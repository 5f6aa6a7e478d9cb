//! Findings.

use std::{sync::Arc, time::Duration};

use control::{
    Heard, SystemClock, Told,
    fleet::{Answer as NodeAnswer, InterfaceCounters, RuleCounters, RulePlace},
};
use model::{UnixMillis, rule::Direction};
use serde_json::{Value, json};
use wire::gateway::{Gateway, GatewaySettings, Mode, RawRequest};

use crate::{
    scene::{about_now, at, call, site, texts},
    support::{Host, Site, call as call_at, patiently},
};

async fn found(site: &Site, parameters: &[(&str, &str)]) -> Value {
    call(site, "ListFindings", parameters).await.done().body
}

async fn authorize(site: &Site, group: &str, rule: &[(&str, &str)]) {
    let parameters = [&[("SecurityGroupId", group)], rule].concat();
    call(site, "AuthorizeSecurityGroup", &parameters).await.done();
}

#[tokio::test]
async fn what_is_odd_is_found_with_its_kind_and_where() {
    let site = site().await;
    let group = site.group.clone();
    let tcp = ("IpProtocol", "tcp");
    authorize(&site, &group, &[tcp, ("PortRange", "3389/3389"), ("SourceCidrIp", "0.0.0.0/0")]).await;
    authorize(
        &site,
        &group,
        &[tcp, ("PortRange", "443/443"), ("SourceCidrIp", "10.0.0.0/8"), ("Priority", "9")],
    )
    .await;
    let empty = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let all = found(&site, &[]).await;
    let kinds = texts(&all, "/Findings/Finding", "Kind");
    assert_eq!(kinds, ["NoMembers", "NeverDecides", "OpenToTheWorld"], "{all}");
    assert_eq!(all["SecurityGroupCount"], 2);
    let none = at(&all, "/Findings/Finding/0");
    assert_eq!(none["SecurityGroupIds"]["SecurityGroupId"][0], empty);
    let shadowed = at(&all, "/Findings/Finding/1");
    assert_eq!(shadowed["Rules"]["Rule"][0]["Position"], 4);
    assert_eq!(shadowed["Instead"]["Rule"][0]["Position"], 1);
    let open = at(&all, "/Findings/Finding/2");
    assert_eq!(
        (&open["Family"], &open["Ports"]["Port"][0]),
        (&Value::from("IPv4"), &Value::from("tcp 3389"))
    );
    assert_eq!(open["NetworkInterfaceId"], Value::from(site.interface.clone()));
    for (parameters, expected) in [
        (&[("Kind", "NoMembers")][..], &["NoMembers"][..]),
        (&[("SecurityGroupId", group.as_str())], &["NeverDecides", "OpenToTheWorld"]),
        (&[("NetworkInterfaceId", site.interface.as_str())], &["OpenToTheWorld", "NeverDecides"]),
        (&[("SecurityGroupId", empty.as_str())], &["NoMembers"]),
    ] {
        assert_eq!(
            texts(&found(&site, parameters).await, "/Findings/Finding", "Kind"),
            expected,
            "{parameters:?}"
        );
    }
    let first = found(&site, &[("MaxResults", "1")]).await;
    let token = first["NextToken"].as_str().unwrap();
    assert_eq!(texts(&first, "/Findings/Finding", "Kind"), ["NoMembers"]);
    let second = found(&site, &[("MaxResults", "1"), ("NextToken", token)]).await;
    assert_eq!(texts(&second, "/Findings/Finding", "Kind"), ["NeverDecides", "OpenToTheWorld"]);
    assert!(second.get("NextToken").is_none());
}

#[tokio::test]
async fn what_takes_several_groups_is_said_once_of_the_interfaces_in_them() {
    let site = site().await;
    let second = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let rule = [("IpProtocol", "tcp"), ("PortRange", "443/443"), ("SourceCidrIp", "0.0.0.0/0")];
    authorize(&site, &second, &rule).await;
    let join = [("SecurityGroupId", second.as_str()), ("NetworkInterfaceId", site.interface.as_str())];
    call(&site, "JoinSecurityGroup", &join).await.done();
    let all = found(&site, &[]).await;
    assert_eq!(texts(&all, "/Findings/Finding", "Kind"), ["Repeated"], "{all}");
    assert_eq!(at(&all, "/Findings/Finding/0/SecurityGroupIds/SecurityGroupId").as_array().unwrap().len(), 2);
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    assert_eq!(texts(&found(&site, &[]).await, "/Findings/Finding", "Kind"), ["NoMembers"]);
}

/// Another network interface beside the one of the site, in these groups.
async fn interface_in(site: &Site, groups: &[&str]) -> String {
    let shown = call(site, "DescribeNetworkInterfaces", &[]).await.done().body;
    let vswitch = at(&shown, "/NetworkInterfaceSets/NetworkInterfaceSet/0/VSwitchId").as_str().unwrap();
    let groups = json!(groups).to_string();
    let parameters = [("VSwitchId", vswitch), ("SecurityGroupIds", groups.as_str())];
    let made = call(site, "CreateNetworkInterface", &parameters).await.done().body;
    made["NetworkInterfaceIds"][0].as_str().unwrap().to_owned()
}

/// Another group, with one rule about TCP from everywhere.
async fn group_with(site: &Site, ports: &str, policy: &str) -> String {
    let group = call(site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    let rule =
        [("IpProtocol", "tcp"), ("PortRange", ports), ("SourceCidrIp", "0.0.0.0/0"), ("Policy", policy)];
    authorize(site, &group, &rule).await;
    group
}

/// What is open to the world: how many groups it is said of, the ports, and the number of interfaces.
fn open(found: &Value) -> Vec<(usize, Value, Value)> {
    let findings = at(found, "/Findings/Finding").as_array().unwrap().iter();
    let open = findings.filter(|own| own["Kind"] == "OpenToTheWorld").map(|own| {
        let groups = own["SecurityGroupIds"]["SecurityGroupId"].as_array().unwrap();
        (groups.len(), own["Ports"]["Port"].clone(), own["NetworkInterfaceCount"].clone())
    });
    open.collect()
}

#[tokio::test]
async fn what_a_group_opens_alone_is_said_once_whatever_other_groups_its_members_are_in() {
    let site = site().await;
    let group = group_with(&site, "3389/5900", "accept").await;
    let (one, other) =
        (group_with(&site, "443/443", "accept").await, group_with(&site, "80/80", "drop").await);
    let combinations =
        [&[&*group][..], &[&group], &[&group, &one], &[&group, &other], &[&group, &one, &other]];
    for groups in combinations {
        interface_in(&site, groups).await;
    }
    let both = json!(["tcp 3389", "tcp 5900"]);
    for parameters in [&[][..], &[("Kind", "OpenToTheWorld")], &[("SecurityGroupId", &*group)]] {
        assert_eq!(open(&found(&site, parameters).await), [(1, both.clone(), json!(5))], "{parameters:?}");
    }
    // Step by step it is said no more often, and counts those whose combination is said elsewhere.
    let first = found(&site, &[("MaxResults", "1"), ("Kind", "OpenToTheWorld")]).await;
    assert_eq!(open(&first), [(1, both.clone(), json!(5))]);
    // Where another group closes it, it is not open; where it closes some of it, that is said of the two.
    let closing = group_with(&site, "1/65535", "drop").await;
    interface_in(&site, &[&group, &closing]).await;
    let half = group_with(&site, "5900/5900", "drop").await;
    interface_in(&site, &[&group, &half]).await;
    let mut all = open(&found(&site, &[]).await);
    all.sort_by_key(|own| own.0);
    assert_eq!(all, [(1, both.clone(), json!(5)), (2, json!(["tcp 3389"]), json!(1))]);
    // Two that open the same are each said once.
    let again = group_with(&site, "5900/5900", "accept").await;
    interface_in(&site, &[&group, &again]).await;
    let mut all = open(&found(&site, &[]).await);
    all.sort_by_key(|own| (own.0, own.1.as_array().unwrap().len()));
    let expected =
        [(1, json!(["tcp 5900"]), json!(1)), (1, both, json!(6)), (2, json!(["tcp 3389"]), json!(1))];
    assert_eq!(all, expected);
}

#[tokio::test]
async fn of_one_group_what_others_open_at_its_members_is_said_of_both() {
    let site = site().await;
    let (one, opening) =
        (group_with(&site, "443/443", "accept").await, group_with(&site, "22/22", "accept").await);
    let interface = interface_in(&site, &[&one, &opening]).await;
    interface_in(&site, &[&opening]).await;
    let of_one = found(&site, &[("SecurityGroupId", &*one)]).await;
    assert_eq!(open(&of_one), [(2, json!(["tcp 22"]), json!(1))]);
    assert_eq!(at(&of_one, "/Findings/Finding/0/NetworkInterfaceId"), &Value::from(interface));
    // Where the other is looked at too, it is said there.
    for parameters in [&[][..], &[("SecurityGroupId", &*opening)]] {
        assert_eq!(
            open(&found(&site, parameters).await),
            [(1, json!(["tcp 22"]), json!(2))],
            "{parameters:?}"
        );
    }
}

/// Every choice of one to three of several.
fn choices(several: &[String]) -> Vec<Vec<&str>> {
    let mut choices: Vec<Vec<&str>> = vec![Vec::new()];
    for own in several {
        let longer: Vec<Vec<&str>> = choices.iter().filter(|choice| choice.len() < 3).cloned().collect();
        choices.extend(longer.into_iter().map(|choice| [choice, vec![own]].concat()));
    }
    choices.split_off(1)
}

#[tokio::test]
async fn however_many_combinations_its_members_are_in_what_a_group_opens_is_said_of_all_of_them() {
    let site = site().await;
    let group = group_with(&site, "22/22", "accept").await;
    let closing = group_with(&site, "22/22", "drop").await;
    let mut besides = Vec::new();
    for _ in 0..7 {
        besides.push(group_with(&site, "443/443", "accept").await);
    }
    // It is closed where the most are, and open where one is.
    for choice in choices(&besides).into_iter().take(55) {
        let groups = [&[&*group, &*closing], &choice[..]].concat();
        interface_in(&site, &groups).await;
        interface_in(&site, &groups).await;
    }
    for choice in choices(&besides).into_iter().take(3) {
        interface_in(&site, &[&[&*group], &choice[..]].concat()).await;
    }
    for parameters in [&[][..], &[("SecurityGroupId", &*group)], &[("SecurityGroupId", &*besides[0])]] {
        let all = found(&site, &[parameters, &[("Kind", "OpenToTheWorld")]].concat()).await;
        let mut open = open(&all);
        open.sort_by_key(|own| own.0);
        let expected = match parameters {
            [(_, id)] if *id == besides[0] => {
                vec![(2, json!(["tcp 22"]), json!(1)), (3, json!(["tcp 22"]), json!(1))]
            }
            _ => vec![(1, json!(["tcp 22"]), json!(3))],
        };
        assert_eq!(open, expected, "{parameters:?}");
    }
    // What takes several groups is looked at in 50 combinations of one group.
    let of_group = found(&site, &[("SecurityGroupId", &*group)]).await;
    assert_eq!((&of_group["UndecidedCount"], open(&of_group).len()), (&json!(8), 1));
}

#[tokio::test]
async fn as_many_rules_as_an_interface_may_have_are_looked_at() {
    let site = site().await;
    let mut groups = Vec::new();
    for number in 0..5 {
        let group = call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
        let rule = |own: u32| {
            let port = 10_000 + number * 200 + own;
            json!({
                "Direction": "ingress", "IpProtocol": "TCP", "PortRange": format!("{port}/{port}"),
                "Policy": "Accept", "Priority": 1, "SourceCidrIp": format!("10.{number}.{own}.0/24"),
            })
        };
        let permissions = json!((0..200).map(rule).collect::<Vec<_>>()).to_string();
        let parameters = [("SecurityGroupId", &*group), ("Permissions", &*permissions)];
        call(&site, "CreateSecurityGroupPermissions", &parameters).await.done();
        groups.push(group);
    }
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let interface = interface_in(&site, &groups).await;
    let all = found(&site, &[("NetworkInterfaceId", &*interface)]).await;
    assert_eq!((&all["UndecidedCount"], &all["Findings"]["Finding"]), (&json!(0), &json!([])));
    let leave = [("SecurityGroupId", groups[0]), ("NetworkInterfaceId", &*interface)];
    let preview = call(&site, "PreviewLeaveSecurityGroup", &leave).await.done().body;
    let policy = at(&preview, "/Policies/Policy/0");
    assert_eq!((&policy["Whole"], &policy["ClosingPieceCount"]), (&json!(true), &json!(200)));
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_said() {
    let site = site().await;
    let group = site.group.clone();
    for (parameters, code) in [
        (&[("SecurityGroupId", "sg-unknown")][..], "InvalidSecurityGroupId.NotFound"),
        (&[("NetworkInterfaceId", "eni-unknown")], "InvalidEniId.NotFound"),
        (&[("SecurityGroupId", &*group), ("NetworkInterfaceId", &*site.interface)], "InvalidParameter"),
        (&[("Kind", "Odd")], "InvalidParameter.Kind"),
        (&[("NextToken", "x")], "InvalidParameter.NextToken"),
        (&[("MaxResults", "0")], "InvalidParameter.MaxResults"),
        (&[("Kind", "Unused")], "InvalidParameter"),
        (&[("Kind", "Unused"), ("SecurityGroupId", "sg-unknown")], "InvalidSecurityGroupId.NotFound"),
        (&[("Kind", "Unused"), ("NetworkInterfaceId", "eni-unknown")], "InvalidEniId.NotFound"),
        (&[("UnusedSince", "2026-01-01T00:00:00Z")], "InvalidParameter"),
        (
            &[("Kind", "Unused"), ("SecurityGroupId", &*group), ("UnusedSince", "2999-01-01T00:00:00Z")],
            "InvalidParameter.UnusedSince",
        ),
    ] {
        assert_eq!(call(&site, "ListFindings", parameters).await.code(), code, "{parameters:?}");
    }
}

/// A node's counters of the rules of the site's group: how often each decided.
fn counters(site: &Site, decisions: [u64; 2]) -> InterfaceCounters {
    let texts =
        ["ingress accept tcp from 0.0.0.0/0 to port 443", "ingress accept tcp from 192.0.2.0/24 to port 22"];
    let group = site.group.parse().unwrap();
    let rule = |(place, decisions): (usize, u64)| RuleCounters {
        direction: Direction::Ingress,
        rule: Some(RulePlace { group, rule: u32::try_from(place).unwrap() }),
        rule_text: texts[place].into(),
        decisions,
        flow_count: 0,
        packets_in: 0,
        packets_out: 0,
        bytes_in: 0,
        bytes_out: 0,
    };
    InterfaceCounters { rules: decisions.into_iter().enumerate().map(rule).collect(), ..Default::default() }
}

/// Asks for unused rules while the node answers with these counters.
async fn unused(site: &Site, host: &mut Host, since: &str, counters: InterfaceCounters) -> Value {
    let (address, group, since) = (site.address, site.group.clone(), since.to_owned());
    let asked = tokio::spawn(async move {
        let parameters = [("Kind", "Unused"), ("SecurityGroupId", &*group), ("UnusedSince", &*since)];
        let sent = if since.is_empty() { &parameters[..2] } else { &parameters };
        patiently(call_at(address, "ListFindings", sent, &[])).await
    });
    loop {
        if let Told::Question { id, .. } = host.obey().await {
            host.follower.heard(Heard::Answer { id, answer: NodeAnswer::Counters(counters) });
            return asked.await.unwrap().done().body;
        }
    }
}

#[tokio::test]
async fn rules_that_no_packet_has_used_are_told_as_far_as_nodes_know() {
    let site = site().await;
    let group = site.group.clone();
    let asked = [("Kind", "Unused"), ("SecurityGroupId", group.as_str())];
    let silent = found(&site, &asked).await;
    assert_eq!((&silent["UnknownRuleCount"], &silent["Findings"]["Finding"]), (&json!(2), &json!([])));
    assert_eq!(at(&silent, "/SilentNodes/Node/0/Message"), "the node is not connected");
    // A node that does not say when it booted may have forgotten what it counted.
    let mut host = site.host().await;
    let one = unused(&site, &mut host, "", counters(&site, [3, 0])).await;
    assert_eq!((&one["UsedRuleCount"], &one["UnknownRuleCount"]), (&json!(1), &json!(1)));
    let mut host = site.host_since(Some(UnixMillis(1_000))).await;
    let one = unused(&site, &mut host, "", counters(&site, [3, 0])).await;
    assert_eq!((&one["UsedRuleCount"], &one["UnknownRuleCount"]), (&json!(1), &json!(0)));
    assert_eq!(at(&one, "/Findings/Finding/0/Rules/Rule/0/Position"), 2);
    assert_eq!(at(&one, "/Findings/Finding/0/NodeCount"), 1);
    // The rules are younger than that: nobody counted them then.
    let early = unused(&site, &mut host, "2001-01-01T00:00:00Z", counters(&site, [3, 0])).await;
    assert_eq!((&early["UnknownRuleCount"], &early["Findings"]["Finding"]), (&json!(1), &json!([])));
    // A node that goes by other rules says nothing about these.
    let mut other = counters(&site, [0, 0]);
    other.rules[1].rule_text = "ingress accept tcp".into();
    let other = unused(&site, &mut host, "", other).await;
    assert_eq!(
        (&other["UnknownRuleCount"], at(&other, "/Findings/Finding/0/Rules/Rule/0/Position")),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn an_account_has_its_share_of_surveys_under_way() {
    let site = site().await;
    let settings =
        GatewaySettings { mode: Mode::Lenient, surveys_per_account_max: 0, ..GatewaySettings::default() };
    let catalogue = model::site::Catalogue::default();
    let gateway = Gateway::new(site.control.clone(), catalogue, settings, Arc::new(SystemClock), &[]);
    let (method, headers) = (http::Method::GET, http::HeaderMap::new());
    let query = "Action=ListFindings&Version=2026-11-22";
    let (peer, secure, within) = (None, true, Duration::from_secs(60));
    let request =
        RawRequest { method: &method, path: "/", query, headers: &headers, body: &[], peer, secure, within };
    let refused = gateway.handle(request).await;
    assert_eq!(refused.status, 429);
    assert!(String::from_utf8(refused.body).unwrap().contains("Throttling.User"));
}
