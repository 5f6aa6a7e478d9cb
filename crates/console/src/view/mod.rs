//! The parts that pages are made of. Each looks the same wherever it stands.

pub(crate) mod difference;
pub(crate) mod fields;
pub(crate) mod icon;
pub(crate) mod list;
mod refusal;
mod table;
pub(crate) mod time;

use maud::{Markup, html};

pub(crate) use self::{
    refusal::{is_of_the_question, refusal, refusal_of, wrong_filter},
    table::{Cell, Row, table},
};
use crate::{ROOT, api, once::FORM_ID, router::FORM_TOKEN, token, visit::Visit};

/// What a badge says besides its word. The word alone tells everything: colours are for whoever sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Open, running, confirmed.
    Good,
    /// Closed, failed.
    Bad,
    /// On its way, or to be looked at.
    Warning,
    /// Neither.
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "badge good",
            Self::Bad => "badge bad",
            Self::Warning => "badge warning",
            Self::Plain => "badge",
        }
    }
}

/// A word in a box.
pub(crate) fn badge(tone: Tone, word: &str) -> Markup {
    html! { span class=(tone.class()) { (word) } }
}

/// The badge of a state of an instance, an interface or a node.
pub(crate) fn state(word: &str) -> Markup {
    let tone = match word {
        "Running" | "InUse" | "Ready" | "Confirmed" | "Active" | "Available" | "Connected" => Tone::Good,
        "Expired" | "Gone" | "Releasing" | "Inactive" | "Refused" => Tone::Bad,
        "Stopped" | "" => Tone::Plain,
        _ => Tone::Warning,
    };
    let said = match word {
        "" => "unknown",
        "InUse" => "In use",
        word => word,
    };
    badge(tone, said)
}

/// The badge of what a rule does.
pub(crate) fn verdict(policy: &str) -> Markup {
    match policy {
        "Accept" => badge(Tone::Good, "Accept"),
        "Drop" => badge(Tone::Bad, "Drop"),
        other => badge(Tone::Plain, other),
    }
}

/// An id, small and in one width, that a browser with script can copy.
pub(crate) fn id(text: &str) -> Markup {
    html! { code .id { (text) } }
}

/// A link to something, by its name where it has one, with its id beneath.
pub(crate) fn named(address: &str, name: &str, id: &str) -> Markup {
    html! {
        @if name.is_empty() { a .named .id href=(address) { (id) } } @else { a .named href=(address) { (name) } }
        @if !name.is_empty() { " " code .id .beneath { (id) } }
    }
}

/// Where something has its page.
pub(crate) fn address_of(kind: &str, id: &str) -> String {
    format!("{ROOT}/{kind}/{}", wire::protocol::percent::encode(id))
}

/// The same by the id alone; none where what it names has no page.
pub(crate) fn address_of_id(id: &str) -> Option<String> {
    let kind = match id.split('-').next() {
        Some("sg") => "groups",
        Some("i") => "instances",
        Some("eni") => "interfaces",
        Some("n") => "networks",
        Some("node") => "nodes",
        _ => return None,
    };
    Some(address_of(kind, id))
}

/// A sentence in which what is an id leads to what it names.
pub(crate) fn with_links(text: &str) -> Markup {
    html! {
        @for (place, word) in text.split(' ').enumerate() {
            @if place > 0 { " " }
            @let id = word.trim_end_matches([':', '.', ',', ';', ')']);
            @match address_of_id(id).filter(|_| id.len() > 20) {
                Some(address) => { a .id href=(address) { (id) } (word.get(id.len()..).unwrap_or_default()) }
                None => (word),
            }
        }
    }
}

/// Labels and what belongs to them. What is empty is left out.
pub(crate) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl .facts {
            @for (label, value) in facts {
                @if !value.0.is_empty() {
                    div { dt { (label) } dd { (value) } }
                }
            }
        }
    }
}

/// A part of a page under a heading of its own.
pub(crate) fn section(title: &str, body: &Markup) -> Markup {
    html! { section .part { h2 { (title) } (body) } }
}

/// What stands where there is nothing yet: what this would be, and what to do first.
pub(crate) fn empty(title: &str, text: &Markup, action: Option<&Markup>) -> Markup {
    html! {
        div .empty {
            (icon::mark())
            p .empty-title { (title) }
            p { (text) }
            @if let Some(action) = action { p .empty-action { (action) } }
        }
    }
}

/// The same for what need not be there: a line that says what follows from it.
pub(crate) fn none(text: &str, action: Option<&Markup>) -> Markup {
    html! {
        div .none {
            p { (text) }
            @if let Some(action) = action { (action) }
        }
    }
}

/// A number as people read it: 65,535.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// So many of something: `1 instance`, `1,200 instances`.
pub(crate) fn several(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// What every form that changes something carries: the token of the session, and an id of its own. Where a change was begun and
/// the form that began it is shown again, with what was filled in, it is the same form still: what may have been done is not
/// done a second time.
pub(crate) fn form_marks(visit: &Visit<'_>) -> Markup {
    let same = visit.form.given(FORM_ID).filter(|_| visit.api.begun.has()).map(str::to_owned);
    html! {
        input type="hidden" name=(FORM_TOKEN) value=(visit.form_token());
        @if let Some(id) = same.or_else(token::random) { input type="hidden" name=(FORM_ID) value=(id); }
    }
}

/// A form that changes something.
pub(crate) fn form(visit: &Visit<'_>, action: &str, body: &Markup) -> Markup {
    html! {
        form .form method="post" action=(action) {
            (form_marks(visit))
            (body)
        }
    }
}

/// Asks whether something is really meant: what it brings about, the button that does it, and the way back.
pub(crate) fn confirm(
    visit: &Visit<'_>,
    action: &str,
    button: &str,
    back: &str,
    what_it_does: &Markup,
) -> Markup {
    ask(visit, action, &fields::buttons(button, back), what_it_does)
}

/// The same for what cannot be undone.
pub(crate) fn confirm_loss(
    visit: &Visit<'_>,
    action: &str,
    button: &str,
    back: &str,
    what_is_lost: &Markup,
) -> Markup {
    ask(visit, action, &fields::danger_buttons(button, back), what_is_lost)
}

fn ask(visit: &Visit<'_>, action: &str, buttons: &Markup, what_it_does: &Markup) -> Markup {
    html! {
        div .card .measure {
            (what_it_does)
            (form(visit, action, buttons))
        }
    }
}

/// A link that looks like a button.
pub(crate) fn button_link(address: &str, name: &str) -> Markup {
    html! { a .button href=(address) { (name) } }
}

/// The same, for what people come to a page for.
pub(crate) fn main_link(address: &str, name: &str) -> Markup {
    html! { a .button .primary href=(address) { (name) } }
}

/// A message that is read out at once.
pub(crate) fn notice(tone: Tone, title: &str, body: &Markup) -> Markup {
    let class = match tone {
        Tone::Good => "notice good",
        Tone::Bad => "notice bad",
        Tone::Warning => "notice warning",
        Tone::Plain => "notice",
    };
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    html! {
        div class=(class) role=(role) {
            p .notice-title { (title) }
            (body)
        }
    }
}

/// A sentence of the catalogue, in which what stands between backquotes is code.
pub(crate) fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// The name of an operation, with a link to its page in the reference.
pub(crate) fn operation_link(name: &str) -> Markup {
    html! {
        @if let Some(operation) = api::operation(name) {
            a href={ (ROOT) "/reference/" (operation.product.subcommand()) "/" (operation.name) } { (operation.name) }
        } @else { (name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_groups_of_three_digits() {
        let shown = [0, 999, 1_000, 65_535, 1_234_567].map(number);
        assert_eq!(shown, ["0", "999", "1,000", "65,535", "1,234,567"]);
        assert_eq!([several(1, "flow", "flows"), several(1_200, "flow", "flows")], ["1 flow", "1,200 flows"]);
    }
}
