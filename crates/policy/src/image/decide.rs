//! What the program in the kernel does with a plan's words, written in Rust.

use model::rule::{Direction, Policy};

use super::{
    ADDRESS_ENTRY_WORDS, IMPLICIT, LOCAL, LOCAL_PORTS, LOW, PROTOCOLS, REMOTE, REMOTE_PORTS, ROW_WORDS_MAX,
    RULES, VERDICTS, halves, header_of, index,
};
use crate::{packet::Packet, plan::Lookup};

/// What a plan's words say about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Accepted or dropped.
    pub policy: Policy,
    /// The place of the rule that decides, in its direction; none: no rule matches.
    pub place: Option<usize>,
}

/// Decides the first packet of a flow that goes in `direction`. None: the words point outside of themselves, and the
/// packet is dropped for that; [`check`](super::check()) finds such words.
pub fn decide(words: &[u64], direction: Direction, packet: &Packet) -> Option<Verdict> {
    let header = header_of(direction);
    let of = |word: usize| words.get(header + word).copied();
    let implicit = Verdict { policy: policy(of(IMPLICIT)?), place: None };
    let (rules, row_words) = halves(of(RULES)?);
    if rules == 0 {
        return Some(implicit);
    }
    let lookup = Lookup::of(direction, packet);
    let rows = [
        index(of(PROTOCOLS + lookup.kind as usize)?),
        address_row(words, of(REMOTE)?, lookup.remote)?,
        address_row(words, of(LOCAL)?, lookup.local)?,
        port_row(words, of(REMOTE_PORTS)?, lookup.remote_port)?,
        port_row(words, of(LOCAL_PORTS)?, lookup.local_port)?,
    ];
    for word in 0..row_words.min(ROW_WORDS_MAX) {
        let mut common = u64::MAX;
        for row in rows {
            common &= words.get(row.checked_add(word)?)?;
        }
        if common != 0 {
            let place = word * 64 + common.trailing_zeros() as usize;
            let verdict = words.get(index(of(VERDICTS)?).checked_add(place)?)?;
            return Some(Verdict { policy: policy(*verdict), place: Some(place) });
        }
    }
    Some(implicit)
}

fn policy(word: u64) -> Policy {
    if word == 1 { Policy::Accept } else { Policy::Drop }
}

/// The offset of the row of an address.
fn address_row(words: &[u64], table: u64, address: u128) -> Option<usize> {
    let (entries, offset) = halves(table);
    let (table, _) = words
        .get(offset..offset.checked_add(entries.checked_mul(ADDRESS_ENTRY_WORDS)?)?)?
        .as_chunks::<ADDRESS_ENTRY_WORDS>();
    let after = table.partition_point(|[high, low, _]| u128::from(*high) << 64 | u128::from(*low) <= address);
    table.get(after.checked_sub(1)?).map(|[_, _, row]| index(*row))
}

/// The offset of the row of a port.
fn port_row(words: &[u64], table: u64, port: u16) -> Option<usize> {
    let (entries, offset) = halves(table);
    let table = words.get(offset..offset.checked_add(entries)?)?;
    let after = table.partition_point(|entry| entry >> 32 <= u64::from(port));
    table.get(after.checked_sub(1)?).map(|entry| index(entry & LOW))
}
