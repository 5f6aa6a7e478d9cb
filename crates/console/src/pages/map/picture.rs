//! The map as a picture: who sends on the left, the groups that are reached on the right, a line for each way between them.

use maud::{Markup, html};

use super::{
    line::{Line, Source},
    members,
    world::{Group, World},
};
use crate::{ROOT, view};

const WIDTH: usize = 960;
const ROW: usize = 26;
const HEAD: usize = 34;
const GAP: usize = 16;
const TOP: usize = 12;
const LEFT_WIDTH: usize = 220;
const RIGHT: usize = 620;
const RIGHT_WIDTH: usize = 330;
const LEFT_STEP: usize = 52;
/// The longest name that is drawn, in characters.
const NAME_MAX: usize = 26;

/// What a group is reached on, with the lines of everybody who does.
struct Row<'w> {
    on: &'w str,
    lines: Vec<&'w Line>,
}

impl Row<'_> {
    /// What became of the packets that were tried along its lines.
    fn outcome(&self) -> String {
        let tried: Vec<bool> = self.lines.iter().filter_map(|line| line.passes).collect();
        let passed = tried.iter().filter(|passes| **passes).count();
        match (passed, tried.len()) {
            (_, 0) => "not tried".to_owned(),
            (0, _) => "dropped".to_owned(),
            (passed, all) if passed == all => "accepted".to_owned(),
            (passed, all) => format!("{passed} of {all} accepted"),
        }
    }
}

/// A group that is reached, and where its box stands.
struct Target<'w> {
    group: &'w Group,
    place: usize,
    y: usize,
    rows: Vec<Row<'w>>,
}

impl Target<'_> {
    fn height(&self) -> usize {
        HEAD + ROW * self.rows.len() + 6
    }

    /// The middle of a line's row.
    fn row(&self, index: usize) -> usize {
        self.y + HEAD + ROW * index + ROW / 2
    }
}

/// The picture.
pub(super) fn of(world: &World) -> Markup {
    let sources = sources(world);
    let targets = targets(world);
    let right = targets.last().map_or(0, |target| target.y + target.height());
    let left = TOP + LEFT_STEP * sources.len();
    let height = right.max(left) + TOP;
    // The shorter side stands in the middle of the longer one.
    let down = height.saturating_sub(left + TOP) / 2;
    let said =
        format!("{} ways to {} groups; the list beneath has the same", world.lines.len(), targets.len());
    html! {
        svg .picture .map viewBox={ "0 0 " (WIDTH) " " (height) } role="group" aria-label=(said) {
            @for target in &targets {
                @for (index, line) in target.rows.iter().enumerate().flat_map(|(index, row)| row.lines.iter().map(move |line| (index, line))) {
                    @if let Some(from) = sources.iter().position(|own| **own == line.source) {
                        (way(TOP + down + LEFT_STEP * from + 20, target.row(index), line))
                    }
                }
            }
            @for (place, source) in sources.iter().enumerate() { (sender(world, source, TOP + down + LEFT_STEP * place)) }
            @for target in &targets { (receiver(target)) }
        }
    }
}

/// Everybody who sends, each once: the internet first.
fn sources(world: &World) -> Vec<&Source> {
    let mut found: Vec<&Source> = Vec::new();
    for line in &world.lines {
        if !found.contains(&&line.source) {
            found.push(&line.source);
        }
    }
    found.sort_by_key(|source| match source {
        Source::Internet => (0, 0),
        Source::Group(place) => (1, *place),
        Source::Prefix(_) => (2, 0),
    });
    found
}

fn targets(world: &World) -> Vec<Target<'_>> {
    let mut y = TOP;
    let mut found = Vec::new();
    for (place, group) in world.groups.iter().enumerate() {
        let mut rows: Vec<Row<'_>> = Vec::new();
        for line in world.lines.iter().filter(|line| line.target == place) {
            match rows.iter_mut().find(|row| row.on == line.on) {
                Some(row) => row.lines.push(line),
                None => rows.push(Row { on: &line.on, lines: vec![line] }),
            }
        }
        if rows.is_empty() {
            continue;
        }
        let target = Target { group, place, y, rows };
        y += target.height() + GAP;
        found.push(target);
    }
    found
}

fn way(from: usize, to: usize, line: &Line) -> Markup {
    let (start, end) = (LEFT_WIDTH + 10, RIGHT);
    let middle = usize::midpoint(start, end);
    let class = match line.passes {
        Some(true) => "good-line",
        Some(false) => "bad-line",
        None => "soft-line",
    };
    let dashes = match line.passes {
        Some(true) => None,
        Some(false) => Some("7 5"),
        None => Some("1 5"),
    };
    html! {
        path class=(class) d={ "M" (start) " " (from) " C" (middle) " " (from) " " (middle) " " (to) " " (end) " " (to) }
            fill="none" stroke-width="1.8" stroke-dasharray=[dashes] {}
    }
}

fn sender(world: &World, source: &Source, y: usize) -> Markup {
    let (name, link) = match source {
        Source::Internet => ("Internet".to_owned(), None),
        Source::Prefix(prefix) => (prefix.clone(), None),
        Source::Group(place) => match world.groups.get(*place) {
            Some(group) => (group.name.clone(), Some(format!("{ROOT}/map?group={}", group.id))),
            None => (String::new(), None),
        },
    };
    let class = if link.is_some() { "box-accent" } else { "box" };
    let body = html! {
        rect class=(class) x="10" y=(y) width=(LEFT_WIDTH) height="40" rx="8" {}
        text x="24" y=(y + 25) font-size="14" { (short(&name)) }
    };
    html! {
        @match &link {
            Some(address) => a href=(address) aria-label={ "Follow " (name) } { (body) },
            None => (body),
        }
    }
}

fn receiver(target: &Target<'_>) -> Markup {
    let group = target.group;
    html! {
        rect .box-accent x=(RIGHT) y=(target.y) width=(RIGHT_WIDTH) height=(target.height()) rx="8" {}
        a href=(view::address_of("groups", &group.id)) aria-label={ "The group " (group.name) } {
            text x=(RIGHT + 14) y=(target.y + 23) font-size="15" font-weight="650" { (short(&group.name)) }
        }
        (member_count(target))
        @for (index, row) in target.rows.iter().enumerate() {
            @let y = target.row(index) + 5;
            text x=(RIGHT + 14) y=(y) font-size="13" { (row.on) }
            text .soft-text x=(RIGHT + RIGHT_WIDTH - 14) y=(y) font-size="12" text-anchor="end" { (row.outcome()) }
        }
        @if target.rows.iter().flat_map(|row| &row.lines).any(|line| line.source == Source::Group(target.place)) { title { (group.name) " reaches itself, too" } }
    }
}

/// How many members a group has, which leads to them.
fn member_count(target: &Target<'_>) -> Markup {
    let (x, y) = (RIGHT + RIGHT_WIDTH - 14, target.y + 23);
    let Some(count) = target.group.member_count else {
        return html! { text .soft-text x=(x) y=(y) font-size="12" text-anchor="end" { "members not seen" } };
    };
    let said = view::several(count, "member", "members");
    let group = &target.group;
    html! {
        a href={ (ROOT) "/map?group=" (group.id) "#" (members::PLACE) } aria-label={ "Follow " (group.name) ", " (said) } {
            text x=(x) y=(y) font-size="12" text-anchor="end" { (said) }
        }
    }
}

/// A name that fits.
fn short(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_MAX - 1).collect();
    format!("{kept}\u{2026}")
}
