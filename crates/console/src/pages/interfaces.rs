//! Network interfaces: their list, one of them with its groups, its effective policy and where it is bound.

use maud::{Markup, html};
use serde_json::Value;
use wire::catalogue::Fault;

use super::{
    activity::{self, about},
    effective::Effective,
    names::Names,
    stake,
};
use crate::{
    ROOT,
    api::Api,
    form::{self, Form},
    json::{at, flag, items, text, texts},
    proposal,
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{
        self, Cell, Row, Tone,
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
    Route::read("/interfaces/{interface}/bind/preview", |visit| Box::pin(ask_to_bind(visit))),
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
        div .badges { (view::state(text(&interface, "Status"))) (view::badge(Tone::Plain, text(&interface, "Type"))) }
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
        (Effective::read(&visit.api, &groups).await.shown(id))
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
            "Enforced" => (view::badge(Tone::Good, "Enforced")),
            "Absent" => (view::badge(Tone::Bad, "No such device")),
            "NotInForce" => (view::badge(Tone::Bad, "Not in force")),
            "NodeGone" => (view::badge(Tone::Bad, "Node gone")),
            "Pending" => (view::badge(Tone::Warning, "Not yet")),
            other => (view::badge(Tone::Plain, other)),
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

/// What the form to bind asks for, as the operation has it.
const BINDING: [&str; 3] = ["NodeId", "Device", "AdoptSeconds"];
/// For how long flows may be taken over, in seconds, as the operation has it.
const ADOPT_SECONDS_MAX: i64 = 3_600;

async fn form(visit: &Visit<'_>) -> Outcome {
    let interface = one(visit).await?;
    Ok(form_page(visit, name(&interface), &visit.query, None).into())
}

/// What is to be bound where. Next it is shown what starts then, and asked.
fn form_page(visit: &Visit<'_>, name: &str, given: &Form, fault: Option<&Fault>) -> Page {
    let own = view::address_of("interfaces", visit.part("interface"));
    let body = html! {
        @if let Some(fault) = fault { (view::refusal_of("BindNetworkInterface", fault)) }
        form .form .card .measure method="get" action={ (own) "/bind/preview" } {
            (Field::new("NodeId", "Node", given.get("NodeId")).hint("The id of the node, `node-...`.").required().text())
            (Field::new("Device", "Device", given.get("Device")).hint("Its name on the host, such as `vnet0`. Empty: the device whose alias is `ravelin:` and this interface's id.").text())
            (Field::new("AdoptSeconds", "Take running flows over for", given.get("AdoptSeconds")).hint("Seconds. TCP connections that run at the device already go on where a rule permits them; without this they are cut.").number(0, ADOPT_SECONDS_MAX))
            (fields::buttons("Preview", &own))
        }
    };
    Page::new(SECTION, "Bind to a node", body)
        .under("Network interfaces", format!("{ROOT}{SECTION}"))
        .under(name, own)
        .lead(html! { "Nothing is changed yet: next you see what would decide at the device." })
        .status(fault.map_or(200, |fault| fault.status))
}

/// What would be enforced from then on, and what becomes of what runs already.
async fn ask_to_bind(visit: &Visit<'_>) -> Outcome {
    let interface = one(visit).await?;
    let id = visit.part("interface");
    let own = view::address_of("interfaces", id);
    let given = BINDING.map(|field| (field, visit.query.get(field)));
    let form = format!("{own}/bind?{}", form::query(given.into_iter()));
    let (node, is_there) = node(&visit.api, visit.query.get("NodeId")).await;
    let device = html! {
        @match visit.query.given("Device") {
            Some(device) => { "the device " code { (device) } }
            None => { "the device with the alias " code { "ravelin:" (id) } }
        }
    };
    let groups: Vec<&str> = texts(&interface, "SecurityGroupIds.SecurityGroup").collect();
    let question = html! {
        p { "From then on the node " (node) " enforces for " strong { (name(&interface)) } " at " (device)
            ": what passes there is decided by the rules of its groups, which stand below." }
        p { (adopted(visit.query.get("AdoptSeconds"))) }
        (view::form(visit, &format!("{own}/bind"), &html! {
            @for (field, value) in given { @if !value.is_empty() { input type="hidden" name=(field) value=(value); } }
            (fields::buttons("Bind", &own))
        }))
    };
    let body = html! {
        @if is_there { div .card .measure { (question) } }
        @else {
            (view::notice(Tone::Bad, "There is no such node.", &html! { p { "No node has the id " code { (visit.query.get("NodeId")) } ". Nothing was changed." } }))
            p { (view::main_link(&form, "Fill it in otherwise")) }
        }
        (Effective::read(&visit.api, &groups).await.rules("What would be enforced"))
    };
    Ok(Page::new(SECTION, "Bind this network interface?", body)
        .under("Network interfaces", format!("{ROOT}{SECTION}"))
        .under(name(&interface), own)
        .lead(html! { "Nothing is changed yet." })
        .into())
}

/// A node as it is named, and whether there is one, as far as the caller may know.
async fn node(api: &Api, id: &str) -> (Markup, bool) {
    let about_it = [("NodeId", id)];
    if !api.permits("DescribeNodes", &about_it).await {
        return (about(id), true);
    }
    match api.try_call("DescribeNodes", &about_it).await.map(|found| found.answer) {
        Ok(found) => match items(&found, "Nodes.Node").first().map(|node| text(node, "NodeName")) {
            None => (about(id), false),
            Some("") => (about(id), true),
            Some(name) => (html! { a href=(view::address_of("nodes", id)) { (name) } }, true),
        },
        // No id at all; any other refusal says nothing of the node.
        Err(fault) => (about(id), !view::is_of_the_question(&fault)),
    }
}

/// What becomes of connections that run at a device when it is bound.
fn adopted(seconds: &str) -> Markup {
    html! {
        "TCP connections that run there already "
        @match seconds {
            "" | "0" => { "are cut: they begin anew, where a rule permits them. To take them over, go back and say for how long." }
            seconds => { "are taken over for " (seconds) " seconds where a rule permits them in either direction; all others end." }
        }
    }
}

async fn bind(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("interface");
    let own = view::address_of("interfaces", id);
    let mut parameters = vec![("NetworkInterfaceId", id)];
    parameters.extend(BINDING.iter().filter_map(|name| visit.form.given(name).map(|value| (*name, value))));
    match visit.api.try_call("BindNetworkInterface", &parameters).await {
        Ok(changed) => Ok(proposal::after(changed.generation, "BindNetworkInterface", &own)),
        Err(fault) => Ok(form_page(visit, id, &visit.form, Some(&fault)).into()),
    }
}

async fn ask_to_unbind(visit: &Visit<'_>) -> Outcome {
    let interface = one(visit).await?;
    let own = view::address_of("interfaces", visit.part("interface"));
    let question = view::confirm(
        visit,
        &format!("{own}/unbind"),
        "Unbind",
        &own,
        &html! {
            p { "The binding of " (view::id(visit.part("interface"))) " ends: the flows that run at it are cut, and its groups do not "
                "decide there any more. The device stays closed: nothing passes, until " code { "ravelin agent release" } " on the host "
                "lets it go, or it is bound again." }
        },
    );
    let body = html! { (stake::shown(&visit.api, std::slice::from_ref(&interface)).await) (question) };
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
