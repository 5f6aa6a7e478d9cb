//! Events.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use control::{
    SystemClock,
    activity::{Event, EventChange, EventSink},
};
use serde_json::{Value, json};
use wire::gateway::{Gateway, GatewaySettings, Mode, RawRequest};

use crate::{
    scene::{about_now, at, call, site, texts},
    support::Site,
};

async fn list(site: &Site, parameters: &[(&str, &str)]) -> Value {
    call(site, "ListEvents", parameters).await.done().body
}

#[tokio::test]
async fn events_say_who_did_what_with_before_and_after() {
    let site = site().await;
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    let refused = about_now(&site, "LeaveSecurityGroup", &[]).await;
    // The lenient server forgives a Leave that is repeated; another group's is refused.
    assert_eq!(refused.status, 200);
    let unknown = [("SecurityGroupId", "sg-unknown"), ("NetworkInterfaceId", site.interface.as_str())];
    assert_ne!(call(&site, "LeaveSecurityGroup", &unknown).await.status, 200);
    let shown = list(&site, &[("OperationName", "LeaveSecurityGroup")]).await;
    assert_eq!(texts(&shown, "/Events/Event", "Outcome"), ["Refused", "Applied"]);
    let (refused, applied) = (at(&shown, "/Events/Event/0"), at(&shown, "/Events/Event/1"));
    assert_eq!(refused["ErrorCode"], "InvalidSecurityGroupId.NotFound");
    assert_eq!(refused["ResourceIds"]["ResourceId"], json!(["sg-unknown", site.interface]));
    assert!(refused.get("Generation").is_none() && refused["EventId"].as_str().unwrap().contains('.'));
    assert_eq!((&applied["ActorType"], &applied["SourceIpAddress"]), (&json!("Root"), &json!("127.0.0.1")));
    let change = at(applied, "/Changes/Change/0");
    assert_eq!((&change["Kind"], &change["ResourceType"]), (&json!("Changed"), &json!("NetworkInterface")));
    assert_eq!(change["Removed"], json!(format!("{{\"SecurityGroupIds\":[\"{}\"]}}", site.group)));
    assert!(["Before", "After", "Added"].iter().all(|name| change.get(name).is_none()), "{change}");
}

#[tokio::test]
async fn events_are_filtered_and_come_in_steps_that_neither_repeat_nor_miss() {
    let site = site().await;
    let whole = list(&site, &[("MaxResults", "100")]).await;
    let ids = texts(&whole, "/Events/Event", "EventId");
    assert!(ids.len() > 5 && whole.get("NextToken").is_none());
    let (mut stepped, mut token) = (Vec::new(), String::new());
    loop {
        let mut parameters = vec![("MaxResults", "2")];
        if !token.is_empty() {
            parameters.push(("NextToken", token.as_str()));
        }
        let step = list(&site, &parameters).await;
        stepped.extend(texts(&step, "/Events/Event", "EventId"));
        match step.get("NextToken").and_then(Value::as_str) {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(stepped, ids);
    let of = |shown: Value| texts(&shown, "/Events/Event", "OperationName");
    let group = site.group.clone();
    assert_eq!(
        of(list(&site, &[("ResourceId", &group)]).await),
        ["AuthorizeSecurityGroup", "AuthorizeSecurityGroup", "CreateNetworkInterface", "CreateSecurityGroup"]
    );
    let interface = site.interface.clone();
    assert_eq!(
        of(list(&site, &[("ResourceId", &interface)]).await),
        ["BindNetworkInterface", "CreateNetworkInterface"]
    );
    assert_eq!(of(list(&site, &[("ResourceId", "sg-unknown")]).await), [] as [&str; 0]);
    assert_eq!(of(list(&site, &[("Outcome", "Refused")]).await), [] as [&str; 0]);
    assert_eq!(of(list(&site, &[("ActorType", "Node")]).await), ["Test"]);
    assert_eq!(of(list(&site, &[("ActorType", "User")]).await), [] as [&str; 0]);
    assert_eq!(of(list(&site, &[("BeginTime", "2999-01-01T00:00:00Z")]).await), [] as [&str; 0]);
    assert_eq!(of(list(&site, &[("EndTime", "2001-01-01T00:00:00Z")]).await), [] as [&str; 0]);
    for (parameter, code) in [
        (("UserName", "nobody"), "EntityNotExist.User"),
        (("NextToken", "x"), "InvalidParameter.NextToken"),
        (("MaxResults", "0"), "InvalidParameter.MaxResults"),
        (("Outcome", "Lost"), "InvalidParameter.Outcome"),
        (("BeginTime", "now"), "InvalidParameter.BeginTime"),
    ] {
        assert_eq!(call(&site, "ListEvents", &[parameter]).await.code(), code, "{parameter:?}");
    }
    // A time is a whole second, and what was made in it belongs to it.
    let newest = at(&whole, "/Events/Event/0");
    let (time, generation) = (newest["Time"].as_str().unwrap(), &newest["Generation"]);
    assert_eq!(at(&list(&site, &[("EndTime", time)]).await, "/Events/Event/0/EventId"), &newest["EventId"]);
    let described = [("ResourceId", site.group.as_str()), ("AsOf", time)];
    let described = call(&site, "DescribeStateAt", &described).await.done().body;
    assert!(described["Generation"].as_u64() >= generation.as_u64(), "{described}");
    let both = [("UserName", "nobody"), ("ActorType", "Root")];
    assert_eq!(call(&site, "ListEvents", &both).await.code(), "InvalidParameter");
}

/// What a lenient server takes as said by whoever has this access key.
async fn by(site: &Site, key: &str, action: &str, parameters: &[(&str, &str)]) -> crate::support::Answer {
    let claimed = [
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", "nonce"),
        ("Signature", "AAAA"),
        ("Timestamp", "2026-11-22T03:04:05Z"),
        ("AccessKeyId", key),
    ];
    call(site, action, &[&claimed[..], parameters].concat()).await
}

/// Makes a user with a policy, and gives its number and the id of its key.
async fn user(site: &Site, name: &str, policy: &str) -> (String, String) {
    let made =
        call(site, "CreateUser", &[("UserName", name), ("MobilePhone", "86-13800000000")]).await.done();
    let attached = [("UserName", name), ("PolicyName", policy), ("PolicyType", "System")];
    call(site, "AttachPolicyToUser", &attached).await.done();
    let key = call(site, "CreateAccessKey", &[("UserName", name)]).await.done().body;
    let text = |value: &Value, pointer: &str| at(value, pointer).as_str().unwrap().to_owned();
    (text(&made.body, "/User/UserId"), text(&key, "/AccessKey/AccessKeyId"))
}

/// Deletes a user with all that is of it.
async fn delete_user(site: &Site, name: &str, key: &str, policy: &str) {
    call(site, "DeleteAccessKey", &[("UserName", name), ("UserAccessKeyId", key)]).await.done();
    let attached = [("UserName", name), ("PolicyName", policy), ("PolicyType", "System")];
    call(site, "DetachPolicyFromUser", &attached).await.done();
    call(site, "DeleteUser", &[("UserName", name)]).await.done();
}

#[tokio::test]
async fn who_did_it_is_called_as_it_was_then_whatever_became_of_the_user() {
    const ALL: &str = "AdministratorAccess";
    let site = site().await;
    let (id, key) = user(&site, "alice", ALL).await;
    let member = [("SecurityGroupId", &*site.group), ("NetworkInterfaceId", &*site.interface)];
    for action in ["LeaveSecurityGroup", "JoinSecurityGroup"] {
        by(&site, &key, action, &member).await.done();
    }
    let unknown = [("SecurityGroupId", "sg-unknown"), ("NetworkInterfaceId", site.interface.as_str())];
    assert_ne!(by(&site, &key, "LeaveSecurityGroup", &unknown).await.status, 200);
    call(&site, "UpdateUser", &[("UserName", "alice"), ("NewUserName", "alice2")]).await.done();
    delete_user(&site, "alice2", &key, ALL).await;
    user(&site, "alice", ALL).await;
    for named in ["alice", &id] {
        let shown = list(&site, &[("UserName", named)]).await;
        let of = |field| texts(&shown, "/Events/Event", field);
        assert_eq!(of("OperationName"), ["LeaveSecurityGroup", "JoinSecurityGroup", "LeaveSecurityGroup"]);
        assert_eq!((of("ActorName"), of("ActorId")), (vec!["alice".into(); 3], vec![id.clone(); 3]));
    }
    // It did nothing under that name, and nobody is called so any more.
    assert_eq!(call(&site, "ListEvents", &[("UserName", "alice2")]).await.code(), "EntityNotExist.User");
    let asked = [("From", "192.0.2.9"), ("To", site.interface.as_str()), ("Port", "443")];
    let explained = call(&site, "ExplainTraffic", &asked).await.done().body;
    assert_eq!(at(&explained, "/Sides/Side/0/Membership/ActorName"), "alice", "{explained}");
    let newest = list(&site, &[("MaxResults", "1")]).await;
    let newest = at(&newest, "/Events/Event/0/Generation").to_string();
    let described = call(&site, "DescribeStateAt", &[("ResourceId", &site.interface), ("AsOf", &newest)])
        .await
        .done()
        .body;
    assert_eq!(at(&described, "/MadeBy/ActorName"), "alice");
    let made = list(&site, &[("OperationName", "DeleteUser")]).await;
    let change = at(&made, "/Events/Event/0/Changes/Change/0");
    assert_eq!((&change["ResourceName"], &change["ResourceId"]), (&json!("alice2"), &json!(id)));
}

#[tokio::test]
async fn of_a_group_with_rules_the_added_ones_are_shown_as_added() {
    let site = site().await;
    let group = site.group.clone();
    let shown = list(&site, &[("ResourceId", &group), ("OperationName", "AuthorizeSecurityGroup")]).await;
    let change = at(&shown, "/Events/Event/0/Changes/Change/0");
    assert!(["Before", "After", "Removed"].iter().all(|name| change.get(name).is_none()), "{change}");
    let added: Value = serde_json::from_str(change["Added"].as_str().unwrap()).unwrap();
    assert_eq!(texts(&added, "/Permissions", "Text"), ["ingress accept tcp from 192.0.2.0/24 to port 22"]);
}

#[tokio::test]
async fn no_secret_is_in_an_event() {
    let site = site().await;
    call(&site, "CreateUser", &[("UserName", "alice")]).await.done();
    let key = call(&site, "CreateAccessKey", &[("UserName", "alice")]).await.done().body;
    let (id, secret) = (at(&key, "/AccessKey/AccessKeyId"), at(&key, "/AccessKey/AccessKeySecret"));
    let shown = list(&site, &[("MaxResults", "100"), ("ResourceId", id.as_str().unwrap())]).await;
    assert_eq!(texts(&shown, "/Events/Event", "OperationName"), ["CreateAccessKey"]);
    assert!(!shown.to_string().contains(secret.as_str().unwrap()));
}

/// Whether an event of this operation shows what was before or after, and names an access key.
fn shows(events: &Value, operation: &str) -> (bool, bool) {
    let mut all = at(events, "/Events/Event").as_array().unwrap().iter();
    let event = all.find(|event| event["OperationName"] == operation).unwrap();
    let change = at(event, "/Changes/Change/0");
    (change.get("After").is_some(), change.get("ResourceId").is_some())
}

#[tokio::test]
async fn what_ram_would_not_tell_a_caller_is_not_in_its_events() {
    let site = site().await;
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ens:*","Resource":"*"}]}"#;
    call(&site, "CreatePolicy", &[("PolicyName", "own"), ("PolicyDocument", document)]).await.done();
    let keys = [
        user(&site, "reader", "RavelinReadOnlyAccess").await.1,
        user(&site, "auditor", "AdministratorAccess").await.1,
    ];
    let events = async |key: &str| by(&site, key, "ListEvents", &[("MaxResults", "100")]).await.done().body;
    let (reader, auditor) = (events(&keys[0]).await, events(&keys[1]).await);
    for (operation, id) in [("CreateUser", true), ("CreatePolicy", true), ("CreateAccessKey", false)] {
        assert_eq!(shows(&reader, operation), (false, id), "{operation}");
        assert_eq!(shows(&auditor, operation), (true, true), "{operation}");
    }
    assert_eq!(shows(&reader, "CreateSecurityGroup"), (true, true));
    // A filter tells no more than the list does: neither that a key is there, nor that a name is nobody's.
    let of_key = async |caller: &str, key: &str| {
        let shown = by(&site, caller, "ListEvents", &[("ResourceId", key)]).await.done().body;
        texts(&shown, "/Events/Event", "OperationName")
    };
    assert_eq!(of_key(&keys[0], &keys[1]).await, [] as [&str; 0]);
    assert_eq!(of_key(&keys[0], "LTAI5tNothing").await, [] as [&str; 0]);
    assert_eq!(of_key(&keys[1], &keys[0]).await, ["CreateAccessKey"]);
    // Also to somebody who may list the keys of everybody but of that user.
    let denied = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"ram:ListAccessKeys","Resource":"acs:ram:*:*:user/reader"}]}"#;
    call(&site, "CreatePolicy", &[("PolicyName", "denied"), ("PolicyDocument", denied)]).await.done();
    let other = user(&site, "other", "AdministratorAccess").await.1;
    let attach = [("PolicyType", "Custom"), ("PolicyName", "denied"), ("UserName", "other")];
    call(&site, "AttachPolicyToUser", &attach).await.done();
    assert_eq!(of_key(&other, &keys[0]).await, [] as [&str; 0]);
    assert_eq!(of_key(&other, &keys[1]).await, ["CreateAccessKey"]);
    for name in ["auditor", "nobody"] {
        let shown = by(&site, &keys[0], "ListEvents", &[("UserName", name)]).await.done().body;
        assert_eq!(at(&shown, "/Events/Event"), &json!([]), "{name}");
    }
    let nobody = by(&site, &keys[1], "ListEvents", &[("UserName", "nobody")]).await;
    assert_eq!(nobody.code(), "EntityNotExist.User");
    // Nor can a call tell that names the key as something else and is refused: it is found whether there is such a key or not.
    for id in [keys[1].as_str(), "LTAI5tNothing"] {
        let tried = [("SecurityGroupId", id), ("NetworkInterfaceId", site.interface.as_str())];
        assert_ne!(by(&site, &keys[0], "LeaveSecurityGroup", &tried).await.status, 200);
        assert_eq!(of_key(&keys[0], id).await, ["LeaveSecurityGroup"]);
    }
    let text = reader.to_string();
    assert!(keys.iter().all(|key| !text.contains(key)) && !text.contains("13800000000"));
}

#[tokio::test]
async fn what_came_too_late_to_be_answered_is_no_refusal() {
    let site = site().await;
    let clock = Arc::new(SystemClock);
    let settings = GatewaySettings { mode: Mode::Lenient, ..GatewaySettings::default() };
    let gateway = Gateway::new(site.control.clone(), model::site::Catalogue::default(), settings, clock, &[]);
    let unknown = "Action=LeaveSecurityGroup&Version=2017-11-10&SecurityGroupId=sg-unknown&NetworkInterfaceId=eni-unknown";
    let created = "Action=CreateSecurityGroup&Version=2017-11-10&SecurityGroupName=late";
    for (query, within) in [(created, Duration::ZERO), (unknown, Duration::from_secs(60))] {
        let (method, headers) = (http::Method::GET, http::HeaderMap::new());
        let (peer, secure) = (None, true);
        let request = RawRequest {
            method: &method,
            path: "/",
            query,
            headers: &headers,
            body: &[],
            peer,
            secure,
            within,
        };
        gateway.handle(request).await;
    }
    let refused = list(&site, &[("Outcome", "Refused")]).await;
    assert_eq!(texts(&refused, "/Events/Event", "OperationName"), ["LeaveSecurityGroup"], "{refused}");
}

#[tokio::test]
async fn callers_that_come_too_soon_push_out_no_other_refusal() {
    let site = site().await;
    let clock = Arc::new(SystemClock);
    let mut settings = GatewaySettings { mode: Mode::Lenient, ..GatewaySettings::default() };
    settings.flow.requests_per_second = 1;
    let gateway = Gateway::new(site.control.clone(), model::site::Catalogue::default(), settings, clock, &[]);
    let mut statuses = Vec::new();
    for _ in 0..50 {
        let query = "Action=CreateSecurityGroup&Version=2017-11-10";
        let (method, headers) = (http::Method::GET, http::HeaderMap::new());
        let (peer, secure, within) = (None, true, Duration::from_secs(60));
        let request = RawRequest {
            method: &method,
            path: "/",
            query,
            headers: &headers,
            body: &[],
            peer,
            secure,
            within,
        };
        statuses.push(gateway.handle(request).await.status);
    }
    assert!(statuses.iter().any(|status| *status != 200), "{statuses:?}");
    let refused = list(&site, &[("Outcome", "Refused")]).await;
    assert_eq!(at(&refused, "/Events/Event"), &json!([]));
}

#[derive(Default)]
struct Collected(Mutex<Vec<(String, usize)>>);

impl EventSink for Collected {
    fn take(&self, event: &Event, changes: &[EventChange]) {
        self.0.lock().unwrap().push((event.operation.to_string(), changes.len()));
    }
}

#[tokio::test]
async fn a_sink_is_told_of_every_event() {
    let site = site().await;
    let sink = Arc::new(Collected::default());
    site.control.set_event_sink(sink.clone());
    about_now(&site, "LeaveSecurityGroup", &[]).await.done();
    let unknown = [("SecurityGroupId", "sg-unknown"), ("NetworkInterfaceId", site.interface.as_str())];
    assert_ne!(call(&site, "JoinSecurityGroup", &unknown).await.status, 200);
    let told = sink.0.lock().unwrap().clone();
    assert_eq!(told, [("LeaveSecurityGroup".to_owned(), 1), ("JoinSecurityGroup".to_owned(), 0)]);
}

#[tokio::test]
async fn of_an_event_as_many_changes_are_shown_as_are_asked_for() {
    let site = site().await;
    let group = site.group.clone();
    let vswitch = interface_vswitch(&site).await;
    let wish = [
        ("EnsRegionId", "edge-1"),
        ("ScheduleAreaLevel", "Region"),
        ("VSwitchId", vswitch.as_str()),
        ("SecurityId", group.as_str()),
        ("Amount", "30"),
    ];
    call(&site, "RunInstances", &wish).await.done();
    let of_run = |more: &[(&'static str, &'static str)]| {
        [&[("OperationName", "RunInstances"), ("MaxResults", "1")], more].concat()
    };
    let shown = |found: &Value| {
        let event = at(found, "/Events/Event/0");
        (event["ChangeCount"].as_u64().unwrap(), event["Changes"]["Change"].as_array().unwrap().len())
    };
    assert_eq!(shown(&list(&site, &of_run(&[])).await), (60, 20));
    assert_eq!(shown(&list(&site, &of_run(&[("MaxChanges", "2000")])).await), (60, 60));
    let beyond = [("MaxResults", "100"), ("MaxChanges", "21")];
    let refused = call(&site, "ListEvents", &beyond).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.to_string().contains("2,000 at the most"), "{refused:?}");
}

async fn interface_vswitch(site: &Site) -> String {
    let of = [("NetworkInterfaceId", site.interface.as_str())];
    let found = call(site, "DescribeNetworkInterfaces", &of).await.done().body;
    texts(&found, "/NetworkInterfaceSets/NetworkInterfaceSet", "VSwitchId").remove(0)
}
