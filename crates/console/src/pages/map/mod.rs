//! The map: who can reach whom on what, as a picture and as a table.
//!
//! Drawn from the rules that accept and the addresses of members. Each line is asked about with one packet, so that rules
//! that drop, and those of the sending side, count too. Bounded in groups, members and lines; filters and links narrow it.

mod line;
mod members;
mod packet;
mod picture;
mod world;

use maud::{Markup, html};

use self::{
    line::{Line, Source},
    world::{Centre, Found, GROUPS_MAX, World},
};
use crate::{
    ROOT,
    response::Page,
    router::{Outcome, Route},
    view::{self, Cell, Tone, fields::Field},
    visit::Visit,
};

const SECTION: &str = "/map";

pub(crate) const ROUTES: &[Route] = &[Route::read("/map", |visit| Box::pin(show(visit)))];

async fn show(visit: &Visit<'_>) -> Outcome {
    let query = &visit.query;
    let port = query.given("port").map(|port| port.parse::<u16>().ok().filter(|port| *port > 0));
    let (status, found) = match port {
        Some(None) => (400, no_port()),
        port => match World::find(&visit.api, query.get("group"), port.flatten()).await? {
            Found::World(world) => {
                let members = members::of(&visit.api, &world).await;
                (200, drawn(&world, query.given("port").is_some(), &members))
            }
            Found::NoGroup => (404, no_group(query.get("group"))),
            Found::Wrong(operation, fault) => (
                fault.status,
                view::wrong_filter(
                    operation,
                    &fault,
                    &[("SecurityGroupId", "Group"), ("SecurityGroupName", "Group")],
                ),
            ),
        },
    };
    let body = html! {
        @if status != 200 { (found) }
        form .filters role="search" method="get" action={ (ROOT) (SECTION) } {
            (Field::new("group", "Group", query.get("group")).hint("An id, or the whole name. Empty: the newest.").search())
            (Field::new("port", "Port", query.get("port")).hint("Lines about this port alone.").number(1, 65_535))
            (view::list::show(SECTION, query.given("group").is_some() || query.given("port").is_some()))
        }
        @if status == 200 { (found) }
    };
    Ok(Page::new(SECTION, "Map", body)
        .status(status)
        .lead(html! { "Who can reach the members of which group, on what." })
        .into())
}

fn no_port() -> Markup {
    view::notice(
        Tone::Bad,
        "\u{201c}Port\u{201d} is not what it must look like.",
        &html! { p { strong { "Port" } " takes: a whole number from 1 to 65535, such as " code { "443" } "." } },
    )
}

fn no_group(wanted: &str) -> Markup {
    view::notice(
        Tone::Bad,
        "There is no such group.",
        &html! { p { strong { "Group" } " takes: an id, or a whole name. No group is called " code { (wanted) } "." } },
    )
}

/// What is not shown because the caller may not see it.
fn unseen(world: &World) -> Markup {
    html! {
        @if !world.unseen.is_empty() {
            (view::notice(Tone::Warning, "You do not see all of it.", &html! {
                ul { @for (operation, what) in &world.unseen { li { (view::operation_link(operation)) " does not answer you, and so you do not see " (what) "." } } }
                p { "What you may call is up to the policies of your user." }
            }))
        }
    }
}

/// The picture with what belongs to it; `is_of_port`: of the lines about one port alone.
fn drawn(world: &World, is_of_port: bool, members: &Markup) -> Markup {
    if world.groups.is_empty() {
        return view::empty(
            "There is nothing to draw.",
            &html! { "The map shows security groups, their members and what their rules accept." },
            Some(&view::button_link(&format!("{ROOT}/groups"), "To the groups")),
        );
    }
    html! {
        (unseen(world))
        @if world.lines.is_empty() {
            (no_line(world, is_of_port))
            (members)
        } @else {
            div .picture-frame tabindex="0" role="region" aria-label="The map" { (picture::of(world)) }
            p .hint .measure {
                "A line is a rule that accepts, tried with one packet. It is dashed and red where that packet is dropped all the same, by a rule that decides before or by the side that sends; and dotted where none was tried: the list says why."
                @if world.is_cut { " There is more than is drawn: choose a group." }
            }
            (members)
            (view::section("The same as a list", &table(world)))
        }
    }
}

/// What is said where there is no line: never more than what was looked at.
fn no_line(world: &World, is_of_port: bool) -> Markup {
    let all = view::button_link(&format!("{ROOT}{SECTION}"), "Show all");
    let none = |text: &str| view::empty("No line matches.", &html! { (text) }, Some(&all));
    match world.centre {
        Centre::Unread => none("You may not read this group, and so its rules are not looked at."),
        _ if is_of_port => none("No rule that accepts is about this port here."),
        Centre::Group(_) => none("No rule that accepts leads to this group, or from it to another one here."),
        Centre::All if !world.unseen.is_empty() => view::empty(
            "Nobody is let in, as far as you see.",
            &html! { "No rule that you may read accepts anything that comes in." },
            None,
        ),
        Centre::All if world.is_cut => {
            let said = html! { "No rule of the newest " (GROUPS_MAX) " groups accepts anything that comes in. Choose another group." };
            view::empty("Nobody is let in here.", &said, None)
        }
        Centre::All => {
            let said = html! { "No rule of these groups accepts anything that comes in." };
            view::empty("Nobody is let in.", &said, None)
        }
    }
}

fn table(world: &World) -> Markup {
    view::table(
        "Who can reach whom",
        &["From", "To", "On", "Tried packet"],
        world.lines.iter().map(|line| vec![
            Cell::of(source(world, line)),
            Cell::of(html! { @if let Some(target) = world.groups.get(line.target) { a href=(view::address_of("groups", &target.id)) { (target.name) } } }),
            Cell::of(html! { (line.on) }).nowrap(),
            Cell::of(verdict(line)),
        ]),
    )
}

fn source(world: &World, line: &Line) -> Markup {
    html! {
        @match &line.source {
            Source::Internet => "Internet",
            Source::Prefix(prefix) => code { (prefix) },
            Source::Group(place) => {
                @if let Some(group) = world.groups.get(*place) {
                    a href=(view::address_of("groups", &group.id)) { (group.name) }
                }
            }
        }
    }
}

fn verdict(line: &Line) -> Markup {
    match (&line.packet, line.passes) {
        (Ok(question), Some(true)) => html! { a href=(question) { (view::badge(Tone::Good, "Accepted")) } },
        (Ok(question), Some(false)) => html! { a href=(question) { (view::badge(Tone::Bad, "Dropped")) } },
        (Ok(_), None) => html! { span .soft { "Not tried" } },
        (Err(why), _) => html! { span .soft { "Not tried: " (why.text()) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_line_no_more_is_said_than_was_looked_at() {
        let said = |centre, is_of_port, is_cut, unseen: &[(&'static str, &'static str)]| {
            let (groups, lines, unseen) = (Vec::new(), Vec::new(), unseen.to_vec());
            no_line(&World { groups, lines, centre, is_cut, unseen }, is_of_port).into_string()
        };
        let everything = "No rule of these groups accepts anything that comes in.";
        assert!(said(Centre::All, false, false, &[]).contains(everything));
        for (said, part) in [
            (said(Centre::Unread, false, false, &[]), "You may not read this group"),
            (said(Centre::Group(0), false, false, &[]), "leads to this group"),
            (said(Centre::All, true, false, &[]), "about this port"),
            (said(Centre::All, false, true, &[]), "of the newest 20 groups"),
            (
                said(Centre::All, false, false, &[("DescribeSecurityGroupAttribute", "some")]),
                "as far as you see",
            ),
        ] {
            assert!(said.contains(part) && !said.contains(everything), "{said}");
        }
    }
}
