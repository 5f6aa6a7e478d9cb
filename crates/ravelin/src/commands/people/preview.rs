//! `ravelin preview`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use model::{
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use serde_json::{Value, json};

use super::{
    EXIT_STOPS, EXIT_UNKNOWN, Sent, ask, count, given, holds, items, joined, number, optional, show, text,
};
use crate::{
    cli::{FlowArguments, LookArguments, MembershipArguments, PreviewCommand, RuleArguments},
    output::{self, Mark},
};

/// `ravelin preview`.
///
/// # Errors
/// The server cannot be reached, or the rule is none.
pub fn preview(command: &PreviewCommand) -> anyhow::Result<ExitCode> {
    match command {
        PreviewCommand::Leave(of) => {
            asked("PreviewLeaveSecurityGroup", membership(of), &of.flows, &of.server)
        }
        PreviewCommand::Join(of) => asked("PreviewJoinSecurityGroup", membership(of), &of.flows, &of.server),
        PreviewCommand::AddRule(of) => {
            asked("PreviewCreateSecurityGroupPermissions", rule(of)?, &of.flows, &of.server)
        }
        PreviewCommand::RemoveRule(of) => {
            asked("PreviewDeleteSecurityGroupPermissions", rule(of)?, &of.flows, &of.server)
        }
    }
}

fn asked(
    operation: &str,
    mut sent: Sent,
    flows: &FlowArguments,
    server: &LookArguments,
) -> anyhow::Result<ExitCode> {
    sent.extend(optional("FlowWaitSeconds", flows.flow_wait.as_ref()));
    let reply = ask(&server.access.client()?, operation, &sent)?;
    show(&reply, server.output, |preview| render(preview, flows.whole), code)
}

fn membership(arguments: &MembershipArguments) -> Sent {
    let mut sent = vec![given("SecurityGroupId", &arguments.group)];
    sent.extend(optional("InstanceId", arguments.instance.as_ref()));
    sent.extend(optional("NetworkInterfaceId", arguments.network_interface.as_ref()));
    sent
}

fn rule(arguments: &RuleArguments) -> anyhow::Result<Sent> {
    let rule = policy::text::parse_rule(&arguments.rule).context("--rule is no rule")?;
    let permissions = json!([permission(&rule)?]).to_string();
    Ok(vec![given("SecurityGroupId", &arguments.group), given("Permissions", &permissions)])
}

/// A rule as requests have it.
fn permission(rule: &Rule) -> anyhow::Result<Value> {
    let mut fields = serde_json::Map::new();
    let prefixes = [
        ("SourceCidrIp", &rule.source),
        ("DestCidrIp", &rule.destination),
        ("Ipv6SourceCidrIp", &rule.ipv6_source),
        ("Ipv6DestCidrIp", &rule.ipv6_destination),
    ];
    for (name, prefix) in prefixes {
        fields.extend(prefix.as_ref().map(|prefix: &Prefix| (name.to_owned(), json!(prefix.text()))));
    }
    if fields.is_empty() {
        let word = if rule.direction == Direction::Ingress { "from" } else { "to" };
        bail!(
            "--rule names no addresses, and a rule of a group names some: add `{word} 0.0.0.0/0` for all of IPv4, or `{word} \
             ::/0` for all of IPv6"
        );
    }
    let mut put = |name: &str, value: Value| fields.insert(name.into(), value);
    put("Direction", json!(if rule.direction == Direction::Ingress { "ingress" } else { "egress" }));
    put("Policy", json!(if rule.policy == Policy::Accept { "Accept" } else { "Drop" }));
    put("Priority", json!(rule.priority));
    let protocol = match rule.protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Icmp => "ICMP",
        Protocol::Icmpv6 => "ICMPv6",
        Protocol::Gre => "GRE",
        Protocol::All => "ALL",
    };
    put("IpProtocol", json!(protocol));
    put("PortRange", json!(rule.ports.to_string()));
    if rule.source_ports != PortRange::default_for(rule.protocol) {
        put("SourcePortRange", json!(rule.source_ports.to_string()));
    }
    Ok(Value::Object(fields))
}

/// Whether something stops: packets that are accepted now, or flows.
fn code(preview: &Value) -> u8 {
    let policies = items(preview, "/Policies/Policy");
    // The counts, and not the list, which is cut short.
    let closes = |policy: &Value| number(policy, "ClosingPieceCount") > 0;
    let is_whole =
        policies.iter().all(|policy| holds(policy, "Whole")) && number(preview, "PoliciesLeftOut") == 0;
    let flows_known = holds(preview, "FlowsWhole") || !holds(preview, "FlowsAsked");
    if number(preview, "CutFlowCount") > 0 || policies.iter().any(closes) {
        EXIT_STOPS
    } else if !is_whole || !flows_known {
        EXIT_UNKNOWN
    } else {
        0
    }
}

fn render(preview: &Value, whole: bool) -> String {
    let mut lines = Vec::new();
    let mut is_cut = false;
    for warning in items(preview, "/Warnings/Warning") {
        let words = output::wrapped(&format!("! {}", text(warning, "Message")), output::width());
        lines.push(output::marked(&words, Mark::Bad));
    }
    for policy in items(preview, "/Policies/Policy") {
        lines.push(who(policy));
        let pieces = items(policy, "/Pieces/Piece");
        for piece in pieces {
            let mark = if text(piece, "Effect") == "Opens" { Mark::Good } else { Mark::Bad };
            lines.push(output::marked(&format!("  {}", text(piece, "Text")), mark));
            let all = long_lists(piece);
            match whole {
                true => lines.extend(all),
                false => is_cut |= !all.is_empty() && text(piece, "Text").contains(" more"),
            }
        }
        let more = left_out(number(policy, "PieceCount"), pieces);
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        if !holds(policy, "Differs") {
            lines.push("  every packet is decided as before".into());
        }
    }
    if is_cut {
        lines.push("Long lists are cut short: --whole prints all addresses and ports.".into());
    }
    if holds(preview, "FlowsAsked") && number(preview, "NodeCount") > 0 {
        lines.push(flows(preview));
    }
    lines.join("\n")
}

/// The lists of a piece that its text does not have whole, an entry a line.
fn long_lists(piece: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (pointer, total, word) in [
        ("/Sources/Prefix", "SourceCount", "from"),
        ("/SourcePorts/PortRange", "SourcePortCount", "from port"),
        ("/Destinations/Prefix", "DestinationCount", "to"),
        ("/DestinationPorts/PortRange", "DestinationPortCount", "to port"),
    ] {
        let entries = items(piece, pointer);
        if entries.len() <= IN_TEXT_MAX {
            continue;
        }
        lines.extend(entries.iter().filter_map(Value::as_str).map(|entry| format!("    {word} {entry}")));
        let more = left_out(number(piece, total), entries);
        if more > 0 {
            lines.push(format!("    {word} {more} more, which the server did not list"));
        }
    }
    lines
}

/// How many entries of a list the answer has in the text of a piece.
const IN_TEXT_MAX: usize = 4;

/// How many of so many are not among those that are listed.
fn left_out(total: u64, listed: &[Value]) -> u64 {
    total.saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX))
}

/// Whose policy changes, and from which groups to which.
fn who(policy: &Value) -> String {
    let first = items(policy, "/NetworkInterfaces/NetworkInterface").first();
    let named = first.map_or("-", |own| text(own, "NetworkInterfaceId"));
    let others = number(policy, "NetworkInterfaceCount").saturating_sub(1);
    let named =
        if others == 0 { named.to_owned() } else { format!("{named} and {}", count(others, "other")) };
    let before = joined(policy, "/SecurityGroupIdsBefore/SecurityGroupId", "no group");
    let after = joined(policy, "/SecurityGroupIdsAfter/SecurityGroupId", "no group");
    let groups = if before == after { before } else { format!("{before} -> {after}") };
    output::marked(&format!("{named}: {groups}"), Mark::Strong)
}

fn flows(preview: &Value) -> String {
    let counts = format!(
        "flows: {} would be cut, {} would live again, {} would go on{}",
        number(preview, "CutFlowCount"),
        number(preview, "RevivedFlowCount"),
        number(preview, "ContinuingFlowCount"),
        if holds(preview, "FlowsWhole") { "" } else { "; not all are known" }
    );
    let rows: Vec<Vec<String>> = items(preview, "/Flows/Flow")
        .iter()
        .map(|flow| {
            let port = |name| number(flow, name);
            let local = format!("{} {}", text(flow, "LocalAddress"), port("LocalPort"));
            let remote = format!("{} {}", text(flow, "RemoteAddress"), port("RemotePort"));
            let cell = |name: &str| text(flow, name).to_owned();
            vec![
                cell("Fate"),
                cell("Direction"),
                cell("Protocol"),
                local,
                remote,
                cell("State"),
                cell("NetworkInterfaceId"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return counts;
    }
    let columns = ["fate", "direction", "protocol", "local", "remote", "state", "interface"];
    let known = ["CutFlowCount", "RevivedFlowCount", "ContinuingFlowCount"].map(|name| number(preview, name));
    let more = match left_out(known.iter().sum(), items(preview, "/Flows/Flow")) {
        0 => String::new(),
        more => format!("\nand {} that the list does not have", count(more, "flow")),
    };
    format!("{counts}\n{}{more}", output::table(&columns, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_in_one_line_is_the_permission_that_says_the_same() {
        let rule = policy::text::parse_rule("egress drop priority=7 udp from 10.0.0.0/8 port 53 to port 1/9")
            .unwrap();
        let expected = json!({
            "SourceCidrIp": "10.0.0.0/8", "Direction": "egress", "Policy": "Drop", "Priority": 7,
            "IpProtocol": "UDP", "PortRange": "1/9", "SourcePortRange": "53/53",
        });
        assert_eq!(permission(&rule).unwrap(), expected);
        let everywhere = policy::text::parse_rule("ingress accept tcp to port 22").unwrap();
        assert!(permission(&everywhere).unwrap_err().to_string().contains("from 0.0.0.0/0"));
    }

    #[test]
    fn what_is_cut_short_is_counted_and_whole_where_it_is_asked_for() {
        let prefixes: Vec<String> = (0..100).map(|place| format!("10.0.{place}.0/24")).collect();
        let flow = json!({ "Fate": "Cut" });
        let preview = json!({
            "Policies": { "Policy": [{ "PieceCount": 1, "Differs": true, "Pieces": { "Piece": [{
                "Effect": "Closes", "Text": "ingress closes tcp from 10.0.0.0/24 and 99 more",
                "Sources": { "Prefix": prefixes }, "SourceCount": 120,
                "DestinationPorts": { "PortRange": ["80/80"] }, "DestinationPortCount": 1,
            }] } }] },
            "FlowsAsked": true, "FlowsWhole": true, "NodeCount": 1,
            "CutFlowCount": 701, "ContinuingFlowCount": 4, "Flows": { "Flow": [flow, flow] },
        });
        let short = render(&preview, false);
        assert!(!short.contains("10.0.99.0/24") && short.contains("--whole"), "{short}");
        assert!(short.contains("and 703 flows that the list does not have"), "{short}");
        let whole = render(&preview, true);
        assert!(whole.contains("from 10.0.99.0/24") && whole.contains("from 20 more"), "{whole}");
        assert!(!whole.contains("--whole") && !whole.contains("to port 80/80"), "{whole}");
    }

    #[test]
    fn scripts_learn_whether_something_stops() {
        let preview = |closing: u64, whole: bool, cut: u64| {
            json!({
                "CutFlowCount": cut, "FlowsAsked": true, "FlowsWhole": whole,
                // What is listed may be only what opens.
                "Policies": { "Policy": [{
                    "Whole": true, "OpeningPieceCount": 1, "ClosingPieceCount": closing,
                    "Pieces": { "Piece": [{ "Effect": "Opens" }] },
                }] },
            })
        };
        assert_eq!(code(&preview(0, true, 0)), 0);
        assert_eq!(code(&preview(1, true, 0)), 5);
        assert_eq!(code(&preview(0, true, 1)), 5);
        assert_eq!(code(&preview(0, false, 0)), 6);
    }
}
