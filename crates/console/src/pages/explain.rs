//! Why a packet is accepted or dropped: the way that it takes, side by side, with what decides at each end.

use maud::{Markup, html};
use serde_json::Value;

use super::activity::about;
use crate::{
    ROOT, api,
    json::{at, count, flag, items, text, texts},
    response::Page,
    router::{Outcome, Route},
    trouble::Trouble,
    view::{
        self, Tone,
        fields::{self, Field},
        time,
    },
    visit::Visit,
};

pub(crate) const ROUTES: &[Route] = &[Route::read("/explain", |visit| Box::pin(show(visit)))];

const FIELDS: [&str; 6] = ["From", "To", "Protocol", "Port", "SourcePort", "AsOf"];

async fn show(visit: &Visit<'_>) -> Outcome {
    if api::operation("ExplainTraffic").is_none() {
        return Err(Trouble::NotFound);
    }
    let query = &visit.query;
    let given: Vec<(&str, &str)> =
        FIELDS.iter().filter_map(|name| query.given(name).map(|value| (*name, value))).collect();
    let asked = query.given("From").is_some() && query.given("To").is_some();
    let answer = if asked { Some(visit.api.try_call("ExplainTraffic", &given).await) } else { None };
    let status = match &answer {
        Some(Err(fault)) => fault.status,
        _ => 200,
    };
    let body = html! {
        (form(visit))
        @match &answer {
            Some(Ok(found)) => (shown(&found.answer)),
            Some(Err(fault)) => (view::refusal(fault)),
            None => (view::empty("Ask about a packet.", &html! { "Who begins it, whom it is for, on which port: you see what decides at each end, why, and what would change it." }, None)),
        }
    };
    Ok(Page::new("/explain", "Explain", body)
        .lead(html! { "Whether a packet passes, which rule decides, how it came to be in force, and the smallest change that would decide otherwise." })
        .status(status)
        .into())
}

/// The protocols that have names, each with the one for people.
const PROTOCOLS: [(&str, &str); 5] =
    [("tcp", "TCP"), ("udp", "UDP"), ("icmp", "ICMP"), ("icmpv6", "ICMPv6"), ("gre", "GRE")];

fn form(visit: &Visit<'_>) -> Markup {
    let query = &visit.query;
    let protocol = query.given("Protocol").unwrap_or("tcp");
    let mut protocols = PROTOCOLS.to_vec();
    if !PROTOCOLS.iter().any(|(word, _)| *word == protocol) {
        // What a link asked about, such as the number of a protocol, is asked about again.
        protocols.push((protocol, protocol));
    }
    html! {
        form .form .card method="get" action={ (ROOT) "/explain" } {
            div .fields {
                (Field::new("From", "From", query.given("From").unwrap_or("internet")).hint("`internet`, an address, or the id of an instance or a network interface. To ask about IPv6, name one end by its IPv6 address.").required().text())
                (Field::new("To", "To", query.get("To")).hint("An address, or the id of an instance or a network interface.").required().text())
                (Field::new("Protocol", "Protocol", protocol).required().choice(protocols))
                (Field::new("Port", "Port", query.get("Port")).hint("Needed for TCP and UDP.").number(0, 65_535))
                (Field::new("SourcePort", "Source port", query.get("SourcePort")).hint("Of TCP and UDP. Empty: 49152.").number(0, 65_535))
                (Field::new("AsOf", "At a moment", query.get("AsOf")).hint("A change (`42`) or a time (`2026-11-22T03:04:05Z`). Empty: now.").text())
            }
            (fields::buttons("Explain", ""))
        }
    }
}

fn shown(answer: &Value) -> Markup {
    let accepted = text(answer, "Verdict") == "Accept";
    let sides = items(answer, "Sides.Side");
    html! {
        (view::notice(if accepted { Tone::Good } else { Tone::Bad }, if accepted { "It is accepted." } else { "It is dropped." }, &html! {
            p { code { (text(answer, "Packet")) } ", as of change " (count(answer, "Generation")) "." }
            @if !text(answer, "Note").is_empty() { p { "Note: " (text(answer, "Note")) "." } }
            @if flag(answer, "AcrossNetworks") { p { "The ends are in networks that do not reach each other by themselves: rules that accept are not enough." } }
        }))
        (path(answer, sides))
        div .columns { @for side in sides { (of_side(side)) } }
    }
}

/// The way of the packet: from one end to the other, and where it is stopped.
fn path(answer: &Value, sides: &[Value]) -> Markup {
    let side = |direction: &str| sides.iter().find(|side| text(side, "Direction") == direction);
    let (egress, ingress) = (side("egress"), side("ingress"));
    let leaves = egress.is_none_or(|side| text(side, "Verdict") == "Accept");
    let arrives = text(answer, "Verdict") == "Accept";
    html! {
        ol .way aria-label="The way of the packet" {
            (step("From", text(answer, "SourceAddress"), "box", true))
            (gate("Egress", egress, true))
            (gate("Ingress", ingress, leaves))
            (step("To", text(answer, "DestinationAddress"), "box", arrives))
        }
    }
}

/// What decides at one end.
fn gate(label: &str, side: Option<&Value>, reached: bool) -> Markup {
    match side.map(|side| text(side, "Verdict") == "Accept") {
        Some(true) => step(label, "Accept", "box good", reached),
        Some(false) => step(label, "Drop", "box bad", reached),
        None => step(label, "not managed here", "box", reached),
    }
}

/// A place on the way. Where the packet does not come so far the arrow to it is crossed out.
fn step(label: &str, what: &str, class: &str, reached: bool) -> Markup {
    html! {
        li .stopped[!reached] {
            div class=(class) { span .hint { (label) } strong { (what) } @if !reached { span .hidden { " (not reached)" } } }
        }
    }
}

fn of_side(side: &Value) -> Markup {
    let sends = text(side, "Direction") == "egress";
    let interface = text(side, "NetworkInterfaceId");
    view::section(
        if sends { "Where it is sent" } else { "Where it arrives" },
        &html! {
            div .card {
                p { (view::verdict(text(side, "Verdict"))) " by "
                    @if text(side, "DecidedBy") == "Rule" { "a rule of " a href=(view::address_of("groups", text(side, "Rule.SecurityGroupId"))) { (group_name(at(side, "Rule"))) } }
                    @else { "no rule: none is about this packet" } "."
                }
                @if text(side, "DecidedBy") == "Rule" { p { code { (text(side, "Rule.Text")) } } }
                (view::facts(&[
                    ("Network interface", about(interface)),
                    ("Instance", html! { @if !text(side, "InstanceId").is_empty() { (about(text(side, "InstanceId"))) } }),
                    ("In that group since", membership(at(side, "Membership"))),
                    ("In force", enforcement(side)),
                ]))
                @if !text(side, "Enforcement.Message").is_empty() { p .hint { (how_it_stands(side)) ": " (text(side, "Enforcement.Message")) "." } }
                (flip(side))
                (rules("Looked at before", "Considered", side))
                (rules("Would have matched, too late", "Overruled", side))
            }
        },
    )
}

fn how_it_stands(side: &Value) -> &'static str {
    match text(side, "Enforcement.State") {
        "Confirmed" => "In force",
        "Past" => "Not known whether it was in force",
        _ => "Not in force",
    }
}

fn group_name(rule: &Value) -> &str {
    match text(rule, "SecurityGroupName") {
        "" => text(rule, "SecurityGroupId"),
        name => name,
    }
}

fn membership(membership: &Value) -> Markup {
    html! {
        @if flag(membership, "Known") {
            a href={ (ROOT) "/changes/" (count(membership, "Generation")) } { "change " (count(membership, "Generation")) }
            ", " (text(membership, "OperationName")) " by " (text(membership, "ActorName")) ", " (time::at(text(membership, "Time")))
        } @else { (text(membership, "Message")) }
    }
}

fn enforcement(side: &Value) -> Markup {
    let (state, node) = (text(side, "Enforcement.State"), text(side, "Enforcement.NodeId"));
    html! {
        @match state {
            "Confirmed" => (view::badge(Tone::Good, "Confirmed")),
            "Absent" => (view::badge(Tone::Bad, "No such device")),
            "NotInForce" => (view::badge(Tone::Bad, "Not in force")),
            "NodeGone" => (view::badge(Tone::Bad, "Node gone")),
            "Pending" => (view::badge(Tone::Warning, "Not yet")),
            "NotBound" => (view::badge(Tone::Warning, "Not enforced")),
            other => (view::badge(Tone::Plain, other)),
        }
        @if !node.is_empty() { span .beneath { (about(node)) } }
    }
}

fn flip(side: &Value) -> Markup {
    html! {
        @if !at(side, "Flip").is_null() {
            div .notice {
                p .notice-title { "The smallest change that would decide otherwise" }
                p { code { (text(side, "Flip.Text")) } }
                @if !text(side, "Flip.OtherPacketCount").is_empty() { p { (other_packets(text(side, "Flip.OtherPacketCount"))) } }
                @if count(side, "Flip.NotComparedCount") > 0 { p { (not_compared(count(side, "Flip.NotComparedCount"))) } }
                @if !items(side, "Flip.Pieces.Text").is_empty() {
                    details .help { summary { "Which" } ul .list { @for piece in texts(side, "Flip.Pieces.Text") { li { code { (piece) } } } } }
                }
            }
        }
    }
}

/// What else a change would do: a count, or about how many.
fn other_packets(count: &str) -> String {
    match count.parse() {
        Ok(1) => "It would decide 1 other packet otherwise, too.".to_owned(),
        Ok(count) => format!("It would decide {} other packets otherwise, too.", view::number(count)),
        Err(_) => format!("It would decide {count} other packets otherwise, too."),
    }
}

/// How many groups more there are to join.
fn not_compared(groups: u64) -> String {
    match groups {
        1 => "1 more group would do as well. What it does beside was not compared.".to_owned(),
        groups => format!(
            "{} more groups would do as well. What they do beside was not compared.",
            view::number(groups)
        ),
    }
}

fn rules(title: &str, path: &str, side: &Value) -> Markup {
    let rules = items(side, &format!("{path}.Rule"));
    let left = count(side, &format!("{path}LeftOut"));
    html! {
        @if !rules.is_empty() {
            details .help {
                summary { (title) ": " (u64::try_from(rules.len()).unwrap_or(u64::MAX).saturating_add(left)) }
                ul .list {
                    @for rule in rules {
                        li { code { (text(rule, "Text")) } @if !text(rule, "Reason").is_empty() { span .beneath .soft { (text(rule, "Reason")) } } }
                    }
                    @if left > 0 { li .soft { "and " (left) " more" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_compared_is_said() {
        let shown = |groups: u64| {
            flip(&json!({ "Flip": { "Text": "join sg-1", "NotComparedCount": groups } })).into_string()
        };
        assert!(!shown(0).contains("compared"), "{}", shown(0));
        assert!(shown(1).contains("1 more group would do as well."), "{}", shown(1));
        assert!(shown(1_200).contains("1,200 more groups would do as well."), "{}", shown(1_200));
    }
}
