//! A plan as 64-bit words: what lies in the dataplane's arena and is read by the program in the kernel.
//!
//! The layout is `crates/dataplane/bpf/layout.h` (`enum plan_word`, `enum direction_word`), and the constants here are
//! the same numbers. Offsets count words from the plan's beginning, so that a plan may lie anywhere. [`decide`] does with
//! the words exactly what the program does; [`check`] believes nothing that it has not looked at.

mod check;
mod decide;
mod digest;
mod write;

pub use check::{DirectionSummary, ImageError, Summary, check};
pub use decide::{Verdict, decide};
pub use digest::digest;

use crate::class::RULES_MAX;

/// What a plan begins with: `RAVPLAN1` as it lies in memory, little-endian.
pub const MAGIC: u64 = 0x314e_414c_5056_4152;

/// Where the magic number is.
pub const MAGIC_WORD: usize = 0;
/// Where the length of all of it is, in words.
pub const LENGTH: usize = 1;
/// Where the digest is: xxh3-64 of the words from [`DIGESTED_FROM`] on, counters taken as 0.
pub const DIGEST: usize = 2;
/// Where the control plane's generation is.
pub const GENERATION: usize = 3;
/// Where the stamp is.
pub const STAMP: usize = 4;
/// Where the offset of the first counter is. All counters lie at the end: those of ingress, then those of egress.
pub const COUNTERS: usize = 5;
/// The first word that counts in the digest.
pub const DIGESTED_FROM: usize = 8;
/// Where the header of ingress begins.
pub const INGRESS: usize = 8;
/// Where the header of egress begins.
pub const EGRESS: usize = 24;
/// Where the tables begin.
pub const TABLES: usize = 40;

/// The words of a direction's header.
pub const HEADER_WORDS: usize = 16;
/// In a header: number of rules (low 32 bits) and words of a row (high 32 bits).
pub const RULES: usize = 0;
/// In a header: number of entries (low 32 bits) and offset (high 32 bits) of the table of remote addresses.
pub const REMOTE: usize = 1;
/// In a header: the same of local addresses.
pub const LOCAL: usize = 2;
/// In a header: the same of remote ports.
pub const REMOTE_PORTS: usize = 3;
/// In a header: the same of local ports.
pub const LOCAL_PORTS: usize = 4;
/// In a header: offset of the verdicts, one word a rule, 1 accept and 0 drop.
pub const VERDICTS: usize = 5;
/// In a header: offset of the counters, one word a rule and one more for where none matches.
pub const DIRECTION_COUNTERS: usize = 6;
/// In a header: what happens where no rule matches, 1 accept and 0 drop.
pub const IMPLICIT: usize = 7;
/// In a header: the offset of the row of each [`ProtocolKind`](crate::packet::ProtocolKind).
pub const PROTOCOLS: usize = 8;

/// The words of an entry of an address table: high half, low half, offset of a row.
pub const ADDRESS_ENTRY_WORDS: usize = 3;
/// The most words of a row.
pub const ROW_WORDS_MAX: usize = RULES_MAX / 64;
/// The most entries that a table may have; no plan comes near it.
pub const TABLE_ENTRIES_MAX: usize = 4096;

/// The most words that a plan can have. It has them where all rules are of one direction, each begins and ends somewhere
/// else in each table (two entries a rule, one to begin with, and two for where IPv4 begins and ends), and no two
/// entries have the same row; then a row has [`ROW_WORDS_MAX`] words.
pub const PLAN_WORDS_MAX: usize = TABLES
    + 2 * ADDRESS_ENTRIES_MAX * ADDRESS_ENTRY_WORDS
    + 2 * PORT_ENTRIES_MAX
    + (2 * ADDRESS_ENTRIES_MAX + 2 * PORT_ENTRIES_MAX + 6) * ROW_WORDS_MAX
    + RULES_MAX
    + RULES_MAX
    + 2;
const ADDRESS_ENTRIES_MAX: usize = 2 * RULES_MAX + 3;
const PORT_ENTRIES_MAX: usize = 2 * RULES_MAX + 1;

/// Where the header of a direction begins.
fn header_of(direction: model::rule::Direction) -> usize {
    match direction {
        model::rule::Direction::Ingress => INGRESS,
        model::rule::Direction::Egress => EGRESS,
    }
}

/// Two numbers in one word.
fn pair(low: usize, high: usize) -> u64 {
    ((high as u64) << 32) | (low as u64 & LOW)
}

/// The two numbers of a word.
fn halves(word: u64) -> (usize, usize) {
    (index(word & LOW), index(word >> 32))
}

/// The low half of a word.
const LOW: u64 = 0xffff_ffff;

/// A word as an index; one that is too large for any memory stays too large.
fn index(word: u64) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}
