//! What was dropped, summed up over bindings that come and go.

use std::{collections::BTreeMap, mem};

use dataplane::{Binding, Dataplane, Drops, Reason};

use super::Enforcer;

/// Sums up what was dropped. Counts of a binding begin with it, and end with it; those from before this began are not
/// counted. Of a binding that has ended nothing is kept but what it adds to the sum. Pure.
#[derive(Debug, Default)]
pub(super) struct DropSum {
    /// What was read last; none is what nobody bound.
    last: BTreeMap<Option<Binding>, Drops>,
    sum: BTreeMap<Reason, u64>,
}

impl DropSum {
    /// Begins, after what was counted before.
    fn begin(counts: BTreeMap<Option<Binding>, Drops>) -> Self {
        Self { last: counts, sum: BTreeMap::new() }
    }

    /// Adds what was counted since it was read last.
    fn add(&mut self, counts: BTreeMap<Option<Binding>, Drops>) {
        let last = mem::take(&mut self.last);
        for (of, drops) in &counts {
            self.count(drops, last.get(of));
        }
        self.last = counts;
    }

    /// Adds what was counted at a binding that has ended.
    pub(super) fn end(&mut self, binding: Binding, drops: &Drops) {
        let before = self.last.remove(&Some(binding));
        self.count(drops, before.as_ref());
    }

    fn count(&mut self, drops: &Drops, before: Option<&Drops>) {
        for (reason, count) in drops.iter() {
            let since = count.saturating_sub(before.map_or(0, |before| before.of(reason)));
            *self.sum.entry(reason).or_default() += since;
        }
    }
}

impl<D: Dataplane> Enforcer<D> {
    /// Counts from now on.
    pub(super) fn begin_counting(&mut self) {
        self.dropped = DropSum::begin(self.drops());
    }

    /// What was dropped at each binding since it was bound, and where nobody bound.
    pub fn drops(&self) -> BTreeMap<Option<Binding>, Drops> {
        let of = self.bindings().map(|(_, binding)| Some(binding)).chain([None]);
        of.filter_map(|binding| Some((binding, self.dataplane.drops(binding).ok()?))).collect()
    }

    /// What was dropped since this enforcer was opened, also at bindings that have ended.
    pub fn dropped(&mut self) -> &BTreeMap<Reason, u64> {
        let counts = self.drops();
        self.dropped.add(counts);
        &self.dropped.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_since_the_beginning_and_of_bindings_that_are_gone_as_well() {
        let dropped = |count| Drops::new([(Reason::Rule, count)]);
        let counts = |of: &[(Option<u32>, u64)]| {
            of.iter().map(|(binding, count)| (binding.map(Binding), dropped(*count))).collect()
        };
        let mut sum = DropSum::begin(counts(&[(Some(1), 100), (None, 7)]));
        let total = |sum: &DropSum| sum.sum.get(&Reason::Rule).copied().unwrap_or(0);
        assert_eq!(total(&sum), 0);
        sum.add(counts(&[(Some(1), 103), (None, 8), (Some(2), 5)]));
        assert_eq!(total(&sum), 9);
        sum.add(counts(&[(None, 8), (Some(2), 6)]));
        assert_eq!(total(&sum), 10);
        sum.end(Binding(2), &dropped(9));
        assert_eq!(total(&sum), 13, "what came after it was counted last");
        sum.add(counts(&[(None, 8)]));
        assert_eq!(total(&sum), 13);
    }

    #[test]
    fn bindings_that_have_ended_leave_nothing_behind() {
        let mut sum = DropSum::default();
        for binding in 1..=1000 {
            sum.end(Binding(binding), &Drops::new([(Reason::Rule, 1), (Reason::Implicit, 2)]));
        }
        assert_eq!(sum.sum, BTreeMap::from([(Reason::Rule, 1000), (Reason::Implicit, 2000)]));
        assert!(sum.last.is_empty());
    }
}
