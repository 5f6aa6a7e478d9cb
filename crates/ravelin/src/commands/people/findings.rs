//! `ravelin findings`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{EXIT_STOPS, ask, count, items, number, optional, show, text};
use crate::{cli::FindingsArguments, output};

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
    let (mut all, mut groups, mut undecided): (Vec<Value>, u64, u64) = (Vec::new(), 0, 0);
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
        groups += number(&reply.body, "SecurityGroupCount");
        undecided += number(&reply.body, "UndecidedCount") + number(&reply.body, "LeftOutCount");
        next = reply.body.get("NextToken").and_then(Value::as_str).map(Into::into);
        if next.is_none() || all.len() >= limit {
            reply.body = json!({
                "SecurityGroupCount": groups,
                "UndecidedCount": undecided,
                "NextToken": next,
                "Findings": { "Finding": all },
            });
            let code =
                |found: &Value| if items(found, "/Findings/Finding").is_empty() { 0 } else { EXIT_STOPS };
            return show(&reply, arguments.server.output, render, code);
        }
    }
}

fn render(found: &Value) -> String {
    let findings = items(found, "/Findings/Finding");
    let mut lines = Vec::new();
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|own| {
            let interfaces = number(own, "NetworkInterfaceCount").to_string();
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
    if number(found, "UndecidedCount") > 0 {
        summary
            .push_str(&format!("; {} could not be told, or is not listed", number(found, "UndecidedCount")));
    }
    if !text(found, "NextToken").is_empty() {
        summary.push_str("; there may be more: raise --limit");
    }
    lines.push(summary);
    lines.join("\n")
}
