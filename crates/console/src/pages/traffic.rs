//! What passes at a network interface now, as its node says: counters, flows, packets that were dropped. Kept up to date.

use maud::{Markup, html};
use serde_json::Value;
use wire::catalogue::Fault;

use super::activity::about;
use crate::{
    ROOT,
    api::Api,
    json::{count, flag, items, text},
    response::Page,
    router::{Outcome, Route},
    view::{self, Tone, time},
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
        Ok(found) => shown(&visit.api, id, &found.answer).await,
        Err(fault) => silent(&fault),
    };
    Ok(Page::new("/interfaces", "What passes now", body)
        .under("Network interfaces", format!("{ROOT}/interfaces"))
        .under(id, own.clone())
        .lead(html! { "As its node says at this moment." })
        .live(format!("{own}/traffic/live"))
        .into())
}

async fn live(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("interface").to_owned();
    super::live::begin(visit, super::live::Pace::Calm, move |api| {
        let id = id.clone();
        async move {
            let found =
                api.glance("DescribeNetworkInterfaceCounters", &[("NetworkInterfaceId", &id)]).await?;
            Some(super::live::Shown { markup: shown(&api, &id, &found).await, settled: false })
        }
    })
}

/// What is shown where the node does not answer.
fn silent(fault: &Fault) -> Markup {
    html! { div #traffic { (view::refusal(fault)) } }
}

async fn shown(api: &Api, id: &str, counters: &Value) -> Markup {
    let own = [("NetworkInterfaceId", id)];
    let flows = api.glance("DescribeNetworkInterfaceFlows", &own).await.unwrap_or_default();
    let drops = api.glance("DescribeNetworkInterfaceDrops", &own).await.unwrap_or_default();
    html! {
        div #traffic .parts {
            (view::facts(&[
                ("Node", html! { a href=(view::address_of("nodes", text(counters, "NodeId"))) { (text(counters, "NodeName")) } }),
                ("Goes by change", html! { (count(counters, "ConfirmedGeneration")) }),
                ("Flows", html! { (count(counters, "FlowCount")) }),
                ("Packets in", html! { (count(counters, "PacketsIn")) }),
                ("Packets out", html! { (count(counters, "PacketsOut")) }),
                ("Packets dropped", html! { (count(counters, "DroppedPacketCount")) }),
            ]))
            (rules(counters))
            (flow_list(&flows))
            (drop_list(&drops))
        }
    }
}

/// What decided: a rule with its group, or that there is none.
fn decider(own: &Value) -> Markup {
    html! {
        @if text(own, "Rule").is_empty() { span .soft { "no rule" } }
        @else { code { (text(own, "Rule")) } " " (about(text(own, "SecurityGroupId"))) }
    }
}

fn rules(counters: &Value) -> Markup {
    let rules = items(counters, "Rules.Rule");
    view::section(
        "Rules that decided",
        &html! {
            @if rules.is_empty() { p .soft { "None has decided anything yet." } }
            @else {
                (view::table("Rules that decided", &["Rule", "Decisions", "Flows", "Packets in", "Packets out"], &html! {
                    @for rule in rules {
                        tr {
                            td { (decider(rule)) }
                            td { (count(rule, "Decisions")) }
                            td { (count(rule, "FlowCount")) }
                            td { (count(rule, "PacketsIn")) }
                            td { (count(rule, "PacketsOut")) }
                        }
                    }
                }))
            }
        },
    )
}

fn flow_list(flows: &Value) -> Markup {
    let listed = items(flows, "Flows.Flow");
    view::section(
        "Flows",
        &html! {
            @if listed.is_empty() { p .soft { "There are none." } }
            @else {
                (view::table("Flows of this network interface", &["Flow", "State", "Decided by", "Age", "Idle", "Packets"], &html! {
                    @for flow in listed.iter().take(SHOWN_MAX) {
                        tr {
                            td { code { (text(flow, "Flow")) } }
                            td {
                                @if text(flow, "Status") == "Dead" { (view::badge(Tone::Bad, "Dead")) } @else { (view::badge(Tone::Good, "Alive")) }
                                span .beneath .soft { (text(flow, "State")) }
                            }
                            td { (decider(flow)) }
                            td .nowrap { (time::milliseconds(count(flow, "AgeMilliseconds"))) }
                            td .nowrap { (time::milliseconds(count(flow, "IdleMilliseconds"))) }
                            td .nowrap { (count(flow, "PacketsIn")) " in, " (count(flow, "PacketsOut")) " out" }
                        }
                    }
                }))
                @if flag(flows, "Truncated") || listed.len() > SHOWN_MAX { p .soft { "Of " (count(flows, "TotalCount")) " flows." } }
            }
        },
    )
}

fn drop_list(drops: &Value) -> Markup {
    let listed = items(drops, "Drops.Drop");
    view::section(
        "Dropped lately",
        &html! {
            @if listed.is_empty() { p .soft { "No packet was dropped that is remembered." } }
            @else {
                (view::table("Packets that were dropped lately", &["When", "Packet", "Why"], &html! {
                    @for drop in listed.iter().rev().take(SHOWN_MAX) {
                        tr {
                            td .nowrap { (time::at(text(drop, "Time"))) }
                            td { (text(drop, "Direction")) " " code { (text(drop, "Packet")) (text(drop, "EtherType")) } }
                            td { (text(drop, "Reason")) @if !text(drop, "Rule").is_empty() { span .beneath { (decider(drop)) } } }
                        }
                    }
                }))
            }
        },
    )
}
