//! What was done, by whom, and where that is written: the events of accounts, and which generations touched what.
//!
//! Of each generation that history keeps the head is here in memory, with an index of what it touched (`touches`); what it
//! changed is on disk, in its history record. Calls that were refused are kept in memory alone, the newest of each account.
//! All of it is published when it is durable, before anybody is answered: whoever sees a change in the state finds it here.
//!
//! This module must not know how events are written for people.

mod event;
mod filter;
mod lookup;
mod touches;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use model::{AccountId, Actor, Changes, Entity};
use parking_lot::RwLock;

pub(crate) use self::{
    event::Head,
    touches::{Touched, Touches},
};
pub use self::{
    event::{Event, EventChange, EventOutcome, EventPlace, EventSink, OutcomeKind, RefusedCall},
    filter::{ActorFilter, EventFilter, EventPage, NamedUser, ResourceFilter},
};
use crate::history::HistoryRecord;

/// The most refused calls that are kept of one account.
pub const REFUSED_MAX: usize = 1_000;
/// The most characters of a refusal's message that are kept.
const MESSAGE_MAX: usize = 512;

/// What was done.
#[derive(Default)]
pub(crate) struct Activity {
    kept: RwLock<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Of each generation, the oldest first.
    heads: VecDeque<Head>,
    touches: Touches,
    /// Generations whose records are not understood: what they touched, nobody knows.
    damaged: BTreeSet<u64>,
    refused: HashMap<AccountId, VecDeque<Event>>,
    /// How many calls were refused since the process began.
    refusals: u64,
    /// After which generation the last of them stands.
    refused_at: u64,
    sink: Option<Arc<dyn EventSink>>,
}

/// What was read from disk: heads and index.
#[derive(Default)]
pub(crate) struct Loaded {
    heads: VecDeque<Head>,
    touches: Touches,
    damaged: BTreeSet<u64>,
}

impl Loaded {
    /// Takes up that the record of a generation is not understood.
    pub(crate) fn add_damaged(&mut self, generation: u64) {
        self.damaged.insert(generation);
    }

    /// Takes up a record; they come in the order of their generations.
    pub(crate) fn add(&mut self, record: &HistoryRecord) {
        let sides = record.changes.iter().map(|change| (change.before.as_ref(), change.after.as_ref()));
        self.touches.add(record.generation, sides.clone());
        let accounts = accounts(record.actor, sides);
        self.heads.push_back(Head {
            generation: record.generation,
            at: record.at,
            actor: record.actor,
            actor_name: record.actor_name.as_deref().map(Into::into),
            operation: record.operation.as_str().into(),
            request_id: record.request_id.as_str().into(),
            source: record.source.as_deref().and_then(|source| source.parse().ok()),
            accounts,
        });
    }
}

/// A generation that is not on disk yet.
pub(crate) struct Noted {
    pub(crate) head: Head,
    pub(crate) changes: Changes,
}

impl Activity {
    pub(crate) fn new(loaded: Loaded) -> Self {
        let kept =
            Kept { heads: loaded.heads, touches: loaded.touches, damaged: loaded.damaged, ..Kept::default() };
        Self { kept: RwLock::new(kept) }
    }

    /// Takes up generations that are on disk; `oldest` is the oldest one of which there is a record.
    pub(crate) fn publish(&self, noted: Vec<Noted>, oldest: Option<u64>) {
        let mut kept = self.kept.write();
        for Noted { head, changes } in noted {
            kept.touches.add(head.generation, sides(&changes));
            if let Some(sink) = &kept.sink {
                sink.take(&head.event(), &event::recorded(&changes));
            }
            kept.heads.push_back(head);
        }
        if let Some(oldest) = oldest {
            while kept.heads.front().is_some_and(|head| head.generation < oldest) {
                kept.heads.pop_front();
            }
            kept.touches.forget_before(oldest);
            while kept.damaged.first().is_some_and(|generation| *generation < oldest) {
                kept.damaged.pop_first();
            }
        }
    }

    /// Puts what recovery found on disk in place of what is here, and tells the sink of what is `present` of what was noted.
    pub(crate) fn replace(&self, loaded: Loaded, present: &[Noted]) {
        let mut kept = self.kept.write();
        if let Some(sink) = &kept.sink {
            for Noted { head, changes } in present {
                sink.take(&head.event(), &event::recorded(changes));
            }
        }
        (kept.heads, kept.touches, kept.damaged) = (loaded.heads, loaded.touches, loaded.damaged);
    }

    /// Takes up a call that was refused. `name` is what its caller is called, where that is a RAM user, and `durable` gives
    /// the last generation that is on disk.
    pub(crate) fn refuse(&self, call: RefusedCall, name: Option<Box<str>>, durable: impl FnOnce() -> u64) {
        let account = call.actor.account();
        let mut kept = self.kept.write();
        kept.refusals += 1;
        // Asked under the lock, and never less than before, so that places come in their order.
        kept.refused_at = kept.refused_at.max(durable());
        let place = EventPlace { generation: kept.refused_at, refusal: kept.refusals };
        let event = call.event(name, place);
        if let Some(sink) = &kept.sink {
            sink.take(&event, &[]);
        }
        let Some(account) = account else { return };
        let own = kept.refused.entry(account).or_default();
        if own.len() == REFUSED_MAX {
            own.pop_front();
        }
        own.push_back(event);
    }

    /// Tells a sink of every event from now on.
    pub(crate) fn set_sink(&self, sink: Arc<dyn EventSink>) {
        self.kept.write().sink = Some(sink);
    }
}

fn sides(changes: &Changes) -> impl Iterator<Item = (Option<&Entity>, Option<&Entity>)> + Clone {
    changes.0.iter().map(|change| (change.before.as_ref(), change.after.as_ref()))
}

/// Whose event it is: the caller's account, and those of what was changed.
pub(crate) fn accounts_of(actor: Actor, changes: &Changes) -> Box<[AccountId]> {
    accounts(actor, sides(changes))
}

fn accounts<'a>(
    actor: Actor,
    sides: impl Iterator<Item = (Option<&'a Entity>, Option<&'a Entity>)>,
) -> Box<[AccountId]> {
    let mut accounts: Vec<AccountId> = actor.account().into_iter().collect();
    for (before, after) in sides {
        if let Some(account) = after.or(before).and_then(Entity::account)
            && !accounts.contains(&account)
        {
            accounts.push(account);
        }
    }
    accounts.into()
}

#[cfg(test)]
mod tests {
    use model::UnixMillis;

    use super::*;

    #[test]
    fn refused_calls_stand_in_their_order_whatever_becomes_durable_meanwhile() {
        let activity = Activity::default();
        let call = RefusedCall {
            at: UnixMillis(0),
            actor: Actor::Root(AccountId(1)),
            operation: "LeaveSecurityGroup".into(),
            request_id: "request".into(),
            source: None,
            code: "NoPermission".into(),
            message: "Permission denied.".into(),
            about: Box::default(),
        };
        // A recovery may find less on disk than there was thought to be.
        [5, 4, 6].into_iter().for_each(|durable| activity.refuse(call.clone(), None, || durable));
        let kept = activity.kept.read();
        let places =
            kept.refused[&AccountId(1)].iter().map(|event| (event.place.generation, event.place.refusal));
        assert_eq!(places.collect::<Vec<_>>(), [(5, 1), (5, 2), (6, 3)]);
    }
}
