//! What going through the values of a dimension takes: where entries begin and end, and which are about the values in
//! between.

use super::extent::{DIMENSIONS, Entry};

const WORD_BITS: usize = u64::BITS as usize;

/// Where entries begin and end, in each dimension: as places in ascending lists, which are quicker to sort.
pub(super) struct Edges {
    pub(super) values: [Vec<u128>; DIMENSIONS],
    /// Each entry.
    pub(super) of: Vec<Places>,
}

/// Where an entry begins, and where it is over: what lies before that is in it. There is no edge where it ends with the
/// last number that there is.
pub(super) type Places = [(u32, u32); DIMENSIONS];

impl Edges {
    pub(super) fn new(entries: &[Entry]) -> Self {
        let values: [Vec<u128>; DIMENSIONS] = std::array::from_fn(|dimension| {
            let ranges = entries.iter().map(|entry| entry.extent.ranges[dimension]);
            let edges = ranges.flat_map(|range| [Some(range.0), range.1.checked_add(1)]);
            let mut values: Vec<u128> = edges.flatten().collect();
            values.sort_unstable();
            values.dedup();
            values
        });
        let place = |dimension: usize, value: Option<u128>| {
            let values: &[u128] = &values[dimension];
            let place = value.map_or(values.len(), |value| values.partition_point(|other| *other < value));
            u32::try_from(place).unwrap_or(u32::MAX)
        };
        let of_entry = |entry: &Entry| {
            std::array::from_fn(|dimension| {
                let (first, last) = entry.extent.ranges[dimension];
                (place(dimension, Some(first)), place(dimension, last.checked_add(1)))
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

    pub(super) fn toggle(&mut self, place: u16, differs: bool) {
        let place = usize::from(place);
        let (word, bit) = (place / WORD_BITS, 1 << (place % WORD_BITS));
        self.words[word] ^= bit;
        if differs {
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
