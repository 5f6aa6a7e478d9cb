//! What going through the values of a dimension takes: where entries begin and end, and which are about the values in
//! between.

use super::{
    extent::{DIMENSIONS, Entry},
    set::Range,
};

const WORD_BITS: usize = u64::BITS as usize;

/// Where entries begin and end, in each dimension: as places in ascending lists, which are quicker to sort.
pub(super) struct Edges {
    pub(super) values: [Vec<u128>; DIMENSIONS],
    /// For each entry where it begins, and where it is over.
    pub(super) of: Vec<[(u32, u32); DIMENSIONS]>,
}

impl Edges {
    pub(super) fn new(entries: &[Entry]) -> Self {
        // What ends with the last number there is is never over; its place is not asked for.
        let over = |range: Range| range.1.saturating_add(1);
        let values: [Vec<u128>; DIMENSIONS] = std::array::from_fn(|dimension| {
            let ranges = entries.iter().map(|entry| entry.extent.ranges[dimension]);
            let mut values: Vec<u128> = ranges.flat_map(|range| [range.0, over(range)]).collect();
            values.sort_unstable();
            values.dedup();
            values
        });
        let place = |dimension: usize, value: u128| {
            u32::try_from(values[dimension].partition_point(|other| *other < value)).unwrap_or(u32::MAX)
        };
        let of_entry = |entry: &Entry| {
            std::array::from_fn(|dimension| {
                let range = entry.extent.ranges[dimension];
                (place(dimension, range.0), place(dimension, over(range)))
            })
        };
        let of = entries.iter().map(of_entry).collect();
        Self { values, of }
    }
}

/// Which entries are about an interval.
pub(super) struct Switches {
    words: Vec<u64>,
    /// How many of them are another thing to the one policy than to the other.
    pub(super) differing: usize,
}

impl Switches {
    pub(super) fn new(entries: usize) -> Self {
        Self { words: vec![0; entries.div_ceil(WORD_BITS)], differing: 0 }
    }

    pub(super) fn toggle(&mut self, place: u16, entry: &Entry) {
        let place = usize::from(place);
        let (word, bit) = (place / WORD_BITS, 1 << (place % WORD_BITS));
        self.words[word] ^= bit;
        if entry.differs() {
            let is_on = self.words[word] & bit != 0;
            self.differing = if is_on { self.differing + 1 } else { self.differing.saturating_sub(1) };
        }
    }

    /// The places of those that are on, ascending.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.checked_sub(1).map(|_| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(index * WORD_BITS + bit)
            })
        })
    }
}
