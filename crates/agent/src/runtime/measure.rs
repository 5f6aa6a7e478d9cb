//! What the kernel counts, summed up over interfaces that come and go. Pure.

use std::collections::BTreeMap;

use dataplane::{Binding, Drops, Reason};

/// What the kernel counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Measures {
    /// Flows, alive and dead.
    pub(crate) flows: u64,
    /// Packets that were dropped since the agent began.
    pub(crate) dropped: BTreeMap<Reason, u64>,
}

/// Sums up what was dropped. Counts of a binding begin with it, and end with it; those from before the agent began are not
/// the agent's.
#[derive(Debug, Default)]
pub(crate) struct DropSum {
    /// What was read last; none is what nobody bound.
    last: BTreeMap<Option<Binding>, Drops>,
    sum: BTreeMap<Reason, u64>,
}

impl DropSum {
    /// Takes up what was counted before.
    pub(crate) fn begin(&mut self, counts: BTreeMap<Option<Binding>, Drops>) {
        self.last = counts;
    }

    /// Adds what was counted since it was read last.
    pub(crate) fn add(&mut self, counts: BTreeMap<Option<Binding>, Drops>) {
        let last = std::mem::take(&mut self.last);
        for (of, drops) in &counts {
            self.count(drops, last.get(of));
        }
        self.last = counts;
    }

    /// Adds what was counted at bindings that have ended.
    pub(crate) fn end(&mut self, ended: BTreeMap<Binding, Drops>) {
        for (binding, drops) in ended {
            let before = self.last.remove(&Some(binding));
            self.count(&drops, before.as_ref());
        }
    }

    fn count(&mut self, drops: &Drops, before: Option<&Drops>) {
        for (reason, count) in drops.iter() {
            let since = count.saturating_sub(before.map_or(0, |before| before.of(reason)));
            *self.sum.entry(reason).or_default() += since;
        }
    }

    /// What was dropped since it began.
    pub(crate) fn sum(&self) -> &BTreeMap<Reason, u64> {
        &self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_since_the_beginning_and_of_bindings_that_are_gone_as_well() {
        let counts = |of: &[(Option<u32>, u64)]| {
            let drops = |count| Drops::new([(Reason::Rule, count)]);
            of.iter().map(|(binding, count)| (binding.map(Binding), drops(*count))).collect()
        };
        let mut sum = DropSum::default();
        sum.begin(counts(&[(Some(1), 100), (None, 7)]));
        let total = |sum: &DropSum| sum.sum().get(&Reason::Rule).copied().unwrap_or(0);
        assert_eq!(total(&sum), 0);
        sum.add(counts(&[(Some(1), 103), (None, 8), (Some(2), 5)]));
        assert_eq!(total(&sum), 9);
        sum.add(counts(&[(None, 8), (Some(2), 6)]));
        assert_eq!(total(&sum), 10);
        let at_its_end = BTreeMap::from([(Binding(2), Drops::new([(Reason::Rule, 9)]))]);
        sum.end(at_its_end);
        assert_eq!(total(&sum), 13, "what came after it was counted last");
        sum.add(counts(&[(None, 8)]));
        assert_eq!(total(&sum), 13);
    }
}
