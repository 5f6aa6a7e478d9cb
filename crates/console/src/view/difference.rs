//! What a change would open and close, as a preview says it: warnings first, then packets, then the flows that run now.

use maud::{Markup, html};
use serde_json::Value;

use crate::{
    json::{count, flag, items, text, texts},
    view::{self, Tone},
};

/// The answer of a preview.
pub(crate) fn shown(answer: &Value) -> Markup {
    html! {
        (warnings(answer))
        @for policy in items(answer, "Policies.Policy") { (of_policy(policy)) }
        @if count(answer, "PoliciesLeftOut") > 0 {
            p .soft { (count(answer, "PoliciesLeftOut")) " further sets of groups are concerned, and not listed." }
        }
        (flows(answer))
    }
}

fn warnings(answer: &Value) -> Markup {
    let warnings = items(answer, "Warnings.Warning");
    html! {
        @if !warnings.is_empty() {
            (view::notice(Tone::Warning, "Before you go on", &html! {
                ul { @for warning in warnings { li { (text(warning, "Message")) } } }
            }))
        }
    }
}

/// What differs for the interfaces that are in the same groups.
fn of_policy(policy: &Value) -> Markup {
    let interfaces = items(policy, "NetworkInterfaces.NetworkInterface");
    let number = count(policy, "NetworkInterfaceCount");
    let pieces = items(policy, "Pieces.Piece");
    view::section(
        if number == 1 { "What opens and closes" } else { "What opens and closes for its members" },
        &html! {
            p .soft {
                "For " (number) (if number == 1 { " network interface" } else { " network interfaces" })
                @if let [only] = interfaces {
                    ", " a href=(view::address_of("interfaces", text(only, "NetworkInterfaceId"))) { (text(only, "NetworkInterfaceId")) }
                    @for address in texts(only, "Addresses.Address").take(2) { ", " code { (address) } }
                }
                "."
            }
            @if pieces.is_empty() {
                (view::notice(Tone::Plain, "No packet is decided differently.", &html! { p { "What this rule is about is decided by others before it, or as it is anyway." } }))
            } @else {
                (view::table("Packets that are decided differently", &["Effect", "Direction", "Protocol", "From", "To", "Ports"], &html! {
                    @for piece in pieces { (piece_row(piece)) }
                }))
                @let listed = u64::try_from(pieces.len()).unwrap_or(u64::MAX);
                @if count(policy, "PieceCount") > listed { p .soft { "And " (count(policy, "PieceCount") - listed) " more." } }
                @if !flag(policy, "Whole") { p .soft { "There may be more than is listed." } }
            }
        },
    )
}

fn piece_row(piece: &Value) -> Markup {
    let opens = text(piece, "Effect") == "Opens";
    let comes = text(piece, "Direction") == "ingress";
    html! {
        tr {
            td { @if opens { (view::badge(Tone::Good, "Opens")) } @else { (view::badge(Tone::Bad, "Closes")) } }
            td .nowrap { (if comes { "comes in" } else { "goes out" }) }
            td { (protocols(piece)) }
            td { (listed(piece, "Sources.Prefix", "SourceCount", any(piece))) }
            td { (listed(piece, "Destinations.Prefix", "DestinationCount", any(piece))) }
            td {
                (ports(piece, "DestinationPorts.PortRange", "DestinationPortCount", "all"))
                @if !items(piece, "SourcePorts.PortRange").is_empty() {
                    br; span .soft { "from " (ports(piece, "SourcePorts.PortRange", "SourcePortCount", "all")) }
                }
            }
        }
    }
}

fn protocols(piece: &Value) -> String {
    let all: Vec<&str> = texts(piece, "Protocols.Protocol").collect();
    if all.is_empty() { "all".to_owned() } else { all.join(", ") }
}

fn any(piece: &Value) -> &'static str {
    match text(piece, "Family") {
        "IPv4" => "any IPv4 address",
        "IPv6" => "any IPv6 address",
        _ => "any address",
    }
}

/// How many entries of a list a table shows.
const LISTED_MAX: usize = 6;

fn listed(piece: &Value, path: &str, total: &str, all: &str) -> Markup {
    let entries: Vec<&str> = texts(piece, path).collect();
    let total = usize::try_from(count(piece, total)).unwrap_or(usize::MAX);
    let shown = entries.len().min(LISTED_MAX);
    html! {
        @if entries.is_empty() { (all) }
        @else {
            @for entry in entries.iter().take(shown) { code .beneath { (entry) } }
            @if total > shown { span .soft { "and " (total - shown) " more" } }
        }
    }
}

fn ports(piece: &Value, path: &str, total: &str, all: &str) -> Markup {
    let entries: Vec<String> = texts(piece, path).map(range).collect();
    let total = usize::try_from(count(piece, total)).unwrap_or(usize::MAX);
    let shown = entries.len().min(LISTED_MAX);
    html! {
        @if entries.is_empty() { (all) }
        @else {
            (entries.get(..shown).unwrap_or_default().join(", "))
            @if total > shown { " and " (total - shown) " more" }
        }
    }
}

/// A range of ports as people read it.
fn range(range: &str) -> String {
    match range.split_once('/') {
        Some((low, high)) if low == high => low.to_owned(),
        Some((low, high)) => format!("{low}\u{2013}{high}"),
        None => range.to_owned(),
    }
}

fn flows(answer: &Value) -> Markup {
    let (cut, revived, on) = (
        count(answer, "CutFlowCount"),
        count(answer, "RevivedFlowCount"),
        count(answer, "ContinuingFlowCount"),
    );
    let listed = items(answer, "Flows.Flow");
    let silent = items(answer, "Nodes.Node").iter().filter(|node| !flag(node, "Answered"));
    view::section(
        "Flows that run now",
        &html! {
            @if !flag(answer, "FlowsAsked") {
                p .soft { "Nothing that it concerns is bound to a node: there are no flows to ask about." }
            } @else {
                ul .numbers {
                    li { div .plain { span .number { (cut) } span { "would be cut" } } }
                    @if revived > 0 { li { div .plain { span .number { (revived) } span { "would live again" } } } }
                    li { div .plain { span .number { (on) } span { "would go on" } } }
                }
                @for node in silent {
                    p { (view::badge(Tone::Warning, "Silent")) " " (text(node, "NodeName")) ": " (text(node, "Message")) ". Its flows are not counted." }
                }
                @if !listed.is_empty() {
                    (view::table("Flows and what becomes of them", &["Fate", "Flow", "State", "Age", "Packets"], &html! {
                        @for flow in listed { (flow_row(flow)) }
                    }))
                }
                @if !flag(answer, "FlowsWhole") { p .soft { "Not every flow is listed." } }
            }
        },
    )
}

/// A flow with its fate.
fn flow_row(flow: &Value) -> Markup {
    let fate = text(flow, "Fate");
    html! {
        tr {
            td {
                @match fate {
                    "Cut" => (view::badge(Tone::Bad, "Cut")),
                    "Revived" => (view::badge(Tone::Good, "Lives again")),
                    _ => (view::badge(Tone::Plain, "Goes on")),
                }
                @if flag(flow, "Own") { " " (view::badge(Tone::Warning, "Yours")) }
            }
            td { (text(flow, "Protocol")) " " code { (end(flow, "Local")) } (if text(flow, "Direction") == "ingress" { " \u{2190} " } else { " \u{2192} " }) code { (end(flow, "Remote")) } }
            td { (text(flow, "State")) }
            td .nowrap { (view::time::milliseconds(count(flow, "AgeSeconds").saturating_mul(1_000))) }
            td { (count(flow, "PacketsIn")) " in, " (count(flow, "PacketsOut")) " out" }
        }
    }
}

/// An end of a flow: address and port.
fn end(flow: &Value, side: &str) -> String {
    let (address, port) = (text(flow, &format!("{side}Address")), count(flow, &format!("{side}Port")));
    match (address.contains(':'), port) {
        (_, 0) => address.to_owned(),
        (true, port) => format!("[{address}]:{port}"),
        (false, port) => format!("{address}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_closes_and_which_flows_are_cut_is_said() {
        let answer = json!({
            "Warnings": { "Warning": [{ "Code": "LastGroup", "Message": "It would be in no group." }] },
            "Policies": { "Policy": [{ "NetworkInterfaceCount": 1, "PieceCount": 1, "Whole": true, "Pieces": { "Piece": [{
                "Direction": "ingress", "Effect": "Closes", "Family": "IPv4", "Protocols": { "Protocol": ["tcp"] },
                "Sources": { "Prefix": ["10.0.0.0/8"] }, "SourceCount": 1,
                "DestinationPorts": { "PortRange": ["8000/8080"] }, "DestinationPortCount": 1 }] } }] },
            "FlowsAsked": true, "FlowsWhole": true, "CutFlowCount": 1,
            "Flows": { "Flow": [{ "Fate": "Cut", "Protocol": "tcp", "Direction": "ingress", "LocalAddress": "fd00::7",
                "LocalPort": 443, "RemoteAddress": "10.0.0.9", "RemotePort": 41812, "Own": true }] },
        });
        let text = shown(&answer).into_string();
        for said in
            ["It would be in no group.", "Closes", "10.0.0.0/8", "8000\u{2013}8080", "[fd00::7]:443", "Yours"]
        {
            assert!(text.contains(said), "{said} in {text}");
        }
    }
}
