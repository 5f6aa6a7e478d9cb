//! A server with a group of two rules, an interface in it that is bound to a node, and what the tests ask of it.

use std::time::Duration;

use control::{
    Heard, Told,
    fleet::{Answer as NodeAnswer, NodeFlow, Question},
};
use model::rule::Direction;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::support::{Answer, Host, Site, patiently};

/// The address of the interface of [`Site`].
pub(crate) const ADDRESS: &str = "10.0.0.2";

/// A site whose group lets TCP 443 in from everywhere and 22 from 192.0.2.0/24.
pub(crate) async fn site() -> Site {
    let site = Site::waiting(0).await;
    for (port, source) in [("443/443", "0.0.0.0/0"), ("22/22", "192.0.2.0/24")] {
        let rule = [("IpProtocol", "tcp"), ("PortRange", port), ("SourceCidrIp", source)];
        call(
            &site,
            "AuthorizeSecurityGroup",
            &[&[("SecurityGroupId", &*site.group.clone())], &rule[..]].concat(),
        )
        .await
        .done();
    }
    site
}

pub(crate) async fn call(site: &Site, action: &str, parameters: &[(&str, &str)]) -> Answer {
    site.call(action, parameters, &[]).await
}

/// The answer's value at a place.
#[track_caller]
pub(crate) fn at<'a>(answer: &'a Value, pointer: &str) -> &'a Value {
    answer.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {answer}"))
}

/// The texts at `field` of the objects in the list at a place.
#[track_caller]
pub(crate) fn texts(answer: &Value, list: &str, field: &str) -> Vec<String> {
    let items = at(answer, list).as_array().unwrap_or_else(|| panic!("{list} is no list"));
    items
        .iter()
        .map(|item| item[field].as_str().unwrap_or_else(|| panic!("no {field} in {item}")).into())
        .collect()
}

/// A flow from somebody to the interface.
pub(crate) fn flow(remote: &str, port: u16) -> NodeFlow {
    NodeFlow {
        direction: Direction::Ingress,
        protocol: 6,
        local_address: ADDRESS.parse().unwrap(),
        remote_address: remote.parse().unwrap(),
        local_port: port,
        remote_port: 40_000,
        alive: true,
        rule: None,
        age: Duration::from_secs(60),
        idle: Duration::from_secs(1),
        packets_in: 10,
        bytes_in: 1_000,
        packets_out: 8,
        bytes_out: 800,
        state: "established".into(),
        decision: None,
        rule_text: "".into(),
    }
}

/// Lets a node answer one question with these flows.
pub(crate) async fn answer_flows(host: &mut Host, flows: Vec<NodeFlow>) {
    loop {
        if let Told::Question { id, question } = host.obey().await {
            assert!(matches!(question, Question::Flows { .. }), "{question:?}");
            host.follower.heard(Heard::Answer { id, answer: NodeAnswer::Flows { flows, left_out: 0 } });
            return;
        }
    }
}

/// Calls an operation about the group and the interface of the site, on a task of its own.
pub(crate) fn about(site: &Site, action: &'static str, more: &[(&str, &str)]) -> JoinHandle<Answer> {
    let (group, interface) = (site.group.clone(), site.interface.clone());
    let mut sent = vec![("SecurityGroupId".to_owned(), group), ("NetworkInterfaceId".to_owned(), interface)];
    sent.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let address = site.address;
    tokio::spawn(async move {
        let sent: Vec<(&str, &str)> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        patiently(crate::support::call(address, action, &sent, &[])).await
    })
}

/// As [`about`], waited for.
pub(crate) async fn about_now(site: &Site, action: &'static str, more: &[(&str, &str)]) -> Answer {
    patiently(about(site, action, more)).await.unwrap()
}
