//! What ends with the binding of a network interface, or with the instance that has it: what its groups decide, and the flows
//! that run now. It is looked at before somebody is asked.

use std::time::Duration;

use maud::{Markup, html};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use wire::catalogue::error_code;

use super::{names::Names, traffic};
use crate::{
    api::{self, Api},
    json::{count, items, text, texts},
    view::{self, Tone},
};

/// The most network interfaces whose nodes are asked for a page.
const ASKED_MAX: usize = 4;
/// The most flows that are listed of one.
const LISTED_MAX: &str = "10";
/// How long nodes are waited for altogether, in seconds.
const WAIT_SECONDS: u64 = 3;

/// What is known of the flows of a network interface.
enum Flows {
    /// What its node says.
    Told(Value),
    /// It is bound to no node.
    Unbound,
    /// Whoever asks may not see them.
    Forbidden,
    /// Its node does not say, and why.
    Silent(String),
}

/// The groups of these interfaces, and the flows that run at them.
pub(super) async fn shown(api: &Api, interfaces: &[Value]) -> Markup {
    let until = Instant::now() + Duration::from_secs(WAIT_SECONDS);
    let mut names = Names::default().and_groups_of(api, interfaces).await;
    let mut parts = Vec::new();
    for interface in interfaces.iter().take(ASKED_MAX) {
        let flows = flows(api, text(interface, "NetworkInterfaceId"), until).await;
        if let Flows::Told(told) = &flows {
            let deciders = items(told, "Flows.Flow").iter().map(|flow| text(flow, "SecurityGroupId"));
            names.learn_groups(api, deciders).await;
        }
        parts.push(part(interface, &flows, &names));
    }
    let more = u64::try_from(interfaces.len().saturating_sub(ASKED_MAX)).unwrap_or(u64::MAX);
    html! {
        @for part in parts { (part) }
        @if more > 0 {
            p .soft { "And " (view::several(more, "network interface", "network interfaces")) " more, whose flows are not counted." }
        }
    }
}

async fn flows(api: &Api, id: &str, until: Instant) -> Flows {
    const NAME: &str = "DescribeNetworkInterfaceFlows";
    let parameters = [("NetworkInterfaceId", id), ("Status", "Alive"), ("MaxResults", LISTED_MAX)];
    let Some(operation) = api::operation(NAME) else { return Flows::Forbidden };
    if !api.permits(NAME, &parameters).await {
        return Flows::Forbidden;
    }
    match timeout_at(until, api.call(operation, &parameters)).await {
        Ok(called) => match called.result {
            Ok(told) => Flows::Told(Value::Object(told)),
            Err(fault) if error_code::INTERFACE_NOT_BOUND.matches(&fault.code) => Flows::Unbound,
            Err(fault) => Flows::Silent(fault.message),
        },
        Err(_) => Flows::Silent(format!("It has not answered within {WAIT_SECONDS} seconds.")),
    }
}

fn part(interface: &Value, flows: &Flows, names: &Names) -> Markup {
    let id = text(interface, "NetworkInterfaceId");
    let groups: Vec<&str> = texts(interface, "SecurityGroupIds.SecurityGroup").collect();
    view::section(
        "What decides and passes now",
        &html! {
            (view::facts(&[
                ("Network interface", html! { a .id href=(view::address_of("interfaces", id)) { (id) } }),
                ("Security groups", html! {
                    @if groups.is_empty() { "none" }
                    @for group in &groups { span .beneath { (names.link(group)) } }
                }),
            ]))
            @match flows {
                Flows::Told(told) => {
                    @let running = count(told, "TotalCount");
                    ul .numbers .few {
                        li { div class=(if running > 0 { "plain bad" } else { "plain" }) {
                            span .number { (view::number(running)) } span { (if running == 1 { "flow runs" } else { "flows run" }) }
                        } }
                    }
                    (traffic::flow_list(told, names, &format!("Flows of {id}")))
                }
                Flows::Unbound => (view::none("It is bound to no node: no flow of it is known.", None)),
                Flows::Forbidden => (view::none("You may not see which flows run at it.", None)),
                Flows::Silent(why) => p { (view::badge(Tone::Warning, "Silent")) " Its node does not say which flows run at it: " (view::with_links(why)) },
            }
        },
    )
}
