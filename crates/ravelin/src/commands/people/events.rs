//! `ravelin events`.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

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

/// The most items of a list, and characters of a value, that a line has.
const ITEMS_SHOWN: usize = 5;
const CHARACTERS_SHOWN: usize = 80;

/// What changed: of one thing the fields that differ, of several their ids.
fn changes(event: &Value) -> String {
    match items(event, "/Changes/Change") {
        [] => "nothing".into(),
        [change] => {
            let id = self::name(change);
            match text(change, "Kind") {
                "Changed" => format!("{id}: {}", difference(change)),
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

/// The fields that differ, and of lists what was removed and added. Whoever may not see it is shown nothing of it.
fn difference(change: &Value) -> String {
    let part =
        |name: &str| serde_json::from_str::<Map<String, Value>>(text(change, name)).unwrap_or_default();
    let (before, after) = (part("Before"), part("After"));
    let mut told: Vec<String> = before
        .iter()
        .map(|(name, was)| {
            format!("{name} {} -> {}", value(was), after.get(name).map_or_else(String::new, value))
        })
        .collect();
    for (word, part) in [("removed", part("Removed")), ("added", part("Added"))] {
        told.extend(part.iter().map(|(name, items)| format!("{name} {word}: {}", value(items))));
    }
    if told.is_empty() { "changed".into() } else { told.join("; ") }
}

/// A value, as far as a line has room: rules in their text form.
fn value(value: &Value) -> String {
    let whole = match value {
        Value::Array(items) => {
            let shown: Vec<String> = items.iter().take(ITEMS_SHOWN).map(item).collect();
            let more = items.len().saturating_sub(ITEMS_SHOWN);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            return if items.is_empty() { "none".into() } else { format!("{}{more}", shown.join(", ")) };
        }
        Value::Object(fields) => match fields.get("Text").and_then(Value::as_str) {
            Some(rule) => return rule.into(),
            None => value.to_string(),
        },
        other => other.to_string(),
    };
    match whole.char_indices().nth(CHARACTERS_SHOWN) {
        Some((end, _)) => format!("{}...", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

/// An item of a list: ids and addresses as they are.
fn item(item: &Value) -> String {
    item.as_str().map_or_else(|| value(item), Into::into)
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
    fn rules_are_shown_as_text_and_the_first_few_of_many() {
        let rules: Vec<Value> =
            (1..=100).map(|port| json!({ "Text": format!("ingress accept tcp to port {port}") })).collect();
        let (before, after) = (json!({ "Description": "a" }), json!({ "Description": "x".repeat(200) }));
        let change = json!({
            "Kind": "Changed", "ResourceId": "sg-1", "Before": before.to_string(), "After": after.to_string(),
            "Added": json!({ "Permissions": rules }).to_string(),
        });
        let shown = changes(&json!({ "Changes": { "Change": [change] } }));
        assert!(shown.starts_with("sg-1: Description \"a\" -> \"xxx"), "{shown}");
        assert!(shown.contains("...; Permissions added: ingress accept tcp to port 1, "), "{shown}");
        assert!(shown.ends_with("ingress accept tcp to port 5 and 95 more"), "{shown}");
        let hidden = json!({ "Kind": "Changed", "ResourceId": "7" });
        assert_eq!(changes(&json!({ "Changes": { "Change": [hidden] } })), "7: changed");
    }

    #[test]
    fn a_user_is_shown_by_its_name_and_number() {
        let change =
            json!({ "Kind": "Created", "ResourceName": "alice", "ResourceId": "217348422547863003" });
        let event = json!({ "Changes": { "Change": [change] } });
        assert_eq!(changes(&event), "alice (217348422547863003) was made");
    }
}
