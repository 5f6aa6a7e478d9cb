//! The memory of nonces: a signed request is accepted once.
//!
//! A time stamp may lie 15 minutes ahead of the clock and is accepted until it is 15 minutes behind: a
//! recorded request can be sent again for 30 minutes. A nonce is therefore remembered for 31, counted from
//! the later of its time stamp and the time it was seen. Remembered is an eight-byte digest, in a bucket for
//! each minute. At a bound the answer is `Full`: nothing is forgotten early, since that would let a recorded
//! request in. Must not read a clock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest, Sha256};

/// How long a nonce is remembered, in seconds, at the least; at the most a minute longer.
pub const WINDOW_SECONDS: i64 = 31 * 60;

const BUCKET_SECONDS: i64 = 60;

/// Bounds on what is remembered. A digest costs about 20 to 40 bytes.
#[derive(Clone, Copy, Debug)]
pub struct NonceLimits {
    /// The most nonces of one account.
    pub per_account: usize,
    /// The most nonces of all accounts.
    pub total: usize,
}

impl Default for NonceLimits {
    fn default() -> Self {
        Self { per_account: 2_000_000, total: 8_000_000 }
    }
}

/// Why a nonce is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NonceRefusal {
    /// It was used within the window.
    #[error("the nonce was used already")]
    Used,
    /// No further nonce can be remembered.
    #[error("no further nonce can be remembered")]
    Full,
}

/// What is remembered of a nonce: the first eight bytes of the SHA-256 of the access key id, a zero byte and
/// the nonce.
#[must_use]
pub fn digest(access_key_id: &str, nonce: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(access_key_id.as_bytes());
    hash.update([0]);
    hash.update(nonce.as_bytes());
    let whole: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = whole;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The nonces of the last [`WINDOW_SECONDS`].
#[derive(Debug)]
pub struct NonceLedger {
    limits: NonceLimits,
    seen: HashSet<u64, BuildHasherDefault<DigestHasher>>,
    /// By minute, then by account.
    buckets: BTreeMap<i64, HashMap<u64, Vec<u64>>>,
    per_account: HashMap<u64, usize>,
}

impl NonceLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new(limits: NonceLimits) -> Self {
        Self { limits, seen: HashSet::default(), buckets: BTreeMap::new(), per_account: HashMap::new() }
    }

    /// Remembers a nonce by its [`digest`], or refuses it. Times are seconds since the Unix epoch;
    /// `timestamp` is the request's, within the tolerance of `now`.
    ///
    /// # Errors
    /// `Used` within the window; `Full` at a bound, per account or in total.
    pub fn insert(
        &mut self,
        now: i64,
        account: u64,
        digest: u64,
        timestamp: i64,
    ) -> Result<(), NonceRefusal> {
        self.expire(now);
        if self.seen.contains(&digest) {
            return Err(NonceRefusal::Used);
        }
        let of_account = self.per_account.get(&account).copied().unwrap_or(0);
        if of_account >= self.limits.per_account || self.seen.len() >= self.limits.total {
            return Err(NonceRefusal::Full);
        }
        self.remember(account, digest, now.max(timestamp));
        Ok(())
    }

    /// Remembers a nonce that was accepted before a restart, whatever the bounds; `seen` is the later of its
    /// time stamp and the time it was accepted, as far as known.
    pub fn load(&mut self, account: u64, digest: u64, seen: i64) {
        if !self.seen.contains(&digest) {
            self.remember(account, digest, seen);
        }
    }

    /// Forgets what is older than the window. [`Self::insert`] does it too; calling this every few seconds
    /// keeps the work out of the way of requests.
    pub fn expire(&mut self, now: i64) {
        let mut forgotten = false;
        while let Some(oldest) = self.buckets.first_entry() {
            let last_second = oldest.key().saturating_mul(BUCKET_SECONDS).saturating_add(BUCKET_SECONDS - 1);
            if now <= last_second.saturating_add(WINDOW_SECONDS) {
                break;
            }
            let bucket = oldest.remove();
            self.forget(bucket);
            forgotten = true;
        }
        if forgotten && self.seen.capacity() > 1024 && self.seen.len() < self.seen.capacity() / 4 {
            self.seen.shrink_to(self.seen.len() * 2);
        }
    }

    /// How many nonces are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn remember(&mut self, account: u64, digest: u64, at: i64) {
        self.seen.insert(digest);
        let bucket = self.buckets.entry(at.div_euclid(BUCKET_SECONDS)).or_default();
        bucket.entry(account).or_default().push(digest);
        *self.per_account.entry(account).or_default() += 1;
    }

    fn forget(&mut self, bucket: HashMap<u64, Vec<u64>>) {
        for (account, digests) in bucket {
            for digest in &digests {
                self.seen.remove(digest);
            }
            if let Some(count) = self.per_account.get_mut(&account) {
                *count -= digests.len();
                if *count == 0 {
                    self.per_account.remove(&account);
                }
            }
        }
    }
}

/// Digests are uniform already: they are their own hash.
#[derive(Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Never used for digests; right for whatever else would come.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_000_000;

    fn ledger(per_account: usize, total: usize) -> NonceLedger {
        NonceLedger::new(NonceLimits { per_account, total })
    }

    #[test]
    fn the_digest_separates_key_and_nonce() {
        assert_ne!(digest("ab", "c"), digest("a", "bc"));
        assert_ne!(digest("a", "n"), digest("b", "n"));
        assert_eq!(digest("a", "n"), digest("a", "n"));
    }

    #[test]
    fn a_nonce_is_refused_for_the_whole_window_whatever_its_time_stamp() {
        for stamp in [NOW - 900, NOW, NOW + 900] {
            let mut ledger = ledger(10, 10);
            assert_eq!(ledger.insert(NOW, 1, 7, stamp), Ok(()));
            for later in [0, 60, 900, 1_800, WINDOW_SECONDS] {
                let again = ledger.insert(NOW + later, 1, 7, NOW + later);
                assert_eq!(again, Err(NonceRefusal::Used), "{stamp} {later}");
            }
            let after = NOW.max(stamp) + WINDOW_SECONDS + 61;
            assert_eq!(ledger.insert(after, 1, 7, after), Ok(()));
            assert_eq!(ledger.len(), 1);
        }
    }

    #[test]
    fn a_full_ledger_refuses_and_forgets_nothing() {
        let mut ledger = ledger(2, 3);
        assert_eq!(ledger.insert(NOW, 1, 1, NOW), Ok(()));
        assert_eq!(ledger.insert(NOW, 1, 2, NOW), Ok(()));
        assert_eq!(ledger.insert(NOW, 1, 3, NOW), Err(NonceRefusal::Full));
        assert_eq!(ledger.insert(NOW, 2, 3, NOW), Ok(()));
        assert_eq!(ledger.insert(NOW, 2, 4, NOW), Err(NonceRefusal::Full));
        assert_eq!(ledger.insert(NOW, 1, 1, NOW), Err(NonceRefusal::Used));
        let after = NOW + WINDOW_SECONDS + 61;
        assert_eq!(ledger.insert(after, 1, 3, after), Ok(()));
    }

    #[test]
    fn what_was_loaded_is_refused_and_expires() {
        let mut ledger = ledger(1, 1);
        ledger.load(1, 5, NOW);
        ledger.load(1, 6, NOW);
        ledger.load(1, 6, NOW);
        assert_eq!(ledger.len(), 2, "the bounds do not apply to what is durable");
        assert_eq!(ledger.insert(NOW + 60, 1, 5, NOW + 60), Err(NonceRefusal::Used));
        assert_eq!(ledger.insert(NOW + 60, 1, 9, NOW + 60), Err(NonceRefusal::Full));
        ledger.expire(NOW + WINDOW_SECONDS + 61);
        assert!(ledger.is_empty());
    }

    #[test]
    fn times_at_the_ends_of_the_range_do_not_panic() {
        let mut ledger = ledger(10, 10);
        assert_eq!(ledger.insert(i64::MIN, 1, 1, i64::MAX), Ok(()));
        assert_eq!(ledger.insert(i64::MAX, 1, 2, i64::MIN), Ok(()));
        ledger.load(1, 3, i64::MIN);
        ledger.expire(i64::MAX);
        ledger.expire(i64::MIN);
    }

    /// The same promises kept by a plain list.
    #[derive(Default)]
    struct Model(Vec<(u64, u64, i64)>);

    impl Model {
        fn insert(
            &mut self,
            limits: (usize, usize),
            now: i64,
            account: u64,
            digest: u64,
            stamp: i64,
        ) -> Result<(), NonceRefusal> {
            self.0.retain(|(_, _, at)| now <= at.div_euclid(60) * 60 + 59 + WINDOW_SECONDS);
            if self.0.iter().any(|(_, other, _)| *other == digest) {
                return Err(NonceRefusal::Used);
            }
            let of_account = self.0.iter().filter(|(other, _, _)| *other == account).count();
            if of_account >= limits.0 || self.0.len() >= limits.1 {
                return Err(NonceRefusal::Full);
            }
            self.0.push((account, digest, now.max(stamp)));
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn the_ledger_keeps_the_promises_of_a_plain_list(
            steps in prop::collection::vec((0i64..400, 0u64..3, 0u64..40, -900i64..=900), 1..200),
            per_account in 1usize..12,
            total in 1usize..24,
        ) {
            let mut ledger = ledger(per_account, total);
            let mut model = Model::default();
            let mut now = NOW;
            for (pause, account, digest, skew) in steps {
                now += pause;
                let expected = model.insert((per_account, total), now, account, digest, now + skew);
                prop_assert_eq!(ledger.insert(now, account, digest, now + skew), expected);
                prop_assert_eq!(ledger.len(), model.0.len());
            }
        }
    }
}
