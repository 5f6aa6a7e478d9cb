//! What each generation changed: who, when, why, before and after. Bounded by count and by bytes.

use std::{collections::VecDeque, ops::ControlFlow, sync::Arc};

use model::{
    AccountId, Actor, Changes, Entity, EntityKey, State, UnixMillis,
    node::NodeAuthority,
    ram::{AccessKey, Secret},
};
use serde::{Deserialize, Serialize};
use store::{Batch, Snapshot, StoreError, Table};

use crate::{
    control::HistoryError,
    records::{self, RecordError},
    settings::HistoryRetention,
};

/// One generation, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HistoryRecord {
    /// Its number.
    pub generation: u64,
    /// When it was planned.
    pub at: UnixMillis,
    /// The request that asked for it, or empty where none did.
    pub request_id: String,
    /// The operation that was asked for.
    pub operation: String,
    /// Who asked.
    pub actor: Actor,
    /// From which address, where there was one.
    pub source: Option<String>,
    /// What it changed; nothing, if its effect was there already.
    pub changes: Vec<RecordedChange>,
    /// Of a RAM user: what it was called then. It may have another name since, or be gone.
    pub actor_name: Option<String>,
}

/// A record as it was up to version 3: without the name of who asked.
#[derive(Deserialize)]
struct NamelessRecord {
    generation: u64,
    at: UnixMillis,
    request_id: String,
    operation: String,
    actor: Actor,
    source: Option<String>,
    changes: Vec<RecordedChange>,
}

impl From<NamelessRecord> for HistoryRecord {
    fn from(own: NamelessRecord) -> Self {
        let NamelessRecord { generation, at, request_id, operation, actor, source, changes } = own;
        Self { generation, at, request_id, operation, actor, source, changes, actor_name: None }
    }
}

/// Reads a record. One of an earlier version ends before the name, and so is not taken for one of this version.
pub(crate) fn decode(value: &[u8]) -> Result<HistoryRecord, RecordError> {
    records::decode::<HistoryRecord>(value)
        .or_else(|error| records::decode::<NamelessRecord>(value).map(Into::into).map_err(|_| error))
}

/// What the RAM user among the actors is called; none: it is none, or gone.
pub(crate) fn user_name(state: &State, actor: Actor) -> Option<Box<str>> {
    let Actor::User(_, user) = actor else { return None };
    state.users().get(&user).map(|user| user.name.clone())
}

/// One entity before and after. The secrets of access keys and the key of the authority of nodes are blank: what is deleted
/// must not live on here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedChange {
    /// What was; none: it came.
    pub before: Option<Entity>,
    /// What is then; none: it went.
    pub after: Option<Entity>,
}

impl RecordedChange {
    /// What names the entity.
    pub fn key(&self) -> Option<EntityKey> {
        self.after.as_ref().or(self.before.as_ref()).map(Entity::key)
    }

    /// Whose it is.
    pub fn account(&self) -> Option<AccountId> {
        self.after.as_ref().or(self.before.as_ref()).and_then(Entity::account)
    }
}

/// The changes as history keeps them.
pub(crate) fn recorded(changes: &Changes) -> Vec<RecordedChange> {
    let without_secret = |entity: &Option<Entity>| match entity {
        Some(Entity::AccessKey(key)) => {
            let blank = AccessKey { secret: Secret::new(""), ..AccessKey::clone(key) };
            Some(Entity::AccessKey(Arc::new(blank)))
        }
        Some(Entity::NodeAuthority(authority)) => {
            let blank = NodeAuthority { key: Secret::new(""), ..NodeAuthority::clone(authority) };
            Some(Entity::NodeAuthority(Arc::new(blank)))
        }
        other => other.clone(),
    };
    let changes = changes.0.iter();
    changes
        .map(|change| RecordedChange {
            before: without_secret(&change.before),
            after: without_secret(&change.after),
        })
        .collect()
}

pub(crate) fn generation(key: &[u8]) -> Result<u64, RecordError> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| RecordError::Key)
}

/// Which generations the store has records of, the oldest first, and how large they are.
#[derive(Debug, Default)]
pub(crate) struct HistoryIndex {
    records: VecDeque<(u64, u32)>,
    bytes: u64,
}

impl HistoryIndex {
    /// Notes a record; generations come in their order.
    pub(crate) fn push(&mut self, generation: u64, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.records.push_back((generation, bytes));
        self.bytes += u64::from(bytes);
    }

    /// The oldest generation that there is a record of.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.records.front().map(|(generation, _)| *generation)
    }

    /// Deletes the oldest records, in the batch that adds the newest ones, until both bounds are kept.
    pub(crate) fn trim(&mut self, retention: &HistoryRetention, batch: &mut Batch) {
        while self.records.len() > 1
            && (self.records.len() > retention.generations_max || self.bytes > retention.bytes_max)
        {
            if let Some((generation, bytes)) = self.records.pop_front() {
                self.bytes -= u64::from(bytes);
                batch.delete(Table::History, generation.to_be_bytes());
            }
        }
    }
}

/// At most `most` records from `from` on, the oldest first.
pub(crate) fn read(
    snapshot: &dyn Snapshot,
    from: u64,
    most: usize,
) -> Result<Vec<HistoryRecord>, HistoryError> {
    let mut found = Vec::new();
    let mut failure = None;
    if most == 0 {
        return Ok(found);
    }
    let scanned: Result<(), StoreError> =
        snapshot.scan(Table::History, &from.to_be_bytes(), &mut |key, value| {
            match decode(value) {
                Ok(record) => found.push(record),
                Err(source) => failure = Some((generation(key).unwrap_or(0), source)),
            }
            if failure.is_some() || found.len() == most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    scanned.map_err(|source| HistoryError::Store { source })?;
    match failure {
        Some((generation, source)) => Err(HistoryError::Damaged { generation, source }),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(generations_max: usize, bytes_max: u64) -> (Vec<u64>, usize) {
        let mut index = HistoryIndex::default();
        (1..=10).for_each(|generation| index.push(generation, 100));
        let mut batch = Batch::new();
        index.trim(&HistoryRetention { generations_max, bytes_max }, &mut batch);
        (index.records.iter().map(|(generation, _)| *generation).collect(), batch.len())
    }

    #[test]
    fn a_record_without_a_name_is_read_as_it_is() {
        let actor = Actor::User(AccountId(1), model::ram::UserId(7));
        let (request_id, operation, source) = (String::from("0ABC"), String::from("Join"), None::<String>);
        let changes = Vec::<RecordedChange>::new();
        let earlier = (5u64, UnixMillis(9), request_id, operation, actor, source, changes);
        let read = decode(&records::encode(&earlier).unwrap()).unwrap();
        assert_eq!((read.generation, read.actor, &*read.operation), (5, actor, "Join"));
        assert_eq!(read.actor_name, None);
        let named = HistoryRecord { actor_name: Some("alice".into()), ..read };
        let read = decode(&records::encode(&named).unwrap()).unwrap();
        assert_eq!(read.actor_name.as_deref(), Some("alice"));
    }

    #[test]
    fn the_oldest_records_go_when_there_are_too_many_or_too_large_ones() {
        assert_eq!(trimmed(10, 1000), ((1..=10).collect(), 0));
        assert_eq!(trimmed(3, 1000), (vec![8, 9, 10], 7));
        assert_eq!(trimmed(10, 250), (vec![9, 10], 8));
        assert_eq!(trimmed(0, 0), (vec![10], 9), "the newest one stays in any case");
    }
}
