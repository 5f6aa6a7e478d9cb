//! What single rules of a class do: whether one ever decides, whether anything would be otherwise without it, and where
//! what is accepted comes from. Asked as differences of two policies, one of which is made for the question.

use std::{cell::Cell, collections::HashMap, rc::Rc};

use model::rule::{Direction, Policy, Rule};

use super::{
    count::Count,
    diagram::{Diagram, Work},
    extent::{Entry, Extent, REMOTE},
    interner::Sets,
    merge::ways,
    region::{Region, Space},
    set::{AddressSet, Ranges},
};
use crate::{
    class::PolicyClass,
    evaluate::implicit,
    order::{PlacedRule, in_order},
    packet::Family,
};

/// A rule, wherever it stands.
pub(crate) struct SingleRule<'a> {
    /// Where it stands first, in deciding order.
    pub(crate) first: PlacedRule<'a>,
    /// Where it stands again.
    again: Vec<PlacedRule<'a>>,
    /// What it is about, in the order of [`Family::ALL`].
    extents: [Option<Extent>; 2],
}

impl<'a> SingleRule<'a> {
    /// Where it stands.
    pub(crate) fn places(&self) -> impl Iterator<Item = &PlacedRule<'a>> {
        [&self.first].into_iter().chain(&self.again)
    }

    /// From how many addresses of a family it is about packets.
    pub(crate) fn remote_addresses(&self, family: Family) -> Count {
        let extent = self.extents[family as usize];
        extent.map_or(Count::ZERO, |extent| Count::of_range(extent.ranges[REMOTE].0, extent.ranges[REMOTE].1))
    }

    /// Whether there are packets that it is about.
    pub(crate) fn is_about_something(&self) -> bool {
        self.extents.iter().any(Option::is_some)
    }

    fn policy(&self) -> Policy {
        self.first.rule.policy
    }
}

/// Whether there are packets that a rule is about.
pub(crate) fn is_about_something(rule: &Rule) -> bool {
    Family::ALL.into_iter().any(|family| Extent::of(rule, family).is_some())
}

/// How much may be done for many questions together, counted as [`Bounds`](super::Bounds::work_max) does.
#[derive(Debug)]
pub(crate) struct Budget {
    /// The most for one question.
    each_max: usize,
    /// For all of them.
    total_max: usize,
    done: Cell<usize>,
}

impl Budget {
    pub(crate) fn new(each_max: usize, total_max: usize) -> Self {
        Self { each_max, total_max, done: Cell::new(0) }
    }

    /// How much was done.
    pub(crate) fn done(&self) -> usize {
        self.done.get()
    }

    fn is_used_up(&self) -> bool {
        self.done() >= self.total_max
    }

    fn spend(&self, units: usize) {
        self.done.set(self.done().saturating_add(units));
    }

    /// Does something with what may be done for one question.
    fn work<T>(&self, until_first: bool, f: impl FnOnce(&mut Work) -> T) -> T {
        let most = self.each_max.min(self.total_max.saturating_sub(self.done()));
        let mut work = Work { until_first, ..Work::new(most) };
        let done = f(&mut work);
        self.spend(most - work.left);
        done
    }
}

/// The rules of one direction of a class, in deciding order; those that mean the same are one.
pub(crate) struct SingleRules<'a> {
    direction: Direction,
    rules: Vec<SingleRule<'a>>,
    budget: Rc<Budget>,
}

impl<'a> SingleRules<'a> {
    /// The rules of a class. Questions about them are answered as long as the budget lasts.
    pub(crate) fn new(class: &'a PolicyClass, direction: Direction, budget: &Rc<Budget>) -> Self {
        let mut rules: Vec<SingleRule<'a>> = Vec::new();
        let mut known: HashMap<_, usize> = HashMap::new();
        for first in in_order(class, direction) {
            let extents = Family::ALL.map(|family| Extent::of(first.rule, family));
            let rule = SingleRule { first, again: Vec::new(), extents };
            let next = rules.len();
            // Rules that are about nothing have only that in common.
            let meaning = rule.is_about_something().then(|| (PlacedRule::rank(first.rule), extents));
            let place = meaning.map_or(next, |meaning| *known.entry(meaning).or_insert(next));
            match rules.get_mut(place) {
                Some(same) => same.again.push(first),
                None => rules.push(rule),
            }
        }
        Self { direction, rules, budget: Rc::clone(budget) }
    }

    pub(crate) fn as_slice(&self) -> &[SingleRule<'a>] {
        &self.rules
    }

    /// Whether the rule at this place decides any packet. Nothing where that takes too much work.
    pub(crate) fn decides(&self, place: usize) -> Option<bool> {
        any(Family::ALL.map(|family| match &self.rules[place].extents[family as usize] {
            Some(extent) => self.decides_in(place, &Space::of_extent(extent, family)),
            None => Some(false),
        }))
    }

    /// Whether the rule at this place decides any packet of a region that is of a family.
    pub(crate) fn decides_within(&self, place: usize, region: &Region, family: Family) -> Option<bool> {
        self.decides_in(place, &region.space(family))
    }

    /// Whether the rule at `place` decides any packet that the one at `other` is about.
    pub(crate) fn decides_instead(&self, place: usize, other: usize) -> Option<bool> {
        any(Family::ALL.map(|family| match &self.rules[other].extents[family as usize] {
            Some(extent) => self.decides_in(place, &Space::of_extent(extent, family)),
            None => Some(false),
        }))
    }

    /// Whether the rules at these places, which come before the one at `other`, are about all the packets that that is
    /// about.
    pub(crate) fn are_enough(&self, places: &[usize], other: usize) -> bool {
        Family::ALL.into_iter().all(|family| {
            let Some(extent) = self.rules[other].extents[family as usize] else { return true };
            let rule_of = |place: &usize| self.rules[*place].extents[family as usize];
            let dropped = |extent| Entry { before: Some(Policy::Drop), after: Some(Policy::Drop), extent };
            let mut entries: Vec<Entry> = places.iter().filter_map(rule_of).map(dropped).collect();
            entries.push(Entry { before: Some(Policy::Drop), after: Some(Policy::Accept), extent });
            self.differ(&entries, &Space::of_extent(&extent, family)) == Some(false)
        })
    }

    /// It decides a packet if that is decided otherwise when the rule says the opposite, in its place.
    fn decides_in(&self, place: usize, space: &Space) -> Option<bool> {
        if self.budget.is_used_up() {
            return None;
        }
        self.budget.spend(1);
        let own = &self.rules[place];
        let Some(extent) = own.extents[space.family as usize] else { return Some(false) };
        let space = space.within(&extent);
        if space.is_empty() {
            return Some(false);
        }
        let opposite = match own.policy() {
            Policy::Accept => Policy::Drop,
            Policy::Drop => Policy::Accept,
        };
        let mut entries = self.entries(&self.rules[..place], &space, |policy| (Some(policy), Some(policy)));
        entries.push(Entry { before: Some(own.policy()), after: Some(opposite), extent });
        self.differ(&entries, &space)
    }

    /// Whether any packet would be decided otherwise without the rule at this place, wherever it stands.
    pub(crate) fn has_effect(&self, place: usize) -> Option<bool> {
        if self.budget.is_used_up() {
            return None;
        }
        let own = &self.rules[place];
        any(Family::ALL.map(|family| {
            let Some(extent) = own.extents[family as usize] else { return Some(false) };
            let space = Space::of_extent(&extent, family);
            let both = |policy| (Some(policy), Some(policy));
            let mut entries = self.entries(&self.rules[..place], &space, both);
            entries.push(Entry { before: Some(own.policy()), after: None, extent });
            entries.extend(self.entries(&self.rules[place + 1..], &space, both));
            self.differ(&entries, &space)
        }))
    }

    /// The addresses at the other end from which any packet of a region is accepted, where no rule means drop; and whether
    /// these are all.
    pub(crate) fn accepted_from(&self, region: &Region, family: Family) -> (AddressSet, bool) {
        if self.budget.is_used_up() {
            return (AddressSet { family, ranges: Ranges::new(Vec::new()) }, false);
        }
        let space = region.space(family);
        let entries = self.entries(&self.rules, &space, |policy| (None, Some(policy)));
        let mut sets = Sets::default();
        let diagram =
            self.budget.work(false, |work| Diagram::new(&entries, &space, Policy::Drop, &mut sets, work));
        let (ways, is_whole) = ways(&diagram);
        let ranges = ways.iter().flat_map(|way| sets.get(way.sets[REMOTE]).as_slice()).copied();
        (AddressSet { family, ranges: Ranges::new(ranges.collect()) }, is_whole)
    }

    /// The entries of the rules that are about packets of a space.
    fn entries(
        &self,
        rules: &[SingleRule<'a>],
        space: &Space,
        policies: impl Fn(Policy) -> (Option<Policy>, Option<Policy>),
    ) -> Vec<Entry> {
        let entry = |rule: &SingleRule<'a>| {
            let extent = rule.extents[space.family as usize].filter(|extent| space.meets(extent))?;
            let (before, after) = policies(rule.policy());
            Some(Entry { before, after, extent })
        };
        self.budget.spend(rules.len());
        rules.iter().filter_map(entry).collect()
    }

    fn differ(&self, entries: &[Entry], space: &Space) -> Option<bool> {
        if space.is_empty() {
            return Some(false);
        }
        let implicit = implicit(self.direction).policy;
        self.budget.work(true, |work| {
            let diagram = Diagram::new(entries, space, implicit, &mut Sets::default(), work);
            (work.found || diagram.roots.is_empty()).then_some(work.found)
        })
    }
}

/// Whether one of several is so: nothing where none is, and one is not known.
fn any(several: [Option<bool>; 2]) -> Option<bool> {
    match several {
        [Some(true), _] | [_, Some(true)] => Some(true),
        [Some(false), Some(false)] => Some(false),
        _ => None,
    }
}
