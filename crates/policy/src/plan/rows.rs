//! Rows of bits, each kept once.

use std::collections::HashMap;

/// The bits of a word.
const WORD_BITS: usize = u64::BITS as usize;

/// A row of a [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowId(pub u32);

/// Rows of equally many bits, one bit a rule; no two of them are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    row_words: usize,
    words: Vec<u64>,
}

impl Rows {
    /// The words of a row; 0 where there are no rules.
    pub fn row_words(&self) -> usize {
        self.row_words
    }

    /// All rows, one after the other.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// A row: bit `i` of word `w` is the rule at place `64 * w + i`.
    pub fn row(&self, row: RowId) -> &[u64] {
        let begin = row.0 as usize * self.row_words;
        self.words.get(begin..begin + self.row_words).unwrap_or_default()
    }

    /// The places of a row's rules, ascending.
    pub fn places(&self, row: RowId) -> impl Iterator<Item = usize> {
        let bits = |word: u64| (0..WORD_BITS).filter(move |bit| word >> bit & 1 == 1);
        let words = self.row(row).iter().enumerate();
        words.flat_map(move |(index, word)| bits(*word).map(move |bit| index * WORD_BITS + bit))
    }

    /// The first place that all the rows have.
    pub fn first_of_all<const N: usize>(&self, rows: [RowId; N]) -> Option<usize> {
        let rows = rows.map(|row| self.row(row));
        (0..self.row_words).find_map(|word| {
            let common = rows.iter().fold(u64::MAX, |common, row| common & row[word]);
            (common != 0).then(|| word * WORD_BITS + common.trailing_zeros() as usize)
        })
    }
}

/// How many words a row of this many rules has.
pub(crate) fn row_words(rules: usize) -> usize {
    rules.div_ceil(WORD_BITS)
}

/// A row that is being made by switching rules on and off, with a sum that is the same whenever the row is the same.
pub(super) struct Draft {
    words: Vec<u64>,
    sum: u64,
}

impl Draft {
    /// Switches the rule at a place on or off.
    pub(super) fn toggle(&mut self, place: usize) {
        self.words[place / WORD_BITS] ^= 1 << (place % WORD_BITS);
        self.sum ^= scrambled(place as u64);
    }
}

/// Keeps each row once.
pub(super) struct Interner {
    rows: Rows,
    by_sum: HashMap<u64, RowId>,
}

impl Interner {
    /// For rows of this many rules.
    pub(super) fn new(rules: usize) -> Self {
        let rows = Rows { row_words: row_words(rules), words: Vec::with_capacity(rules * 4) };
        Self { rows, by_sum: HashMap::with_capacity(rules * 2) }
    }

    /// Whether there are no rules, and so no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.row_words == 0
    }

    /// A row without rules, to begin with.
    pub(super) fn draft(&self) -> Draft {
        Draft { words: vec![0; self.rows.row_words], sum: 0 }
    }

    /// The row that is equal to the draft.
    pub(super) fn intern(&mut self, draft: &Draft) -> RowId {
        if self.is_empty() {
            return RowId(0);
        }
        // Another row with the same sum is next to impossible, but not quite: then the next free sum is taken.
        let mut sum = draft.sum;
        while let Some(&held) = self.by_sum.get(&sum) {
            if self.rows.row(held) == draft.words {
                return held;
            }
            sum = sum.wrapping_add(1);
        }
        let count = self.rows.words.len() / self.rows.row_words;
        let row = RowId(u32::try_from(count).unwrap_or(u32::MAX));
        self.rows.words.extend_from_slice(&draft.words);
        self.by_sum.insert(sum, row);
        row
    }

    /// The row of the rules for which it is said, in the order of their places.
    pub(super) fn row_of(&mut self, said: impl Iterator<Item = bool>) -> RowId {
        let mut draft = self.draft();
        said.enumerate().filter(|(_, said)| *said).for_each(|(place, _)| draft.toggle(place));
        self.intern(&draft)
    }

    pub(super) fn finish(self) -> Rows {
        self.rows
    }
}

/// A number's bits, well mixed (the finaliser of splitmix64, Steele, Lea and Flood 2014).
fn scrambled(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_row_is_the_same_row() {
        let mut interner = Interner::new(70);
        let odd = interner.row_of((0..70).map(|place| place % 2 == 1));
        let last = interner.row_of((0..70).map(|place| place == 69));
        assert_eq!(interner.row_of((0..70).map(|place| place % 2 == 1)), odd);
        let rows = interner.finish();
        assert_eq!((rows.row_words(), rows.words().len()), (2, 4));
        assert_eq!(rows.places(last).collect::<Vec<_>>(), [69]);
        assert_eq!(rows.first_of_all([odd, last]), Some(69));
        assert_eq!(rows.first_of_all([odd]), Some(1));
    }

    #[test]
    fn rows_with_equal_sums_are_two_rows() {
        let mut interner = Interner::new(64);
        let mut draft = interner.draft();
        let first = interner.intern(&draft);
        draft.words[0] = 1;
        let second = interner.intern(&draft);
        assert_ne!(first, second);
        assert_eq!(interner.intern(&draft), second);
        draft.words[0] = 0;
        assert_eq!(interner.intern(&draft), first);
    }
}
