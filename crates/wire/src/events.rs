//! Events as lines of JSON: what `ListEvents` answers, for files and programs.

use control::activity::{Event, EventChange, EventOutcome};
use serde_json::{Map, Value, json};

use crate::operations::ravelin::{
    events::{
        entity,
        list_events::{event_id, kind},
    },
    who,
};

/// An event as a JSON object: the fields of `ListEvents`, with what changed as objects, and whose it is.
pub fn object(event: &Event, changes: &[EventChange]) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("EventId", json!(event_id(event)));
    put("Time", json!(event.at.to_text()));
    put("UnixMilliseconds", json!(event.at.0));
    put("OperationName", json!(event.operation));
    put("ActorType", json!(who::kind(event.actor)));
    put("ActorName", json!(who::name(event)));
    if let Some(id) = who::id(event.actor) {
        put("ActorId", json!(id));
    }
    if let Some(account) = event.actor.account() {
        put("AccountId", json!(account.to_string()));
    }
    if !event.request_id.is_empty() {
        put("RequestId", json!(event.request_id));
    }
    if let Some(source) = event.source {
        put("SourceIpAddress", json!(source.to_string()));
    }
    match &event.outcome {
        EventOutcome::Applied => {
            put("Outcome", json!("Applied"));
            put("Generation", json!(event.place.generation));
            put("Changes", json!(changes.iter().map(change).collect::<Vec<_>>()));
        }
        EventOutcome::Refused { code, message } => {
            put("Outcome", json!("Refused"));
            put("ErrorCode", json!(code));
            put("ErrorMessage", json!(message));
            put("ResourceIds", json!(event.about));
        }
    }
    Value::Object(shown)
}

/// One thing before and after.
fn change(own: &EventChange) -> Value {
    let mut shown = Map::new();
    shown.insert("Kind".into(), json!(kind(own)));
    if let Some(key) = own.key() {
        let (kind, id) = entity::name(&key);
        shown.insert("ResourceType".into(), json!(kind));
        shown.insert("ResourceId".into(), json!(id));
    }
    shown.extend(entity::user_name(own).map(|name| ("ResourceName".to_owned(), json!(name))));
    shown.extend(own.account().map(|account| ("AccountId".to_owned(), json!(account.to_string()))));
    shown.extend(entity::Difference::of(own).parts().map(|(name, part)| (name.to_owned(), part)));
    Value::Object(shown)
}
