//! Findings: rules that never decide, duplicates, groups without members, doors that stand open to the world.

use maud::{Markup, html};
use serde_json::Value;

use super::names::Names;
use crate::{
    ROOT, api,
    form::Form,
    json::{count, items, text, texts},
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{self, Tone, fields::Field, time},
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
    let mut parameters = vec![("MaxResults", view::list::PAGE_SIZE)];
    parameters.extend(query.given("token").map(|token| ("NextToken", token)));
    parameters.extend(FILTERS.iter().filter_map(|(name, _)| query.given(name).map(|value| (*name, value))));
    let is_unasked = query.get("Kind") == UNUSED
        && query.given("SecurityGroupId").or(query.given("NetworkInterfaceId")).is_none();
    let (answer, fault) = match is_unasked {
        true => (Value::Null, None),
        false => visit.api.filtered("ListFindings", &parameters).await?,
    };
    let mut names = Names::default();
    names.learn_groups(&visit.api, items(&answer, "Findings.Finding").iter().flat_map(groups)).await;
    let body = html! {
        @if let Some(fault) = &fault { (view::wrong_filter("ListFindings", fault, &FILTERS)) }
        (filters(query))
        @if fault.is_some() {}
        @else if is_unasked {
            (view::none("Nodes are asked which rules no packet has used, about one security group or network interface at a time: fill in which. From when on is up to you; empty: since nodes count.", None))
        } @else { (found(&answer, query, &names)) }
    };
    Ok(Page::new(SECTION, "Findings", body)
        .status(fault.map_or(200, |fault| fault.status))
        .lead(html! { "Rules that have no effect, or let in more than they should." })
        .into())
}

/// What was found and what is not known, in the step that was asked for.
fn found(answer: &Value, query: &Form, names: &Names) -> Markup {
    let (findings, token) = (items(answer, "Findings.Finding"), text(answer, "NextToken"));
    let is_step = !token.is_empty() || query.given("token").is_some();
    let looked_at = view::several(count(answer, "SecurityGroupCount"), "security group", "security groups");
    let unknown = unknown(answer, query.get("Kind"));
    html! {
        (unknown)
        @if findings.is_empty() { (nothing(query.get("Kind"), is_step, !unknown.0.is_empty())) }
        @else { ul .plain-list { @for finding in findings { li .card { (one(finding, names)) } } } }
        @let unbound = count(answer, "UnboundNetworkInterfaceCount");
        @if unbound > 0 {
            p .soft { (view::several(unbound, "network interface is", "network interfaces are")) " bound to no node: no packet there is judged by these rules." }
        }
        @if is_step {
            nav .pager aria-label="Pages of findings" {
                p { "In this step: " (looked_at) "." }
                @if !token.is_empty() { a .button rel="next" href=(view::list::with(query, "token", token)) { "Next" } }
            }
        }
    }
}

/// What stands where nothing was found: in what, and what was looked for.
fn nothing(kind: &str, is_step: bool, is_partly_unknown: bool) -> Markup {
    let title = match (is_step, is_partly_unknown) {
        (true, _) => "Nothing was found in this step.",
        (false, true) => "Nothing was found in what is known.",
        (false, false) => "Nothing was found.",
    };
    let said = if is_partly_unknown { "What is not known stands above." } else { none_of(kind) };
    view::empty(title, &html! { (said) }, None)
}

/// That there is nothing of a kind; of all those that are looked for where none is given.
fn none_of(kind: &str) -> &'static str {
    match kind {
        "OpenToTheWorld" => "No port for administration is open to the world at what was looked at.",
        "AboutNothing" => "Each rule that was looked at is about some packet.",
        "NeverDecides" => "Each rule that was looked at decides some packet.",
        "NoEffect" => "No rule that was looked at is without effect.",
        "Repeated" => "No rule that was looked at stands more than once.",
        "NoMembers" => "No security group that was looked at is without members.",
        UNUSED => "No rule that was asked about is unused, as far back as nodes count.",
        _ => {
            "No rule that was looked at is without effect or stands more than once, no port for administration is open to the world, and no security group is without members."
        }
    }
}

/// What is not known, and why. Empty where everything is.
fn unknown(answer: &Value, kind: &str) -> Markup {
    let silent = items(answer, "SilentNodes.Node");
    let (undecided, left_out) = (count(answer, "UndecidedCount"), count(answer, "LeftOutCount"));
    let rules = count(answer, "UnknownRuleCount");
    if silent.is_empty() && undecided + left_out + rules == 0 {
        return html! {};
    }
    let body = html! {
        @for node in silent { p { (view::with_links(text(node, "NodeId"))) " did not say anything: " (text(node, "Message")) "." } }
        @if rules > 0 { p { "Whether a packet has used it is not known of " (view::several(rules, "rule", "rules")) "." } }
        @if undecided > 0 { p { (view::several(undecided, "question was", "questions were")) " not answered, because that would have taken too much work." } }
        @if left_out > 0 {
            p {
                @if kind == UNUSED { (view::several(left_out, "combination of security groups was", "combinations of security groups were")) " not asked about at nodes, because there are too many." }
                @else { (view::several(left_out, "more finding is", "more findings are")) " not listed." }
            }
        }
    };
    view::notice(Tone::Warning, "Not everything is known.", &body)
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
        p { (view::badge(tone, &words(kind))) " " @match meaning(finding).filter(|_| !rules.is_empty()) { Some(said) => (said), None => (view::with_links(text(finding, "Text"))) } }
        @if !rules.is_empty() { ul .plain-list { @for rule in rules { (rule_item(rule, names)) } } }
        @if !instead.is_empty() {
            p .soft { "They are decided before it by" }
            ul .plain-list { @for rule in instead { (rule_item(rule, names)) } }
        }
        @let ports: Vec<&str> = texts(finding, "Ports.Port").collect();
        @if !ports.is_empty() {
            p { "Open over " (text(finding, "Family")) ": " @for (place, port) in ports.iter().enumerate() { @if place > 0 { ", " } code { (port) } } }
        }
        (concerned(finding))
    }
}

/// Which network interfaces a finding concerns. Nothing where it concerns none.
fn concerned(finding: &Value) -> Markup {
    let (number, unknown) =
        (count(finding, "NetworkInterfaceCount"), count(finding, "UnknownNetworkInterfaceCount"));
    let one = text(finding, "NetworkInterfaceId");
    html! {
        @if number > 0 || unknown > 0 {
            p .soft {
                "Concerns " @if unknown > 0 { "at least " } (view::several(number, "network interface", "network interfaces"))
                @if !one.is_empty() { @if number > 1 { ", such as " } @else { ": " } (view::with_links(one)) }
                "."
                @if unknown > 0 { " Of " (view::number(unknown)) " more it would take too much work to tell." }
            }
        }
    }
}

/// What a kind says about the rules that are listed with it.
fn meaning(finding: &Value) -> Option<Markup> {
    let said = match text(finding, "Kind") {
        "OpenToTheWorld" => "Ports for administration accept packets from most of the Internet.",
        "AboutNothing" => "There is no packet that this rule is about.",
        "NeverDecides" => "All packets of this rule are decided before it.",
        "NoEffect" => "Without this rule every packet would be decided the same.",
        "Repeated" => "The same rule stands more than once.",
        UNUSED => {
            let (since, nodes) = (text(finding, "UnusedSince"), count(finding, "NodeCount"));
            return Some(html! {
                "No packet has used this rule since " (time::at(since)) ", or longer, at " (view::several(nodes, "node", "nodes")) "."
            });
        }
        _ => return None,
    };
    Some(html! { (said) })
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
    use serde_json::json;

    use super::*;

    fn shown(answer: &Value, query: &str) -> String {
        found(answer, &Form::read(query.as_bytes()).unwrap(), &Names::default()).0
    }

    #[test]
    fn a_step_in_which_nothing_is_says_so_and_goes_on() {
        let answer = json!({ "NextToken": "7", "SecurityGroupCount": 40, "UndecidedCount": 0 });
        let page = shown(&answer, "Kind=Repeated");
        for said in [
            "Nothing was found in this step.",
            "40 security groups",
            "?Kind=Repeated&amp;token=7",
            "stands more than once",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        let last = shown(&json!({ "SecurityGroupCount": 1 }), "token=7");
        assert!(last.contains("in this step") && !last.contains("rel=\"next\""), "{last}");
        assert!(shown(&json!({ "SecurityGroupCount": 1 }), "").contains("Nothing was found."));
    }

    #[test]
    fn what_is_not_known_is_said_and_nothing_is_denied_then() {
        let one = (
            "SilentNodes",
            json!({ "Node": [{ "NodeId": "node-1", "Message": "the node is not connected" }] }),
        );
        for ((name, value), said) in [
            (one, "the node is not connected"),
            (("UnknownRuleCount", json!(2)), "of 2 rules"),
            (("UndecidedCount", json!(1)), "1 question was not answered"),
            (("LeftOutCount", json!(3)), "3 more findings are not listed"),
        ] {
            let page = shown(&json!({ name: value }), "");
            assert!(page.contains("Not everything is known.") && page.contains(said), "{said}: {page}");
            assert!(page.contains("Nothing was found in what is known."), "{page}");
            assert!(!page.contains("No rule") && !page.contains("no port"), "{page}");
        }
    }

    #[test]
    fn only_what_was_looked_for_is_said_not_to_be_there() {
        let nothing = json!({ "SecurityGroupCount": 2 });
        for kind in kinds() {
            let page = shown(&nothing, &format!("Kind={kind}"));
            assert_eq!(page.contains("port for administration"), *kind == "OpenToTheWorld", "{page}");
            assert_eq!(page.contains("is without members"), *kind == "NoMembers", "{page}");
        }
    }

    #[test]
    fn a_finding_has_its_ports_whose_they_are_and_since_when() {
        let interface = "eni-5vn4n3y4laeb2ii9zxxltlvzi";
        let open = json!({
            "Kind": "OpenToTheWorld", "Family": "IPv6", "Ports": { "Port": ["tcp 22", "tcp 3389"] },
            "NetworkInterfaceCount": 3, "UnknownNetworkInterfaceCount": 12, "NetworkInterfaceId": interface,
            "Rules": { "Rule": [{ "SecurityGroupId": "sg-1", "Position": 1, "Text": "ingress accept all from ::/0" }] },
        });
        let unused = json!({
            "Kind": UNUSED, "UnusedSince": "2026-11-22T03:04:05Z", "NodeCount": 2,
            "Rules": { "Rule": [{ "SecurityGroupId": "sg-1", "Position": 1, "Text": "ingress accept tcp" }] },
        });
        let page = shown(
            &json!({ "Findings": { "Finding": [open, unused] }, "UnboundNetworkInterfaceCount": 2 }),
            "UnusedSince=2026-11-23T00:00:00Z",
        );
        for said in [
            "Open over IPv6: <code>tcp 22</code>, <code>tcp 3389</code>",
            &format!("href=\"/console/interfaces/{interface}\""),
            "at least 3 network interfaces",
            "Of 12 more",
            "2026-11-22 03:04:05 UTC</time>, or longer, at 2 nodes.",
            "2 network interfaces are bound to no node",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains("since nodes count"), "{page}");
    }

    #[test]
    fn kinds_are_read_as_words() {
        assert_eq!(words("OpenToTheWorld"), "Open to the world");
    }
}
