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
/// The picture's height, and the width of a bar with and without its gap, in units of the picture.
const HEIGHT: u64 = 176;
const STEP: u64 = 17;
const GAP: u64 = 4;
const BAR: u64 = STEP - GAP;
/// What stands beneath the bars, above them, before them and after them.
const FOOT: u64 = 26;
const HEAD: u64 = 18;
const LEFT: u64 = 72;
const EDGE: u64 = 16;

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
    let newest_is = html! { "The newest change is " a href={ (ROOT) "/changes/" (newest) } { (newest) } "." };
    view::section(
        title,
        &html! {
            @if bars.is_empty() {
                (view::empty("No change concerned a node lately.", &html! { "How long a change takes until every node has confirmed it is shown here. A change of a group concerns the nodes on which its members are enforced." }, None))
                p .hint { (newest_is) }
            } @else {
                (picture(&bars))
                p .hint { "How long each of the last " (CHANGES) " changes that concern nodes took until all of them had confirmed it. " (newest_is) }
            }
        },
    )
}

/// Whether the caller may see how far a change is: its number is told to nobody else.
async fn permits(api: &Api, generation: u64) -> bool {
    let generation = generation.max(1).to_string();
    let parameters = [("Generation", generation.as_str())];
    api.permits("DescribeEnforcement", &parameters).await
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
    let times: Vec<u64> = bars.iter().filter_map(|bar| bar.microseconds).collect();
    let scale = Scale::of(&times);
    let pending = bars.len() - times.len();
    let most = times.iter().copied().max().unwrap_or(0);
    let said = format!(
        "{} changes; the slowest took {}; {pending} not confirmed everywhere yet",
        bars.len(),
        time::microseconds(most)
    );
    let (left, right) = (LEFT, LEFT + STEP * CHANGES);
    html! {
        svg .picture .chart viewBox={ "0 0 " (right + EDGE) " " (HEIGHT) } role="img" aria-label=(said) {
            @for decade in scale.from..=scale.to {
                @let y = scale.y(10u64.pow(decade));
                line class=(if decade == scale.from { "soft-line" } else { "grid-line" }) x1=(left) x2=(right) y1=(y) y2=(y) {}
                text .soft-text x=(left - 8) y=(y + 4) font-size="13" text-anchor="end" { (unit(decade)) }
            }
            @for (bar, x) in bars.iter().zip((left + GAP..).step_by(usize::try_from(STEP).unwrap_or(1))) {
                @let top = bar.microseconds.map_or(HEAD, |own| scale.y(own).min(HEIGHT - FOOT - 2));
                a href={ (ROOT) "/changes/" (bar.generation) } aria-label={ "Change " (bar.generation) } {
                    rect class=(if bar.microseconds.is_some() { "accent-area" } else { "warning-area" })
                        x=(x) y=(top) width=(BAR) height=(HEIGHT - FOOT - top) rx="2" {
                        title {
                            "Change " (bar.generation) ": "
                            @match bar.microseconds { Some(own) => (time::microseconds(own)), None => "not confirmed everywhere yet" }
                        }
                    }
                }
            }
            (numbers(bars))
        }
    }
}

/// The numbers of the first and the last change, beneath.
fn numbers(bars: &[Bar]) -> Markup {
    let count = u64::try_from(bars.len()).unwrap_or(CHANGES);
    html! {
        @if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
            text .soft-text x=(LEFT + GAP) y=(HEIGHT - 6) font-size="13" { "change " (first.generation) }
            @if count > 5 {
                text .soft-text x=(LEFT + STEP * count) y=(HEIGHT - 6) font-size="13" text-anchor="end" { (last.generation) }
            }
        }
    }
}

/// From which power of ten to which the picture goes, in microseconds. Each has the same height: some changes take a
/// hundred times as long as others, and all are to be seen.
struct Scale {
    from: u32,
    to: u32,
}

impl Scale {
    fn of(times: &[u64]) -> Self {
        let least = times.iter().copied().min().unwrap_or(1).max(1);
        let most = times.iter().copied().max().unwrap_or(1).max(1);
        let from = least.ilog10();
        let to = if most == 10u64.pow(most.ilog10()) { most.ilog10() } else { most.ilog10() + 1 };
        Self { from, to: to.max(from + 1) }
    }

    /// How far down a time stands.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places in a picture"
    )]
    fn y(&self, microseconds: u64) -> u64 {
        let part =
            ((microseconds.max(1) as f64).log10() - f64::from(self.from)) / f64::from(self.to - self.from);
        let room = (HEIGHT - HEAD - FOOT) as f64;
        HEIGHT - FOOT - (room * part.clamp(0.0, 1.0)).round() as u64
    }
}

/// A power of ten of microseconds, as it is read.
fn unit(power: u32) -> String {
    let (unit, power) = match power {
        0..3 => ("\u{b5}s", power),
        3..6 => ("ms", power - 3),
        _ => ("s", power - 6),
    };
    format!("{} {unit}", view::number(10u64.pow(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_power_of_ten_has_the_same_height() {
        let scale = Scale::of(&[2_400, 205_800]);
        assert_eq!((scale.from, scale.to), (3, 6));
        let heights: Vec<u64> = (3..=6).map(|power| scale.y(10u64.pow(power))).collect();
        assert_eq!((heights[0], heights[3]), (HEIGHT - FOOT, HEAD));
        assert!(heights.windows(2).all(|pair| (pair[0] - pair[1]).abs_diff((HEIGHT - HEAD - FOOT) / 3) <= 1));
        assert_eq!([unit(2), unit(4), unit(6)], ["100 \u{b5}s", "10 ms", "1 s"]);
        let flat = Scale::of(&[1_000]);
        assert_eq!((flat.from, flat.to), (3, 4));
        assert_eq!(Scale::of(&[]).from, 0);
    }
}
