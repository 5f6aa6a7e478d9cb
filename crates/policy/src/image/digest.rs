//! The digest of a plan's words.

use xxhash_rust::xxh3::Xxh3Default;

use super::DIGESTED_FROM;

/// How many words are hashed at a time.
const BATCH_WORDS: usize = 128;

/// The digest that the words should have, xxh3-64 of their bytes as they lie in memory, little-endian; `counters` is the
/// offset of the first counter, and what lies from there on is taken as 0.
pub fn digest(words: &[u64], counters: usize) -> u64 {
    let counters = counters.clamp(DIGESTED_FROM.min(words.len()), words.len());
    let mut state = Xxh3Default::new();
    let mut bytes = [0; BATCH_WORDS * 8];
    for batch in words[DIGESTED_FROM.min(counters)..counters].chunks(BATCH_WORDS) {
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(batch) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        state.update(&bytes[..batch.len() * 8]);
    }
    bytes.fill(0);
    let mut rest = words.len() - counters;
    while rest > 0 {
        let batch = rest.min(BATCH_WORDS);
        state.update(&bytes[..batch * 8]);
        rest -= batch;
    }
    state.digest()
}
