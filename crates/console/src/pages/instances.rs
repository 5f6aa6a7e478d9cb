//! Instances: their list, one of them, running some, and what can be done with one.

use maud::{Markup, html};
use serde_json::Value;
use wire::catalogue::Fault;

use super::{activity, choices, interfaces, names::Names, stake};
use crate::{
    ROOT,
    json::{count, flag, items, text, texts},
    proposal,
    response::{Page, Response},
    router::{Outcome, Route},
    trouble::Trouble,
    view::{
        self, Cell,
        fields::{self, Field},
        list, time,
    },
    visit::Visit,
};

const SECTION: &str = "/instances";

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/instances", |visit| Box::pin(show_all(visit))),
    Route::read("/instances/new", |visit| Box::pin(form(visit))),
    Route::send("/instances/new", |visit| Box::pin(run(visit))),
    Route::read("/instances/{instance}", |visit| Box::pin(show(visit))),
    Route::read("/instances/{instance}/join", |visit| Box::pin(join(visit))),
    Route::read("/instances/{instance}/{act}", |visit| Box::pin(ask(visit))),
    Route::send("/instances/{instance}/{act}", |visit| Box::pin(act(visit))),
];

/// What can be done with an instance.
struct Act {
    address: &'static str,
    name: &'static str,
    operation: &'static str,
    says: &'static str,
}

impl Act {
    /// Whether it can be done in this state. In the states between all are shown: which comes next is not known.
    fn fits(&self, status: &str) -> bool {
        match (self.address, status) {
            ("start", status) => status != "Running",
            ("stop" | "reboot", status) => status != "Stopped",
            _ => true,
        }
    }

    /// Whether the flows end that run at its network interfaces.
    fn ends_flows(&self) -> bool {
        self.address != "start"
    }
}

const ACTS: [Act; 4] = [
    Act {
        address: "start",
        name: "Start",
        operation: "StartInstance",
        says: "It runs again, with its addresses and groups.",
    },
    Act {
        address: "stop",
        name: "Stop",
        operation: "StopInstance",
        says: "It keeps its addresses and groups, and passes no packets while it is stopped.",
    },
    Act {
        address: "reboot",
        name: "Reboot",
        operation: "RebootInstance",
        says: "It stops and starts again.",
    },
    Act {
        address: "release",
        name: "Release",
        operation: "ReleaseInstance",
        says: "It is deleted with its primary network interface, and leaves its groups. This cannot be undone.",
    },
];

async fn show_all(visit: &Visit<'_>) -> Outcome {
    let (query, page) = (&visit.query, list::page_number(&visit.query));
    let mut parameters = list::page_parameters(&page);
    if let Some(wanted) = query.given("q") {
        parameters.push((
            if wanted.starts_with("i-") && wanted.len() > 20 { "InstanceId" } else { "SearchKey" },
            wanted,
        ));
    }
    for filter in ["Status", "EnsRegionId", "SecurityGroupId"] {
        parameters.extend(query.given(filter).map(|value| (filter, value)));
    }
    let answer = visit.api.read("DescribeInstances", &parameters).await?;
    let instances = items(&answer, "Instances.Instance");
    let new = view::main_link(&format!("{ROOT}/instances/new"), "Run an instance");
    let regions = choices::regions(&visit.api).await;
    let table = (!instances.is_empty()).then(|| table(instances));
    let list = list::List {
        section: SECTION,
        what: "instances",
        hint: "A part of the name, the id or an address",
        filters: html! {
            (list::filter("Status", "State", query, ["Running", "Stopped", "Starting", "Stopping", "Expired"]))
            (list::filter("EnsRegionId", "Edge site", query, regions.iter().map(|(id, _)| id.as_str())))
        },
        none: view::empty(
            "There are no instances yet.",
            &html! { "Run one: it needs an image, a network to be in, and a security group that it joins." },
            Some(&new),
        ),
        no_match: view::empty(
            "No instance matches.",
            &html! { "Try a shorter text, or fewer filters." },
            None,
        ),
    };
    let body = list.show(query, &answer, table.as_ref());
    Ok(Page::new(SECTION, "Instances", body).actions(new).into())
}

fn table(instances: &[Value]) -> Markup {
    view::table(
        "Instances",
        &["Name", "State", "Addresses", "Type", "Edge site", "Created"],
        instances.iter().map(|instance| {
            let id = text(instance, "InstanceId");
            vec![
                Cell::head(view::named(
                    &view::address_of("instances", id),
                    text(instance, "InstanceName"),
                    id,
                )),
                Cell::of(view::state(text(instance, "Status"))),
                Cell::of(addresses(instance)),
                Cell::of(html! { (text(instance, "SpecName")) }).nowrap(),
                Cell::of(html! { (text(instance, "EnsRegionId")) }),
                Cell::of(time::at(text(instance, "CreationTime"))).nowrap(),
            ]
        }),
    )
}

fn addresses(instance: &Value) -> Markup {
    let private = texts(instance, "InnerIpAddress.IpAddress")
        .chain(items(instance, "PrivateIpAddresses.PrivateIpAddress").iter().map(|own| text(own, "Ip")));
    let public = texts(instance, "PublicIpAddress.IpAddress");
    let mut all: Vec<&str> = private.chain(public).filter(|address| !address.is_empty()).collect();
    all.dedup();
    html! { @for address in all { code .beneath { (address) } } }
}

/// What an instance is called.
fn name(instance: &Value) -> &str {
    match text(instance, "InstanceName") {
        "" => text(instance, "InstanceId"),
        name => name,
    }
}

async fn one(visit: &Visit<'_>) -> Result<Value, Trouble> {
    let id = visit.part("instance");
    let answer = visit.api.read("DescribeInstances", &[("InstanceId", id)]).await?;
    items(&answer, "Instances.Instance").first().cloned().ok_or(Trouble::NotFound)
}

/// The network interfaces of the instance, as far as they may be seen.
async fn held(visit: &Visit<'_>) -> Option<Vec<Value>> {
    let parameters = [("InstanceId", visit.part("instance")), ("PageSize", "100")];
    let found = visit.api.glance("DescribeNetworkInterfaces", &parameters).await?;
    Some(items(&found, "NetworkInterfaceSets.NetworkInterfaceSet").to_vec())
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let instance = one(visit).await?;
    let id = visit.part("instance");
    let own = view::address_of("instances", id);
    let held = held(visit).await.unwrap_or_default();
    let names = Names::default().and_groups_of(&visit.api, &held).await;
    let body = html! {
        div .badges { (view::state(text(&instance, "Status"))) }
        (view::facts(&[
            ("Id", view::id(id)),
            ("Edge site", html! { (text(&instance, "EnsRegionId")) }),
            ("Addresses", addresses(&instance)),
            ("Type", html! { (text(&instance, "SpecName")) ", " (text(&instance, "Cpu")) " vCPU, " (view::number(count(&instance, "Memory"))) " MiB" }),
            ("Image", html! { (text(&instance, "ImageId")) }),
            ("Host name", html! { (text(&instance, "HostName")) }),
            ("System", html! { (text(&instance, "OSName")) }),
            ("Created", time::at(text(&instance, "CreationTime"))),
            ("Expires", time::at(text(&instance, "ExpiredTime"))),
            ("Activity", activity::ways(id)),
            ("Protected", html! { @if flag(&instance, "DeletionProtection") { "A release is refused" } }),
        ]))
        (view::section("Network interfaces", &interfaces::table(&held, &names, false)))
        (groups(&held, id, &names))
    };
    Ok(Page::new(SECTION, name(&instance), body)
        .under("Instances", format!("{ROOT}{SECTION}"))
        .actions(html! { (view::main_link(&format!("{own}/join"), "Join a group"))
        @for act in ACTS.iter().filter(|act| act.fits(text(&instance, "Status"))) { (view::button_link(&format!("{own}/{}", act.address), act.name)) } })
        .into())
}

/// The groups of the primary interface, with the way out of each.
fn groups(held: &[Value], id: &str, names: &Names) -> Markup {
    let primary = held.iter().find(|interface| text(interface, "Type") == "Primary");
    let groups: Vec<&str> = primary
        .map(|interface| texts(interface, "SecurityGroupIds.SecurityGroup").collect())
        .unwrap_or_default();
    view::section(
        "Security groups",
        &html! {
            @if groups.is_empty() {
                (view::empty("It is in no group.", &html! { "Nothing new is accepted then, and what it sends passes." }, Some(&view::button_link(&format!("{}/join", view::address_of("instances", id)), "Join a group"))))
            } @else {
                (view::table("Security groups of this instance", &["Group", ""], groups.iter().map(|group| vec![
                    Cell::head(view::named(&view::address_of("groups", group), names.name(group), group)),
                    Cell::of(html! { a .button .small href={ (view::address_of("groups", group)) "/leave?instance=" (id) } { "Leave" span .hidden { ": " (names.called(group)) } } }).right(),
                ])))
            }
        },
    )
}

async fn form(visit: &Visit<'_>) -> Outcome {
    Ok(form_page(visit, None).await.into())
}

async fn form_page(visit: &Visit<'_>, fault: Option<&Fault>) -> Page {
    let api = &visit.api;
    let regions = choices::regions(api).await;
    let (images, types) = (choices::images(api).await, choices::types(api).await);
    let ((switches, likely), groups) = (choices::vswitches(api).await, choices::groups(api).await);
    let form = &visit.form;
    let body = html! {
        @if let Some(fault) = fault { (view::refusal(fault)) }
        @if switches.is_empty() {
            (view::notice(view::Tone::Warning, "There is no vSwitch yet.", &html! { p { "An instance needs one to be in. " a href={ (ROOT) "/networks/new" } { "Create a network" } " first." } }))
        }
        div .card .measure {
            (view::form(visit, &format!("{ROOT}/instances/new"), &html! {
                (Field::new("InstanceName", "Name", form.get("InstanceName")).hint("2 to 128 characters; it begins with a letter.").text())
                div .fields {
                    (Field::new("EnsRegionId", "Edge site", form.given("EnsRegionId").unwrap_or(&likely)).required().choice(choices::pairs(&regions)))
                    (Field::new("ImageId", "Image", form.get("ImageId")).required().choice(choices::pairs(&images)))
                    (Field::new("InstanceType", "Type", form.get("InstanceType")).required().choice(choices::pairs(&types)))
                    (Field::new("VSwitchId", "vSwitch", form.get("VSwitchId")).hint("It has to be at the same edge site. The newest 50 are listed.").required().choice(choices::pairs(&switches)))
                    (Field::new("SecurityId", "Security group", form.get("SecurityId")).hint("The new instances join it. The newest 100 are listed.").choice([("", "None")].into_iter().chain(choices::pairs(&groups))))
                    (Field::new("Amount", "How many", form.given("Amount").unwrap_or("1")).required().number(1, 100))
                }
                (fields::buttons("Run", &format!("{ROOT}{SECTION}")))
            }))
        }
    };
    Page::new(SECTION, "Run an instance", body)
        .under("Instances", format!("{ROOT}{SECTION}"))
        .status(fault.map_or(200, |fault| fault.status))
}

async fn run(visit: &Visit<'_>) -> Outcome {
    let form = &visit.form;
    let mut parameters = vec![("ScheduleAreaLevel", "Region")];
    for name in
        ["InstanceName", "EnsRegionId", "ImageId", "InstanceType", "VSwitchId", "SecurityId", "Amount"]
    {
        parameters.extend(form.given(name).map(|value| (name, value)));
    }
    match visit.api.try_call("RunInstances", &parameters).await {
        Ok(changed) => {
            let made: Vec<&str> = texts(&changed.answer, "InstanceIds").collect();
            let back = match made.as_slice() {
                [one] => view::address_of("instances", one),
                _ => format!("{ROOT}{SECTION}"),
            };
            Ok(proposal::after(changed.generation, "RunInstances", &back))
        }
        Err(fault) => Ok(form_page(visit, Some(&fault)).await.into()),
    }
}

/// Which group it is to join; then the preview of that.
async fn join(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("instance");
    if let Some(group) = visit.query.given("group") {
        let preview = view::address_of("groups", group);
        return Ok(Response::see(format!("{preview}/join/preview?instance={id}")));
    }
    let instance = one(visit).await?;
    let groups = choices::groups(&visit.api).await;
    let own = view::address_of("instances", id);
    let body = html! {
        form .form .card .measure method="get" action={ (own) "/join" } {
            (Field::new("group", "Security group", "").hint("The newest 100 are listed; any other lets it join from its own page.").required().choice(choices::pairs(&groups)))
            (fields::buttons("Preview", &own))
        }
    };
    Ok(Page::new(SECTION, "Join a group", body)
        .under("Instances", format!("{ROOT}{SECTION}"))
        .under(name(&instance), own)
        .lead(html! { "Nothing is changed yet: next you see what it would open or close." })
        .into())
}

fn wanted(visit: &Visit<'_>) -> Result<&'static Act, Trouble> {
    ACTS.iter().find(|act| act.address == visit.part("act")).ok_or(Trouble::NotFound)
}

async fn ask(visit: &Visit<'_>) -> Outcome {
    let act = wanted(visit)?;
    let instance = one(visit).await?;
    let own = view::address_of("instances", visit.part("instance"));
    let ask = if act.address == "release" { view::confirm_loss } else { view::confirm };
    let ends = match (act.ends_flows(), held(visit).await) {
        (false, _) => html! {},
        (true, Some(held)) => stake::shown(&visit.api, &held).await,
        (true, None) => {
            view::none("You may not see its network interfaces, and so not which flows run at them.", None)
        }
    };
    let question = ask(visit, &format!("{own}/{}", act.address), act.name, &own, &html! { p { (act.says) } });
    let body = html! { (ends) (question) };
    Ok(Page::new(SECTION, format!("{} {}?", act.name, name(&instance)), body)
        .under("Instances", format!("{ROOT}{SECTION}"))
        .under(name(&instance), own)
        .into())
}

async fn act(visit: &Visit<'_>) -> Outcome {
    let act = wanted(visit)?;
    let id = visit.part("instance");
    let done = visit.api.try_call(act.operation, &[("InstanceId", id)]).await;
    let changed = done.map_err(|fault| Trouble::fault(act.operation, fault))?;
    let back =
        if act.address == "release" { format!("{ROOT}{SECTION}") } else { view::address_of("instances", id) };
    Ok(proposal::after(changed.generation, act.operation, &back))
}
