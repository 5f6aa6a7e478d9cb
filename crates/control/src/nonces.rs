//! The nonces of mutations: kept with the commit, so that a captured request is refused after a restart too.
//!
//! Which nonces are refused is decided elsewhere; here they are written, read and forgotten in time. All that one
//! commit adds are one record: what a commit costs grows with its records.

use std::ops::ControlFlow;

use model::UnixMillis;
use store::{Batch, Store, StoreError, Table};

use crate::records::RecordError;

/// How many minutes after the minute of its request a nonce is kept: 31 for the window of the contract, and 15 because
/// the time stamp of a request may be ahead by as much.
pub const NONCE_KEEP_MINUTES: u32 = 31 + 15;
const KEY_BYTES: usize = 4 + 8 + 8;
/// How many old records a commit forgets at most; it adds one.
const FORGET_MAX: usize = 16;

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
    /// Minute, account, digest: in their order the earlier minute comes first.
    fn to_bytes(self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(&self.minute.to_be_bytes());
        key[4..12].copy_from_slice(&self.account.to_be_bytes());
        key[12..].copy_from_slice(&self.digest);
        key
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (minute, rest) = bytes.split_first_chunk::<4>()?;
        let (account, digest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            minute: u32::from_be_bytes(*minute),
            account: u64::from_be_bytes(*account),
            digest: digest.try_into().ok()?,
        })
    }
}

/// Adds a record of nonces to a batch. Its key is the latest of them, so that all are kept for as long as that one;
/// its value is the others, one after the other.
pub(crate) fn put(batch: &mut Batch, nonces: &[NonceRecord]) {
    let Some((at, latest)) = nonces.iter().enumerate().max_by_key(|(_, nonce)| **nonce) else { return };
    let others = nonces.iter().enumerate().filter(|(other, _)| *other != at);
    let value: Vec<u8> = others.flat_map(|(_, nonce)| nonce.to_bytes()).collect();
    batch.put(Table::Nonces, latest.to_bytes(), value);
}

/// Reads a record of nonces.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Vec<NonceRecord>, RecordError> {
    let (others, rest) = value.as_chunks::<KEY_BYTES>();
    if !rest.is_empty() {
        return Err(RecordError::Trailing(rest.len()));
    }
    let latest = NonceRecord::from_bytes(key).ok_or(RecordError::Key)?;
    let others = others.iter().filter_map(|bytes| NonceRecord::from_bytes(bytes));
    Ok([latest].into_iter().chain(others).collect())
}

/// The first minute whose nonces still count.
pub(crate) fn first_minute_kept(now: UnixMillis) -> u32 {
    let minute = u32::try_from(now.seconds().max(0) / 60).unwrap_or(u32::MAX);
    minute.saturating_sub(NONCE_KEEP_MINUTES)
}

/// Forgets old records a few at a time, in the order of their keys.
#[derive(Debug, Default)]
pub(crate) struct Forgetting {
    /// Where the next look begins: what is before it is forgotten. A look from the very beginning would step over
    /// every deleted key that the engine still has.
    from: Vec<u8>,
    /// Minutes before this one are done with.
    done_before: u32,
}

impl Forgetting {
    /// Adds to the batch the deletion of some records that are too old. Each is looked up once: if the batch fails,
    /// recovery begins anew with a fresh value of this type.
    pub(crate) fn add_to(
        &mut self,
        batch: &mut Batch,
        store: &dyn Store,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let first_kept = first_minute_kept(now);
        if self.done_before >= first_kept {
            return Ok(());
        }
        let end = first_kept.to_be_bytes();
        let mut old: Vec<Vec<u8>> = Vec::new();
        store.scan(Table::Nonces, &self.from, &mut |key, _| {
            if key >= &end[..] || old.len() == FORGET_MAX {
                return ControlFlow::Break(());
            }
            old.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        if old.len() < FORGET_MAX {
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
    use std::collections::BTreeSet;

    use store::MemoryStore;

    use super::*;

    fn nonce(minute: u32, number: u8) -> NonceRecord {
        NonceRecord { minute, account: 7, digest: [number; 8] }
    }

    #[test]
    fn a_record_reads_back_under_its_latest_nonce() {
        let nonces = [nonce(7, 1), nonce(9, 2), nonce(9, 1), nonce(8, 3)];
        let mut batch = Batch::new();
        put(&mut batch, &nonces);
        let records: Vec<_> = batch.writes().collect();
        let [(Table::Nonces, key, store::Write::Put(value))] = records[..] else { panic!("{records:?}") };
        assert_eq!(key[..4], 9u32.to_be_bytes());
        let read_back: BTreeSet<_> = read(key, value).unwrap().into_iter().collect();
        assert_eq!(read_back, nonces.into_iter().collect());
        assert!(read(&key[1..], value).is_err());
        assert!(read(&[key, &[0]].concat(), value).is_err());
        assert!(read(key, &value[1..]).is_err());
    }

    #[test]
    fn no_nonces_are_no_record() {
        let mut batch = Batch::new();
        put(&mut batch, &[]);
        assert!(batch.is_empty());
    }

    #[test]
    fn old_nonces_go_a_few_at_a_time_and_current_ones_stay() {
        let mut store = MemoryStore::new();
        let mut batch = Batch::new();
        for number in 0..50 {
            put(&mut batch, &[nonce(100, number)]);
            put(&mut batch, &[nonce(100 + NONCE_KEEP_MINUTES, number)]);
        }
        store.commit(1, &batch).unwrap();
        // In this minute those of minute 100 are too old, and those of the other one are not.
        let now = UnixMillis(i64::from(100 + NONCE_KEEP_MINUTES + 1) * 60_000);
        let mut forgetting = Forgetting::default();
        let mut sizes = Vec::new();
        for revision in 2..8 {
            let mut batch = Batch::new();
            forgetting.add_to(&mut batch, &store, now).unwrap();
            sizes.push(batch.len());
            store.commit(revision, &batch).unwrap();
        }
        assert_eq!(sizes, [16, 16, 16, 2, 0, 0]);
        let mut left = 0;
        let mut count = |key: &[u8], value: &[u8]| {
            assert_eq!(read(key, value).unwrap()[0].minute, 100 + NONCE_KEEP_MINUTES);
            left += 1;
            ControlFlow::Continue(())
        };
        store.scan(Table::Nonces, &[], &mut count).unwrap();
        assert_eq!(left, 50);
    }
}
