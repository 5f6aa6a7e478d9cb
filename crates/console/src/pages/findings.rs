//! Findings: rules that never decide, duplicates, groups without members, doors that stand open to the world.

use maud::{Markup, html};
use serde_json::Value;

use super::activity::about;
use crate::{
    ROOT, api,
    json::{count, items, text, texts},
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{self, Tone, fields::Field},
    visit::Visit,
};

const SECTION: &str = "/findings";

pub(crate) const ROUTES: &[Route] = &[Route::read("/findings", |visit| Box::pin(show(visit)))];

/// The words of the operation for kinds of findings.
fn kinds() -> &'static [&'static str] {
    match api::operation("ListFindings").and_then(|own| own.parameter("Kind")).map(|own| own.kind) {
        Some(wire::catalogue::Kind::OneOf(words)) => words,
        _ => &[],
    }
}

async fn show(visit: &Visit<'_>) -> Outcome {
    if api::operation("ListFindings").is_none() {
        return Err(Trouble::NotFound);
    }
    let query = &visit.query;
    let mut parameters = vec![("MaxResults", "50")];
    parameters.extend(query.given("token").map(|token| ("NextToken", token)));
    for name in ["Kind", "SecurityGroupId", "NetworkInterfaceId"] {
        parameters.extend(query.given(name).map(|value| (name, value)));
    }
    let answer = visit.api.read("ListFindings", &parameters).await?;
    let findings = items(&answer, "Findings.Finding");
    let token = text(&answer, "NextToken");
    let body = html! {
        form .filters role="search" method="get" action={ (ROOT) (SECTION) } {
            (Field::new("SecurityGroupId", "Security group", query.get("SecurityGroupId")).hint("Its id. Empty: all.").search())
            (view::list::filter("Kind", "Kind", query, kinds().iter().copied()))
            div .buttons { button .button type="submit" { "Show" } a .button href={ (ROOT) (SECTION) } { "Show all" } }
        }
        @if findings.is_empty() {
            (view::empty("Nothing was found.", &html! { "No rule of what was looked at is in vain, and no door stands open to the world." }, None))
        } @else {
            ul .plain-list { @for finding in findings { li .card { (one(finding)) } } }
        }
        @if !token.is_empty() {
            nav .pager aria-label="Pages of findings" { p {} a .button rel="next" href=(view::list::with(query, "token", token)) { "Next" } }
        }
    };
    Ok(Page::new(SECTION, "Findings", body)
        .lead(html! { "What stands in the rules and does nothing, or lets in more than it should." })
        .into())
}

fn one(finding: &Value) -> Markup {
    let kind = text(finding, "Kind");
    let tone = if kind == "OpenToTheWorld" { Tone::Bad } else { Tone::Warning };
    let rules = items(finding, "Rules.Rule");
    let instead = items(finding, "Instead.Rule");
    html! {
        p { (view::badge(tone, &words(kind))) " " (text(finding, "Text")) }
        @if !rules.is_empty() { ul .list { @for rule in rules { (rule_item(rule)) } } }
        @if !instead.is_empty() {
            p .soft { "Decided instead by" }
            ul .list { @for rule in instead { (rule_item(rule)) } }
        }
        p {
            @if rules.is_empty() { @for id in texts(finding, "SecurityGroupIds.SecurityGroupId").take(5) { (about(id)) " " } }
            @let number = count(finding, "NetworkInterfaceCount");
            @if number > 0 { span .soft { (number) (if number == 1 { " network interface" } else { " network interfaces" }) } }
        }
    }
}

fn rule_item(rule: &Value) -> Markup {
    html! { li { code { (text(rule, "Text")) } " in " (about(text(rule, "SecurityGroupId"))) } }
}

/// A kind in words: `OpenToTheWorld` as `Open to the world`.
fn words(kind: &str) -> String {
    let mut words = String::new();
    for (place, letter) in kind.chars().enumerate() {
        if place > 0 && letter.is_uppercase() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_words() {
        assert_eq!(words("OpenToTheWorld"), "Open to the world");
    }
}
