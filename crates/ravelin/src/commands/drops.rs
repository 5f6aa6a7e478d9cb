//! `ravelin drops`: what a node drops of a network interface, and why.

use std::{process::ExitCode, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    reason::meaning_of,
    traffic::{Called, Caller, decided, list, number, sent, text, title, until_interrupted},
};
use crate::{
    cli::DropsArguments,
    output::{self, OutputFormat},
};

/// For how long one call waits while somebody follows, in seconds.
const WAIT_SECONDS: u32 = 20;
/// How long samples are gathered before it is asked again, so that a flood of them is some calls a second.
const GATHERING: Duration = Duration::from_millis(250);
/// The most samples of one answer while somebody follows.
const FOLLOWED_MAX: u32 = 1_000;

/// `ravelin drops`.
///
/// # Errors
/// The server cannot be reached, or what it says cannot be written.
pub fn drops(arguments: &DropsArguments) -> anyhow::Result<ExitCode> {
    let format = arguments.output;
    let caller = Caller::of("DescribeNetworkInterfaceDrops", "ravelin drops", &arguments.server, format)?;
    let interface = sent("NetworkInterfaceId", &arguments.interface);
    let first = caller.call(&[interface.clone(), sent("MaxResults", arguments.last.max(1))])?;
    let mut answer = match first {
        Called::Refused(code) => return Ok(code),
        Called::Answer(answer) => answer,
    };
    if arguments.last == 0 {
        answer["Drops"] = json!({ "Drop": [] });
    }
    if !arguments.follow {
        output::line(&match format {
            OutputFormat::Json => serde_json::to_string_pretty(&answer)?,
            OutputFormat::Table => shown(&answer),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    if format == OutputFormat::Table {
        output::line(&format!("{}\n", title(&answer)))?;
    }
    until_interrupted(async {
        loop {
            write(&answer, format)?;
            sleep(GATHERING).await;
            let next = sent("NextToken", text(&answer, "NextToken"));
            let wait = sent("WaitSeconds", WAIT_SECONDS);
            let sent = vec![interface.clone(), next, wait, sent("MaxResults", FOLLOWED_MAX)];
            answer = match caller.call_on(sent).await? {
                Called::Refused(code) => return Ok(code),
                Called::Answer(answer) => answer,
            };
        }
    })
}

/// Writes the samples of an answer, a line each, and what is missing before them.
fn write(answer: &Value, format: OutputFormat) -> anyhow::Result<()> {
    let restarted = answer.get("Restarted") == Some(&Value::Bool(true));
    let lost = number(answer, "LostCount");
    match format {
        OutputFormat::Json if restarted || lost > 0 => {
            output::line(&json!({ "Restarted": restarted, "LostCount": lost }).to_string())?;
        }
        OutputFormat::Table if restarted => {
            output::line("(the agent was restarted: what was dropped before is not known)")?;
        }
        OutputFormat::Table if lost > 0 => {
            output::line(&format!("({lost} samples of this node were lost here)"))?;
        }
        OutputFormat::Json | OutputFormat::Table => {}
    }
    for drop in list(answer, "/Drops/Drop") {
        output::line(&match format {
            OutputFormat::Json => drop.to_string(),
            OutputFormat::Table => line(drop),
        })?;
    }
    Ok(())
}

/// A sample on one line.
fn line(drop: &Value) -> String {
    let by = match decided(drop) {
        by if by.is_empty() || text(drop, "DecidedBy") != "Rule" => {
            meaning_of(text(drop, "Reason")).to_owned()
        }
        by => by,
    };
    let (direction, reason) = (text(drop, "Direction"), text(drop, "Reason"));
    let by = if by.is_empty() { by } else { format!(" ({by})") };
    format!("{}  {direction} {}: {reason}{by}", time(drop), packet(drop))
}

fn packet(drop: &Value) -> String {
    match (text(drop, "Packet"), text(drop, "EtherType")) {
        ("", "") => format!("{} bytes", number(drop, "Length")),
        ("", ethertype) => format!("ethertype {ethertype}, {} bytes", number(drop, "Length")),
        (packet, _) => packet.to_owned(),
    }
}

/// When, to the millisecond.
fn time(drop: &Value) -> String {
    let at = drop.get("UnixMilliseconds").and_then(Value::as_i64);
    let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| text(drop, "Time").to_owned(), |at| format!("{at:.3}"))
}

/// Counts and samples, for people.
fn shown(answer: &Value) -> String {
    let counts = list(answer, "/DroppedPackets/DroppedPacket");
    let samples = list(answer, "/Drops/Drop");
    let mut shown = title(answer);
    if counts.is_empty() && samples.is_empty() {
        shown.push_str("\n\nnothing was dropped");
        return shown;
    }
    let rows = counts.iter().map(|count| {
        let reason = text(count, "Reason");
        vec![reason.to_owned(), number(count, "Count").to_string(), meaning_of(reason).to_owned()]
    });
    shown.push_str(&format!("\n\n{}", output::table(&["dropped because", "packets", "which is"], rows)));
    if !samples.is_empty() {
        let rows = samples.iter().map(|drop| {
            let (direction, reason) = (text(drop, "Direction"), text(drop, "Reason"));
            vec![time(drop), format!("{direction} {}", packet(drop)), reason.to_owned(), decided(drop)]
        });
        shown.push_str(&format!("\n\n{}", output::table(&["time", "packet", "reason", "decided by"], rows)));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Value {
        json!({
            "NetworkInterfaceId": "eni-1", "NodeId": "node-1", "NodeName": "rack-7", "ConfirmedGeneration": 42,
            "DroppedPackets": { "DroppedPacket": [{ "Reason": "implicit", "Count": 3 }] },
            "Drops": { "Drop": [
                { "UnixMilliseconds": 1_795_317_125_123_u64, "Direction": "ingress", "Reason": "rule", "Length": 74,
                  "Packet": "tcp 10.0.0.9:50396 > 10.0.0.5:22", "DecidedBy": "Rule", "SecurityGroupId": "sg-1",
                  "Rule": "ingress drop tcp to port 22" },
                { "UnixMilliseconds": 1_795_317_125_000_u64, "Direction": "egress", "Reason": "ethertype",
                  "EtherType": "0x88cc", "Length": 60 },
            ] },
        })
    }

    #[test]
    fn a_sample_says_what_when_and_why_on_one_line() {
        let answer = answer();
        let [rule, other] = list(&answer, "/Drops/Drop") else { panic!("{answer}") };
        assert_eq!(
            line(rule),
            "2026-11-22T03:12:05.123Z  ingress tcp 10.0.0.9:50396 > 10.0.0.5:22: rule (sg-1: ingress drop tcp to port 22)"
        );
        assert_eq!(
            line(other),
            "2026-11-22T03:12:05.000Z  egress ethertype 0x88cc, 60 bytes: ethertype (neither ARP, IPv4 nor IPv6)"
        );
    }

    #[test]
    fn counts_are_explained() {
        let shown = shown(&answer());
        assert!(shown.starts_with("eni-1 at node-1 (rack-7), generation 42 confirmed\n"), "{shown}");
        assert!(shown.contains("no rule accepts it"), "{shown}");
        let nothing = json!({ "NetworkInterfaceId": "eni-1", "NodeId": "node-1", "NodeName": "rack-7" });
        let shown = super::shown(&nothing);
        assert!(shown.ends_with("no generation confirmed\n\nnothing was dropped"), "{shown}");
    }
}
