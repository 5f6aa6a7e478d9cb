//! Who did something, as fields of an answer.

use std::net::IpAddr;

use control::activity::Event;
use model::Actor;

use crate::catalogue::prelude::*;

/// What the actor of an event was called: a user by its name then, or by its number where that is not known.
pub(crate) fn name(event: &Event) -> String {
    match (event.actor, &event.actor_name) {
        (Actor::User(..), Some(name)) => name.to_string(),
        (Actor::User(_, id), None) => id.to_string(),
        (Actor::Root(_), _) => "root".into(),
        (Actor::Node(node), _) => node.to_string(),
        (Actor::Operator, _) => "operator".into(),
        (Actor::Clock, _) => "clock".into(),
    }
}

/// The number of a user, which outlives its names; none for other actors.
pub(crate) fn id(actor: Actor) -> Option<String> {
    match actor {
        Actor::User(_, id) => Some(id.to_string()),
        _ => None,
    }
}

/// The kinds of actors, as answers name them.
pub(crate) const KINDS: &[&str] = &["Root", "User", "Node", "Operator", "Clock"];

/// The kind of an actor.
pub(crate) fn kind(actor: Actor) -> &'static str {
    match actor {
        Actor::Root(_) => "Root",
        Actor::User(..) => "User",
        Actor::Node(_) => "Node",
        Actor::Operator => "Operator",
        Actor::Clock => "Clock",
    }
}

/// Who, when, by which request and from where: `Generation`, `Time`, `OperationName`, `ActorType`, `ActorName`, `ActorId`,
/// `RequestId` and `SourceIpAddress`.
pub(super) fn put(shown: &mut Answer, event: &Event) {
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("Generation", json!(event.place.generation));
    put("Time", json!(event.at.to_text()));
    put("OperationName", json!(event.operation));
    put("ActorType", json!(kind(event.actor)));
    put("ActorName", json!(name(event)));
    if let Some(id) = id(event.actor) {
        put("ActorId", json!(id));
    }
    if !event.request_id.is_empty() {
        put("RequestId", json!(event.request_id));
    }
    if let Some(source) = event.source.map(|source: IpAddr| source.to_string()) {
        put("SourceIpAddress", json!(source));
    }
}
