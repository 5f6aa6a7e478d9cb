//! Which words of the arena are free.
//!
//! Ranges are in units of 8 words. A range that is given back is in quarantine first, because packets may still read it,
//! and is free when the quarantine ends.

use std::collections::BTreeMap;

/// Units of the arena, from the first on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u32,
    pub(crate) units: u32,
}

/// The free ranges. Unit 0 is never given out: a class's word of place 0 would look closed.
#[derive(Debug)]
pub(crate) struct Arena {
    /// First unit to number of units; neighbours are joined.
    free: BTreeMap<u32, u32>,
    /// Units in quarantine.
    waiting: u32,
}

impl Arena {
    /// An arena of so many units, of which these are taken; none where they overlap or lie outside.
    pub(crate) fn new(units: u32, taken: &[Range]) -> Option<Self> {
        let mut taken = taken.to_vec();
        taken.sort_by_key(|range| range.first);
        let mut free = BTreeMap::new();
        let mut next = 1;
        for range in taken {
            let end = range.first.checked_add(range.units)?;
            if range.first < next || end > units || range.units == 0 {
                return None;
            }
            if range.first > next {
                free.insert(next, range.first - next);
            }
            next = end;
        }
        if units > next {
            free.insert(next, units - next);
        }
        Some(Self { free, waiting: 0 })
    }

    /// An arena of nothing.
    pub(crate) fn empty() -> Self {
        Self { free: BTreeMap::new(), waiting: 0 }
    }

    /// Takes so many units, from the smallest range that has them.
    pub(crate) fn take(&mut self, units: u32) -> Option<Range> {
        let fits = self.free.iter().filter(|(_, has)| **has >= units);
        let (&first, &has) = fits.min_by_key(|(_, has)| **has)?;
        self.free.remove(&first);
        if has > units {
            self.free.insert(first + units, has - units);
        }
        Some(Range { first, units })
    }

    /// Puts a range into quarantine.
    pub(crate) fn quarantine(&mut self, range: Range) {
        self.waiting += range.units;
    }

    /// How many units are in quarantine.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Ends the quarantine of a range.
    pub(crate) fn free(&mut self, range: Range) {
        self.waiting = self.waiting.saturating_sub(range.units);
        self.give_back(range);
    }

    /// Gives back a range that no packet has seen.
    pub(crate) fn give_back(&mut self, range: Range) {
        let Range { mut first, mut units } = range;
        if let Some((&before, &has)) = self.free.range(..first).next_back()
            && before + has == first
        {
            self.free.remove(&before);
            (first, units) = (before, units + has);
        }
        if let Some(has) = self.free.remove(&(first + units)) {
            units += has;
        }
        self.free.insert(first, units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_whole_again() {
        let mut arena = Arena::new(101, &[]).unwrap();
        let ranges: Vec<Range> = (0..10).map(|_| arena.take(10).unwrap()).collect();
        assert_eq!(arena.take(1), None);
        for place in [1, 3, 2, 0, 9, 7, 8, 4, 6, 5] {
            arena.quarantine(ranges[place]);
            assert_eq!(arena.waiting(), 10);
            arena.free(ranges[place]);
        }
        assert_eq!(arena.waiting(), 0);
        assert_eq!(arena.take(100), Some(Range { first: 1, units: 100 }));
    }

    #[test]
    fn what_is_taken_is_not_free() {
        let taken = [Range { first: 5, units: 5 }, Range { first: 1, units: 2 }];
        let mut arena = Arena::new(12, &taken).unwrap();
        assert_eq!(arena.take(2), Some(Range { first: 3, units: 2 }));
        assert_eq!(arena.take(2), Some(Range { first: 10, units: 2 }));
        assert_eq!(arena.take(1), None);
    }

    #[test]
    fn plans_that_overlap_are_no_arena() {
        let overlap = [Range { first: 1, units: 5 }, Range { first: 5, units: 5 }];
        assert!(Arena::new(100, &overlap).is_none());
        assert!(Arena::new(8, &[Range { first: 4, units: 5 }]).is_none());
        assert!(Arena::new(8, &[Range { first: 0, units: 1 }]).is_none());
    }
}
