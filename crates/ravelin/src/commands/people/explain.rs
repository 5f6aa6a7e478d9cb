//! `ravelin explain`.

use std::process::ExitCode;

use serde_json::Value;

use super::{EXIT_STOPS, ask, given, holds, items, number, optional, show, text};
use crate::{
    cli::ExplainArguments,
    output::{self, Mark},
};

/// `ravelin explain`.
///
/// # Errors
/// The server cannot be reached.
pub fn explain(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let mut sent = vec![
        given("From", &arguments.from),
        given("To", &arguments.to),
        given("Protocol", &arguments.protocol),
    ];
    sent.extend(optional("Port", arguments.port.as_ref()));
    sent.extend(optional("SourcePort", arguments.source_port.as_ref()));
    sent.extend(optional("AsOf", arguments.as_of.as_ref()));
    let reply = ask(&arguments.server.access.client()?, "ExplainTraffic", &sent)?;
    let code = |explained: &Value| if text(explained, "Verdict") == "Accept" { 0 } else { EXIT_STOPS };
    show(&reply, arguments.server.output, render, code)
}

fn render(explained: &Value) -> String {
    let accepted = text(explained, "Verdict") == "Accept";
    let (word, mark) = if accepted { ("passes", Mark::Good) } else { ("is dropped", Mark::Bad) };
    let mut lines = vec![format!("{} {}", text(explained, "Packet"), output::marked(word, mark))];
    if holds(explained, "AcrossNetworks") {
        lines.push(
            "  the two ends are in networks that do not reach each other, unless somebody routes them".into(),
        );
    }
    if explained.get("Note").is_some() {
        lines.push(format!("  {}", text(explained, "Note")));
    }
    for side in items(explained, "/Sides/Side") {
        lines.extend(self::side(side));
    }
    lines.join("\n")
}

fn side(side: &Value) -> Vec<String> {
    let name = text(side, "NetworkInterfaceId");
    let mut lines = vec![output::marked(&format!("{} at {name}", text(side, "Direction")), Mark::Strong)];
    lines.push(format!("  {}", text(side, "Text")));
    if let Some(membership) = side.get("Membership") {
        lines.push(format!("  in {}: {}", text(membership, "SecurityGroupId"), since(membership)));
    }
    for rule in items(side, "/Considered/Rule") {
        let place = format!("rule {} of {}", number(rule, "Position"), text(rule, "SecurityGroupId"));
        let line = format!("    not by {place} ({}): {}", text(rule, "Text"), text(rule, "Reason"));
        lines.push(output::marked(&line, Mark::Faint));
    }
    for rule in items(side, "/Overruled/Rule") {
        let place = format!("rule {} of {}", number(rule, "Position"), text(rule, "SecurityGroupId"));
        lines.push(output::marked(&format!("    too late: {place} ({})", text(rule, "Text")), Mark::Faint));
    }
    for (name, words) in [("ConsideredLeftOut", "before it"), ("OverruledLeftOut", "after it")] {
        if number(side, name) > 0 {
            lines.push(format!("    and {} more {words}", number(side, name)));
        }
    }
    if let Some(enforcement) = side.get("Enforcement") {
        let stands = match text(enforcement, "State") {
            "Confirmed" => "in force",
            "Past" => "not known whether it was in force",
            _ => "not in force",
        };
        lines.push(format!("  {stands}: {}", text(enforcement, "Message")));
    }
    if let Some(flip) = side.get("Flip") {
        let others = text(flip, "OtherPacketCount");
        let with_it = match others {
            "0" => "no other packet would be decided otherwise".to_owned(),
            "1" => "1 other packet would be decided otherwise, too".to_owned(),
            others => format!("{others} other packets would be decided otherwise, too"),
        };
        lines.push(format!("  it would be the other way with: {}; {with_it}", text(flip, "Text")));
        lines.extend(not_compared(number(flip, "NotComparedCount")));
    }
    lines
}

/// That more groups would do as well, where there are any.
fn not_compared(groups: u64) -> Option<String> {
    match groups {
        0 => None,
        1 => Some("    1 more group would do as well; what it does beside was not compared".into()),
        more => {
            Some(format!("    {more} more groups would do as well; what they do beside was not compared"))
        }
    }
}

fn since(membership: &Value) -> String {
    if !holds(membership, "Known") {
        return text(membership, "Message").into();
    }
    format!(
        "since {} (generation {}), by {} of {}",
        text(membership, "Time"),
        number(membership, "Generation"),
        text(membership, "OperationName"),
        text(membership, "ActorName")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_compared_is_said() {
        let shown = |groups: u64| {
            let flip = json!({ "Text": "join sg-1", "OtherPacketCount": "0", "NotComparedCount": groups });
            side(&json!({ "Flip": flip })).join("\n")
        };
        assert!(shown(0).ends_with("no other packet would be decided otherwise"), "{}", shown(0));
        assert!(shown(1).ends_with("1 more group would do as well; what it does beside was not compared"));
        assert!(shown(52).contains("52 more groups would do as well"), "{}", shown(52));
    }
}
