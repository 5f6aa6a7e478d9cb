//! Nodes in the console: a token for one, and how far a change is in force there.

use std::time::Duration;

use control::{Follower, Heard, Hello, Submission, Told};
use model::{
    Actor, Command, UnixMillis,
    node::{Digest, NodeCommand, TokenText},
    ram::Secret,
};

use super::{
    changes::furnish,
    support::{Answer, Browser, Site, patiently},
};

async fn carry_out(site: &Site, actor: Actor, command: NodeCommand) {
    let submission = Submission {
        actor,
        command: Command::Node(command),
        operation: "Test",
        request_id: "request".into(),
        source: None,
        nonce: None,
    };
    site.control.submit(submission).await.unwrap();
}

/// A node that joined with a token that the console showed, and is connected.
pub(crate) async fn node(site: &Site, browser: &mut Browser) -> (String, Follower) {
    let establish = NodeCommand::EstablishAuthority { certificate: [1].into(), key: Secret::new("key") };
    carry_out(site, Actor::Operator, establish).await;
    let made =
        browser.fill_in("/console/nodes/new", "/console/nodes/new", &[("EnsRegionId", "edge-1")]).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.shows("The token is shown this once.");
    let (_, rest) = made.body.split_once("<pre id=\"token\"").unwrap();
    let token = TokenText::read(rest.split('>').nth(1).unwrap().split('<').next().unwrap()).unwrap();
    let join = NodeCommand::Join {
        node: token.node,
        secret: token.digest,
        region: None,
        name: "rack-7".into(),
        fingerprint: Digest([1; 32]),
        expires_at: UnixMillis(i64::MAX),
    };
    carry_out(site, Actor::Node(token.node), join).await;
    let hello = Hello {
        run: 0,
        generation: 0,
        booted_at: None,
        agent_version: "0.0.0-test".into(),
        source: ([192, 0, 2, 1], 4711).into(),
        certificate: Digest([1; 32]),
    };
    (token.node.to_string(), site.control.follow(token.node, hello).unwrap())
}

/// Takes up what it is told, and says that it is in force, until it has confirmed this change.
pub(crate) async fn confirm(follower: &mut Follower, generation: u64) {
    loop {
        let told = match patiently(follower.next()).await.unwrap() {
            Told::Snapshot { generation, .. }
            | Told::Delta { generation, .. }
            | Told::Current { generation, .. } => generation,
            Told::Question { .. } => continue,
        };
        follower.heard(Heard::Confirmed {
            generation: told,
            took: Duration::from_micros(800),
            switched: Some(Duration::from_micros(500)),
            absent: Vec::new(),
        });
        if told >= generation {
            break;
        }
    }
}

/// The page of the network interface of an instance.
pub(crate) async fn interface_of(browser: &mut Browser, instance: &str) -> String {
    let page = browser.get(instance).await.body;
    let (_, rest) = page.split_once("/console/interfaces/").unwrap();
    format!("/console/interfaces/{}", rest.split('"').next().unwrap())
}

/// Binds an interface to a device of a node, after it was asked.
pub(crate) async fn bind(browser: &mut Browser, interface: &str, node: &str) -> Answer {
    let asked =
        browser.get(&format!("{interface}/bind/preview?NodeId={node}&Device=vnet0&AdoptSeconds=")).await;
    let action = format!("{interface}/bind");
    browser.post(&action, &asked.hidden_of(&action)).await
}

#[tokio::test]
async fn where_a_node_is_off_it_is_not_denied_that_rules_are_unused() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let (node, follower) = node(&site, &mut browser).await;
    let interface = interface_of(&mut browser, &instance).await;
    bind(&mut browser, &interface, &node).await;
    drop(follower);
    let id = group.rsplit('/').next().unwrap();
    let page = browser.get(&format!("/console/findings?Kind=Unused&SecurityGroupId={id}")).await;
    for said in ["Not everything is known.", "the node is not connected", &*node] {
        page.shows(said);
    }
    for denied in ["Nothing was found.", "No rule", "no port"] {
        page.hides(denied);
    }
}

#[tokio::test]
async fn a_change_is_followed_until_its_node_has_confirmed_it() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let (group, instance) = furnish(&mut browser).await;
    let (node, mut follower) = node(&site, &mut browser).await;
    let interface = interface_of(&mut browser, &instance).await;
    let bound = bind(&mut browser, &interface, &node).await;
    let change = browser.follow(&bound).await;
    change.shows("Not everywhere yet.");
    change.shows("rack-7");
    change.shows("http-equiv=\"refresh\"");
    let generation = site.control.status().durable;
    confirm(&mut follower, generation).await;
    let change = browser.get(&format!("/console/changes/{generation}")).await;
    change.shows("In force everywhere.");
    change.hides("http-equiv=\"refresh\"");
    let overview = browser.get("/console").await;
    overview.shows("rack-7");
    overview.shows("the slowest took");
    let own = browser.get(&format!("/console/nodes/{node}")).await;
    for said in ["Connected", "0.0.0-test", "vnet0", "not behind"] {
        own.shows(said);
    }
    browser.get(&interface).await.shows("vnet0");
    let id = instance.rsplit('/').next().unwrap();
    let asked = browser.get(&format!("{group}/leave?instance={id}")).await;
    asked.shows("Leave this group?");
    let page = browser.get(&format!("{interface}/traffic")).await;
    page.shows(">Traffic</h1>");
}
