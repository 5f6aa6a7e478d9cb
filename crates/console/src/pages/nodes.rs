//! Nodes: what each is, how far behind it is, what it dropped and repaired; joining, unbinding, sending away.

use maud::{Markup, html};
use serde_json::Value;

use super::{activity::about, choices, reason};
use crate::{
    ROOT,
    api::Api,
    json::{at, count, flag, items, number, text},
    proposal,
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{
        self, Cell, Tone,
        fields::{self, Field},
        list, time,
    },
    visit::Visit,
};

const SECTION: &str = "/nodes";

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/nodes", |visit| Box::pin(show_all(visit))),
    Route::read("/nodes/new", |visit| Box::pin(form(visit))),
    Route::send("/nodes/new", |visit| Box::pin(create_token(visit))),
    Route::read("/nodes/{node}", |visit| Box::pin(show(visit))),
    Route::live("/nodes/{node}/live", |visit| Box::pin(live(visit))),
    Route::send("/nodes/{node}/readmit", |visit| Box::pin(readmit(visit))),
    Route::read("/nodes/{node}/delete", |visit| Box::pin(ask_to_delete(visit))),
    Route::send("/nodes/{node}/delete", |visit| Box::pin(delete(visit))),
];

async fn show_all(visit: &Visit<'_>) -> Outcome {
    let (query, page) = (&visit.query, list::page_number(&visit.query));
    let mut parameters = list::page_parameters(&page);
    if let Some(wanted) = query.given("q") {
        parameters.push((if wanted.starts_with("node-") { "NodeId" } else { "NodeName" }, wanted));
    }
    parameters.extend(query.given("Status").map(|status| ("Status", status)));
    let answer = visit.api.read("DescribeNodes", &parameters).await?;
    let nodes = items(&answer, "Nodes.Node");
    let new = view::main_link(&format!("{ROOT}/nodes/new"), "Add a node");
    let table = (!nodes.is_empty()).then(|| table(nodes));
    let list = list::List {
        section: SECTION,
        what: "nodes",
        hint: "An id, or the whole name",
        filters: list::filter("Status", "State", query, ["Pending", "Ready", "Gone"]),
        none: view::empty(
            "There are no nodes yet.",
            &html! { "A node is a host on which rules are enforced. Make a token here, and join the host with it: " code { "ravelin agent join" } "." },
            Some(&new),
        ),
        no_match: view::empty("No node matches.", &html! { "The name has to be the whole one." }, None),
    };
    let body = list.show(query, &answer, table.as_ref());
    Ok(Page::new(SECTION, "Nodes", body).actions(new).into())
}

/// Nodes with their state and lag.
pub(crate) fn table(nodes: &[Value]) -> Markup {
    view::table(
        "Nodes",
        &["Name", "State", "Confirmed change", "Behind", "Interfaces", "Edge site"],
        nodes.iter().map(|node| vec![
            Cell::head(view::named(&view::address_of("nodes", text(node, "NodeId")), text(node, "NodeName"), text(node, "NodeId"))),
            Cell::of(badges(node)),
            Cell::number(html! { @match number(node, "ConfirmedGeneration") { Some(generation) => (generation), None => "\u{2013}" } }),
            Cell::of(lag(node)).nowrap(),
            Cell::number(html! { (view::number(count(node, "NetworkInterfaceCount"))) }),
            Cell::of(html! { (text(node, "EnsRegionId")) }),
        ]),
    )
}

/// The same where there is little room.
pub(crate) fn short_table(nodes: &[Value]) -> Markup {
    view::table(
        "Nodes",
        &["Name", "State", "Behind"],
        nodes.iter().map(|node| {
            vec![
                Cell::head(view::named(
                    &view::address_of("nodes", text(node, "NodeId")),
                    text(node, "NodeName"),
                    text(node, "NodeId"),
                )),
                Cell::of(badges(node)),
                Cell::of(lag(node)),
            ]
        }),
    )
}

/// How a node is, in words.
fn badges(node: &Value) -> Markup {
    let ready = text(node, "Status") == "Ready";
    html! {
        div .badges {
            @if !ready { (view::state(text(node, "Status"))) }
            @else if flag(node, "Connected") { (view::badge(Tone::Good, "Connected")) }
            @else { (view::badge(Tone::Bad, "Not connected")) }
            @if !at(node, "NotInForce").is_null() { (view::badge(Tone::Bad, "Not in force")) }
            @if !at(node, "Refused").is_null() { (view::badge(Tone::Bad, "Refused")) }
            @if !at(node, "Regression").is_null() && !flag(node, "Regression.Readmitted") { (view::badge(Tone::Bad, "Regressed")) }
            @if count(node, "InstanceProblemCount") > 0 { (view::badge(Tone::Warning, "Instances not as wanted")) }
        }
    }
}

/// How far behind a node is.
fn lag(node: &Value) -> Markup {
    let behind = count(node, "GenerationsBehind");
    html! {
        @if behind == 0 { span .soft { "not behind" } }
        @else { (view::several(behind, "change", "changes")) ", " (time::milliseconds(count(node, "MillisecondsBehind"))) }
    }
}

async fn one(api: &Api, id: &str) -> Result<Value, Trouble> {
    let answer = api.read("DescribeNodes", &[("NodeId", id)]).await?;
    items(&answer, "Nodes.Node").first().cloned().ok_or(Trouble::NotFound)
}

fn name(node: &Value) -> &str {
    match text(node, "NodeName") {
        "" => text(node, "NodeId"),
        name => name,
    }
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let node = one(&visit.api, visit.part("node")).await?;
    let own = view::address_of("nodes", visit.part("node"));
    let regressed = !at(&node, "Regression").is_null() && !flag(&node, "Regression.Readmitted");
    let body = html! {
        (shown(&node))
        @if regressed {
            (view::form(visit, &format!("{own}/readmit"), &html! {
                p .measure { "This node holds a change that this server never gave or has lost. It is told nothing until it is readmitted; then it gets everything anew." }
                (fields::buttons("Readmit the node", ""))
            }))
        }
        (bindings(&visit.api, visit.part("node"), &visit.query).await)
    };
    Ok(Page::new(SECTION, name(&node), body)
        .under("Nodes", format!("{ROOT}{SECTION}"))
        .actions(view::button_link(&format!("{own}/delete"), "Delete"))
        .live(format!("{own}/live"))
        .into())
}

async fn live(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("node").to_owned();
    super::live::begin(visit, super::live::Pace::Calm, move |api| {
        let id = id.clone();
        async move {
            let node = one(&api, &id).await.ok()?;
            Some(super::live::Shown { markup: shown(&node), settled: false })
        }
    })
}

fn shown(node: &Value) -> Markup {
    let time_of = |path: &str| time::at(text(node, path));
    let counted = |path: &str| html! { @if let Some(number) = number(node, path) { (number) } };
    html! {
        div #node .parts {
            div .stack { (badges(node)) (troubles(node)) (view::facts(&[
                ("Id", view::id(text(node, "NodeId"))),
                ("Edge site", html! { (text(node, "EnsRegionId")) }),
                ("Confirmed change", counted("ConfirmedGeneration")),
                ("Behind", lag(node)),
                ("Network interfaces", counted("NetworkInterfaceCount")),
                ("Instances", counted("InstanceCount")),
                ("Last heard", time_of("LastHeardTime")),
                ("Connected since", time_of("ConnectedTime")),
                ("Not connected since", time_of("DisconnectedTime")),
                ("Address", html! { (text(node, "SourceAddress")) }),
                ("Agent", html! { (text(node, "AgentVersion")) }),
                ("Host started", time_of("BootTime")),
                ("Joined", time_of("JoinedTime")),
                ("Certificate good until", time_of("CertificateExpiredTime")),
                ("Token good until", time_of("TokenExpiredTime")),
            ])) }
            (report(node))
        }
    }
}

fn troubles(node: &Value) -> Markup {
    html! {
        @if !at(node, "NotInForce").is_null() {
            (view::notice(Tone::Bad, "Something is not in force here.", &html! {
                ul { @for problem in items(node, "NotInForce.Problems.Problem") {
                    li { a href=(view::address_of("interfaces", text(problem, "NetworkInterfaceId"))) { (text(problem, "NetworkInterfaceId")) } ": " (text(problem, "Message")) }
                } }
            }))
        }
        @if !at(node, "Refused").is_null() {
            (view::notice(Tone::Bad, "The node does not obey an update.", &html! { p { (text(node, "Refused.Message")) } }))
        }
        @if count(node, "InstanceProblemCount") > 0 {
            (view::notice(Tone::Warning, "Instances are not as they are wanted.", &html! {
                ul { @for problem in items(node, "InstanceProblems.InstanceProblem") {
                    li { a href=(view::address_of("instances", text(problem, "InstanceId"))) { (text(problem, "InstanceId")) } ": " (text(problem, "Message")) }
                } }
            }))
        }
    }
}

/// What its agent said last of itself.
fn report(node: &Value) -> Markup {
    let dropped = items(node, "Report.DroppedPackets.DroppedPacket");
    let counted = |path: &str| html! { (view::number(count(node, path))) };
    html! {
        @if !at(node, "Report").is_null() {
            (view::section("Last report of its agent", &html! {
                (view::facts(&[
                    ("Reported", time::at(text(node, "Report.Time"))),
                    ("Flows", counted("Report.FlowCount")),
                    ("Packets dropped", counted("Report.DroppedPacketCount")),
                    ("Drift found", counted("Report.DriftFound")),
                    ("Drift repaired", counted("Report.DriftRepaired")),
                    ("Last audit", time::at(text(node, "Report.AuditTime"))),
                    ("Devices missing", counted("Report.AbsentNetworkInterfaceCount")),
                ]))
                @if !dropped.is_empty() {
                    (view::table("Dropped packets by reason", &["Why", "Reason", "Packets"], dropped.iter().map(|drop| {
                        let name = text(drop, "Reason");
                        vec![
                            Cell::head(html! { (reason::meaning(name)) }),
                            Cell::of(html! { code { (name) } }),
                            Cell::number(html! { (view::number(count(drop, "Count"))) }),
                        ]
                    })))
                }
            }))
        }
    }
}

async fn bindings(api: &Api, id: &str, query: &crate::form::Form) -> Markup {
    let page = list::page_number(query);
    let parameters = [("NodeId", id), ("PageNumber", page.as_str()), ("PageSize", list::PAGE_SIZE)];
    let Some(found) = api.glance("DescribeNetworkInterfaceBindings", &parameters).await else {
        return html! {};
    };
    let bindings = items(&found, "NetworkInterfaceBindings.NetworkInterfaceBinding");
    view::section(
        "Network interfaces here",
        &html! {
            @if bindings.is_empty() {
                (view::empty("No network interface is bound to this node.", &html! { "Instances of lab nodes are bound by themselves. Others are bound from the page of a network interface." }, None))
            } @else {
                (view::table("Network interfaces of this node", &["Network interface", "Device", "Bound"], bindings.iter().map(|binding| vec![
                    Cell::head(about(text(binding, "NetworkInterfaceId"))),
                    Cell::of(html! { code { (text(binding, "Device")) (text(binding, "DeviceAlias")) } }),
                    Cell::of(time::at(text(binding, "BindingTime"))).nowrap(),
                ])))
                (list::pager(query, &found, "network interfaces"))
            }
        },
    )
}

async fn form(visit: &Visit<'_>) -> Outcome {
    Ok(form_page(visit, None).await.into())
}

async fn form_page(visit: &Visit<'_>, fault: Option<&wire::catalogue::Fault>) -> Page {
    let own = format!("{ROOT}/nodes/new");
    let regions = choices::regions(&visit.api).await;
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &own, &html! {
                (Field::new("EnsRegionId", "Edge site", visit.form.get("EnsRegionId")).hint("Where the host is.").required().choice(choices::pairs(&regions)))
                (Field::new("NodeName", "Name", visit.form.get("NodeName")).hint("Where it is given the host has to join by this name.").text())
                (Field::new("Lab", "What it runs", visit.form.get("Lab")).hint("A lab node makes the instances of its edge site itself, as network namespaces.").required().choice([("false", "Machines and containers of yours"), ("true", "Instances of a lab")]))
                (fields::buttons("Make a token", &format!("{ROOT}{SECTION}")))
            }))
        }
    };
    Page::new(SECTION, "Add a node", body)
        .under("Nodes", format!("{ROOT}{SECTION}"))
        .status(fault.map_or(200, |fault| fault.status))
}

async fn create_token(visit: &Visit<'_>) -> Outcome {
    let given = |name: &'static str| visit.form.given(name).map(|value| (name, value));
    let parameters: Vec<_> = ["EnsRegionId", "NodeName", "Lab"].into_iter().filter_map(given).collect();
    let (made, generation) = match visit.api.try_call("CreateNodeToken", &parameters).await {
        Ok(made) => (made.answer, made.generation),
        Err(fault) => return Ok(form_page(visit, Some(&fault)).await.into()),
    };
    let body = html! {
        (view::notice(Tone::Warning, "The token is shown this once.", &html! { p { "Whoever has it can join one host as this node, until it is used or has expired." } }))
        div .card .measure {
            pre #token tabindex="0" { (text(&made, "Token")) }
            div .buttons { button .button type="button" data-copy="token" { "Copy" } }
            p { "On the host: " code { "ravelin agent join" } ", which asks for it." }
            p { "Good until " (time::at(text(&made, "ExpiredTime"))) "." }
        }
        @let own = view::address_of("nodes", text(&made, "NodeId"));
        div .buttons {
            (view::main_link(&own, "To the node"))
            (proposal::way_to(generation, "CreateNodeToken", &own))
        }
    };
    Ok(Page::new(SECTION, "A node's token", body).under("Nodes", format!("{ROOT}{SECTION}")).once().into())
}

async fn readmit(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("node");
    let done = visit.api.try_call("ReadmitNode", &[("NodeId", id)]).await;
    let changed = done.map_err(|fault| Trouble::fault("ReadmitNode", fault))?;
    Ok(proposal::after(changed.generation, "ReadmitNode", &view::address_of("nodes", id)))
}

async fn ask_to_delete(visit: &Visit<'_>) -> Outcome {
    let node = one(&visit.api, visit.part("node")).await?;
    let own = view::address_of("nodes", visit.part("node"));
    let body = view::confirm_loss(
        visit,
        &format!("{own}/delete"),
        "Delete the node",
        &own,
        &html! { p { "Its certificates are not good any more, and the host is told nothing more. What it was told last stays in force there until its agent is removed: a group that is left afterwards is left without it, and nothing says that the host lags behind." }
        p { "Where interfaces were bound there, see that unbinding them is confirmed first." } },
    );
    Ok(Page::new(SECTION, format!("Delete {}?", name(&node)), body)
        .under("Nodes", format!("{ROOT}{SECTION}"))
        .under(name(&node), own)
        .into())
}

async fn delete(visit: &Visit<'_>) -> Outcome {
    let done = visit.api.try_call("DeleteNode", &[("NodeId", visit.part("node"))]).await;
    let changed = done.map_err(|fault| Trouble::fault("DeleteNode", fault))?;
    Ok(proposal::after(changed.generation, "DeleteNode", &format!("{ROOT}{SECTION}")))
}
