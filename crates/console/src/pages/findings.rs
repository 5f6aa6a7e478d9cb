//! Findings: rules that never decide, duplicates, groups without members, doors that stand open to the world.

use maud::{Markup, html};
use serde_json::Value;

use super::names::Names;
use crate::{
    ROOT, api,
    form::Form,
    json::{count, items, text},
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{self, Tone, fields::Field},
    visit::Visit,
};

const SECTION: &str = "/findings";

/// The kind that nodes are asked about.
const UNUSED: &str = "Unused";
/// The filters of the list, as the operation has them and as the form has them.
const FILTERS: [(&str, &str); 4] = [
    ("Kind", "Kind"),
    ("SecurityGroupId", "Security group"),
    ("NetworkInterfaceId", "Network interface"),
    ("UnusedSince", "Unused since"),
];

pub(crate) const ROUTES: &[Route] = &[Route::read("/findings", |visit| Box::pin(show(visit)))];

/// The words of the operation for kinds of findings.
fn kinds() -> &'static [&'static str] {
    api::operation("ListFindings").map_or(&[], |own| own.words("Kind"))
}

async fn show(visit: &Visit<'_>) -> Outcome {
    if api::operation("ListFindings").is_none() {
        return Err(Trouble::NotFound);
    }
    let query = &visit.query;
    let mut parameters = vec![("MaxResults", "50")];
    parameters.extend(query.given("token").map(|token| ("NextToken", token)));
    parameters.extend(FILTERS.iter().filter_map(|(name, _)| query.given(name).map(|value| (*name, value))));
    let is_unasked = query.get("Kind") == UNUSED
        && query.given("SecurityGroupId").or(query.given("NetworkInterfaceId")).is_none();
    let (answer, fault) = match is_unasked {
        true => (Value::Null, None),
        false => visit.api.filtered("ListFindings", &parameters).await?,
    };
    let findings = items(&answer, "Findings.Finding");
    let token = text(&answer, "NextToken");
    let mut names = Names::default();
    names.learn_groups(&visit.api, findings.iter().flat_map(groups)).await;
    let body = html! {
        @if let Some(fault) = &fault { (view::wrong_filter("ListFindings", fault, &FILTERS)) }
        (filters(query))
        @if fault.is_some() {}
        @else if is_unasked {
            (view::none("Nodes are asked which rules no packet has used, about one security group or network interface at a time: fill in which. From when on is up to you; empty: since nodes count.", None))
        } @else if findings.is_empty() {
            (view::empty("Nothing was found.", &html! { "No rule that was looked at is without effect, and no port for administration is open to the world." }, None))
        } @else {
            ul .plain-list { @for finding in findings { li .card { (one(finding, &names)) } } }
        }
        @if !token.is_empty() {
            nav .pager aria-label="Pages of findings" { p {} a .button rel="next" href=(view::list::with(query, "token", token)) { "Next" } }
        }
    };
    Ok(Page::new(SECTION, "Findings", body)
        .status(fault.map_or(200, |fault| fault.status))
        .lead(html! { "Rules that have no effect, or let in more than they should." })
        .into())
}

/// The groups whose rules a finding is about.
fn groups(finding: &Value) -> impl Iterator<Item = &str> {
    let rules = items(finding, "Rules.Rule").iter().chain(items(finding, "Instead.Rule"));
    rules.map(|rule| text(rule, "SecurityGroupId"))
}

/// The form that narrows the list. What only some ask for is there where it is asked for.
fn filters(query: &Form) -> Markup {
    let (interface, since) = (query.get("NetworkInterfaceId"), query.get("UnusedSince"));
    let is_unused = query.get("Kind") == UNUSED;
    html! {
        form .filters role="search" method="get" action={ (ROOT) (SECTION) } {
            (Field::new("SecurityGroupId", "Security group", query.get("SecurityGroupId")).hint("Its id. Empty: all.").search())
            @if is_unused || !interface.is_empty() {
                (Field::new("NetworkInterfaceId", "Network interface", interface).hint("Its id, instead of a group.").text())
            }
            (view::list::filter("Kind", "Kind", query, kinds().iter().copied()))
            @if is_unused || !since.is_empty() {
                (Field::new("UnusedSince", "Unused since", since).hint("Such as `2026-11-22T03:00:00Z`. For the kind Unused alone.").text())
            }
            (view::list::show(SECTION, FILTERS.iter().any(|(name, _)| query.given(name).is_some())))
        }
    }
}

fn one(finding: &Value, names: &Names) -> Markup {
    let kind = text(finding, "Kind");
    let tone = if kind == "OpenToTheWorld" { Tone::Bad } else { Tone::Warning };
    let rules = items(finding, "Rules.Rule");
    let instead = items(finding, "Instead.Rule");
    html! {
        p { (view::badge(tone, &words(kind))) " " @match meaning(kind).filter(|_| !rules.is_empty()) { Some(said) => (said), None => (view::with_links(text(finding, "Text"))) } }
        @if !rules.is_empty() { ul .plain-list { @for rule in rules { (rule_item(rule, names)) } } }
        @if !instead.is_empty() {
            p .soft { "They are decided before it by" }
            ul .plain-list { @for rule in instead { (rule_item(rule, names)) } }
        }
        @let number = count(finding, "NetworkInterfaceCount");
        @if number > 0 { p .soft { "Concerns " (view::several(number, "network interface", "network interfaces")) "." } }
    }
}

/// What a kind says about the rules that are listed with it.
fn meaning(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "OpenToTheWorld" => "Ports for administration accept packets from most of the Internet.",
        "AboutNothing" => "There is no packet that this rule is about.",
        "NeverDecides" => "All packets of this rule are decided before it.",
        "NoEffect" => "Without this rule every packet would be decided the same.",
        "Repeated" => "The same rule stands more than once.",
        "Unused" => "No packet has used this rule since nodes count.",
        _ => return None,
    })
}

fn rule_item(rule: &Value, names: &Names) -> Markup {
    html! { li { code { (text(rule, "Text")) } " in " (names.link(text(rule, "SecurityGroupId"))) } }
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
