//! The nonces of mutations: kept with the commit, so that a captured request is refused after a restart too.
//!
//! Which nonces are refused is decided elsewhere; here they are written, read and forgotten in time.

use std::ops::ControlFlow;

use model::UnixMillis;
use store::{Batch, Store, StoreError, Table};

use crate::records::RecordError;

/// How many minutes after the minute of its request a nonce is kept: 31 for the window of the contract, and 15 because
/// the time stamp of a request may be ahead by as much.
pub const NONCE_KEEP_MINUTES: u32 = 31 + 15;
const KEY_BYTES: usize = 4 + 8 + 8;
/// How many old nonces a commit forgets besides twice as many as it adds.
const FORGET_MORE: usize = 16;

/// That an account used a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NonceRecord {
    /// The minute of the request's time stamp, counted since 1970-01-01T00:00:00Z.
    pub minute: u32,
    /// The number of the account.
    pub account: u64,
    /// A digest of the nonce.
    pub digest: [u8; 8],
}

impl NonceRecord {
    /// The key in the store: minute, account, digest; the value is empty.
    pub(crate) fn key(&self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(&self.minute.to_be_bytes());
        key[4..12].copy_from_slice(&self.account.to_be_bytes());
        key[12..].copy_from_slice(&self.digest);
        key
    }

    pub(crate) fn from_key(key: &[u8]) -> Result<Self, RecordError> {
        let (minute, rest) = key.split_first_chunk::<4>().ok_or(RecordError::Key)?;
        let (account, digest) = rest.split_first_chunk::<8>().ok_or(RecordError::Key)?;
        Ok(Self {
            minute: u32::from_be_bytes(*minute),
            account: u64::from_be_bytes(*account),
            digest: digest.try_into().map_err(|_| RecordError::Key)?,
        })
    }
}

/// The first minute whose nonces still count.
pub(crate) fn first_minute_kept(now: UnixMillis) -> u32 {
    let minute = u32::try_from(now.seconds().max(0) / 60).unwrap_or(u32::MAX);
    minute.saturating_sub(NONCE_KEEP_MINUTES)
}

/// Forgets old nonces a few at a time, in the order of their keys.
#[derive(Debug, Default)]
pub(crate) struct Forgetting {
    /// Where the next look begins: what is before it is forgotten. A look from the very beginning would step over
    /// every deleted key that the engine still has.
    from: Vec<u8>,
    /// Minutes before this one are done with.
    done_before: u32,
}

impl Forgetting {
    /// Adds to the batch the deletion of some nonces that are too old, in proportion to the `added` ones. Each is
    /// looked up once: if the batch fails, recovery begins anew with a fresh value of this type.
    pub(crate) fn add_to(
        &mut self,
        batch: &mut Batch,
        added: usize,
        store: &dyn Store,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let first_kept = first_minute_kept(now);
        if self.done_before >= first_kept {
            return Ok(());
        }
        let most = 2 * added + FORGET_MORE;
        let end = first_kept.to_be_bytes();
        let mut old: Vec<Vec<u8>> = Vec::new();
        store.scan(Table::Nonces, &self.from, &mut |key, _| {
            if key >= &end[..] || old.len() == most {
                return ControlFlow::Break(());
            }
            old.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        if old.len() < most {
            self.done_before = first_kept;
            self.from = end.to_vec();
        } else if let Some(last) = old.last() {
            self.from = [last, &[0][..]].concat();
        }
        old.into_iter().for_each(|key| batch.delete(Table::Nonces, key));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use store::MemoryStore;

    use super::*;

    fn nonce(minute: u32, number: u8) -> NonceRecord {
        NonceRecord { minute, account: 7, digest: [number; 8] }
    }

    #[test]
    fn a_key_reads_back() {
        let record = NonceRecord { minute: 28_000_000, account: u64::MAX, digest: *b"abcdefgh" };
        assert_eq!(NonceRecord::from_key(&record.key()).unwrap(), record);
        assert!(NonceRecord::from_key(&record.key()[1..]).is_err());
        assert!(NonceRecord::from_key(&[&record.key()[..], &[0]].concat()).is_err());
    }

    #[test]
    fn old_nonces_go_a_few_at_a_time_and_current_ones_stay() {
        let mut store = MemoryStore::new();
        let mut batch = Batch::new();
        for number in 0..50 {
            batch.put(Table::Nonces, nonce(100, number).key(), []);
            batch.put(Table::Nonces, nonce(100 + NONCE_KEEP_MINUTES, number).key(), []);
        }
        store.commit(1, &batch).unwrap();
        // In this minute those of minute 100 are too old, and those of the other one are not.
        let now = UnixMillis(i64::from(100 + NONCE_KEEP_MINUTES + 1) * 60_000);
        let mut forgetting = Forgetting::default();
        let mut sizes = Vec::new();
        for revision in 2..8 {
            let mut batch = Batch::new();
            forgetting.add_to(&mut batch, 2, &store, now).unwrap();
            sizes.push(batch.len());
            store.commit(revision, &batch).unwrap();
        }
        assert_eq!(sizes, [20, 20, 10, 0, 0, 0]);
        let mut left = 0;
        let mut count = |key: &[u8], _: &[u8]| {
            assert_eq!(NonceRecord::from_key(key).unwrap().minute, 100 + NONCE_KEEP_MINUTES);
            left += 1;
            ControlFlow::Continue(())
        };
        store.scan(Table::Nonces, &[], &mut count).unwrap();
        assert_eq!(left, 50);
    }
}
