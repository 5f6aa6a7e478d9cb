//! `ravelin flows`: who talks to a network interface, and which rule permits it.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::traffic::{Called, Caller, decided, list, number, sent, text, title, until_interrupted};
use crate::{
    cli::{FlowStatus, FlowsArguments},
    output::{self, OutputFormat},
};

/// The time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// `ravelin flows`.
///
/// # Errors
/// The server cannot be reached, or what it says cannot be written.
pub fn flows(arguments: &FlowsArguments) -> anyhow::Result<ExitCode> {
    let format = arguments.output;
    let caller = Caller::of("DescribeNetworkInterfaceFlows", "ravelin flows", &arguments.server, format)?;
    let parameters = parameters(arguments);
    let mut answer = match caller.call(&parameters)? {
        Called::Refused(code) => return Ok(code),
        Called::Answer(answer) => answer,
    };
    if !arguments.follow {
        output::line(&match format {
            OutputFormat::Json => serde_json::to_string_pretty(&answer)?,
            OutputFormat::Table => shown(&answer),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let whole = format == OutputFormat::Table && io::stdout().is_terminal();
    until_interrupted(async {
        let mut seen = Seen::default();
        let begun = Instant::now();
        let mut followed = Duration::ZERO;
        loop {
            if whole {
                output::clear()?;
                output::line(&shown(&answer))?;
            } else {
                for (event, flow) in seen.look(&answer, followed) {
                    let time = format!("{:.3}", jiff::Timestamp::now());
                    output::line(&match format {
                        OutputFormat::Json => {
                            json!({ "Event": event, "Time": time, "Flow": flow }).to_string()
                        }
                        OutputFormat::Table => format!("{time}  {}", line(event, &flow)),
                    })?;
                }
            }
            sleep(INTERVAL).await;
            answer = match caller.call_on(parameters.clone()).await? {
                Called::Refused(code) => return Ok(code),
                Called::Answer(answer) => answer,
            };
            followed = begun.elapsed();
        }
    })
}

fn parameters(arguments: &FlowsArguments) -> Vec<(String, String)> {
    let status = arguments.status.map(|status| match status {
        FlowStatus::Alive => "Alive".to_owned(),
        FlowStatus::Dead => "Dead".to_owned(),
    });
    let filters = [
        ("Protocol", arguments.protocol.clone()),
        ("PeerCidrBlock", arguments.peer.clone()),
        ("Port", arguments.port.map(|port| port.to_string())),
        ("Status", status),
    ];
    let mut parameters =
        vec![sent("NetworkInterfaceId", &arguments.interface), sent("MaxResults", arguments.most)];
    parameters.extend(filters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    parameters
}

/// The most flows that are remembered while lists are cut short.
const SEEN_MAX: usize = 100_000;

/// The flows that were seen last, by what names them.
#[derive(Default)]
struct Seen(BTreeMap<String, Value>);

impl Seen {
    /// What is otherwise than it was seen last, by somebody who has followed for so long. A flow that is older was there
    /// already. Where not all flows are listed, none is known to have ended.
    fn look(&mut self, answer: &Value, followed: Duration) -> Vec<(&'static str, Value)> {
        let now: BTreeMap<String, Value> =
            list(answer, "/Flows/Flow").iter().map(|flow| (key(flow), flow.clone())).collect();
        let mut events = Vec::new();
        for (key, flow) in &now {
            let is_dead = text(flow, "Status") == "Dead";
            match self.0.get(key) {
                None if is_dead => events.push(("Cut", flow.clone())),
                None => {
                    let age = Duration::from_millis(number(flow, "AgeMilliseconds"));
                    events.push((if age >= followed { "Running" } else { "Began" }, flow.clone()));
                }
                Some(before) if is_dead && text(before, "Status") != "Dead" => {
                    events.push(("Cut", flow.clone()));
                }
                Some(_) => {}
            }
        }
        if answer.get("Truncated") == Some(&Value::Bool(true)) {
            // Those that fell out of the list are known still: they have not begun where they come back.
            self.0.extend(now);
            while self.0.len() > SEEN_MAX {
                self.0.pop_first();
            }
        } else {
            let ended = self.0.iter().filter(|(key, _)| !now.contains_key(*key));
            events.extend(ended.map(|(_, flow)| ("Ended", flow.clone())));
            self.0 = now;
        }
        events
    }
}

/// What names a flow at an interface.
fn key(flow: &Value) -> String {
    format!("{} {}", text(flow, "Flow"), number(flow, "LocalPort"))
}

fn line(event: &str, flow: &Value) -> String {
    let word = event.to_lowercase();
    let by = decided(flow);
    let by = if by.is_empty() { by } else { format!(" ({by})") };
    format!("{word} {}{by}", text(flow, "Flow"))
}

/// The list, for people.
fn shown(answer: &Value) -> String {
    let flows = list(answer, "/Flows/Flow");
    let total = number(answer, "TotalCount");
    let count = match total {
        0 => "no flows".to_owned(),
        1 => "1 flow".to_owned(),
        many => format!("{many} flows"),
    };
    let mut shown = format!("{}: {count}", title(answer));
    if !flows.is_empty() {
        let columns = ["flow", "decided by", "state", "age", "idle", "packets in/out", "bytes in/out"];
        shown.push_str(&format!("\n\n{}", output::table(&columns, flows.iter().map(row))));
    }
    if answer.get("Truncated") == Some(&Value::Bool(true)) {
        let listed = flows.len();
        shown.push_str(&format!(
            "\n({listed} of {total} are listed, those that had a packet last: --most lists up to 1,000, and --protocol, \
             --peer, --port and --status choose)"
        ));
    }
    shown
}

fn row(flow: &Value) -> Vec<String> {
    let state = if text(flow, "Status") == "Dead" { "cut" } else { text(flow, "State") };
    let both =
        |of: &str| format!("{}/{}", number(flow, &format!("{of}In")), number(flow, &format!("{of}Out")));
    vec![
        text(flow, "Flow").to_owned(),
        decided(flow),
        state.to_owned(),
        seconds(number(flow, "AgeMilliseconds")),
        seconds(number(flow, "IdleMilliseconds")),
        both("Packets"),
        both("Bytes"),
    ]
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(flows: &[(u16, &str)], truncated: bool) -> Value {
        let flow = |(port, status): &(u16, &str)| {
            json!({
                "Flow": format!("ingress tcp 10.0.0.9:{port} > 10.0.0.5:443"), "LocalPort": 443, "Status": status,
                "State": "established", "DecidedBy": "Rule", "SecurityGroupId": "sg-1",
                "Rule": "ingress accept tcp to port 443", "AgeMilliseconds": 61_250, "PacketsIn": 12, "PacketsOut": 10,
            })
        };
        let listed: Vec<Value> = flows.iter().map(flow).collect();
        json!({
            "NetworkInterfaceId": "eni-1", "NodeId": "node-1", "NodeName": "rack-7", "ConfirmedGeneration": 42,
            "TotalCount": if truncated { 5_000 } else { flows.len() }, "Truncated": truncated,
            "Flows": { "Flow": listed },
        })
    }

    #[test]
    fn a_list_says_what_is_not_on_it() {
        let whole = shown(&answer(&[(1, "Alive"), (2, "Dead")], false));
        assert!(whole.starts_with("eni-1 at node-1 (rack-7), generation 42 confirmed: 2 flows\n"), "{whole}");
        for part in ["sg-1: ingress accept tcp to port 443", "established", " cut ", "61.2 s", "12/10"] {
            assert!(whole.contains(part), "{part}: {whole}");
        }
        assert!(!whole.contains("are listed"), "{whole}");
        let cut = shown(&answer(&[(1, "Alive")], true));
        assert!(cut.contains("(1 of 5000 are listed"), "{cut}");
        assert!(shown(&answer(&[], false)).ends_with(": no flows"));
    }

    #[test]
    fn whoever_follows_is_told_what_changes() {
        let mut seen = Seen::default();
        let mut followed = Duration::ZERO;
        let mut look = |flows: &[(u16, &str)], truncated| -> Vec<String> {
            let events = seen.look(&answer(flows, truncated), followed);
            // The flows here are a minute old.
            followed += Duration::from_secs(40);
            events.iter().map(|(event, flow)| line(event, flow)).collect()
        };
        let text = |event: &str, port: u16| {
            format!(
                "{event} ingress tcp 10.0.0.9:{port} > 10.0.0.5:443 (sg-1: ingress accept tcp to port 443)"
            )
        };
        assert_eq!(look(&[(1, "Alive"), (2, "Alive")], false), [text("running", 1), text("running", 2)]);
        assert_eq!(look(&[(1, "Alive"), (2, "Dead")], false), [text("cut", 2)]);
        assert_eq!(look(&[(2, "Dead")], true), Vec::<String>::new(), "it may be among those not listed");
        assert_eq!(
            look(&[(1, "Alive"), (2, "Dead")], true),
            Vec::<String>::new(),
            "it was there all the time"
        );
        assert_eq!(look(&[(4, "Alive")], true), [text("began", 4)]);
        let ended = [text("ended", 4)];
        assert_eq!(look(&[(1, "Alive"), (2, "Dead")], false), ended);
        assert_eq!(look(&[(3, "Dead")], false), [text("cut", 3), text("ended", 1), text("ended", 2)]);
    }
}
