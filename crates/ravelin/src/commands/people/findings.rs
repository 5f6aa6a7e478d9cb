//! `ravelin findings`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{EXIT_STOPS, EXIT_UNKNOWN, ask, count, items, number, optional, show, text};
use crate::{cli::FindingsArguments, output};

/// What every step counts for itself.
const SUMMED: [&str; 3] = ["SecurityGroupCount", "UndecidedCount", "LeftOutCount"];

/// `ravelin findings`: step by step, until there are enough.
///
/// # Errors
/// The server cannot be reached.
pub fn findings(arguments: &FindingsArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.server.access.client()?;
    let mut sent: Vec<(String, String)> = Vec::new();
    sent.extend(optional("SecurityGroupId", arguments.group.as_ref()));
    sent.extend(optional("NetworkInterfaceId", arguments.network_interface.as_ref()));
    sent.extend(optional("Kind", arguments.kind.as_ref()));
    sent.extend(optional("UnusedSince", arguments.unused_since.as_ref()));
    let (mut all, mut sums) = (Vec::<Value>::new(), [0_u64; SUMMED.len()]);
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let mut next: Option<String> = None;
    loop {
        let mut step = sent.clone();
        step.extend(optional("NextToken", next.as_ref()));
        let mut reply = ask(&client, "ListFindings", &step)?;
        if reply.status != 200 {
            return show(&reply, arguments.server.output, |_| String::new(), |_| 0);
        }
        all.extend(items(&reply.body, "/Findings/Finding").iter().cloned());
        for (sum, name) in sums.iter_mut().zip(SUMMED) {
            *sum += number(&reply.body, name);
        }
        next = reply.body.get("NextToken").and_then(Value::as_str).map(Into::into);
        if next.is_none() || all.len() >= limit {
            if let Some(fields) = reply.body.as_object_mut() {
                fields.remove("MaxResults");
                // Each step counts what it looked at; the rest is of the one step that there is where nodes are asked.
                let summed = SUMMED.into_iter().zip(sums).filter(|(_, sum)| *sum > 0);
                fields.extend(summed.map(|(name, sum)| (name.to_owned(), json!(sum))));
                fields.insert("Findings".into(), json!({ "Finding": all }));
            }
            return show(&reply, arguments.server.output, render, code);
        }
    }
}

/// Whether something was found; or, where not, something may be there that is not known.
fn code(found: &Value) -> u8 {
    let unknown = ["UndecidedCount", "LeftOutCount", "UnknownRuleCount"];
    if !items(found, "/Findings/Finding").is_empty() {
        EXIT_STOPS
    } else if unknown.into_iter().any(|name| number(found, name) > 0)
        || !items(found, "/SilentNodes/Node").is_empty()
    {
        EXIT_UNKNOWN
    } else {
        0
    }
}

fn render(found: &Value) -> String {
    let findings = items(found, "/Findings/Finding");
    let mut lines = Vec::new();
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|own| {
            let mut interfaces = own.get("NetworkInterfaceCount").map_or_else(String::new, Value::to_string);
            if number(own, "UnknownNetworkInterfaceCount") > 0 {
                interfaces.push_str(" or more");
            }
            vec![text(own, "Kind").to_owned(), interfaces, text(own, "Text").to_owned()]
        })
        .collect();
    if !rows.is_empty() {
        lines.push(output::table(&["kind", "interfaces", "finding"], rows));
    }
    let total = u64::try_from(findings.len()).unwrap_or(u64::MAX);
    let mut summary = format!(
        "{} in {}",
        count(total, "finding"),
        count(number(found, "SecurityGroupCount"), "security group")
    );
    let untold = number(found, "UndecidedCount").saturating_add(number(found, "LeftOutCount"));
    if untold > 0 {
        summary.push_str(&format!("; {untold} could not be told, or is not listed"));
    }
    if number(found, "UnknownRuleCount") > 0 {
        summary
            .push_str(&format!("; of {} it is not known", count(number(found, "UnknownRuleCount"), "rule")));
    }
    for node in items(found, "/SilentNodes/Node") {
        summary.push_str(&format!("; {}: {}", text(node, "NodeId"), text(node, "Message")));
    }
    if number(found, "UnboundNetworkInterfaceCount") > 0 {
        let unbound = count(number(found, "UnboundNetworkInterfaceCount"), "network interface");
        summary.push_str(&format!("; bound to no node: {unbound}"));
    }
    if !text(found, "NextToken").is_empty() {
        summary.push_str("; there may be more: raise --limit");
    }
    lines.push(summary);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_learn_that_something_was_found_or_is_not_known() {
        let one = json!({ "Findings": { "Finding": [{}] }, "UnknownRuleCount": 1 });
        assert_eq!(code(&one), EXIT_STOPS);
        for name in ["UndecidedCount", "LeftOutCount", "UnknownRuleCount"] {
            assert_eq!(code(&json!({ name: 1 })), EXIT_UNKNOWN, "{name}");
        }
        let silent =
            json!({ "SilentNodes": { "Node": [{ "NodeId": "node-1", "Message": "it is not connected" }] } });
        assert_eq!(code(&silent), EXIT_UNKNOWN);
        assert!(render(&silent).contains("node-1: it is not connected"));
        assert_eq!(code(&json!({ "SecurityGroupCount": 3, "UndecidedCount": 0 })), 0);
        assert!(render(&json!({ "UnknownRuleCount": 2, "LeftOutCount": 1 })).contains("1 could not be told"));
    }

    #[test]
    fn interfaces_of_which_it_is_not_known_and_that_no_node_has_are_told() {
        let open = json!({ "Kind": "OpenToTheWorld", "NetworkInterfaceCount": 3, "UnknownNetworkInterfaceCount": 1 });
        assert!(render(&json!({ "Findings": { "Finding": [open] } })).contains("3 or more"));
        let unbound = json!({ "UnboundNetworkInterfaceCount": 2 });
        assert!(
            render(&unbound).contains("bound to no node")
                && render(&unbound).contains("2 network interfaces")
        );
        assert_eq!(code(&unbound), 0);
    }
}
