//! The past.

use serde_json::{Value, json};

use crate::{
    scene::{about_now, at, call, site},
    support::Site,
};

async fn explained(site: &Site, as_of: Option<u64>) -> Value {
    let as_of = as_of.map(|generation| generation.to_string());
    let mut asked = vec![("From", "198.51.100.9"), ("To", site.interface.as_str()), ("Port", "443")];
    if let Some(as_of) = &as_of {
        asked.push(("AsOf", as_of));
    }
    let mut body = call(site, "ExplainTraffic", &asked).await.done().body;
    let fields = body.as_object_mut().unwrap();
    fields.remove("RequestId");
    // Where enforcement stands is told of the present alone.
    let sides = fields["Sides"]["Side"].as_array_mut().unwrap();
    for side in sides {
        side.as_object_mut().unwrap().remove("Enforcement");
    }
    body
}

#[tokio::test]
async fn an_explanation_of_a_moment_is_what_was_answered_then() {
    let site = site().await;
    let group = site.group.clone();
    let mut then = vec![(site.control.status().generation, explained(&site, None).await)];
    let rule = |policy| {
        [
            ("SecurityGroupId", group.as_str()),
            ("IpProtocol", "tcp"),
            ("PortRange", "443/443"),
            ("SourceCidrIp", "198.51.100.0/24"),
            ("Policy", policy),
        ]
    };
    for (action, parameters) in
        [("AuthorizeSecurityGroup", rule("drop")), ("RevokeSecurityGroup", rule("drop"))]
    {
        call(&site, action, &parameters).await.done();
        then.push((site.control.status().generation, explained(&site, None).await));
    }
    for action in ["LeaveSecurityGroup", "JoinSecurityGroup"] {
        about_now(&site, action, &[]).await.done();
        then.push((site.control.status().generation, explained(&site, None).await));
    }
    let verdicts: Vec<&Value> = then.iter().map(|(_, answer)| &answer["Verdict"]).collect();
    assert_eq!(verdicts, ["Accept", "Drop", "Accept", "Drop", "Accept"]);
    for (generation, answer) in then {
        assert_eq!(explained(&site, Some(generation)).await, answer, "{generation}");
    }
}

/// Where no change of a rule flips a verdict of the past, the groups to join are those of that moment, with the rules and
/// the room that they had.
#[tokio::test]
async fn of_a_moment_the_groups_to_join_are_those_of_that_moment() {
    let mut settings = control::Settings::default();
    settings.limits.interfaces_per_group = 1;
    let store = Box::new(store::MemoryStore::new());
    let site = Site::on(store, settings, 0, wire::server::HttpLimits::default()).await;
    let accept = async |group: &str, source: &str| {
        let rule = [("IpProtocol", "tcp"), ("PortRange", "443/443"), ("SourceCidrIp", source)];
        let parameters = [&[("SecurityGroupId", group)], &rule[..]].concat();
        call(&site, "AuthorizeSecurityGroup", &parameters).await.done();
    };
    let create = async || call(&site, "CreateSecurityGroup", &[]).await.done().text("SecurityGroupId");
    accept(&site.group, "198.51.0.0/16").await;
    let full = create().await;
    accept(&full, "198.51.100.0/24").await;
    let shown = call(&site, "DescribeNetworkInterfaces", &[]).await.done().body;
    let vswitch = at(&shown, "/NetworkInterfaceSets/NetworkInterfaceSet/0/VSwitchId").as_str().unwrap();
    let groups = json!([full]).to_string();
    let other = [("VSwitchId", vswitch), ("SecurityGroupIds", &groups)];
    let other = call(&site, "CreateNetworkInterface", &other).await.done().body;
    let other = other["NetworkInterfaceIds"][0].as_str().unwrap();
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    let (then, answer) = (site.control.status().generation, explained(&site, None).await);
    let join = |answer: &Value| at(answer, "/Sides/Side/0/Flip/SecurityGroupId").as_str().unwrap().to_owned();
    assert_eq!(join(&answer), site.group, "the narrower one is full");
    call(&site, "LeaveSecurityGroup", &[("SecurityGroupId", &full), ("NetworkInterfaceId", other)])
        .await
        .done();
    assert_eq!(join(&explained(&site, None).await), full);
    assert_eq!(explained(&site, Some(then)).await, answer);
    let later = create().await;
    accept(&later, "198.51.100.9/32").await;
    assert_eq!(join(&explained(&site, None).await), later);
    assert_eq!(explained(&site, Some(then)).await, answer);
    accept(&site.group, "0.0.0.0/0").await;
    call(&site, "DeleteSecurityGroup", &[("SecurityGroupId", &site.group)]).await.done();
    assert_eq!(explained(&site, Some(then)).await, answer);
}

#[tokio::test]
async fn a_group_is_described_as_it_was_with_its_members() {
    let site = site().await;
    let (group, before) = (site.group.clone(), site.control.status().generation.to_string());
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    call(
        &site,
        "ModifySecurityGroupAttribute",
        &[("SecurityGroupId", &group), ("SecurityGroupName", "later")],
    )
    .await
    .done();
    call(&site, "DeleteSecurityGroup", &[("SecurityGroupId", &group)]).await.done();
    let describe = |as_of: String| {
        let (site, group) = (&site, group.clone());
        async move { call(site, "DescribeStateAt", &[("ResourceId", &group), ("AsOf", &as_of)]).await }
    };
    let now = site.control.status().generation;
    assert_eq!(describe(now.to_string()).await.code(), "InvalidResourceId.NotFound");
    let unnamed = call(&site, "DescribeStateAt", &[("ResourceId", &group)]).await;
    assert_eq!(unnamed.code(), "InvalidResourceId.NotFound", "without a moment it is about now");
    let there = call(&site, "DescribeStateAt", &[("ResourceId", &site.interface)]).await.done().body;
    assert_eq!(there["Generation"], json!(now));
    let renamed = describe((now - 1).to_string()).await.done().body;
    assert_eq!(
        (&renamed["MemberCount"], renamed["State"].as_str().unwrap().contains("later")),
        (&json!(0), true)
    );
    assert_eq!(at(&renamed, "/MadeBy/OperationName"), "ModifySecurityGroupAttribute");
    let old = describe(before).await.done().body;
    assert_eq!(old["NetworkInterfaceIds"]["NetworkInterfaceId"], json!([site.interface]));
    let state: Value = serde_json::from_str(old["State"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&state["SecurityGroupName"], state["Permissions"].as_array().unwrap().len()),
        (&json!(""), 2)
    );
    assert_eq!(at(&old, "/MadeBy/OperationName"), "AuthorizeSecurityGroup");
    assert_eq!(describe("0".into()).await.code(), "InvalidResourceId.NotFound");
    assert!(describe("0".into()).await.message().contains("did not exist at the moment that AsOf names (0)"));
    assert_eq!(describe("2001-01-01T00:00:00Z".into()).await.code(), "InvalidAsOf.BeyondHistory");
    let traffic = [("From", "internet"), ("To", site.interface.as_str()), ("Port", "1")];
    let before_it = [&traffic[..], &[("AsOf", "1")]].concat();
    let before_it = call(&site, "ExplainTraffic", &before_it).await;
    assert!(before_it.message().contains("did not exist at the moment"), "{before_it:?}");
    let before_all = [&traffic[..], &[("AsOf", "2001-01-01T00:00:00Z")]].concat();
    assert_eq!(call(&site, "ExplainTraffic", &before_all).await.code(), "InvalidAsOf.BeyondHistory");
    assert_eq!(describe((now + 1).to_string()).await.code(), "InvalidAsOf.NotYet");
    for id in ["sg-unknown", "node-unknown", "x"] {
        let unknown = [("ResourceId", id), ("AsOf", "1")];
        assert_eq!(call(&site, "DescribeStateAt", &unknown).await.code(), "InvalidResourceId.NotFound");
    }
    let interface = [("ResourceId", site.interface.as_str()), ("AsOf", "2999-01-01T00:00:00Z")];
    assert_eq!(call(&site, "DescribeStateAt", &interface).await.code(), "InvalidAsOf.NotYet");
}

#[tokio::test]
async fn beyond_history_nothing_is_guessed() {
    let settings = control::Settings {
        history: control::HistoryRetention { generations_max: 2, bytes_max: 1 << 20 },
        ..control::Settings::default()
    };
    let store = Box::new(store::MemoryStore::new());
    let site = Site::on(store, settings, 0, wire::server::HttpLimits::default()).await;
    let now = site.control.status().generation;
    let group = site.group.clone();
    for (as_of, code) in [
        ((now - 2).to_string(), "OK"),
        ((now - 3).to_string(), "InvalidAsOf.BeyondHistory"),
        ("2001-01-01T00:00:00Z".into(), "InvalidAsOf.BeyondHistory"),
    ] {
        let answer = call(&site, "DescribeStateAt", &[("ResourceId", &group), ("AsOf", &as_of)]).await;
        assert_eq!(answer.code(), code, "{as_of} {answer:?}");
        let traffic =
            [("From", "internet"), ("To", site.interface.as_str()), ("Port", "1"), ("AsOf", &as_of)];
        assert_eq!(call(&site, "ExplainTraffic", &traffic).await.code(), code, "{as_of}");
    }
    let asked = [("From", "internet"), ("To", site.interface.as_str()), ("Port", "443")];
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    let group = at(&explained, "/Sides/Side/0/SecurityGroups/SecurityGroup/0");
    assert_eq!(group["Known"], false, "{group}");
    assert!(group["Message"].as_str().unwrap().starts_with("older than the history"));
}
