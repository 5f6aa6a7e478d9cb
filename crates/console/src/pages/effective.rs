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

/// The rules of some groups, as far as they may be read.
pub(super) struct Effective<'g> {
    groups: Vec<&'g str>,
    placed: Vec<Placed>,
    names: HashMap<&'g str, String>,
    unread: Vec<&'g str>,
}

impl<'g> Effective<'g> {
    /// Reads them.
    pub(super) async fn read(api: &Api, groups: &[&'g str]) -> Self {
        let mut own =
            Self { groups: groups.to_vec(), placed: Vec::new(), names: HashMap::new(), unread: Vec::new() };
        let mut sorted = groups.to_vec();
        // Of equal rules the one of the group with the smaller id decides.
        sorted.sort_unstable();
        for id in sorted {
            match api.glance("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await {
                Some(found) => own.place(id, &found),
                None => own.unread.push(id),
            }
        }
        own.placed.sort_by_key(|own| (count(&own.rule, "Priority"), text(&own.rule, "Policy") == "Accept"));
        own
    }

    fn place(&mut self, id: &'g str, found: &Value) {
        let name = text(found, "SecurityGroupName");
        self.names.insert(id, name.to_owned());
        for direction in ["ingress", "egress"] {
            let ordered = rule::in_order(found, direction).into_iter();
            self.placed.extend(ordered.map(|rule| Placed {
                group: id.to_owned(),
                name: name.to_owned(),
                rule: rule.clone(),
            }));
        }
    }

    /// The groups, with the way out of each, and their rules. `interface` is whose they are.
    pub(super) fn shown(&self, interface: &str) -> Markup {
        if self.groups.is_empty() {
            let said = html! { (NO_GROUP) " Open a group and add it as a member." };
            return view::section("Security groups", &view::empty("It is in no group.", &said, None));
        }
        html! {
            (view::section("Security groups", &memberships(&self.groups, &self.names, interface)))
            (self.rules("Effective policy"))
        }
    }

    /// The rules alone, under a title.
    pub(super) fn rules(&self, title: &str) -> Markup {
        view::section(
            title,
            &html! {
                @if self.groups.is_empty() { (view::none(&format!("It is in no group. {NO_GROUP}"), None)) }
                @else {
                    p .soft { "The rules of all its groups, in the order in which they decide." }
                    @if !self.unread.is_empty() { p { "The rules of " (self.unread.join(", ")) " may not be read." } }
                    (direction(&self.placed, "ingress", "What comes in", "Whatever no rule accepts is dropped."))
                    (direction(&self.placed, "egress", "What goes out", "Whatever no rule drops passes."))
                }
            },
        )
    }
}

/// What holds of an interface without groups.
const NO_GROUP: &str = "No rule decides for it: nothing new is accepted, and what it sends passes.";

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
