//! The map: who can reach whom on what, as a picture and as a table.
//!
//! Drawn from the rules that accept and the addresses of members. Each line is asked about with one packet, so that rules
//! that drop, and those of the sending side, count too. Bounded in groups, members and lines; filters and links narrow it.

mod picture;
mod world;

use maud::{Markup, html};

use self::world::{Found, Line, Source, World};
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
            Found::World(world) => (200, drawn(&world)),
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

fn drawn(world: &World) -> Markup {
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
            (view::empty("Nobody is let in.", &html! { "No rule of these groups accepts anything that comes in." }, None))
        } @else {
            div .picture-frame tabindex="0" role="region" aria-label="The map" { (picture::of(world)) }
            p .hint .measure {
                "A line is a rule that accepts, tried with one packet. It is dashed and red where that packet is dropped all the same, by a rule that decides before or by the side that sends; and dotted where there is no packet to try."
                @if world.is_cut { " There is more than is drawn: choose a group." }
            }
            (view::section("The same as a list", &table(world)))
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
    match (line.passes, &line.question) {
        (Some(true), Some(question)) => html! { a href=(question) { (view::badge(Tone::Good, "Accepted")) } },
        (Some(false), Some(question)) => html! { a href=(question) { (view::badge(Tone::Bad, "Dropped")) } },
        _ => html! { span .soft { "not tried" } },
    }
}
