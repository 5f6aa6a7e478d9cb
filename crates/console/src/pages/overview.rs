//! The first page: what exists, how the nodes are, how long changes took to be confirmed, what changed last. Kept up to date.

use maud::{Markup, html};

use super::{activity, chart, nodes};
use crate::{
    ROOT,
    api::Api,
    json::items,
    response::Page,
    router::{Outcome, Route},
    view,
    visit::Visit,
};

pub(crate) const ROUTES: &[Route] = &[
    Route::read("", |visit| Box::pin(show(visit))),
    Route::live("/live/overview", |visit| Box::pin(live(visit))),
];

/// How many nodes the overview shows.
const NODES_SHOWN: &str = "8";
/// How many events.
const EVENTS_SHOWN: &str = "8";

async fn show(visit: &Visit<'_>) -> Outcome {
    Ok(Page::new("", "Overview", shown(&visit.api).await).live(format!("{ROOT}/live/overview")).into())
}

async fn live(visit: &Visit<'_>) -> Outcome {
    super::live::begin(visit, super::live::Pace::Calm, |api| async move {
        Some(super::live::Shown { markup: shown(&api).await, settled: false })
    })
}

async fn shown(api: &Api) -> Markup {
    let (counts, nodes, chart, latest) = (
        counts(api).await,
        nodes_part(api).await,
        chart::shown(api).await,
        activity::latest(api, EVENTS_SHOWN).await,
    );
    html! {
        div #overview .parts {
            (counts)
            div .columns { (nodes) (chart) }
            (latest)
        }
    }
}

/// What exists, with the way to it.
async fn counts(api: &Api) -> Markup {
    let mut numbers = Vec::new();
    for (name, address, operation) in [
        ("Security groups", "/groups", "DescribeSecurityGroups"),
        ("Instances", "/instances", "DescribeInstances"),
        ("Network interfaces", "/interfaces", "DescribeNetworkInterfaces"),
        ("Networks", "/networks", "DescribeNetworks"),
        ("Nodes", "/nodes", "DescribeNodes"),
    ] {
        numbers.push((name, address, api.total(operation, &[]).await));
    }
    let nothing = numbers.iter().all(|(_, _, number)| *number == Some(0));
    view::section(
        "What exists",
        &html! {
            ul .numbers {
                @for (name, address, number) in numbers {
                    li {
                        a href={ (ROOT) (address) } {
                            span .number { @match number { Some(number) => (view::number(number)), None => "\u{2013}" } }
                            span { (name) }
                        }
                    }
                }
            }
            @if nothing { (first_steps()) }
        },
    )
}

/// What to do where nothing exists.
fn first_steps() -> Markup {
    html! {
        div .card {
            h3 { "First steps" }
            ol .list {
                li { a href={ (ROOT) "/groups/new" } { "Create a security group" } " and add the rules that its members are to be reached by." }
                li { a href={ (ROOT) "/networks/new" } { "Create a network" } " with a vSwitch at an edge site." }
                li { a href={ (ROOT) "/instances/new" } { "Run an instance" } " there, in the group." }
                li { a href={ (ROOT) "/nodes/new" } { "Add a node" } ": a host that enforces what is decided here." }
            }
        }
    }
}

async fn nodes_part(api: &Api) -> Markup {
    let found = api.glance("DescribeNodes", &[("PageSize", NODES_SHOWN)]).await;
    view::section(
        "Nodes",
        &match found {
            None => html! { p .soft { "You may not see nodes." } },
            Some(found) => {
                let nodes = items(&found, "Nodes.Node");
                html! {
                    @if nodes.is_empty() {
                        (view::empty("There are no nodes yet.", &html! { "A node is a host that enforces what is decided here. Without one no packet is filtered." }, Some(&view::button_link(&format!("{ROOT}/nodes/new"), "Add a node"))))
                    } @else {
                        (nodes::short_table(nodes))
                        p { a href={ (ROOT) "/nodes" } { "All nodes" } }
                    }
                }
            }
        },
    )
}
