//! Who did something, as fields of an answer.

use std::{collections::BTreeMap, net::IpAddr};

use control::{Control, activity::Event};
use model::{Actor, ram::UserId};

use crate::catalogue::prelude::*;

/// The names of RAM users, as far as they are there still.
#[derive(Debug, Default)]
pub(crate) struct UserNames(BTreeMap<UserId, Box<str>>);

impl UserNames {
    /// The names of those among the actors.
    pub(crate) async fn of(control: &Control, actors: impl Iterator<Item = Actor>) -> Result<Self, Fault> {
        let users: Vec<UserId> = actors
            .filter_map(|actor| match actor {
                Actor::User(_, user) => Some(user),
                _ => None,
            })
            .collect();
        if users.is_empty() {
            return Ok(Self::default());
        }
        let names = control.read_access(|access| {
            let named = |id: &UserId| access.user(*id).map(|user| (*id, user.name.clone()));
            users.iter().filter_map(named).collect()
        });
        names.await.map(|read| Self(read.value)).map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))
    }

    /// What an actor is called: a user by its name, or by its number where it is gone.
    pub(crate) fn name(&self, actor: Actor) -> String {
        match actor {
            Actor::User(_, id) => self.0.get(&id).map_or_else(|| id.to_string(), |name| name.to_string()),
            Actor::Root(_) => "root".into(),
            Actor::Node(node) => node.to_string(),
            Actor::Operator => "operator".into(),
            Actor::Clock => "clock".into(),
        }
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

/// Who, when, by which request and from where: `Generation`, `Time`, `OperationName`, `ActorType`, `ActorName`, `RequestId`
/// and `SourceIpAddress`.
pub(super) fn put(shown: &mut Answer, event: &Event, names: &UserNames) {
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("Generation", json!(event.place.generation));
    put("Time", json!(event.at.to_text()));
    put("OperationName", json!(event.operation));
    put("ActorType", json!(kind(event.actor)));
    put("ActorName", json!(names.name(event.actor)));
    if !event.request_id.is_empty() {
        put("RequestId", json!(event.request_id));
    }
    if let Some(source) = event.source.map(|source: IpAddr| source.to_string()) {
        put("SourceIpAddress", json!(source));
    }
}
