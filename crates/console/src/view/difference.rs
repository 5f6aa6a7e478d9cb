//! What a change would open and close, as a preview says it: warnings first, then packets, then the flows that run now.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{
    json::{count, flag, items, text, texts},
    view::{self, Cell, Row, Tone},
};

/// The answer of a preview.
pub(crate) fn shown(answer: &Value) -> Markup {
    let alike = alike(items(answer, "Policies.Policy"));
    html! {
        (warnings(answer))
        @if !alike.is_empty() {
            (view::section("What opens and closes", &html! {
                @for policies in &alike { (of_policies(policies)) }
                @let left = count(answer, "PoliciesLeftOut");
                @if left > 0 { p .soft { (view::several(left, "further set", "further sets")) " of groups: not listed." } }
            }))
        }
        (flows(answer))
    }
}

/// Warnings about flows, which come and go without anybody having changed anything.
const OF_FLOWS: [&str; 3] = ["OwnConnectionCut", "NodeSilent", "FlowsLeftOut"];

/// What is said of each set of groups, as the answer has it.
const OF_POLICIES: [&str; 7] = [
    "SecurityGroupIdsBefore",
    "SecurityGroupIdsAfter",
    "NetworkInterfaceCount",
    "PacketCount",
    "Pieces",
    "PieceCount",
    "Whole",
];

/// What a preview says of rules and members: what it says again as long as nobody changes them.
pub(crate) fn settled(answer: &Value) -> Value {
    let policy = |policy: &Value| {
        let said = OF_POLICIES.map(|name| policy.get(name).cloned());
        let interfaces = items(policy, "NetworkInterfaces.NetworkInterface").iter();
        let interfaces: Vec<&str> = interfaces.map(|own| text(own, "NetworkInterfaceId")).collect();
        json!([interfaces, said])
    };
    let policies: Vec<Value> = items(answer, "Policies.Policy").iter().map(policy).collect();
    let warnings = items(answer, "Warnings.Warning").iter();
    let warnings: Vec<&Value> = warnings.filter(|own| !OF_FLOWS.contains(&text(own, "Code"))).collect();
    json!([policies, count(answer, "PoliciesLeftOut"), warnings])
}

/// The policies, those of which the same is said together.
fn alike(policies: &[Value]) -> Vec<Vec<&Value>> {
    let mut found: Vec<Vec<&Value>> = Vec::new();
    let said = |policy: &Value| ["Pieces", "PieceCount", "Whole"].map(|name| policy.get(name).cloned());
    for policy in policies {
        match found.iter_mut().find(|others| others.first().is_some_and(|other| said(other) == said(policy)))
        {
            Some(others) => others.push(policy),
            None => found.push(vec![policy]),
        }
    }
    found
}

fn warnings(answer: &Value) -> Markup {
    let warnings = items(answer, "Warnings.Warning");
    html! {
        @if !warnings.is_empty() {
            (view::notice(Tone::Warning, "Before you go on", &html! {
                ul { @for warning in warnings { li { (view::with_links(text(warning, "Message"))) } } }
            }))
        }
    }
}

/// What differs for interfaces for all of which it is the same.
fn of_policies(policies: &[&Value]) -> Markup {
    let number: u64 = policies.iter().map(|policy| count(policy, "NetworkInterfaceCount")).sum();
    let Some(first) = policies.first() else { return html! {} };
    let pieces = items(first, "Pieces.Piece");
    let listed = u64::try_from(pieces.len()).unwrap_or(u64::MAX);
    html! {
        (interfaces(policies, number))
        @if pieces.is_empty() {
            (view::none("No packet is decided differently: other rules decide the same.", None))
        } @else {
            (view::table("Packets that are decided differently", &["Effect", "Way", "Protocol", "Ports", "From", "To"], pieces.iter().map(|piece| piece_row(piece, number))))
            @if count(first, "PieceCount") > listed { p .soft { "And " (view::number(count(first, "PieceCount") - listed)) " more." } }
            @if !flag(first, "Whole") { p .soft { "There may be more than is listed." } }
        }
    }
}

/// How many interfaces are named before a table.
const INTERFACES_MAX: usize = 4;

/// Whom it is about.
fn interfaces(policies: &[&Value], number: u64) -> Markup {
    let named: Vec<&Value> =
        policies.iter().flat_map(|policy| items(policy, "NetworkInterfaces.NetworkInterface")).collect();
    html! {
        p {
            "For " (view::several(number, "network interface", "network interfaces"))
            @if number <= INTERFACES_MAX as u64 {
                @for (place, own) in named.iter().enumerate() {
                    (if place == 0 { ": " } else { ", " })
                    a .id href=(view::address_of("interfaces", text(own, "NetworkInterfaceId"))) { (text(own, "NetworkInterfaceId")) }
                    @for address in texts(own, "Addresses.Address").take(1) { " (" code .id { (address) } ")" }
                }
            }
            "."
        }
    }
}

fn piece_row(piece: &Value, interfaces: u64) -> Row {
    let opens = text(piece, "Effect") == "Opens";
    let comes = text(piece, "Direction") == "ingress";
    let own = if interfaces == 1 { "the interface" } else { "the interfaces" };
    let (sender, receiver) = if comes { (any(piece), own) } else { (own, any(piece)) };
    vec![
        Cell::of(
            html! { @if opens { (view::badge(Tone::Good, "Opens")) } @else { (view::badge(Tone::Bad, "Closes")) } },
        ),
        Cell::of(html! { (if comes { "in" } else { "out" }) }),
        Cell::of(html! { (protocols(piece)) }),
        Cell::of(html! { (ports(piece, "DestinationPorts.PortRange", "DestinationPortCount", "all"))
        @if !items(piece, "SourcePorts.PortRange").is_empty() {
            br; span .soft { "from " (ports(piece, "SourcePorts.PortRange", "SourcePortCount", "all")) }
        } }),
        Cell::of(listed(piece, "Sources.Prefix", "SourceCount", sender)),
        Cell::of(listed(piece, "Destinations.Prefix", "DestinationCount", receiver)),
    ]
}

fn protocols(piece: &Value) -> String {
    let all: Vec<&str> = texts(piece, "Protocols.Protocol").collect();
    if all.is_empty() { "all".to_owned() } else { all.join(", ").to_uppercase().replace("ICMPV6", "ICMPv6") }
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
    let excepted = if entries.len() == total { excepted(&entries) } else { None };
    html! {
        @if entries.is_empty() { (all) }
        @else if let Some(excepted) = excepted {
            (any(piece)) " but"
            @for prefix in excepted { code .beneath { (prefix) } }
        }
        @else {
            @for entry in entries.iter().take(shown) { code .beneath { (entry) } }
            (rest(entries.get(shown..).unwrap_or_default(), total.saturating_sub(shown)))
        }
    }
}

/// So many more of a list than are shown at once: those that the answer has, to be opened, and how many it does not have.
fn rest<T: maud::Render>(entries: &[T], more: usize) -> Markup {
    let unlisted = more.saturating_sub(entries.len());
    html! {
        @if !entries.is_empty() {
            details .help {
                summary { "and " (more) " more" }
                @for entry in entries { code .beneath { (entry) } }
                @if unlisted > 0 { span .soft { "and " (unlisted) " more that are not listed" } }
            }
        }
        @else if more > 0 { span .soft { "and " (more) " more that are not listed" } }
    }
}

/// What all but these prefixes are, where that is shorter to say.
fn excepted(prefixes: &[&str]) -> Option<Vec<IpNet>> {
    let prefixes: Vec<IpNet> = prefixes.iter().filter_map(|text| text.parse().ok()).collect();
    let whole = match prefixes.first()? {
        IpNet::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpNet::V6(_) => IpNet::V6(Ipv6Net::default()),
    };
    let mut rest = vec![whole];
    for prefix in &prefixes {
        rest = rest.into_iter().flat_map(|from| without(from, *prefix)).collect();
        // Between two prefixes there may be much; nobody reads that.
        if rest.len() > EXCEPTED_MAX * usize::from(whole.max_prefix_len()) {
            return None;
        }
    }
    (rest.len() <= EXCEPTED_MAX && rest.len() < prefixes.len()).then_some(rest)
}

/// The most prefixes that are named as exceptions.
const EXCEPTED_MAX: usize = 3;

/// A prefix without what another has of it.
fn without(from: IpNet, taken: IpNet) -> Vec<IpNet> {
    if taken.contains(&from) {
        return Vec::new();
    }
    if !from.contains(&taken) {
        return vec![from];
    }
    let halves = from.subnets(from.prefix_len() + 1).into_iter().flatten();
    halves.flat_map(|half| without(half, taken)).collect()
}

fn ports(piece: &Value, path: &str, total: &str, all: &str) -> Markup {
    let entries: Vec<String> = texts(piece, path).map(range).collect();
    let total = usize::try_from(count(piece, total)).unwrap_or(usize::MAX);
    let shown = entries.len().min(LISTED_MAX);
    html! {
        @if entries.is_empty() { (all) }
        @else {
            (entries.get(..shown).unwrap_or_default().join(", "))
            (rest(entries.get(shown..).unwrap_or_default(), total.saturating_sub(shown)))
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
            @if !flag(answer, "FlowsAsked") || items(answer, "Nodes.Node").is_empty() {
                (view::none("They are not known: nothing that it concerns is bound to a node.", None))
            } @else {
                ul .numbers .few {
                    li { div class=(if cut > 0 { "plain bad" } else { "plain" }) { span .number { (view::number(cut)) } span { "would be cut" } } }
                    @if revived > 0 { li { div .plain { span .number { (view::number(revived)) } span { "would live again" } } } }
                    li { div .plain { span .number { (view::number(on)) } span { "would go on" } } }
                }
                @for node in silent {
                    p { (view::badge(Tone::Warning, "Silent")) " " (text(node, "NodeName")) ": " (text(node, "Message")) ". Its flows are not counted." }
                }
                @if !listed.is_empty() {
                    (view::table("Flows and what becomes of them", &["Fate", "Flow", "State", "Age", "Packets in", "Packets out"], listed.iter().map(flow_row)))
                }
                @let more = (cut + revived + on).saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX));
                @if more > 0 { p .soft { "And " (view::several(more, "flow", "flows")) " more: some of each fate are listed, those that would be cut first." } }
                @if !flag(answer, "FlowsWhole") { p .soft { "Not every flow is known." } }
            }
        },
    )
}

/// A flow with its fate.
fn flow_row(flow: &Value) -> Row {
    let fate = text(flow, "Fate");
    let (local, remote) = (end(flow, "Local"), end(flow, "Remote"));
    let (from, to) = if text(flow, "Direction") == "ingress" { (remote, local) } else { (local, remote) };
    vec![
        Cell::of(html! { @match fate {
            "Cut" => (view::badge(Tone::Bad, "Cut")),
            "Revived" => (view::badge(Tone::Good, "Lives again")),
            _ => (view::badge(Tone::Plain, "Goes on")),
        }
        @if flag(flow, "Own") { " " (view::badge(Tone::Warning, "Your address")) } }),
        Cell::of(html! { code { (text(flow, "Protocol")) " " (from) " \u{2192} " (to) } }),
        Cell::of(html! { (text(flow, "State")) }),
        Cell::number(html! { (view::time::milliseconds(count(flow, "AgeSeconds").saturating_mul(1_000))) })
            .nowrap(),
        Cell::number(html! { (view::number(count(flow, "PacketsIn"))) }),
        Cell::number(html! { (view::number(count(flow, "PacketsOut"))) }),
    ]
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
    use wire::catalogue;

    use super::*;

    #[test]
    fn what_is_not_shown_at_once_is_counted_and_can_be_opened() {
        let prefixes: Vec<String> = (0..100).map(|place| format!("10.0.{place}.0/24")).collect();
        let answer = json!({
            "Policies": { "Policy": [{ "NetworkInterfaceCount": 1, "PieceCount": 1, "Whole": true, "Pieces": { "Piece": [{
                "Direction": "ingress", "Effect": "Closes", "Family": "IPv4",
                "Sources": { "Prefix": prefixes }, "SourceCount": 120 }] } }] },
            "Nodes": { "Node": [{ "Answered": true }] }, "FlowsAsked": true, "FlowsWhole": true, "CutFlowCount": 701,
            "ContinuingFlowCount": 4, "Flows": { "Flow": [{ "Fate": "Cut" }] },
        });
        let text = shown(&answer).into_string();
        for said in [
            "<summary>and 114 more</summary>",
            "10.0.99.0/24",
            "and 20 more that are not listed",
            "And 704 flows more",
        ] {
            assert!(text.contains(said), "{said} in {text}");
        }
    }

    /// The answer of a server, as PreviewLeaveSecurityGroup gave it.
    const ANSWER: &str = include_str!("../../tests/preview-leave.json");

    /// The same, in which something is put to another value.
    fn answer_with(place: &str, other: Value) -> Value {
        let mut answer: Value = serde_json::from_str(ANSWER).unwrap();
        *answer.pointer_mut(place).unwrap_or_else(|| unreachable!("{place}")) = other;
        answer
    }

    #[test]
    fn what_flows_do_settles_nothing() {
        let flow = json!([{ "Fate": "Cut" }]);
        let silent = json!({ "Code": "NodeSilent", "Message": "rack-7" });
        let shown = settled(&answer_with("/Warnings/Warning/1", silent.clone()));
        for (place, other) in [
            ("/Generation", json!(9)),
            ("/CutFlowCount", json!(1)),
            ("/Flows/Flow", flow),
            ("/Warnings/Warning/1/Message", json!("rack-8")),
        ] {
            let mut answer = answer_with("/Warnings/Warning/1", silent.clone());
            *answer.pointer_mut(place).unwrap() = other;
            assert_eq!(settled(&answer), shown, "{place}");
        }
    }

    #[test]
    fn what_is_said_of_rules_and_members_settles() {
        let shown = settled(&serde_json::from_str(ANSWER).unwrap());
        let policy = |name: &str| format!("/Policies/Policy/0/{name}");
        for (place, other) in [
            (policy("SecurityGroupIdsBefore/SecurityGroupId/0"), json!("sg-other")),
            (policy("SecurityGroupIdsAfter/SecurityGroupId"), json!(["sg-other"])),
            (policy("NetworkInterfaceCount"), json!(2)),
            (policy("NetworkInterfaces/NetworkInterface/0/NetworkInterfaceId"), json!("eni-other")),
            (policy("PacketCount"), json!("about 2^70")),
            (policy("PieceCount"), json!(2)),
            (policy("Pieces/Piece/0/Effect"), json!("Opens")),
            (policy("Whole"), json!(false)),
            ("/PoliciesLeftOut".into(), json!(1)),
            ("/Warnings/Warning/0/Code".into(), json!("OwnAccessEnds")),
        ] {
            assert_ne!(settled(&answer_with(&place, other)), shown, "{place}");
        }
    }

    #[test]
    fn what_is_settled_by_is_in_the_answer_of_every_preview() {
        let previews: Vec<_> = catalogue::all().filter(|operation| operation.family == "preview").collect();
        assert!(!previews.is_empty());
        for preview in previews {
            for name in OF_POLICIES {
                let path = format!("Policies.Policy[].{name}");
                let is_it = |own: &str| {
                    own == path || own.strip_prefix(&path).is_some_and(|rest| rest.starts_with(['.', '[']))
                };
                assert!(preview.answer.iter().any(|field| is_it(field.path)), "{path} of {}", preview.name);
            }
        }
    }

    #[test]
    fn many_prefixes_are_said_by_what_they_leave_out() {
        let taken: IpNet = "203.0.113.0/24".parse().unwrap();
        let prefixes = without(IpNet::V4(Ipv4Net::default()), taken);
        let texts: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!((texts.len(), excepted(&texts)), (24, Some(vec![taken])));
        assert_eq!(excepted(&["10.0.0.0/8", "192.168.0.0/16"]), None);
        assert_eq!(excepted(&[]), None);
        let half = ["2000::/3"];
        assert_eq!(excepted(&half), None);
    }

    #[test]
    fn policies_of_which_the_same_is_said_stand_together() {
        let policy = |port: &str| json!({ "NetworkInterfaceCount": 1, "Pieces": { "Piece": [{ "DestinationPorts": { "PortRange": [port] } }] } });
        let policies = [policy("80/80"), policy("443/443"), policy("80/80")];
        let sizes: Vec<usize> = alike(&policies).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1]);
    }

    #[test]
    fn what_closes_and_which_flows_are_cut_is_said() {
        let answer = json!({
            "Warnings": { "Warning": [{ "Code": "LastGroup", "Message": "It would be in no group." }] },
            "Policies": { "Policy": [{ "NetworkInterfaceCount": 1, "PieceCount": 1, "Whole": true, "Pieces": { "Piece": [{
                "Direction": "ingress", "Effect": "Closes", "Family": "IPv4", "Protocols": { "Protocol": ["tcp"] },
                "Sources": { "Prefix": ["10.0.0.0/8"] }, "SourceCount": 1,
                "DestinationPorts": { "PortRange": ["8000/8080"] }, "DestinationPortCount": 1 }] } }] },
            "Nodes": { "Node": [{ "Answered": true }] }, "FlowsAsked": true, "FlowsWhole": true, "CutFlowCount": 1,
            "Flows": { "Flow": [{ "Fate": "Cut", "Protocol": "tcp", "Direction": "ingress", "LocalAddress": "fd00::7",
                "LocalPort": 443, "RemoteAddress": "10.0.0.9", "RemotePort": 41812, "Own": true }] },
        });
        let text = shown(&answer).into_string();
        for said in [
            "It would be in no group.",
            "Closes",
            "10.0.0.0/8",
            "8000\u{2013}8080",
            "[fd00::7]:443",
            "Your address",
        ] {
            assert!(text.contains(said), "{said} in {text}");
        }
    }
}
