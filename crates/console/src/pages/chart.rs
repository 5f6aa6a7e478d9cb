//! How long the newest changes took until every node that they concern had confirmed them, as a picture.

use maud::{Markup, html};

use crate::{
    ROOT,
    api::Api,
    json::{flag, items, number, text},
    view::{self, time},
};

/// How many changes are looked at.
const CHANGES: u64 = 20;
/// The picture's height and width of a bar with its gap, in units of the picture.
const HEIGHT: u64 = 132;
const STEP: u64 = 22;
const BAR: u64 = 16;
/// What stands beneath the bars and above them.
const FOOT: u64 = 18;
const HEAD: u64 = 22;
const LEFT: u64 = 8;

/// A change.
struct Bar {
    generation: u64,
    /// How long it took; none: it is not confirmed everywhere yet.
    microseconds: Option<u64>,
}

/// The picture, with its heading.
pub(super) async fn shown(api: &Api) -> Markup {
    let title = "Time to confirmation";
    let newest = api.inner.gateway.status().durable;
    if !permits(api, newest).await {
        return view::section(title, &html! { p .soft { "You may not see where changes are in force." } });
    }
    let mut bars = Vec::new();
    for generation in newest.saturating_sub(CHANGES - 1).max(1)..=newest {
        bars.extend(bar(api, generation).await);
    }
    view::section(
        title,
        &html! {
            p .soft { "The newest change is " a href={ (ROOT) "/changes/" (newest) } { (newest) } ". Of the last " (CHANGES) ", those that concern nodes:" }
            @if bars.is_empty() {
                (view::empty("None of them concerns a node.", &html! { "A change of a group concerns the nodes on which its members are enforced." }, None))
            } @else { (picture(&bars)) }
        },
    )
}

/// Whether the caller may see how far a change is: its number is told to nobody else.
async fn permits(api: &Api, generation: u64) -> bool {
    let generation = generation.max(1).to_string();
    let parameters = [("Generation", generation.as_str())];
    match crate::api::operation("DescribeEnforcement") {
        Some(operation) => api.inner.gateway.permits(&api.principal(), operation, &parameters).await,
        None => false,
    }
}

/// A change that concerns a node of the caller's.
async fn bar(api: &Api, generation: u64) -> Option<Bar> {
    let parameters = [("Generation", generation.to_string()), ("PageSize", "100".into())];
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = api.glance("DescribeEnforcement", &pairs).await?;
    let nodes = items(&answer, "Nodes.Node");
    if nodes.is_empty() || text(&answer, "State") == "Unknown" {
        return None;
    }
    let took = |node: &serde_json::Value| {
        let after = number(node, "ConfirmedAfterMicroseconds").filter(|_| flag(node, "Confirmed"))?;
        u64::try_from(after).ok()
    };
    let all: Option<Vec<u64>> = nodes.iter().map(took).collect();
    Some(Bar { generation, microseconds: all.and_then(|all| all.into_iter().max()) })
}

fn picture(bars: &[Bar]) -> Markup {
    let most = bars.iter().filter_map(|bar| bar.microseconds).max().unwrap_or(0).max(1);
    let pending = bars.iter().filter(|bar| bar.microseconds.is_none()).count();
    let count = u64::try_from(bars.len()).unwrap_or(CHANGES);
    let width = LEFT * 2 + STEP * count.max(14);
    let room = HEIGHT - HEAD - FOOT;
    let said = format!(
        "{count} changes; the slowest took {}; {pending} not confirmed everywhere yet",
        time::microseconds(most)
    );
    html! {
        svg .picture viewBox={ "0 0 " (width) " " (HEIGHT) } role="img" aria-label=(said) {
            text .soft-text x=(LEFT) y="14" font-size="11" { "up to " (time::microseconds(most)) }
            line .soft-line x1=(LEFT) x2=(width - LEFT) y1=(HEIGHT - FOOT) y2=(HEIGHT - FOOT) {}
            @for (bar, x) in bars.iter().zip((LEFT..).step_by(usize::try_from(STEP).unwrap_or(1))) {
                @let height = bar.microseconds.map_or(room, |own| (own.saturating_mul(room) / most).clamp(2, room));
                rect class=(if bar.microseconds.is_some() { "accent-area" } else { "warning-area" })
                    x=(x) y=(HEIGHT - FOOT - height) width=(BAR) height=(height) rx="2" {
                    title {
                        "Change " (bar.generation) ": "
                        @match bar.microseconds { Some(own) => (time::microseconds(own)), None => "not confirmed everywhere yet" }
                    }
                }
            }
            @if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
                text .soft-text x=(LEFT) y=(HEIGHT - 4) font-size="11" { (first.generation) }
                @if bars.len() > 1 {
                    text .soft-text x=(LEFT + STEP * (count - 1) + BAR) y=(HEIGHT - 4) font-size="11" text-anchor="end" { (last.generation) }
                }
            }
        }
    }
}
