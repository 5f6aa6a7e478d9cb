//! One group: its rules in the order in which they decide, and its members.

use std::collections::HashMap;

use maud::{Markup, html};
use serde_json::Value;

use super::{SECTION, address, rule};
use crate::{
    api::Api,
    json::{items, text, texts},
    response::Page,
    router::Outcome,
    trouble::Trouble,
    view::{self, list},
    visit::Visit,
};

pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("group");
    let group = visit.api.read("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await?;
    let own = address(id);
    let members = members(visit, id).await?;
    let body = html! {
        (view::facts(&[
            ("Id", html! { (view::id(id)) }),
            ("Description", html! { (text(&group, "Description")) }),
            ("Rules", html! { (items(&group, "Permissions.Permission").len()) }),
        ]))
        (rules(&group, &own, "ingress", "Rules for packets that come in"))
        (rules(&group, &own, "egress", "Rules for packets that go out"))
        (members)
    };
    Ok(Page::new(SECTION, name(&group), body)
        .under("Security groups", format!("{}{SECTION}", crate::ROOT))
        .actions(html! {
            (view::main_link(&format!("{own}/rules/new"), "Add a rule"))
            (view::button_link(&format!("{own}/join"), "Let something join"))
            (view::button_link(&format!("{own}/edit"), "Rename"))
            (view::button_link(&format!("{own}/delete"), "Delete"))
        })
        .into())
}

/// What a group is called: its name, or its id where it has none.
pub(super) fn name(group: &Value) -> &str {
    match text(group, "SecurityGroupName") {
        "" => text(group, "SecurityGroupId"),
        name => name,
    }
}

fn rules(group: &Value, own: &str, direction: &str, title: &str) -> Markup {
    let ordered = rule::in_order(group, direction);
    let comes = direction == "ingress";
    let peer = if comes { "From" } else { "To" };
    view::section(
        title,
        &html! {
            @if ordered.is_empty() {
                (view::empty(
                    if comes { "No rule for packets that come in." } else { "No rule for packets that go out." },
                    &if comes { html! { "Packets that no rule of any of their groups accepts are dropped. Add a rule that accepts what members are to be reached on." } }
                     else { html! { "Packets that go out pass where no rule drops them." } },
                    Some(&view::button_link(&format!("{own}/rules/new?direction={direction}"), "Add a rule")),
                ))
            } @else {
                (view::table(title, &["Priority", "Verdict", "Protocol", "Ports", peer, "For", ""], &html! {
                    @for permission in &ordered { (rule_row(permission, own)) }
                }))
                p .soft { "In the order in which they decide: the smaller priority number first, and of equal ones what drops before what accepts. The first that matches decides." }
            }
        },
    )
}

fn rule_row(permission: &Value, own: &str) -> Markup {
    let described = rule::sentence(permission);
    html! {
        tr {
            td { (crate::json::count(permission, "Priority")) }
            td { (view::verdict(text(permission, "Policy"))) }
            td { (text(permission, "IpProtocol")) }
            td .nowrap { (rule::ports(permission)) }
            td { code { (rule::peer(permission)) } }
            td { (text(permission, "Description")) }
            td .right {
                a .button .small href={ (own) "/rules/remove?" (rule::query(permission)) } {
                    "Remove" span .hidden { " the rule: " (described) }
                }
            }
        }
    }
}

async fn members(visit: &Visit<'_>, id: &str) -> Result<Markup, Trouble> {
    let page = list::page_number(&visit.query);
    let parameters = [("SecurityGroupId", id), ("PageNumber", page.as_str()), ("PageSize", list::PAGE_SIZE)];
    let answer = visit.api.read("DescribeNetworkInterfaces", &parameters).await?;
    let interfaces = items(&answer, "NetworkInterfaceSets.NetworkInterfaceSet");
    let names = instance_names(&visit.api, interfaces).await;
    let own = address(id);
    Ok(view::section(
        "Members",
        &html! {
            @if interfaces.is_empty() && page == "1" {
                (view::empty(
                    "Nothing has joined.",
                    &html! { "Rules decide for members alone. Let an instance or one of its network interfaces join." },
                    Some(&view::button_link(&format!("{own}/join"), "Let something join")),
                ))
            } @else {
                (view::table("Members", &["Member", "Address", "State", "Other groups", ""], &html! {
                    @for interface in interfaces { (member_row(interface, &names, id)) }
                }))
                (list::pager(&visit.query, &answer, "members"))
            }
        },
    ))
}

/// The names of the instances whose interfaces these are. Where they may not be read there are none.
pub(crate) async fn instance_names(api: &Api, interfaces: &[Value]) -> HashMap<String, String> {
    let mut ids: Vec<&str> = interfaces.iter().map(|interface| text(interface, "InstanceId")).collect();
    ids.retain(|id| !id.is_empty());
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return HashMap::new();
    }
    let list = Value::from(ids).to_string();
    let answer = api.glance("DescribeInstances", &[("InstanceIds", &list), ("PageSize", "100")]).await;
    let answer = answer.unwrap_or_default();
    let named = items(&answer, "Instances.Instance").iter();
    named.map(|own| (text(own, "InstanceId").to_owned(), text(own, "InstanceName").to_owned())).collect()
}

fn member_row(interface: &Value, names: &HashMap<String, String>, group: &str) -> Markup {
    let (id, instance) = (text(interface, "NetworkInterfaceId"), text(interface, "InstanceId"));
    let primary = text(interface, "Type") == "Primary";
    let others: Vec<&str> =
        texts(interface, "SecurityGroupIds.SecurityGroup").filter(|own| *own != group).collect();
    let name = names.get(instance).map_or("", String::as_str);
    let leaving = if primary { ("instance", instance) } else { ("interface", id) };
    html! {
        tr {
            th scope="row" {
                @if primary { (view::named(&view::address_of("instances", instance), name, instance)) }
                @else {
                    (view::named(&view::address_of("interfaces", id), text(interface, "NetworkInterfaceName"), id))
                    @if !instance.is_empty() { span .beneath .soft { "of " a href=(view::address_of("instances", instance)) { (if name.is_empty() { instance } else { name }) } } }
                }
            }
            td { code { (text(interface, "PrimaryIp")) } }
            td { (view::state(text(interface, "Status"))) }
            td { @for other in &others { a .id .beneath href=(address(other)) { (other) } } }
            td .right {
                a .button .small href={ (address(group)) "/leave?" (leaving.0) "=" (leaving.1) } {
                    "Leave" span .hidden { ": " (if name.is_empty() { leaving.1 } else { name }) }
                }
            }
        }
    }
}
