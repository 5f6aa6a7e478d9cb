//! Plans become words.

use model::rule::{Direction, Policy};

use super::{
    ADDRESS_ENTRY_WORDS, COUNTERS, DIGEST, DIRECTION_COUNTERS, GENERATION, HEADER_WORDS, IMPLICIT, LENGTH,
    LOCAL, LOCAL_PORTS, LOW, MAGIC, MAGIC_WORD, PROTOCOLS, REMOTE, REMOTE_PORTS, RULES, STAMP, TABLES,
    VERDICTS, digest, header_of, pair,
};
use crate::plan::{DirectionPlan, Entry, Plan, RowId};

impl Plan {
    /// How many words its image has; at most [`PLAN_WORDS_MAX`](super::PLAN_WORDS_MAX).
    pub fn image_words(&self) -> usize {
        let [ingress, egress] =
            [Direction::Ingress, Direction::Egress].map(|direction| self.direction(direction));
        TABLES + table_words(ingress) + table_words(egress) + counter_words(ingress) + counter_words(egress)
    }

    /// The digest that its image has, whatever its generation and stamp: plans that decide alike word by word have the same.
    pub fn digest(&self) -> u64 {
        self.image(0, 0)[DIGEST]
    }

    /// Its image, with the control plane's generation and the stamp of the switch that it is made for.
    pub fn image(&self, generation: u64, stamp: u64) -> Vec<u64> {
        let mut words = Vec::with_capacity(self.image_words());
        words.resize(TABLES, 0);
        for direction in [Direction::Ingress, Direction::Egress] {
            let header = write_tables(&mut words, self.direction(direction));
            words[header_of(direction)..][..HEADER_WORDS].copy_from_slice(&header);
        }
        words[COUNTERS] = words.len() as u64;
        for direction in [Direction::Ingress, Direction::Egress] {
            words[header_of(direction) + DIRECTION_COUNTERS] = words.len() as u64;
            words.resize(words.len() + counter_words(self.direction(direction)), 0);
        }
        words[MAGIC_WORD] = MAGIC;
        words[LENGTH] = words.len() as u64;
        words[GENERATION] = generation;
        words[STAMP] = stamp;
        let counters = super::index(words[COUNTERS]);
        words[DIGEST] = digest(&words, counters);
        words
    }
}

fn table_words(plan: &DirectionPlan) -> usize {
    ADDRESS_ENTRY_WORDS * (plan.remote.len() + plan.local.len())
        + plan.remote_ports.len()
        + plan.local_ports.len()
        + plan.rows.words().len()
        + plan.rules.len()
}

fn counter_words(plan: &DirectionPlan) -> usize {
    plan.rules.len() + 1
}

/// Appends a direction's tables, rows and verdicts, and gives its header.
fn write_tables(words: &mut Vec<u64>, plan: &DirectionPlan) -> [u64; HEADER_WORDS] {
    let mut header = [0; HEADER_WORDS];
    header[IMPLICIT] = verdict(plan.implicit);
    if plan.rules.is_empty() {
        return header;
    }
    let row_words = plan.rows.row_words();
    header[RULES] = pair(plan.rules.len(), row_words);
    // The rows come first, so that it is known where they are.
    let rows = words.len();
    words.extend_from_slice(plan.rows.words());
    let offset = |row: RowId| rows + row.0 as usize * row_words;
    header[REMOTE] = write_addresses(words, &plan.remote, offset);
    header[LOCAL] = write_addresses(words, &plan.local, offset);
    header[REMOTE_PORTS] = write_ports(words, &plan.remote_ports, offset);
    header[LOCAL_PORTS] = write_ports(words, &plan.local_ports, offset);
    for (word, row) in header[PROTOCOLS..].iter_mut().zip(plan.protocols) {
        *word = offset(row) as u64;
    }
    header[VERDICTS] = words.len() as u64;
    words.extend(plan.rules.iter().map(|rule| verdict(rule.policy)));
    header
}

fn write_addresses(words: &mut Vec<u64>, table: &[Entry<u128>], offset: impl Fn(RowId) -> usize) -> u64 {
    let begin = words.len();
    for entry in table {
        words.extend([high(entry.first), low(entry.first), offset(entry.row) as u64]);
    }
    pair(table.len(), begin)
}

fn write_ports(words: &mut Vec<u64>, table: &[Entry<u16>], offset: impl Fn(RowId) -> usize) -> u64 {
    let begin = words.len();
    words.extend(table.iter().map(|entry| pair(offset(entry.row), usize::from(entry.first))));
    pair(table.len(), begin)
}

fn verdict(policy: Policy) -> u64 {
    u64::from(policy == Policy::Accept)
}

/// The high half of an address.
#[allow(clippy::cast_possible_truncation, reason = "64 bits are left")]
fn high(address: u128) -> u64 {
    (address >> 64) as u64
}

/// The low half of an address.
#[allow(clippy::cast_possible_truncation, reason = "the rest is the high half")]
fn low(address: u128) -> u64 {
    address as u64
}

const _: () = assert!((super::PLAN_WORDS_MAX as u64) < LOW, "an offset is half a word");
