//! The answer to a request that was sent.

use maud::{Markup, html};
use serde_json::Value;
use wire::{
    catalogue::{Operation, error_code},
    gateway::Sent,
    protocol::{percent, request::Format},
    reference,
};

use super::request::block;
use crate::{
    ROOT, json,
    pages::changes,
    view::{self, Tone, time},
};

/// The most characters of an answer that are shown.
const CHARACTERS_MAX: usize = 200_000;

/// Status, time, headers and body.
pub(super) fn shown(operation: &Operation, format: Format, sent: &Sent) -> Markup {
    let answer = &sent.answer;
    let (good, reason) = (answer.status == 200, http::StatusCode::from_u16(answer.status).ok());
    let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
    let headers: Vec<String> =
        answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let text = String::from_utf8_lossy(&answer.body);
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let pretty = match format {
        Format::Json if !value.is_null() => serde_json::to_string_pretty(&value).unwrap_or_default(),
        Format::Json => text.clone().into_owned(),
        Format::Xml => reference::indented(&text),
    };
    let (body, is_cut) = cut(&pretty);
    let took = u64::try_from(sent.took.as_micros()).unwrap_or(u64::MAX);
    view::section(
        "Answer",
        &html! {
            p .answer-line role="status" {
                (view::badge(if good { Tone::Good } else { Tone::Bad }, &format!("{} {reason}", answer.status)))
                " in " (time::microseconds(took))
            }
            (meaning(&value))
            (change(operation, &answer.headers))
            (block("answer-headers", "Headers", &headers.join("\n")))
            (block("answer-body", "Body", body))
            @if is_cut { p .soft { "Its first " (CHARACTERS_MAX) " characters: the copies below show it whole." } }
        },
    )
}

fn cut(text: &str) -> (&str, bool) {
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), true),
        None => (text, false),
    }
}

/// What an error means.
fn meaning(answer: &Value) -> Markup {
    let code = json::text(answer, "Code");
    let known = error_code::ALL.iter().find(|known| !code.is_empty() && known.matches(code));
    html! {
        @if let Some(known) = known {
            (view::notice(Tone::Bad, json::text(answer, "Message"), &html! {
                p { (view::prose(known.meaning)) }
                p { a href={ (ROOT) "/errors/" (percent::encode(code)) } { "All about " (code) } }
            }))
        }
    }
}

/// The way to the page of the change that was made.
fn change(operation: &Operation, headers: &[(&'static str, String)]) -> Markup {
    let generation = headers.iter().find(|(name, _)| *name == "x-ravelin-generation");
    let generation = generation.and_then(|(_, text)| text.parse().ok());
    html! {
        @if let Some(generation) = generation {
            p {
                a href=(changes::address(generation, operation.name, &super::address(operation))) {
                    "Change " (generation) ": where it is in force"
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let text = "\u{e9}".repeat(CHARACTERS_MAX + 1);
        let (shown, is_cut) = cut(&text);
        assert_eq!((shown.chars().count(), is_cut), (CHARACTERS_MAX, true));
        assert_eq!(cut("short"), ("short", false));
    }
}
