//! Events: changes that were made, and calls that were refused.

use std::{cmp::Ordering, net::IpAddr};

use model::{AccountId, Actor, Changes, UnixMillis};

use super::MESSAGE_MAX;
use crate::history::{self, RecordedChange};

/// Where an event stands among all of them: a change at its generation, a refused call after the change that was the last
/// one then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventPlace {
    /// The generation.
    pub generation: u64,
    /// The number of the refused call, from 1; 0 for a change.
    pub refusal: u64,
}

impl PartialOrd for EventPlace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventPlace {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.generation, self.refusal).cmp(&(other.generation, other.refusal))
    }
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventOutcome {
    /// It was carried out.
    Applied,
    /// It was refused, and nothing changed.
    Refused {
        /// The code of the error, as it was answered.
        code: Box<str>,
        /// Its message; of a long one the beginning.
        message: Box<str>,
    },
}

/// Which of the outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// Changes.
    Applied,
    /// Refused calls.
    Refused,
}

/// Somebody did something, or was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it stands.
    pub place: EventPlace,
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub actor: Actor,
    /// Of a RAM user: what it was called then.
    pub actor_name: Option<Box<str>>,
    /// What was asked for.
    pub operation: Box<str>,
    /// By which request; empty where by none.
    pub request_id: Box<str>,
    /// From which address, where there was one.
    pub source: Option<IpAddr>,
    /// What became of it.
    pub outcome: EventOutcome,
    /// Of a refused call: the ids that it named.
    pub about: Box<[Box<str>]>,
}

/// One entity before and after, without what is secret.
pub type EventChange = RecordedChange;

/// Whoever is told of every event. It is told while others wait, and must not.
pub trait EventSink: Send + Sync {
    /// An event that is so for good, and what it changed.
    fn take(&self, event: &Event, changes: &[EventChange]);
}

/// A call that was refused.
#[derive(Debug, Clone)]
pub struct RefusedCall {
    /// When.
    pub at: UnixMillis,
    /// Who called.
    pub actor: Actor,
    /// What was called.
    pub operation: Box<str>,
    /// The request.
    pub request_id: Box<str>,
    /// From which address.
    pub source: Option<IpAddr>,
    /// The code of the error.
    pub code: Box<str>,
    /// Its message.
    pub message: Box<str>,
    /// The ids that it named.
    pub about: Box<[Box<str>]>,
}

impl RefusedCall {
    pub(super) fn event(self, actor_name: Option<Box<str>>, place: EventPlace) -> Event {
        let message = match self.message.char_indices().nth(MESSAGE_MAX) {
            Some((end, _)) => self.message[..end].into(),
            None => self.message,
        };
        Event {
            place,
            at: self.at,
            actor: self.actor,
            actor_name,
            operation: self.operation,
            request_id: self.request_id,
            source: self.source,
            outcome: EventOutcome::Refused { code: self.code, message },
            about: self.about,
        }
    }
}

/// What is in memory of a generation.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) generation: u64,
    pub(crate) at: UnixMillis,
    pub(crate) actor: Actor,
    pub(crate) actor_name: Option<Box<str>>,
    pub(crate) operation: Box<str>,
    pub(crate) request_id: Box<str>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) accounts: Box<[AccountId]>,
}

impl Head {
    pub(super) fn place(&self) -> EventPlace {
        EventPlace { generation: self.generation, refusal: 0 }
    }

    pub(crate) fn event(&self) -> Event {
        Event {
            place: self.place(),
            at: self.at,
            actor: self.actor,
            actor_name: self.actor_name.clone(),
            operation: self.operation.clone(),
            request_id: self.request_id.clone(),
            source: self.source,
            outcome: EventOutcome::Applied,
            about: Box::default(),
        }
    }
}

/// The changes as they are shown: without what is secret.
pub(super) fn recorded(changes: &Changes) -> Vec<EventChange> {
    history::recorded(changes)
}
