//! Who did what, when and from where, what was before and after; and how something was at a moment.

use maud::{Markup, html};
use serde_json::Value;
use wire::protocol::percent;

use crate::{
    ROOT, api,
    api::Api,
    json::{count, items, number, text, texts},
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{self, Cell, Row, Tone, fields::Field, list, time},
    visit::Visit,
};

const SECTION: &str = "/activity";
const STEP: &str = "25";
const NEWEST_FIRST: &str = "Events, the newest first";
/// How many things an event is said to be about.
const NAMED_MAX: usize = 4;
/// How many changes the page of one change has.
const CHANGES_SHOWN: &str = "100";

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/activity", |visit| Box::pin(show(visit))),
    Route::read("/activity/state", |visit| Box::pin(state_at(visit))),
];

/// The filters of the list, as the operation has them and as the form has them.
const FILTERS: [(&str, &str); 7] = [
    ("OperationName", "Operation"),
    ("ActorType", "By"),
    ("UserName", "RAM user"),
    ("ResourceId", "About"),
    ("Outcome", "Outcome"),
    ("BeginTime", "From"),
    ("EndTime", "To"),
];

async fn show(visit: &Visit<'_>) -> Outcome {
    if api::operation("ListEvents").is_none() {
        return Err(Trouble::NotFound);
    }
    let query = &visit.query;
    let mut parameters = vec![("MaxResults", STEP)];
    parameters.extend(query.given("token").map(|token| ("NextToken", token)));
    parameters.extend(FILTERS.iter().filter_map(|(name, _)| query.given(name).map(|value| (*name, value))));
    let (answer, fault) = visit.api.filtered("ListEvents", &parameters).await?;
    let events = items(&answer, "Events.Event");
    let body = html! {
        @if let Some(fault) = &fault { (view::wrong_filter("ListEvents", fault, &FILTERS)) }
        form .filters role="search" method="get" action={ (ROOT) (SECTION) } {
            (Field::new("ResourceId", "About", query.get("ResourceId")).hint("The id of a group, an instance, an interface, ...").search())
            (Field::new("OperationName", "Operation", query.get("OperationName")).text())
            (Field::new("UserName", "RAM user", query.get("UserName")).hint("The name that it had then, or its number").text())
            (list::filter("Outcome", "Outcome", query, ["Applied", "Refused"]))
            (list::filter("ActorType", "By", query, ["Root", "User", "Node", "Operator", "Clock"]))
            (Field::new("BeginTime", "From", query.get("BeginTime")).hint("Such as `2026-11-22T03:00:00Z`").text())
            (Field::new("EndTime", "To", query.get("EndTime")).text())
            (list::show(SECTION, FILTERS.iter().any(|(name, _)| query.given(name).is_some())))
        }
        @if fault.is_some() {}
        @else if events.is_empty() { (view::empty("Nothing matches.", &html! { "Changes are listed here, and calls that were refused. Try a longer time, or fewer filters." }, None)) }
        @else { (table(NEWEST_FIRST, events, &Shown { of: query.given("ResourceId"), is_whole: false })) }
        (next(visit, &answer))
    };
    let lead = match number(&answer, "OldestGeneration") {
        Some(oldest) => {
            html! { "Who did what, when and from where. It goes back to change " (oldest) " of " (time::plain(text(&answer, "OldestTime"))) "." }
        }
        None => html! { "Who did what, when and from where." },
    };
    let actions = view::button_link(&format!("{ROOT}/activity/state"), "Look at a past state");
    let status = fault.map_or(200, |fault| fault.status);
    Ok(Page::new(SECTION, "Activity", body).lead(lead).actions(actions).status(status).into())
}

fn next(visit: &Visit<'_>, answer: &Value) -> Markup {
    let token = text(answer, "NextToken");
    let kept = visit.query.pairs().filter(|(name, value)| *name != "token" && !value.is_empty());
    let mut pairs: Vec<String> =
        kept.map(|(name, value)| format!("{}={}", percent::encode(name), percent::encode(value))).collect();
    pairs.push(format!("token={}", percent::encode(token)));
    html! {
        @if !token.is_empty() { nav .pager aria-label="Pages of events" { p {} a .button rel="next" href={ "?" (pairs.join("&")) } { "Older" } } }
    }
}

/// The newest events, for the overview. Nothing where the caller may not see them.
pub(super) async fn latest(api: &Api, most: &str) -> Markup {
    let Some(found) = api.glance("ListEvents", &[("MaxResults", most)]).await else { return html! {} };
    let events = items(&found, "Events.Event");
    view::section(
        "Latest changes",
        &html! {
            @if events.is_empty() { p .soft { "Nothing happened yet." } }
            @else { (table(NEWEST_FIRST, events, &Shown::default())) p { a href={ (ROOT) (SECTION) } { "All activity" } } }
        },
    )
}

/// What a change was, who made it and when. Nothing where the caller may not see that, and where it is not kept any more.
pub(super) async fn of_change(api: &Api, generation: &str) -> Markup {
    let Some(next) = generation.parse::<u64>().ok().and_then(|own| own.checked_add(1)) else {
        return html! {};
    };
    let next = next.to_string();
    // What time alone brings about is listed where it is asked for.
    for actor in [None, Some(("ActorType", "Clock"))] {
        let mut parameters = vec![("Outcome", "Applied"), ("MaxResults", "1"), ("NextToken", &*next)];
        parameters.push(("MaxChanges", CHANGES_SHOWN));
        parameters.extend(actor);
        let Some(found) = api.glance("ListEvents", &parameters).await else { return html! {} };
        let events = items(&found, "Events.Event");
        if events.iter().any(|event| count(event, "Generation").to_string() == generation) {
            return table("What was changed", events, &Shown { of: None, is_whole: true });
        }
    }
    html! {}
}

/// How events are shown.
#[derive(Default)]
struct Shown<'s> {
    /// They are those of this thing.
    of: Option<&'s str>,
    /// There is one, and nowhere is more of it.
    is_whole: bool,
}

fn table(caption: &str, events: &[Value], shown: &Shown<'_>) -> Markup {
    let heads = ["When", "Who", "What", "Outcome", "About"];
    view::table(caption, &heads, events.iter().map(|event| row(event, shown)))
}

fn row(event: &Value, shown: &Shown<'_>) -> Row {
    let who = match (text(event, "ActorType"), text(event, "ActorName")) {
        ("User", name) => name.to_owned(),
        (_, "") => text(event, "ActorType").to_lowercase(),
        (_, name) => name.to_owned(),
    };
    vec![
        Cell::of(time::at(text(event, "Time"))).nowrap(),
        Cell::of(
            html! { @match view::address_of_id(&who).filter(|_| text(event, "ActorType") == "Node") { Some(address) => a .id .wrapped href=(address) { (who) }, None => (who) }
            @if !text(event, "SourceIpAddress").is_empty() { span .id .beneath { (text(event, "SourceIpAddress")) } } },
        ),
        Cell::of(html! { (view::operation_link(text(event, "OperationName"))) (details(event, shown)) }),
        Cell::of(outcome(event, shown)),
        Cell::of(html! { @for id in named(event) { span .beneath { (about(id)) } } }),
    ]
}

fn is_refused(event: &Value) -> bool {
    text(event, "Outcome") == "Refused"
}

/// What became of it; where the events of one thing are listed, with the ways to how that was before and after.
fn outcome(event: &Value, shown: &Shown<'_>) -> Markup {
    let generation = count(event, "Generation");
    html! {
        @if is_refused(event) {
            (view::badge(Tone::Bad, "Refused"))
            span .hint .beneath { @for part in text(event, "ErrorCode").split_inclusive('.') { (part) wbr; } }
        } @else {
            a .nowrap href={ (ROOT) "/changes/" (generation) } { "Change " (generation) }
            @if let Some(id) = shown.of.filter(|id| has_states(id)) { span .beneath { (states(id, generation, kind_of(event, id))) } }
        }
    }
}

/// What became of a thing: where what belongs to it changed alone, or who is in it, that is a change of it, too. None: it may be
/// among the changes that are not listed.
fn kind_of<'e>(event: &'e Value, id: &str) -> Option<&'e str> {
    let changes = items(event, "Changes.Change");
    let own = changes.iter().find(|change| is_thing(change) && text(change, "ResourceId") == id);
    let is_whole = u64::try_from(changes.len()).is_ok_and(|listed| listed >= count(event, "ChangeCount"));
    own.map(|change| text(change, "Kind")).or(is_whole.then_some("Changed"))
}

/// Whether a change is that of a thing. What belongs to one has its id, and no states of its own.
fn is_thing(change: &Value) -> bool {
    matches!(
        text(change, "ResourceType"),
        "SecurityGroup" | "Instance" | "NetworkInterface" | "Network" | "VSwitch"
    )
}

/// Whether how a thing was is known of it: of what else an id names nothing is told.
fn has_states(id: &str) -> bool {
    matches!(id.split_once('-'), Some(("sg" | "i" | "eni" | "n" | "vsw", _)))
}

fn state_address(id: &str, as_of: u64) -> String {
    format!("{ROOT}/activity/state?ResourceId={}&AsOf={as_of}", percent::encode(id))
}

/// The ways to how a thing was before a change and after it, where it was there; where that is not known, to both, of which one
/// may say that it was not.
fn states(id: &str, generation: u64, kind: Option<&str>) -> Markup {
    let (before, after) = (kind != Some("Created"), kind != Some("Deleted"));
    html! {
        @if before {
            a href=(state_address(id, generation.saturating_sub(1))) { "State before" span .hidden { " change " (generation) ": " (id) } }
        }
        @if before && after { ", " }
        @if after {
            a href=(state_address(id, generation)) { @if before { "after" } @else { "State after" } span .hidden { " change " (generation) ": " (id) } }
        }
    }
}

/// The ways from the page of a thing to what happened to it, and to how it was.
pub(super) fn ways(id: &str) -> Markup {
    html! {
        a href={ (ROOT) (SECTION) "?ResourceId=" (percent::encode(id)) } { "What happened to it" }
        a .beneath href={ (ROOT) "/activity/state?ResourceId=" (percent::encode(id)) } { "How it was at a moment" }
    }
}

/// What an event is about, as far as there is room: what a refused call names, or what was changed; each once.
fn named(event: &Value) -> Vec<&str> {
    let changed = items(event, "Changes.Change").iter().map(|change| text(change, "ResourceId"));
    let mut found = Vec::new();
    for id in texts(event, "ResourceIds.ResourceId").chain(changed) {
        if !id.is_empty() && !found.contains(&id) && found.len() < NAMED_MAX {
            found.push(id);
        }
    }
    found
}

/// A link to what an id names.
pub(super) fn about(id: &str) -> Markup {
    match view::address_of_id(id) {
        Some(address) => html! { a .id href=(address) { (id) } },
        None => view::id(id),
    }
}

/// What there is to tell of an event besides: why it was refused, or what it changed, and the call that it was.
fn details(event: &Value, shown: &Shown<'_>) -> Markup {
    let changes = items(event, "Changes.Change");
    let title = match (is_refused(event), changes.is_empty()) {
        (true, _) => "Why",
        (false, false) => "What changed",
        (false, true) => "Details",
    };
    let (request, message) = (text(event, "RequestId"), text(event, "ErrorMessage"));
    html! {
        details .help open[shown.is_whole] {
            summary { (title) }
            @if !message.is_empty() { p { (view::with_links(message)) } }
            @for change in changes { (self::change(change, count(event, "Generation"))) }
            (left_out(event, changes.len(), shown))
            @if !request.is_empty() { p { span .soft { "Request id: " } code .id { (request) } } }
        }
    }
}

/// One thing with what was before and after.
fn change(change: &Value, generation: u64) -> Markup {
    let (kind, id) = (text(change, "Kind"), text(change, "ResourceId"));
    html! {
        p { strong { (kind) } " " (text(change, "ResourceType")) " " (text(change, "ResourceName")) " " (about(id)) }
        @for name in ["Before", "After", "Removed", "Added"] {
            @if !text(change, name).is_empty() { p { span .soft { (name) ": " } code { (text(change, name)) } } }
        }
        @if is_thing(change) { p { (states(id, generation, Some(kind))) } }
    }
}

/// The most changes of an event that one answer has.
const ASKED_MAX: u64 = 2_000;

/// How many changes are not listed, and where they are.
fn left_out(event: &Value, listed: usize, shown: &Shown<'_>) -> Markup {
    let (all, generation) = (count(event, "ChangeCount"), count(event, "Generation"));
    let more = all.saturating_sub(u64::try_from(listed).unwrap_or(u64::MAX));
    let said = format!("and {} more", view::number(more));
    html! {
        @if more > 0 && shown.is_whole {
            p {
                (said) ". " @if all > ASKED_MAX { "The first " (view::number(ASKED_MAX)) } @else { "All that is kept" } " of it: "
                code { (command(event, all)) }
            }
        } @else if more > 0 {
            p { a href={ (ROOT) "/changes/" (generation) } { (said) } }
        }
    }
}

/// The command that lists all changes of an event, as many as one answer may have.
fn command(event: &Value, all: u64) -> String {
    let next = count(event, "Generation").saturating_add(1);
    let actor = if text(event, "ActorType") == "Clock" { " --ActorType Clock" } else { "" };
    let most = all.min(ASKED_MAX);
    format!(
        "ravelin api ListEvents --Outcome Applied{actor} --MaxResults 1 --NextToken {next} --MaxChanges {most}"
    )
}

async fn state_at(visit: &Visit<'_>) -> Outcome {
    let query = &visit.query;
    let (id, moment) = (query.get("ResourceId"), query.get("AsOf"));
    let form = html! {
        form .filters method="get" action={ (ROOT) "/activity/state" } {
            (Field::new("ResourceId", "What", id).hint("The id of a group, an instance, an interface, a network or a vSwitch.").required().text())
            (Field::new("AsOf", "When", moment).hint("A change (`42`) or a time (`2026-11-22T03:04:05Z`).").required().text())
            div .buttons { button .button type="submit" { "Show" } }
        }
    };
    let (status, found) = if id.is_empty() || moment.is_empty() {
        (200, html! {})
    } else {
        match visit.api.try_call("DescribeStateAt", &[("ResourceId", id), ("AsOf", moment)]).await {
            Ok(found) => (200, state(&found.answer)),
            Err(fault) => (fault.status, view::refusal(&fault)),
        }
    };
    if api::operation("DescribeStateAt").is_none() {
        return Err(Trouble::NotFound);
    }
    Ok(Page::new(SECTION, "A past state", html! { (form) (found) })
        .status(status)
        .under("Activity", format!("{ROOT}{SECTION}"))
        .into())
}

fn state(answer: &Value) -> Markup {
    let parsed = serde_json::from_str::<Value>(text(answer, "State")).unwrap_or_default();
    let pretty = serde_json::to_string_pretty(&parsed).unwrap_or_default();
    let (id, made) = (text(answer, "ResourceId"), count(answer, "MadeBy.Generation"));
    view::section(
        &format!("{} after change {}", text(answer, "ResourceType"), count(answer, "Generation")),
        &html! {
            (view::facts(&[
                ("Id", about(id)),
                ("Made by", view::operation_link(text(answer, "MadeBy.OperationName"))),
                ("Change", html! { @if made > 0 { a href={ (ROOT) "/changes/" (made) } { (made) } } }),
                ("Who", html! { (text(answer, "MadeBy.ActorName")) }),
                ("When", time::at(text(answer, "MadeBy.Time"))),
                ("Activity", html! { a href={ (ROOT) (SECTION) "?ResourceId=" (percent::encode(id)) } { "What happened to it" } }),
            ]))
            pre tabindex="0" aria-label="Its state" { (pretty) }
            @if count(answer, "MemberCount") > 0 {
                h3 { (view::several(count(answer, "MemberCount"), "member", "members")) }
                ul .list { @for id in texts(answer, "NetworkInterfaceIds.NetworkInterfaceId") { li { (about(id)) } } }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_event_is_about_is_named_once() {
        let event = json!({
            "ResourceIds": { "ResourceId": ["i-1", "eni-1"] },
            "Changes": { "Change": [{ "ResourceId": "eni-1" }, { "ResourceId": "sg-1" }, { "ResourceId": "" }] },
        });
        assert_eq!(named(&event), ["i-1", "eni-1", "sg-1"]);
    }
}
