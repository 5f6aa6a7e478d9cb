//! What is asked before something starts, ends or is lost, and what is known of it then.

use std::time::Duration;

use control::{
    Follower, Heard, Told,
    fleet::{Answer as NodeAnswer, Decision, NodeFlow, Question},
};
use model::rule::Direction;

use super::{
    changes::furnish,
    nodes::{bind, confirm, interface_of, node},
    support::{Answer, Browser, Site, patiently},
};

/// A connection that somebody has to the instance.
fn flow() -> NodeFlow {
    NodeFlow {
        direction: Direction::Ingress,
        protocol: 6,
        local_address: [10, 0, 0, 5].into(),
        remote_address: [198, 51, 100, 7].into(),
        local_port: 22,
        remote_port: 50_396,
        alive: true,
        rule: None,
        age: Duration::from_secs(61),
        idle: Duration::from_secs(1),
        packets_in: 12,
        bytes_in: 1_143,
        packets_out: 10,
        bytes_out: 20_480,
        state: "established".into(),
        decision: Some(Decision::Exempt),
        rule_text: "".into(),
    }
}

/// Opens a page while its node answers what it is asked about flows: with this one, and that there are two more.
async fn get_while_asked(browser: &mut Browser, page: &str, follower: &mut Follower) -> Answer {
    let answers = async {
        loop {
            if let Told::Question { id, question } = patiently(follower.next()).await.unwrap() {
                assert!(matches!(question, Question::Flows { most: 10, .. }), "{question:?}");
                let answer = NodeAnswer::Flows { flows: vec![flow()], left_out: 2 };
                follower.heard(Heard::Answer { id, answer });
            }
        }
    };
    tokio::select! {
        page = browser.get(page) => page,
        () = answers => unreachable!("a node answers for ever"),
    }
}

#[tokio::test]
async fn a_binding_is_asked_about_with_the_rules_that_would_decide() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let interface = interface_of(&mut browser, &instance).await;
    let (node, _follower) = node(&site, &mut browser).await;
    let form = browser.get(&format!("{interface}/bind")).await;
    form.shows(&format!("action=\"{interface}/bind/preview\""));
    form.hides(&format!("action=\"{interface}/bind\""));
    let query = format!("NodeId={node}&Device=vnet0");
    let asked = browser.get(&format!("{interface}/bind/preview?{query}")).await;
    for said in [
        "Bind this network interface?",
        "rack-7",
        "vnet0",
        "What would be enforced",
        "There is no rule. Whatever no rule accepts is dropped.",
        "are cut",
    ] {
        asked.shows(said);
    }
    let adopting = browser.get(&format!("{interface}/bind/preview?{query}&AdoptSeconds=30")).await;
    adopting.shows("are taken over for 30 seconds");
    let action = format!("{interface}/bind");
    assert!(adopting.hidden_of(&action).contains(&("AdoptSeconds".into(), "30".into())));
    browser.get(&interface).await.shows("It is bound to no node.");
    browser.get(&group).await.hides("rack-7");
    let nowhere = "node-5qk3n8y4laeb2ii9zxxltlvzi";
    for wrong in [nowhere, "rack-7"] {
        let page = browser.get(&format!("{interface}/bind/preview?NodeId={wrong}&Device=vnet0")).await;
        page.shows("There is no such node.");
        page.shows(&format!("href=\"{interface}/bind?NodeId={wrong}&amp;Device=vnet0\""));
        page.hides(&format!("action=\"{action}\""));
    }
    browser.get(&format!("{interface}/bind?NodeId={nowhere}")).await.shows(&format!("value=\"{nowhere}\""));
}

#[tokio::test]
async fn what_ends_is_shown_before_an_interface_is_unbound_or_an_instance_released() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let interface = interface_of(&mut browser, &instance).await;
    let unbound = browser.get(&format!("{instance}/release")).await;
    unbound.shows("It is bound to no node: no flow of it is known.");
    let (node, mut follower) = node(&site, &mut browser).await;
    assert_eq!(bind(&mut browser, &interface, &node).await.status, 303);
    confirm(&mut follower, site.control.status().durable).await;
    for page in [format!("{interface}/unbind"), format!("{instance}/release"), format!("{instance}/stop")] {
        let asked = get_while_asked(&mut browser, &page, &mut follower).await;
        assert_eq!(asked.status, 200, "{page}: {asked:?}");
        asked.shows(&format!("<a href=\"{group}\">web</a>"));
        asked.shows("<span class=\"number\">3</span><span>flows run</span>");
        asked.shows("198.51.100.7:50396");
        asked.shows("Those of 3 flows that had a packet last.");
    }
    drop(follower);
    let silent = browser.get(&format!("{interface}/unbind")).await;
    silent.shows(">Silent<");
    silent.shows("Its node does not say which flows run at it");
    silent.shows("The device stays closed");
}

#[tokio::test]
async fn a_key_and_an_attached_policy_go_only_after_it_was_asked() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (key, _) = root.make_user("alice").await;
    let policy = [("policy", "System:AliyunENSFullAccess")];
    let attached = root.fill_in("/console/users/alice", "/console/users/alice/policies", &policy).await;
    root.follow(&attached).await.shows("AttachPolicyToUser");
    let page = root.get("/console/users/alice").await;
    let delete = format!("/console/users/alice/keys/{key}/delete");
    let detach = "/console/users/alice/policies/detach";
    let ask_to_detach = format!("{detach}?policy=System%3AAliyunENSFullAccess");
    for (question, action) in [(&delete, delete.as_str()), (&ask_to_detach, detach)] {
        page.shows(&format!("href=\"{question}\""));
        page.hides(&format!("action=\"{action}\""));
    }
    let asked = root.get(&delete).await;
    asked.shows("Delete this access key?");
    asked.shows("This cannot be undone.");
    let other = root.get(&ask_to_detach).await;
    other.shows("Detach this policy?");
    root.get("/console/users/alice").await.shows(&key);
    let detached = root.post(detach, &other.hidden_of(detach)).await;
    root.follow(&detached).await.shows("DetachPolicyFromUser");
    let deleted = root.post(&delete, &asked.hidden_of(&delete)).await;
    root.follow(&deleted).await.shows("DeleteAccessKey");
    assert_eq!(deleted.led_to(), "/console/users/alice");
    let page = root.get("/console/users/alice").await;
    page.hides(&key);
    page.shows("No policy is attached");
    assert_eq!(root.get("/console/users/alice/policies/detach").await.status, 400);
}

#[tokio::test]
async fn who_may_not_see_where_a_change_is_in_force_is_told_that_it_is_made() {
    let site = Site::new().await;
    let mut root = site.signed_in().await;
    let (id, secret) = root.make_user("alice").await;
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ens:CreateSecurityGroup","Resource":"*"}]}"#;
    let fields = [("PolicyName", "maker"), ("PolicyDocument", document)];
    root.fill_in("/console/policies/new", "/console/policies/new", &fields).await;
    let policy = [("policy", "Custom:maker")];
    root.fill_in("/console/users/alice", "/console/users/alice/policies", &policy).await;
    let mut alice = site.browser();
    assert_eq!(alice.sign_in(&id, &secret).await.status, 303);
    let name = [("SecurityGroupName", "hers")];
    let made = alice.fill_in("/console/groups/new", "/console/groups/new", &name).await;
    let page = alice.follow(&made).await;
    assert_eq!(page.status, 200, "{page:?}");
    page.shows("CreateSecurityGroup");
    page.shows("You may not see where it is in force.");
    page.shows(&format!("href=\"{}\"", made.led_to()));
    root.get("/console/activity?Outcome=Refused").await.shows("Nothing matches.");
}
