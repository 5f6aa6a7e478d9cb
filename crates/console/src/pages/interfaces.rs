//! Network interfaces: their list, one of them with its groups, its effective policy and where it is bound.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    activity::{self, about},
    effective,
    names::Names,
};
use crate::{
    ROOT,
    api::Api,
    json::{at, flag, items, text, texts},
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

const SECTION: &str = "/interfaces";

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/interfaces", |visit| Box::pin(show_all(visit))),
    Route::read("/interfaces/{interface}", |visit| Box::pin(show(visit))),
    Route::read("/interfaces/{interface}/bind", |visit| Box::pin(form(visit))),
    Route::send("/interfaces/{interface}/bind", |visit| Box::pin(bind(visit))),
    Route::read("/interfaces/{interface}/unbind", |visit| Box::pin(ask_to_unbind(visit))),
    Route::send("/interfaces/{interface}/unbind", |visit| Box::pin(unbind(visit))),
];

async fn show_all(visit: &Visit<'_>) -> Outcome {
    let (query, page) = (&visit.query, list::page_number(&visit.query));
    let mut parameters = list::page_parameters(&page);
    if let Some(wanted) = query.given("q") {
        parameters.push((parameter_of(wanted), wanted));
    }
    parameters
        .extend(["Status", "Type"].iter().filter_map(|name| query.given(name).map(|value| (*name, value))));
    let answer = visit.api.read("DescribeNetworkInterfaces", &parameters).await?;
    let interfaces = items(&answer, "NetworkInterfaceSets.NetworkInterfaceSet");
    let names = Names::default().and_instances_of(&visit.api, interfaces).await;
    let names = names.and_groups_of(&visit.api, interfaces).await;
    let table = (!interfaces.is_empty()).then(|| table(interfaces, &names, true));
    let list = list::List {
        section: SECTION,
        what: "network interfaces",
        hint: "An id, an address, or the whole name",
        filters: html! {
            (list::filter("Status", "State", query, ["InUse", "Available"]))
            (list::filter("Type", "Type", query, ["Primary", "Secondary"]))
        },
        none: view::empty(
            "There are no network interfaces yet.",
            &html! { "Every instance has a primary one. Run an instance, and it is listed here." },
            Some(&view::main_link(&format!("{ROOT}/instances/new"), "Run an instance")),
        ),
        no_match: view::empty(
            "No network interface matches.",
            &html! { "Names and addresses have to be whole." },
            None,
        ),
    };
    let body = list.show(query, &answer, table.as_ref());
    Ok(Page::new(SECTION, "Network interfaces", body).into())
}

/// What is searched for, by what it looks like.
fn parameter_of(wanted: &str) -> &'static str {
    match wanted {
        id if id.starts_with("eni-") => "NetworkInterfaceId",
        id if id.starts_with("i-") => "InstanceId",
        id if id.starts_with("sg-") => "SecurityGroupId",
        id if id.starts_with("vsw-") => "VSwitchId",
        address if address.parse::<std::net::Ipv4Addr>().is_ok() => "PrimaryIpAddress",
        address if address.parse::<std::net::Ipv6Addr>().is_ok() => "Ipv6Address.1",
        _ => "NetworkInterfaceName",
    }
}

/// Network interfaces, with their groups, and with their instances where these are not the page's own.
pub(super) fn table(interfaces: &[Value], names: &Names, with_instances: bool) -> Markup {
    let heads = ["Network interface", "State", "Type", "Address", "Security groups", "Instance"];
    view::table(
        "Network interfaces",
        heads.get(..if with_instances { 6 } else { 5 }).unwrap_or_default(),
        interfaces.iter().map(|interface| row(interface, names, with_instances)),
    )
}

fn row(interface: &Value, names: &Names, with_instance: bool) -> Row {
    let (id, instance) = (text(interface, "NetworkInterfaceId"), text(interface, "InstanceId"));
    let name = text(interface, "NetworkInterfaceName");
    let groups = || texts(interface, "SecurityGroupIds.SecurityGroup");
    let mut row = vec![
        Cell::head(view::named(&view::address_of("interfaces", id), name, id)),
        Cell::of(view::state(text(interface, "Status"))),
        Cell::of(html! { (text(interface, "Type")) }),
        Cell::of(html! { code { (text(interface, "PrimaryIp")) } }),
        Cell::of(html! { @for group in groups() { span .beneath { (names.link(group)) } } }),
    ];
    if with_instance {
        row.push(Cell::of(html! { @if !instance.is_empty() { (names.link(instance)) } }));
    }
    row
}

async fn one(visit: &Visit<'_>) -> Result<Value, Trouble> {
    let id = visit.part("interface");
    let answer = visit.api.read("DescribeNetworkInterfaces", &[("NetworkInterfaceId", id)]).await?;
    items(&answer, "NetworkInterfaceSets.NetworkInterfaceSet").first().cloned().ok_or(Trouble::NotFound)
}

fn name(interface: &Value) -> &str {
    match text(interface, "NetworkInterfaceName") {
        "" => text(interface, "NetworkInterfaceId"),
        name => name,
    }
}

/// What its page is called: its name, or else whose it is.
fn title(interface: &Value, names: &Names) -> String {
    let instance = text(interface, "InstanceId");
    if name(interface).starts_with("eni-") && !instance.is_empty() {
        let kind = if text(interface, "Type") == "Primary" { "Primary" } else { "Secondary" };
        return format!("{kind} network interface of {}", names.called(instance));
    }
    name(interface).to_owned()
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let interface = one(visit).await?;
    let id = visit.part("interface");
    let own = view::address_of("interfaces", id);
    let binding = binding(&visit.api, id).await;
    let is_bound = binding.as_ref().is_some_and(|binding| !at(binding, "NodeId").is_null());
    let groups: Vec<&str> = texts(&interface, "SecurityGroupIds.SecurityGroup").collect();
    let addresses = items(&interface, "PrivateIpSets.PrivateIpSet");
    let instance = text(&interface, "InstanceId");
    let names = Names::default().and_instances(&visit.api, [instance].into_iter()).await;
    let body = html! {
        div .badges { (view::state(text(&interface, "Status"))) (view::badge(view::Tone::Plain, text(&interface, "Type"))) }
        (view::facts(&[
            ("Id", view::id(id)),
            ("Addresses", html! {
                @for address in addresses { code .beneath { (text(address, "PrivateIpAddress")) } }
                @for address in items(&interface, "Ipv6Sets.Ipv6Set") { code .beneath { (text(address, "Ipv6Address")) } }
            }),
            ("MAC address", html! { code { (text(&interface, "MacAddress")) } }),
            ("Instance", html! { @if !instance.is_empty() { (names.link(instance)) } }),
            ("Network", about(text(&interface, "NetworkId"))),
            ("vSwitch", view::id(text(&interface, "VSwitchId"))),
            ("Edge site", html! { (text(&interface, "EnsRegionId")) }),
            ("Created", time::at(text(&interface, "CreationTime"))),
            ("Activity", activity::ways(id)),
        ]))
        (bound(binding.as_ref(), &own))
        (effective::shown(&visit.api, &groups, id).await)
    };
    Ok(Page::new(SECTION, title(&interface, &names), body)
        .under("Network interfaces", format!("{ROOT}{SECTION}"))
        .actions(html! {
            @if is_bound {
                (view::main_link(&format!("{own}/traffic"), "Traffic"))
                (view::button_link(&format!("{own}/unbind"), "Unbind"))
            }
            @else { (view::button_link(&format!("{own}/bind"), "Bind to a node")) }
        })
        .into())
}

async fn binding(api: &Api, id: &str) -> Option<Value> {
    let found = api.glance("DescribeNetworkInterfaceBindings", &[("NetworkInterfaceId", id)]).await?;
    items(&found, "NetworkInterfaceBindings.NetworkInterfaceBinding").first().cloned()
}

/// How the binding stands at its node.
fn standing(binding: &Value) -> Markup {
    let (badge, message) = (text(binding, "Status"), text(binding, "StatusMessage"));
    html! {
        @match badge {
            "Enforced" => (view::badge(view::Tone::Good, "Enforced")),
            "Absent" => (view::badge(view::Tone::Bad, "No such device")),
            "NotInForce" => (view::badge(view::Tone::Bad, "Not in force")),
            "NodeGone" => (view::badge(view::Tone::Bad, "Node gone")),
            "Pending" => (view::badge(view::Tone::Warning, "Not yet")),
            other => (view::badge(view::Tone::Plain, other)),
        }
        @if !message.is_empty() { span .beneath { (view::with_links(message)) } }
    }
}

fn bound(binding: Option<&Value>, own: &str) -> Markup {
    let known = binding.filter(|binding| !at(binding, "NodeId").is_null());
    view::section(
        "Where it is enforced",
        &html! {
            @match known {
                Some(binding) => {
                    @let node = text(binding, "NodeId");
                    (view::facts(&[
                        ("Node", about(node)),
                        ("State", standing(binding)),
                        ("Device", html! { code { (text(binding, "Device")) (text(binding, "DeviceAlias")) } }),
                        ("Bound", time::at(text(binding, "BindingTime"))),
                        ("Source check", html! { (if flag(binding, "SourceCheck") { "On: it sends from its own addresses alone" } else { "Off: it may send from any address" }) }),
                        ("Further prefixes", html! { @for prefix in texts(binding, "AllowedPrefixes.AllowedPrefix") { code .beneath { (prefix) } } }),
                    ]))
                }
                None => {
                    (view::empty(
                        "It is bound to no node.",
                        &html! { "Its rules are decided here and enforced nowhere. Bind it to the node and device that carry its packets; instances of lab nodes are bound by themselves." },
                        Some(&view::button_link(&format!("{own}/bind"), "Bind to a node")),
                    ))
                }
            }
        },
    )
}

async fn form(visit: &Visit<'_>) -> Outcome {
    let interface = one(visit).await?;
    Ok(form_page(visit, name(&interface), None).into())
}

fn form_page(visit: &Visit<'_>, name: &str, fault: Option<&wire::catalogue::Fault>) -> Page {
    let own = view::address_of("interfaces", visit.part("interface"));
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        div .card .measure {
            (view::form(visit, &format!("{own}/bind"), &html! {
                (Field::new("NodeId", "Node", visit.form.get("NodeId")).hint("The id of the node, `node-...`.").required().text())
                (Field::new("Device", "Device", visit.form.get("Device")).hint("Its name on the host, such as `vnet0`. Empty: the device whose alias is `ravelin:` and this interface's id.").text())
                (fields::buttons("Bind", &own))
            }))
        }
    };
    Page::new(SECTION, "Bind to a node", body)
        .under("Network interfaces", format!("{ROOT}{SECTION}"))
        .under(name, own)
        .status(fault.map_or(200, |fault| fault.status))
}

async fn bind(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("interface");
    let own = view::address_of("interfaces", id);
    let mut parameters = vec![("NetworkInterfaceId", id)];
    parameters.extend(
        ["NodeId", "Device"].iter().filter_map(|name| visit.form.given(name).map(|value| (*name, value))),
    );
    match visit.api.try_call("BindNetworkInterface", &parameters).await {
        Ok(changed) => Ok(proposal::after(changed.generation, "BindNetworkInterface", &own)),
        Err(fault) => Ok(form_page(visit, id, Some(&fault)).into()),
    }
}

async fn ask_to_unbind(visit: &Visit<'_>) -> Outcome {
    let interface = one(visit).await?;
    let own = view::address_of("interfaces", visit.part("interface"));
    let body = view::confirm(
        visit,
        &format!("{own}/unbind"),
        "Unbind",
        &own,
        &html! { p { "The node of " (view::id(visit.part("interface"))) " stops enforcing for it: what passes on the device is not decided by its groups any more." } },
    );
    Ok(Page::new(SECTION, "Unbind this network interface?", body)
        .under("Network interfaces", format!("{ROOT}{SECTION}"))
        .under(name(&interface), own)
        .into())
}

async fn unbind(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("interface");
    let done = visit.api.try_call("UnbindNetworkInterface", &[("NetworkInterfaceId", id)]).await;
    let changed = done.map_err(|fault| Trouble::fault("UnbindNetworkInterface", fault))?;
    Ok(proposal::after(changed.generation, "UnbindNetworkInterface", &view::address_of("interfaces", id)))
}
