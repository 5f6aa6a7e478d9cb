//! What passes at a network interface now, as its node says: counters, flows, packets that were dropped. Kept up to date.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;
use tokio::sync::Mutex;
use wire::catalogue::Fault;

use super::{names::Names, reason};
use crate::{
    ROOT,
    api::Api,
    json::{count, flag, items, text},
    response::Page,
    router::{Outcome, Route},
    view::{self, Cell, Tone, time},
    visit::Visit,
};

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/interfaces/{interface}/traffic", |visit| Box::pin(show(visit))),
    Route::live("/interfaces/{interface}/traffic/live", |visit| Box::pin(live(visit))),
];

/// How many flows and drops a page shows.
const SHOWN_MAX: usize = 100;

async fn show(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("interface");
    let own = view::address_of("interfaces", id);
    let counters =
        visit.api.try_call("DescribeNetworkInterfaceCounters", &[("NetworkInterfaceId", id)]).await;
    let body = match counters {
        Ok(found) => shown(&visit.api, id, &found.answer, &mut Names::default()).await,
        Err(fault) => silent(&fault),
    };
    Ok(Page::new("/interfaces", "Traffic", body)
        .under("Network interfaces", format!("{ROOT}/interfaces"))
        .under(id, own.clone())
        .lead(html! { "What its node says at this moment: flows, what decided about them, and what was dropped." })
        .live(format!("{own}/traffic/live"))
        .into())
}

async fn live(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("interface").to_owned();
    // A group is called for the whole stream what it was called first: its name is not looked up again.
    let names = Arc::new(Mutex::new(Names::default()));
    super::live::begin(visit, super::live::Pace::Calm, move |api| {
        let (id, names) = (id.clone(), Arc::clone(&names));
        async move {
            let found =
                api.glance("DescribeNetworkInterfaceCounters", &[("NetworkInterfaceId", &id)]).await?;
            let markup = shown(&api, &id, &found, &mut *names.lock().await).await;
            Some(super::live::Shown { markup, settled: false })
        }
    })
}

/// What is shown where the node does not answer.
fn silent(fault: &Fault) -> Markup {
    html! { div #traffic { (view::refusal(fault)) } }
}

async fn shown(api: &Api, id: &str, counters: &Value, names: &mut Names) -> Markup {
    let own = [("NetworkInterfaceId", id)];
    let flows = api.glance("DescribeNetworkInterfaceFlows", &own).await.unwrap_or_default();
    let drops = api.glance("DescribeNetworkInterfaceDrops", &own).await.unwrap_or_default();
    let deciders = items(counters, "Rules.Rule").iter().chain(items(&flows, "Flows.Flow"));
    let deciders = deciders.chain(items(&drops, "Drops.Drop"));
    names.learn_groups(api, deciders.map(|own| text(own, "SecurityGroupId"))).await;
    let counted = |path: &str| html! { (view::number(count(counters, path))) };
    html! {
        div #traffic .parts {
            (view::facts(&[
                ("Node", html! { a href=(view::address_of("nodes", text(counters, "NodeId"))) { (text(counters, "NodeName")) } }),
                ("Confirmed change", html! { a href={ (ROOT) "/changes/" (count(counters, "ConfirmedGeneration")) } { (count(counters, "ConfirmedGeneration")) } }),
                ("Flows", counted("FlowCount")),
                ("Packets in", counted("PacketsIn")),
                ("Packets out", counted("PacketsOut")),
                ("Packets dropped", counted("DroppedPacketCount")),
            ]))
            (flow_list(&flows, names, "Flows of this network interface"))
            (drop_list(&drops, names))
            (rules(counters, names))
        }
    }
}

/// What decided: a rule with its group, or that there is none.
fn decider(own: &Value, names: &Names) -> Markup {
    html! {
        @match text(own, "DecidedBy") {
            "Exempt" => span .soft { "Exempt: no rule is asked about this peer" },
            "EarlierRules" => span .soft { "Rules that are not in force any more" },
            _ if text(own, "Rule").is_empty() => {
                span .soft { "No rule: " (if text(own, "Direction") == "egress" { "what goes out passes" } else { "what comes in is dropped" }) }
            }
            _ => { code { (text(own, "Rule")) } span .beneath .soft { "of " (names.link(text(own, "SecurityGroupId"))) } }
        }
    }
}

fn rules(counters: &Value, names: &Names) -> Markup {
    let rules = items(counters, "Rules.Rule");
    view::section(
        "Rules, in the order in which they decide",
        &html! {
            @if rules.is_empty() { (view::none("It is under no rule.", None)) }
            @else {
                (view::table("Rules and how often each decided", &["Rule", "Decisions", "Flows", "Packets in", "Packets out"], rules.iter().map(|rule| {
                    let counted = ["Decisions", "FlowCount", "PacketsIn", "PacketsOut"];
                    let counted = counted.map(|path| Cell::number(html! { (view::number(count(rule, path))) }));
                    std::iter::once(Cell::head(decider(rule, names))).chain(counted).collect()
                })))
            }
        },
    )
}

/// The ends of a packet or flow as they are read: who sends, an arrow, whom it is for.
fn ends(packet: &str) -> String {
    packet.replace(" > ", " \u{2192} ")
}

/// Which way something goes.
fn way(own: &Value) -> &'static str {
    if text(own, "Direction") == "egress" { "out" } else { "in" }
}

/// The flows that a node told of, in a table of this name.
pub(super) fn flow_list(flows: &Value, names: &Names, caption: &str) -> Markup {
    let listed = items(flows, "Flows.Flow");
    view::section(
        "Flows",
        &html! {
            @if listed.is_empty() { (view::none("No flow runs now.", None)) }
            @else {
                (view::table(caption, &["Flow", "State", "Decided by", "Age", "Idle", "Packets in", "Packets out"], listed.iter().take(SHOWN_MAX).map(|flow| {
                    let (_, flow_ends) = text(flow, "Flow").split_once(' ').unwrap_or_default();
                    vec![
                        Cell::head(html! { code .nowrap { (ends(flow_ends)) } span .beneath .soft { "begun " (if way(flow) == "in" { "by the peer" } else { "here" }) } }),
                        Cell::of(html! { @if text(flow, "Status") == "Dead" { (view::badge(Tone::Bad, "Cut")) } @else { (view::badge(Tone::Good, "Passes")) }
                                span .beneath .soft { (text(flow, "State")) } }),
                        Cell::of(decider(flow, names)),
                        Cell::number(html! { (time::milliseconds(count(flow, "AgeMilliseconds"))) }).nowrap(),
                        Cell::number(html! { (time::milliseconds(count(flow, "IdleMilliseconds"))) }).nowrap(),
                        Cell::number(html! { (view::number(count(flow, "PacketsIn"))) }),
                        Cell::number(html! { (view::number(count(flow, "PacketsOut"))) }),
                    ]
                })))
                @if flag(flows, "Truncated") || listed.len() > SHOWN_MAX { p .soft { "Those of " (view::number(count(flows, "TotalCount"))) " flows that had a packet last." } }
            }
        },
    )
}

fn drop_list(drops: &Value, names: &Names) -> Markup {
    let listed = items(drops, "Drops.Drop");
    view::section(
        "Packets dropped lately",
        &html! {
            @if listed.is_empty() { (view::none("No packet was dropped lately.", None)) }
            @else {
                (view::table("Packets that were dropped lately", &["When", "Way", "Packet", "Why"], listed.iter().rev().take(SHOWN_MAX).map(|drop| vec![
                    Cell::of(time::at(text(drop, "Time"))).nowrap(),
                    Cell::of(html! { (way(drop)) }),
                    Cell::of(html! { code .nowrap { (ends(text(drop, "Packet"))) (text(drop, "EtherType")) } }),
                    Cell::of(html! { (reason::meaning(text(drop, "Reason"))) @if !text(drop, "Rule").is_empty() { span .beneath { (decider(drop, names)) } } }),
                ])))
            }
        },
    )
}
