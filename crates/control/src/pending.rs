//! A commit in the making: the commands of one batch, what they change and what their callers will be told.

use model::{Actor, Changes, Refusal, UnixMillis};
use serde::Serialize;
use store::{Batch, Table};

use crate::{
    activity::{self, Head, Noted},
    audit::{self, About, Verdict},
    fleet::Staged,
    history::{self, RecordedChange},
    nonces::NonceRecord,
    records::{self, RecordError},
    submission::{Failure, Receipt, Reply},
};

/// What one command will be answered if the commit succeeds.
struct Answer {
    about: About,
    /// None: the clock asked, and is not told.
    reply: Option<Reply>,
    result: Result<Receipt, Refusal>,
}

/// What became of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is on disk.
    Durable,
    /// It is not there.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// The records of one applied command.
pub(crate) struct Encoded {
    entities: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    history: Vec<u8>,
}

/// A commit in the making.
#[derive(Default)]
pub(crate) struct Pending {
    /// What will be written.
    pub(crate) batch: Batch,
    /// About how many bytes that is.
    pub(crate) bytes: usize,
    /// The nonces it adds.
    pub(crate) nonces: Vec<NonceRecord>,
    /// What it means for nodes.
    pub(crate) staged: Vec<Staged>,
    /// What will be an event when it is on disk.
    pub(crate) noted: Vec<Noted>,
    /// What was applied to the state, in order.
    applied: Vec<Changes>,
    answers: Vec<Answer>,
}

impl Pending {
    /// How many commands it has, refused ones included.
    pub(crate) fn commands(&self) -> usize {
        self.answers.len()
    }

    /// How many commands it carries out.
    pub(crate) fn generations(&self) -> usize {
        self.applied.len()
    }

    /// What was applied to the state, in order.
    pub(crate) fn applied(&self) -> impl DoubleEndedIterator<Item = &Changes> {
        self.applied.iter()
    }

    /// Adds the nonce of a mutation, whatever becomes of that.
    pub(crate) fn nonce(&mut self, nonce: Option<NonceRecord>) {
        self.bytes += nonce.map_or(0, |_| size_of::<NonceRecord>());
        self.nonces.extend(nonce);
    }

    /// Adds a command that is not legal.
    pub(crate) fn refuse(&mut self, about: About, reply: Option<Reply>, refusal: Refusal) {
        self.answers.push(Answer { about, reply, result: Err(refusal) });
    }

    /// Adds a command that was applied to the state; gives the size of its history record.
    pub(crate) fn apply(
        &mut self,
        (at, about): (UnixMillis, About),
        reply: Option<Reply>,
        (changes, encoded): (Changes, Encoded),
        receipt: Receipt,
    ) -> usize {
        let history_bytes = encoded.history.len();
        self.bytes += history_bytes;
        self.batch.put(Table::History, receipt.generation.to_be_bytes(), encoded.history);
        for (key, value) in encoded.entities {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            match value {
                Some(value) => self.batch.put(Table::Entities, key, value),
                None => self.batch.delete(Table::Entities, key),
            }
        }
        self.noted
            .push(Noted { head: head(at, &about, &changes, receipt.generation), changes: changes.clone() });
        self.applied.push(changes);
        self.answers.push(Answer { about, reply, result: Ok(receipt) });
        history_bytes
    }

    /// Tells every caller, and then the log.
    pub(crate) fn answer(self, fate: Fate) {
        let mut lines = Vec::with_capacity(self.answers.len());
        for Answer { about, reply, result } in self.answers {
            let verdict = match (fate, &result) {
                (Fate::Durable, Ok(receipt)) => Verdict::Applied(receipt.generation),
                (Fate::Durable, Err(refusal)) => Verdict::Refused(refusal.clone()),
                (Fate::Absent, _) => Verdict::NotDurable,
                (Fate::Unknown, _) => Verdict::Unknown,
            };
            if let Some(reply) = reply {
                reply.answer(match fate {
                    Fate::Durable => result.map_err(Failure::Refused),
                    Fate::Absent => Err(Failure::NotDurable),
                    Fate::Unknown => Err(Failure::Unknown),
                });
            }
            lines.push((about, verdict));
        }
        // Callers do not wait for the log.
        lines.iter().for_each(|(about, verdict)| audit::log(about, verdict));
    }
}

fn head(at: UnixMillis, about: &About, changes: &Changes, generation: u64) -> Head {
    Head {
        generation,
        at,
        actor: about.actor,
        actor_name: about.actor_name.clone(),
        operation: about.operation.into(),
        request_id: about.request_id.clone(),
        source: about.source,
        accounts: activity::accounts_of(about.actor, changes),
    }
}

/// [`crate::HistoryRecord`] with borrowed texts: the same fields in the same order, and so the same bytes.
#[derive(Serialize)]
struct BorrowedRecord<'a> {
    generation: u64,
    at: UnixMillis,
    request_id: &'a str,
    operation: &'a str,
    actor: Actor,
    source: Option<String>,
    changes: Vec<RecordedChange>,
    actor_name: Option<&'a str>,
}

/// Makes the records of a command, before it is applied: what cannot be written must not be.
pub(crate) fn encode(
    generation: u64,
    at: UnixMillis,
    about: &About,
    changes: &Changes,
) -> Result<Encoded, RecordError> {
    let mut entities = Vec::with_capacity(changes.0.len());
    for change in &changes.0 {
        if let Some(key) = change.key() {
            let value = change.after.as_ref().map(records::entity_value).transpose()?;
            entities.push((records::entity_key(&key), value));
        }
    }
    let history = records::encode(&BorrowedRecord {
        generation,
        at,
        request_id: &about.request_id,
        operation: about.operation,
        actor: about.actor,
        source: about.source.map(|source| source.to_string()),
        changes: history::recorded(changes),
        actor_name: about.actor_name.as_deref(),
    })?;
    Ok(Encoded { entities, history })
}
