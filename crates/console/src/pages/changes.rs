//! A change that was made: how far it is in force, node by node, kept up to date until all have confirmed it.

use maud::{Markup, html};
use serde_json::Value;

use crate::{
    ROOT,
    api::{self, Api},
    json::{count, flag, items, number, text},
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{self, Cell, Row, Tone, time},
    visit::{Visit, own_address},
};

pub(crate) const ROUTES: &[Route] = &[
    Route::read("/changes/{generation}", |visit| Box::pin(show(visit))),
    Route::live("/changes/{generation}/live", |visit| Box::pin(live(visit))),
];

/// The address of a change's page. `operation` made it, and `back` is where it was asked for.
pub(crate) fn address(generation: u64, operation: &str, back: &str) -> String {
    format!(
        "{ROOT}/changes/{generation}?operation={operation}&back={}",
        wire::protocol::percent::encode(back)
    )
}

async fn show(visit: &Visit<'_>) -> Outcome {
    let generation = visit.part("generation");
    let body = progress_or_done(visit, generation).await?;
    let made = api::operation(visit.query.get("operation"));
    let lead = html! {
        @match made {
            Some(operation) => { (view::operation_link(operation.name)) " is done. " }
            None => {}
        }
        "The change is on disk, and in force as is said below."
    };
    let back = visit.query.given("back").map(own_address);
    let actions = back.map(|back| view::main_link(back, "Go on"));
    let what = super::activity::of_change(&visit.api, generation).await;
    let body_and_what = html! { (what) (body.markup) };
    let mut page = Page::new("/activity", format!("Change {generation}"), body_and_what).lead(lead);
    if !body.settled {
        page = page.live(format!("{ROOT}/changes/{generation}/live")).reload(true);
    }
    Ok(match actions {
        Some(actions) => page.actions(actions),
        None => page,
    }
    .into())
}

/// How far it is in force. Who made it and may not see that is told so, and that it is made.
async fn progress_or_done(visit: &Visit<'_>, generation: &str) -> Result<Progress, Trouble> {
    let about = [("Generation", generation)];
    let is_known = visit.query.given("operation").and_then(api::operation).is_some();
    if !is_known || visit.api.permits("DescribeEnforcement", &about).await {
        return progress(&visit.api, generation).await;
    }
    let said = view::notice(
        Tone::Plain,
        "You may not see where it is in force.",
        &html! { p { "No policy lets you call " (view::operation_link("DescribeEnforcement")) ", which shows that." } },
    );
    Ok(Progress { markup: html! { div #change .stack { (said) } }, settled: true })
}

async fn live(visit: &Visit<'_>) -> Outcome {
    let generation = visit.part("generation").to_owned();
    super::live::begin(visit, super::live::Pace::Brisk, move |api| {
        let generation = generation.clone();
        async move {
            let progress = progress(&api, &generation).await.ok()?;
            Some(super::live::Shown { markup: progress.markup, settled: progress.settled })
        }
    })
}

struct Progress {
    markup: Markup,
    /// Whether nothing about it will change any more.
    settled: bool,
}

async fn progress(api: &Api, generation: &str) -> Result<Progress, Trouble> {
    let answer = api.read("DescribeEnforcement", &[("Generation", generation), ("PageSize", "50")]).await?;
    let state = text(&answer, "State");
    Ok(Progress {
        markup: html! { div #change .stack { (shown(&answer, state)) } },
        settled: state != "Pending",
    })
}

fn shown(answer: &Value, state: &str) -> Markup {
    let (confirmed, total) = (count(answer, "ConfirmedCount"), count(answer, "TotalCount"));
    html! {
        @match (state, total) {
            ("Confirmed", 0) => { (view::notice(Tone::Good, "Done.", &html! { p { "It concerns no node: nothing that runs on one is decided by it." } })) }
            ("Confirmed", _) => { (view::notice(Tone::Good, "In force everywhere.", &html! { p { "Every node that it concerns has read it back from its kernel." } })) }
            ("Pending", _) => { (view::notice(Tone::Warning, "Not everywhere yet.", &html! { p { (confirmed) " of " (total) " nodes have confirmed it." } })) }
            _ => { (view::notice(Tone::Plain, "Not known any more.", &html! { p { "Receipts are kept for the newest changes, and not beyond a restart of the server. The page of a node says which change it has confirmed." } })) }
        }
        @if total > 0 {
            (view::table("Nodes that the change concerns", &["Node", "State", "Confirmed after", "Time"], items(answer, "Nodes.Node").iter().map(row)))
        }
        @if total > 50 { p .soft { "The first 50 of " (total) " nodes, those that have not confirmed it before the others." } }
    }
}

fn row(node: &Value) -> Row {
    let id = text(node, "NodeId");
    let mut row = vec![Cell::head(view::named(&view::address_of("nodes", id), text(node, "NodeName"), id))];
    if flag(node, "Confirmed") {
        let after = number(node, "ConfirmedAfterMicroseconds").and_then(|after| u64::try_from(after).ok());
        row.extend([
            Cell::of(view::state("Confirmed")),
            Cell::of(html! { @if let Some(after) = after { (time::microseconds(after)) } }).nowrap(),
            Cell::of(time::at(text(node, "ConfirmedTime"))),
        ]);
    } else {
        row.extend([
            Cell::of(view::badge(Tone::Warning, text(node, "Reason"))),
            Cell::of(html! { (text(node, "Message")) }).spanning(2),
        ]);
    }
    row
}
