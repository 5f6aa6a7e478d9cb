//! Networks and their vSwitches.

use maud::{Markup, html};
use serde_json::Value;
use wire::catalogue::Fault;

use super::{activity, choices};
use crate::{
    ROOT,
    api::Api,
    form::Form,
    json::{count, items, text},
    proposal,
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{
        self, Cell, Row,
        fields::{self, Field},
        list, time,
    },
    visit::Visit,
};

const SECTION: &str = "/networks";

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/networks", |visit| Box::pin(show_all(visit))),
    Route::read("/networks/new", |visit| Box::pin(form(visit))),
    Route::send("/networks/new", |visit| Box::pin(create(visit))),
    Route::read("/networks/{network}", |visit| Box::pin(show(visit))),
    Route::read("/networks/{network}/vswitches/new", |visit| Box::pin(vswitch_form(visit))),
    Route::send("/networks/{network}/vswitches/new", |visit| Box::pin(create_vswitch(visit))),
    Route::read("/networks/{network}/delete", |visit| Box::pin(ask_to_delete(visit))),
    Route::send("/networks/{network}/delete", |visit| Box::pin(delete(visit))),
    Route::read("/networks/{network}/vswitches/{vswitch}/delete", |visit| {
        Box::pin(ask_to_delete_vswitch(visit))
    }),
    Route::send("/networks/{network}/vswitches/{vswitch}/delete", |visit| Box::pin(delete_vswitch(visit))),
];

/// The operation that finds parts of names.
const SEARCH: &str = "ListNetworks";

async fn show_all(visit: &Visit<'_>) -> Outcome {
    let query = &visit.query;
    let may_search = visit.api.permits(SEARCH, &[]).await;
    let (answer, fault) = find(&visit.api, query, may_search).await?;
    let networks = items(&answer, "Networks.Network");
    let new = view::main_link(&format!("{ROOT}/networks/new"), "Create a network");
    let regions = choices::regions(&visit.api).await;
    let table = (!networks.is_empty()).then(|| {
        view::table(
            "Networks",
            &["Name", "Block", "Edge site", "vSwitches", "Created"],
            networks.iter().map(row),
        )
    });
    let list = list::List {
        section: SECTION,
        what: "networks",
        hint: if may_search {
            "A part of the name, or four characters of the id and more"
        } else {
            "An id, or the whole name"
        },
        filters: list::filter("EnsRegionId", "Edge site", query, regions.iter().map(|(id, _)| id.as_str())),
        none: view::empty(
            "There are no networks yet.",
            &html! { "A network is a block of addresses at an edge site; instances are in its vSwitches. Create one, give it a vSwitch, and run instances there." },
            Some(&new),
        ),
        no_match: view::empty(
            "No network matches.",
            &html! { @if may_search { "Try a shorter text, or another edge site." } @else { "The name has to be the whole one." } },
            None,
        ),
    };
    let labels = [("SearchKey", "Search"), ("EnsRegionId", "Edge site")];
    let body = match &fault {
        Some(fault) => list.refused(query, &view::wrong_filter(SEARCH, fault, &labels)),
        None => list.show(query, &answer, table.as_ref()),
    };
    let status = fault.map_or(200, |fault| fault.status);
    Ok(Page::new(SECTION, "Networks", body).actions(new).status(status).into())
}

/// The networks that a query string asks for: a part of a name by the operation that finds it, where the caller may call it.
async fn find(api: &Api, query: &Form, may_search: bool) -> Result<(Value, Option<Fault>), Trouble> {
    let page = list::page_number(query);
    let mut parameters = list::page_parameters(&page);
    parameters.extend(query.given("EnsRegionId").map(|region| ("EnsRegionId", region)));
    match query.given("q") {
        Some(wanted) if may_search => {
            parameters.push(("SearchKey", wanted));
            api.filtered(SEARCH, &parameters).await
        }
        wanted => {
            let exact = |wanted: &str| if wanted.starts_with("n-") { "NetworkId" } else { "NetworkName" };
            parameters.extend(wanted.map(|wanted| (exact(wanted), wanted)));
            Ok((api.read("DescribeNetworks", &parameters).await?, None))
        }
    }
}

fn row(network: &Value) -> Row {
    let id = text(network, "NetworkId");
    vec![
        Cell::head(view::named(&view::address_of("networks", id), text(network, "NetworkName"), id)),
        Cell::of(blocks(network)),
        Cell::of(html! { (text(network, "EnsRegionId")) }),
        Cell::number(html! { (items(network, "VSwitchIds.VSwitchId").len()) }),
        Cell::of(time::at(text(network, "CreatedTime"))).nowrap(),
    ]
}

fn blocks(network: &Value) -> Markup {
    html! {
        code .beneath { (text(network, "CidrBlock")) }
        @for block in items(network, "Ipv6CidrBlocks.Ipv6CidrBlock") { code .beneath { (text(block, "Ipv6CidrBlock")) } }
    }
}

async fn one(visit: &Visit<'_>) -> Result<Value, Trouble> {
    let answer = visit.api.read("DescribeNetworks", &[("NetworkId", visit.part("network"))]).await?;
    items(&answer, "Networks.Network").first().cloned().ok_or(Trouble::NotFound)
}

fn name(network: &Value) -> &str {
    match text(network, "NetworkName") {
        "" => text(network, "NetworkId"),
        name => name,
    }
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let network = one(visit).await?;
    let id = visit.part("network");
    let own = view::address_of("networks", id);
    let page = list::page_number(&visit.query);
    let parameters = [("NetworkId", id), ("PageNumber", page.as_str()), ("PageSize", list::PAGE_SIZE)];
    let found = visit.api.read("DescribeVSwitches", &parameters).await?;
    let switches = items(&found, "VSwitches.VSwitch");
    let new = view::main_link(&format!("{own}/vswitches/new"), "Create a vSwitch");
    let body = html! {
        (view::facts(&[
            ("Id", view::id(id)),
            ("Description", html! { (text(&network, "Description")) }),
            ("Block", blocks(&network)),
            ("Edge site", html! { (text(&network, "EnsRegionId")) }),
            ("Created", time::at(text(&network, "CreatedTime"))),
            ("Activity", activity::ways(id)),
            ("Tags", html! { @for tag in items(&network, "Tags.Tag") { code .beneath { (text(tag, "Key")) "=" (text(tag, "Value")) } } }),
        ]))
        (view::section("vSwitches", &html! {
            @if switches.is_empty() && page == "1" {
                (view::empty("It has no vSwitch yet.", &html! { "Instances are in vSwitches: parts of the network's block." }, Some(&new)))
            } @else {
                (view::table("vSwitches of this network", &["Name", "Block", "Free addresses", "Created", ""], switches.iter().map(|vswitch| vswitch_row(vswitch, &own))))
                (list::pager(&visit.query, &found, "vSwitches"))
            }
        }))
    };
    Ok(Page::new(SECTION, name(&network), body)
        .under("Networks", format!("{ROOT}{SECTION}"))
        .actions(html! { (new) (view::button_link(&format!("{own}/delete"), "Delete")) })
        .into())
}

fn vswitch_row(vswitch: &Value, own: &str) -> Row {
    let (id, name) = (text(vswitch, "VSwitchId"), text(vswitch, "VSwitchName"));
    vec![
        Cell::head(html! { @if !name.is_empty() { span .named { (name) } } code .id .beneath { (id) } }),
        Cell::of(html! { code .beneath { (text(vswitch, "CidrBlock")) } @if !text(vswitch, "Ipv6CidrBlock").is_empty() { code .beneath { (text(vswitch, "Ipv6CidrBlock")) } } }),
        Cell::number(html! { (view::number(count(vswitch, "FreeIpCount"))) }),
        Cell::of(time::at(text(vswitch, "CreatedTime"))).nowrap(),
        Cell::of(html! { a .button .small href={ (own) "/vswitches/" (id) "/delete" } { "Delete" span .hidden { ": " (id) } } }).right(),
    ]
}

async fn form(visit: &Visit<'_>) -> Outcome {
    Ok(form_page(visit, None).await.into())
}

async fn form_page(visit: &Visit<'_>, fault: Option<&Fault>) -> Page {
    let regions = choices::regions(&visit.api).await;
    let form = &visit.form;
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &format!("{ROOT}/networks/new"), &html! {
                (Field::new("EnsRegionId", "Edge site", form.get("EnsRegionId")).required().choice(choices::pairs(&regions)))
                (Field::new("CidrBlock", "Block", form.get("CidrBlock")).hint("A private IPv4 block with its prefix length, such as 10.0.0.0/16.").required().text())
                (Field::new("NetworkName", "Name", form.get("NetworkName")).text())
                (Field::new("Description", "What it is for", form.get("Description")).text())
                (Field::new("EnableIpv6", "IPv6", form.given("EnableIpv6").unwrap_or("false")).required().choice([("false", "No"), ("true", "Yes, with a block of its own")]))
                (fields::buttons("Create the network", &format!("{ROOT}{SECTION}")))
            }))
        }
    };
    Page::new(SECTION, "Create a network", body)
        .under("Networks", format!("{ROOT}{SECTION}"))
        .status(fault.map_or(200, |fault| fault.status))
}

async fn create(visit: &Visit<'_>) -> Outcome {
    let given = |name: &'static str| visit.form.given(name).map(|value| (name, value));
    let parameters: Vec<_> = ["EnsRegionId", "CidrBlock", "NetworkName", "Description", "EnableIpv6"]
        .into_iter()
        .filter_map(given)
        .collect();
    match visit.api.try_call("CreateNetwork", &parameters).await {
        Ok(changed) => {
            let own = view::address_of("networks", text(&changed.answer, "NetworkId"));
            Ok(proposal::after(changed.generation, "CreateNetwork", &own))
        }
        Err(fault) => Ok(form_page(visit, Some(&fault)).await.into()),
    }
}

async fn vswitch_form(visit: &Visit<'_>) -> Outcome {
    let network = one(visit).await?;
    Ok(vswitch_page(visit, &network, None).into())
}

fn vswitch_page(visit: &Visit<'_>, network: &Value, fault: Option<&Fault>) -> Page {
    let own = view::address_of("networks", visit.part("network"));
    let form = &visit.form;
    let has_ipv6 = !items(network, "Ipv6CidrBlocks.Ipv6CidrBlock").is_empty();
    let hint = format!("A part of {}, with its prefix length.", text(network, "CidrBlock"));
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &format!("{own}/vswitches/new"), &html! {
                (Field::new("CidrBlock", "Block", form.get("CidrBlock")).hint(&hint).required().text())
                @if has_ipv6 { (Field::new("Ipv6CidrBlock", "IPv6 block", form.get("Ipv6CidrBlock")).hint("A /64 of the network's block, or its number: 0 to 255.").text()) }
                (Field::new("VSwitchName", "Name", form.get("VSwitchName")).text())
                (Field::new("Description", "What it is for", form.get("Description")).text())
                (fields::buttons("Create the vSwitch", &own))
            }))
        }
    };
    Page::new(SECTION, "Create a vSwitch", body)
        .under("Networks", format!("{ROOT}{SECTION}"))
        .under(name(network), own)
        .status(fault.map_or(200, |fault| fault.status))
}

async fn create_vswitch(visit: &Visit<'_>) -> Outcome {
    let network = one(visit).await?;
    let mut parameters =
        vec![("NetworkId", visit.part("network")), ("EnsRegionId", text(&network, "EnsRegionId"))];
    for name in ["CidrBlock", "Ipv6CidrBlock", "VSwitchName", "Description"] {
        parameters.extend(visit.form.given(name).map(|value| (name, value)));
    }
    match visit.api.try_call("CreateVSwitch", &parameters).await {
        Ok(changed) => {
            let own = view::address_of("networks", visit.part("network"));
            Ok(proposal::after(changed.generation, "CreateVSwitch", &own))
        }
        Err(fault) => Ok(vswitch_page(visit, &network, Some(&fault)).into()),
    }
}

async fn ask_to_delete(visit: &Visit<'_>) -> Outcome {
    let network = one(visit).await?;
    let own = view::address_of("networks", visit.part("network"));
    let body = view::confirm_loss(
        visit,
        &format!("{own}/delete"),
        "Delete the network",
        &own,
        &html! { p { "A network that has vSwitches still is not deleted: delete them first." } },
    );
    Ok(Page::new(SECTION, format!("Delete {}?", name(&network)), body)
        .under("Networks", format!("{ROOT}{SECTION}"))
        .under(name(&network), own)
        .into())
}

async fn delete(visit: &Visit<'_>) -> Outcome {
    let done = visit.api.try_call("DeleteNetwork", &[("NetworkId", visit.part("network"))]).await;
    let changed = done.map_err(|fault| Trouble::fault("DeleteNetwork", fault))?;
    Ok(proposal::after(changed.generation, "DeleteNetwork", &format!("{ROOT}{SECTION}")))
}

async fn ask_to_delete_vswitch(visit: &Visit<'_>) -> Outcome {
    let network = one(visit).await?;
    let own = view::address_of("networks", visit.part("network"));
    let vswitch = visit.part("vswitch");
    let action = format!("{own}/vswitches/{}/delete", wire::protocol::percent::encode(vswitch));
    let body = view::confirm_loss(
        visit,
        &action,
        "Delete the vSwitch",
        &own,
        &html! { p { "The vSwitch " code { (vswitch) } " is deleted where nothing is in it." } },
    );
    Ok(Page::new(SECTION, "Delete this vSwitch?", body)
        .under("Networks", format!("{ROOT}{SECTION}"))
        .under(name(&network), own)
        .into())
}

async fn delete_vswitch(visit: &Visit<'_>) -> Outcome {
    let done = visit.api.try_call("DeleteVSwitch", &[("VSwitchId", visit.part("vswitch"))]).await;
    let changed = done.map_err(|fault| Trouble::fault("DeleteVSwitch", fault))?;
    let back = view::address_of("networks", visit.part("network"));
    Ok(proposal::after(changed.generation, "DeleteVSwitch", &back))
}
