//! Events.

use std::sync::{Arc, Mutex};

use control::activity::{Event, EventChange, EventSink};
use serde_json::{Value, json};

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
    assert_eq!(change["Before"], json!(format!("{{\"SecurityGroupIds\":[\"{}\"]}}", site.group)));
    assert_eq!(change["After"], "{\"SecurityGroupIds\":[]}");
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
    let both = [("UserName", "nobody"), ("ActorType", "Root")];
    assert_eq!(call(&site, "ListEvents", &both).await.code(), "EntityNotExist.User");
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
