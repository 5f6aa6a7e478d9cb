//! `ravelin events`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{ask, items, number, optional, show, text};
use crate::{cli::EventsArguments, output};

/// The most events of a step.
const STEP_MAX: usize = 100;

/// `ravelin events`: step by step, until there are enough.
///
/// # Errors
/// The server cannot be reached.
pub fn events(arguments: &EventsArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.server.access.client()?;
    let mut sent: Vec<(String, String)> = Vec::new();
    for (name, value) in [
        ("OperationName", &arguments.operation),
        ("UserName", &arguments.user),
        ("ActorType", &arguments.actor),
        ("ResourceId", &arguments.resource),
        ("Outcome", &arguments.outcome),
        ("BeginTime", &arguments.since),
        ("EndTime", &arguments.until),
    ] {
        sent.extend(optional(name, value.as_ref()));
    }
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let mut all: Vec<Value> = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let mut step = sent.clone();
        step.extend(optional("NextToken", next.as_ref()));
        step.extend(optional("MaxResults", Some(&STEP_MAX.min(limit - all.len()))));
        let mut reply = ask(&client, "ListEvents", &step)?;
        if reply.status != 200 {
            return show(&reply, arguments.server.output, |_| String::new(), |_| 0);
        }
        all.extend(items(&reply.body, "/Events/Event").iter().cloned());
        next = reply.body.get("NextToken").and_then(Value::as_str).map(Into::into);
        if next.is_none() || all.len() >= limit {
            if let Some(fields) = reply.body.as_object_mut() {
                fields.remove("MaxResults");
                fields.insert("Events".into(), json!({ "Event": all }));
            }
            return show(&reply, arguments.server.output, render, |_| 0);
        }
    }
}

fn render(found: &Value) -> String {
    let rows: Vec<Vec<String>> = items(found, "/Events/Event").iter().map(row).collect();
    let oldest = number(found, "OldestGeneration");
    let history = match oldest {
        0 => "the history is empty".to_owned(),
        oldest => format!("the history goes back to generation {oldest} of {}", text(found, "OldestTime")),
    };
    if rows.is_empty() {
        return format!("no events; {history}");
    }
    let columns = ["event", "time", "who", "from", "operation", "what"];
    let more = if text(found, "NextToken").is_empty() { "" } else { "; there are older ones: raise --limit" };
    format!("{}\n{history}{more}", output::table(&columns, rows))
}

fn row(event: &Value) -> Vec<String> {
    let what = match text(event, "ErrorCode") {
        "" => changes(event),
        code => format!("refused: {code}"),
    };
    let cell = |name: &str| text(event, name).to_owned();
    vec![
        cell("EventId"),
        cell("Time"),
        cell("ActorName"),
        cell("SourceIpAddress"),
        cell("OperationName"),
        what,
    ]
}

/// What changed: of one thing the fields before and after, of several their ids.
fn changes(event: &Value) -> String {
    match items(event, "/Changes/Change") {
        [] => "nothing".into(),
        [change] => {
            let side = |name: &str| text(change, name).to_owned();
            let id = self::name(change);
            match text(change, "Kind") {
                "Changed" => format!("{id}: {} -> {}", side("Before"), side("After")),
                "Created" => format!("{id} was made"),
                _ => format!("{id} was deleted"),
            }
        }
        [first, ..] => {
            let others = number(event, "ChangeCount").saturating_sub(1);
            format!("{} and {others} more", name(first))
        }
    }
}

/// What names a thing: its id, and of a user what it was called.
fn name(change: &Value) -> String {
    match (text(change, "ResourceName"), text(change, "ResourceId")) {
        ("", id) => id.into(),
        (name, id) => format!("{name} ({id})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_shown_by_its_name_and_number() {
        let change =
            json!({ "Kind": "Created", "ResourceName": "alice", "ResourceId": "217348422547863003" });
        let event = json!({ "Changes": { "Change": [change] } });
        assert_eq!(changes(&event), "alice (217348422547863003) was made");
    }
}
