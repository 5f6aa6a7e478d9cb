//! One group: its rules in the order in which they decide, and its members.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{activity, names::Names},
    SECTION, address, rule,
};
use crate::{
    json::{items, text, texts},
    response::Page,
    router::Outcome,
    trouble::Trouble,
    view::{self, Cell, Row, list},
    visit::Visit,
};

pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let id = visit.part("group");
    let group = visit.api.read("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await?;
    let own = address(id);
    let members = members(visit, id).await?;
    let body = html! {
        (view::facts(&[
            ("Id", view::id(id)),
            ("Description", html! { (text(&group, "Description")) }),
            ("Rules", html! { (items(&group, "Permissions.Permission").len()) }),
            ("On the map", html! { a href={ (crate::ROOT) "/map?group=" (id) } { "Who can reach its members" } }),
            ("Activity", activity::ways(id)),
        ]))
        (rules(&group, &own, "ingress", "What comes in"))
        (rules(&group, &own, "egress", "What goes out"))
        (members)
    };
    Ok(Page::new(SECTION, name(&group), body)
        .under("Security groups", format!("{}{SECTION}", crate::ROOT))
        .actions(html! {
            (view::main_link(&format!("{own}/rules/new"), "Add a rule"))
            (view::button_link(&format!("{own}/join"), "Add a member"))
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
                @let add = view::button_link(&format!("{own}/rules/new?direction={direction}"), "Add a rule");
                @if comes {
                    (view::empty(
                        "No rule accepts anything yet.",
                        &html! { "Packets that no rule of any of their groups accepts are dropped. Add a rule that accepts what members are to be reached on." },
                        Some(&add),
                    ))
                } @else { (view::none("There is no rule: everything that members send passes.", Some(&add))) }
            } @else {
                (view::table(title, &["Priority", "Verdict", "Protocol", "Ports", peer, "Description", ""], ordered.iter().map(|permission| rule_row(permission, own))))
                p .hint .measure { "The first rule that matches decides: the smaller priority number first, and of equal ones what drops before what accepts." @if comes { " What no rule accepts is dropped." } @else { " What no rule drops passes." } }
            }
        },
    )
}

fn rule_row(permission: &Value, own: &str) -> Row {
    let described = rule::sentence(permission);
    vec![
        Cell::number(html! { (crate::json::count(permission, "Priority")) }),
        Cell::of(view::verdict(text(permission, "Policy"))),
        Cell::of(html! { (text(permission, "IpProtocol")) }),
        Cell::of(html! { (rule::ports(permission)) }).nowrap(),
        Cell::of(html! { code { (rule::peer(permission)) } }),
        Cell::of(html! { (text(permission, "Description")) }),
        Cell::of(html! { a .button .small href={ (own) "/rules/remove?" (rule::query(permission)) } {
            "Remove" span .hidden { " the rule: " (described) }
        } })
        .right(),
    ]
}

async fn members(visit: &Visit<'_>, id: &str) -> Result<Markup, Trouble> {
    let page = list::page_number(&visit.query);
    let parameters = [("SecurityGroupId", id), ("PageNumber", page.as_str()), ("PageSize", list::PAGE_SIZE)];
    let answer = visit.api.read("DescribeNetworkInterfaces", &parameters).await?;
    let interfaces = items(&answer, "NetworkInterfaceSets.NetworkInterfaceSet");
    let names = Names::default().and_instances_of(&visit.api, interfaces).await;
    let names = names.and_groups_of(&visit.api, interfaces).await;
    let own = address(id);
    Ok(view::section(
        "Members",
        &html! {
            @if interfaces.is_empty() && page == "1" {
                (view::empty(
                    "There are no members yet.",
                    &html! { "The rules decide for members alone. Let an instance or a network interface join." },
                    Some(&view::button_link(&format!("{own}/join"), "Add a member")),
                ))
            } @else {
                (view::table("Members", &["Member", "Address", "State", "Other groups", ""], interfaces.iter().map(|interface| member_row(interface, &names, id))))
                (list::pager(&visit.query, &answer, "members"))
            }
        },
    ))
}

fn member_row(interface: &Value, names: &Names, group: &str) -> Row {
    let (id, instance) = (text(interface, "NetworkInterfaceId"), text(interface, "InstanceId"));
    let primary = text(interface, "Type") == "Primary";
    let others: Vec<&str> =
        texts(interface, "SecurityGroupIds.SecurityGroup").filter(|own| *own != group).collect();
    let name = names.name(instance);
    let leaving = if primary { ("instance", instance) } else { ("interface", id) };
    vec![
        Cell::head(
            html! { @if primary { (view::named(&view::address_of("instances", instance), name, instance)) }
            @else {
                (view::named(&view::address_of("interfaces", id), text(interface, "NetworkInterfaceName"), id))
                @if !instance.is_empty() { span .beneath .soft { "of " (names.link(instance)) } }
            } },
        ),
        Cell::of(html! { code { (text(interface, "PrimaryIp")) } }),
        Cell::of(view::state(text(interface, "Status"))),
        Cell::of(html! { @for other in &others { span .beneath { (names.link(other)) } } }),
        Cell::of(html! { a .button .small href={ (address(group)) "/leave?" (leaving.0) "=" (leaving.1) } {
            "Leave" span .hidden { ": " (if name.is_empty() { leaving.1 } else { name }) }
        } })
        .right(),
    ]
}
