//! The effective policy of an interface: the rules of all its groups together, in the order in which they decide.

use std::collections::HashMap;

use maud::{Markup, html};
use serde_json::Value;

use super::groups::rule;
use crate::{
    api::Api,
    json::{count, text},
    view::{self, Cell, Row},
};

/// A rule and the group that it is in.
struct Placed {
    group: String,
    name: String,
    rule: Value,
}

/// The rules of these groups. `interface` is whose they are.
pub(super) async fn shown(api: &Api, groups: &[&str], interface: &str) -> Markup {
    let mut placed = Vec::new();
    let mut unread = Vec::new();
    let mut names = HashMap::new();
    let mut sorted = groups.to_vec();
    // Of equal rules the one of the group with the smaller id decides.
    sorted.sort_unstable();
    for id in sorted {
        match api.glance("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await {
            Some(found) => {
                names.insert(id, text(&found, "SecurityGroupName").to_owned());
                for direction in ["ingress", "egress"] {
                    let ordered = rule::in_order(&found, direction).into_iter();
                    placed.extend(ordered.map(|rule| Placed {
                        group: id.to_owned(),
                        name: text(&found, "SecurityGroupName").to_owned(),
                        rule: rule.clone(),
                    }));
                }
            }
            None => unread.push(id),
        }
    }
    placed.sort_by_key(|own| (count(&own.rule, "Priority"), text(&own.rule, "Policy") == "Accept"));
    if groups.is_empty() {
        let said = html! { "No rule decides for it: nothing new is accepted, and what it sends passes. Open a group and add it as a member." };
        return view::section("Security groups", &view::empty("It is in no group.", &said, None));
    }
    html! {
        (view::section("Security groups", &memberships(groups, &names, interface)))
        (view::section("Effective policy", &html! {
            p .soft { "The rules of all its groups, in the order in which they decide." }
            @if !unread.is_empty() { p { "The rules of " (unread.join(", ")) " may not be read." } }
            (direction(&placed, "ingress", "What comes in", "Whatever no rule accepts is dropped."))
            (direction(&placed, "egress", "What goes out", "Whatever no rule drops passes."))
        }))
    }
}

fn memberships(groups: &[&str], names: &HashMap<&str, String>, interface: &str) -> Markup {
    view::table(
        "Security groups of this network interface",
        &["Group", ""],
        groups.iter().map(|group| {
            let own = view::address_of("groups", group);
            let name = names.get(group).map_or("", String::as_str);
            vec![
                Cell::head(view::named(&own, name, group)),
                Cell::of(html! { a .button .small href={ (own) "/leave?interface=" (interface) } { "Leave" span .hidden { ": " (if name.is_empty() { group } else { name }) } } }).right(),
            ]
        }),
    )
}

fn direction(placed: &[Placed], direction: &str, title: &str, last: &str) -> Markup {
    let own: Vec<&Placed> = placed.iter().filter(|own| text(&own.rule, "Direction") == direction).collect();
    let peer = if direction == "ingress" { "From" } else { "To" };
    let rows = own.iter().enumerate().map(|(place, own)| placed_row(place + 1, own));
    let rows = rows.chain([vec![Cell::of(html! { (last) }).soft().spanning(7)]]);
    html! {
        h3 { (title) }
        @if own.is_empty() { (view::none(&format!("There is no rule. {last}"), None)) } @else {
        (view::table(title, &["Place", "Priority", "Verdict", "Protocol", "Ports", peer, "Group"], rows))
        }
    }
}

fn placed_row(place: usize, own: &Placed) -> Row {
    let name = if own.name.is_empty() { &own.group } else { &own.name };
    vec![
        Cell::number(html! { (place) }),
        Cell::number(html! { (count(&own.rule, "Priority")) }),
        Cell::of(view::verdict(text(&own.rule, "Policy"))),
        Cell::of(html! { (text(&own.rule, "IpProtocol")) }),
        Cell::of(html! { (rule::ports(&own.rule)) }).nowrap(),
        Cell::of(html! { code { (rule::peer(&own.rule)) } }),
        Cell::of(html! { a href=(view::address_of("groups", &own.group)) { (name) } }),
    ]
}
