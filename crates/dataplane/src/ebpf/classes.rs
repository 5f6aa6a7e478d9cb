//! Policy classes: places for plans, and the one word that says which plan is in force.

use std::{
    collections::BTreeMap,
    sync::atomic::{
        Ordering::{Relaxed, Release, SeqCst},
        fence,
    },
};

use model::{SecurityGroupId, rule::Direction};
use policy::{image, plan::Plan};

use super::{
    EbpfDataplane,
    arena::{Arena, Range},
    host::system,
    mapped,
};
use crate::{
    error::DataplaneError,
    interface::{Binding, ClassId, Generation, Stamp},
    layout::{ARENA_UNIT, CLASS_OFFSET_BITS},
    report::{ClassReport, PlanReport, RuleCount, RulePlace},
};

/// A class, as this process knows it.
#[derive(Debug)]
pub(crate) struct Class {
    label: u128,
    live: Option<Live>,
}

/// The plan in force.
#[derive(Debug)]
struct Live {
    range: Range,
    /// Where each rule's counter is, by what makes the rule the one that it is. Empty where another process has put the
    /// plan in force: then only their places are known.
    counters: BTreeMap<RuleKey, usize>,
}

/// What makes a rule the one that it is: its direction, its group and what it says; none of the latter for the end, where
/// no rule matches.
type RuleKey = (Direction, Option<(SecurityGroupId, u64)>);

/// A plan that is not in force any more and may still be read. What its counters count until nobody reads it is added
/// to those of the plan that came after it.
#[derive(Debug)]
pub(crate) struct Retired {
    range: Range,
    carried: Vec<Carried>,
}

/// A counter that goes on in another plan.
#[derive(Debug)]
struct Carried {
    from: usize,
    to: usize,
    /// What has been carried already.
    count: u64,
}

const DIRECTIONS: [(Direction, usize); 2] =
    [(Direction::Ingress, image::INGRESS), (Direction::Egress, image::EGRESS)];

/// A class's word.
fn word_of(stamp: u64, range: Range) -> u64 {
    stamp << CLASS_OFFSET_BITS | u64::from(range.first)
}

/// The stamp and the first word of the plan of a class's word.
fn split(word: u64) -> (Stamp, u32) {
    let unit = u32::try_from(word & ((1 << CLASS_OFFSET_BITS) - 1)).unwrap_or(0);
    (Stamp(word >> CLASS_OFFSET_BITS), unit.saturating_mul(ARENA_UNIT))
}

fn units(words: usize) -> u32 {
    u32::try_from(words.div_ceil(ARENA_UNIT as usize)).unwrap_or(u32::MAX)
}

impl EbpfDataplane {
    /// Reads classes from the kernel, and which words their plans take.
    pub(super) fn recover_classes(&mut self) -> Result<(), DataplaneError> {
        let mut taken = Vec::new();
        for (class, label) in self.ledger.classes() {
            let at = &self.maps.classes.words[class as usize];
            let Some(label) = label else {
                at.store(0, SeqCst);
                continue;
            };
            let live = match at.load(SeqCst) {
                0 => None,
                word => {
                    let range = self.range_of(class, word)?;
                    taken.push(range);
                    Some(Live { range, counters: BTreeMap::new() })
                }
            };
            self.classes.insert(class, Class { label, live });
        }
        let damaged = || DataplaneError::Damaged { what: "plans overlap in the arena".to_owned() };
        self.arena = Arena::new(self.options.arena_words / ARENA_UNIT, &taken).ok_or_else(damaged)?;
        Ok(())
    }

    fn range_of(&self, class: u32, word: u64) -> Result<Range, DataplaneError> {
        let damaged = || DataplaneError::Damaged { what: format!("class {class} has the word {word:#x}") };
        let (_, first) = split(word);
        let header = self.maps.arena.words.get(first as usize..).ok_or_else(damaged)?;
        if header.len() < image::TABLES || header[image::MAGIC_WORD].load(Relaxed) != image::MAGIC {
            return Err(damaged());
        }
        let words = usize::try_from(header[image::LENGTH].load(Relaxed)).map_err(|_| damaged())?;
        if words > header.len() {
            return Err(damaged());
        }
        Ok(Range { first: first / ARENA_UNIT, units: units(words) })
    }

    pub(super) fn make_class(&mut self, label: u128) -> Result<ClassId, DataplaneError> {
        let free = self.ledger.classes().find(|(class, _)| !self.classes.contains_key(class));
        let (class, _) = free.ok_or(DataplaneError::ClassesFull { most: self.options.classes_max })?;
        self.maps.classes.words[class as usize].store(0, SeqCst);
        self.ledger.set_class(class, label);
        self.classes.insert(class, Class { label, live: None });
        Ok(ClassId(class))
    }

    pub(super) fn unmake_class(&mut self, class: ClassId) -> Result<(), DataplaneError> {
        self.class(class)?;
        for (binding, bound) in &self.bindings {
            if self.maps.slot_class.words[bound.slot as usize].load(SeqCst) == u64::from(class.0) {
                return Err(DataplaneError::ClassInUse { class, binding: Binding(*binding) });
            }
        }
        self.maps.classes.words[class.0 as usize].store(0, SeqCst);
        self.ledger.clear_class(class.0);
        if let Some(live) = self.classes.remove(&class.0).and_then(|class| class.live) {
            self.retire(live.range, Vec::new());
        }
        Ok(())
    }

    fn class(&self, class: ClassId) -> Result<&Class, DataplaneError> {
        self.classes.get(&class.0).ok_or(DataplaneError::UnknownClass(class))
    }

    pub(super) fn switch_class(
        &mut self,
        class: ClassId,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Stamp, DataplaneError> {
        self.class(class)?;
        self.free_unread();
        let range = self.take(plan.image_words())?;
        let stamp = match self.ledger.next_stamp() {
            Ok(stamp) => stamp,
            Err(error) => {
                self.arena.give_back(range);
                return Err(error);
            }
        };
        let mut words = plan.image(generation.0, stamp);
        let first = (range.first * ARENA_UNIT) as usize;
        let counters = counters_of(plan, &words, first);
        let before = self.classes.get_mut(&class.0).and_then(|class| class.live.take());
        let carried = before.as_ref().map(|before| self.carry(before, &counters)).unwrap_or_default();
        for Carried { to, count, .. } in &carried {
            words[to - first] = *count;
        }
        for (to, word) in self.maps.arena.words[first..].iter().zip(&words) {
            to.store(*word, Relaxed);
        }
        fence(Release);
        self.maps.classes.words[class.0 as usize].store(word_of(stamp, range), SeqCst);
        if let Some(class) = self.classes.get_mut(&class.0) {
            class.live = Some(Live { range, counters });
        }
        if let Some(before) = before {
            self.retire(before.range, carried);
        }
        self.ask_about_retired();
        Ok(Stamp(stamp))
    }

    /// Room for so many words.
    fn take(&mut self, words: usize) -> Result<Range, DataplaneError> {
        let wanted = units(words);
        if let Some(range) = self.arena.take(wanted) {
            return Ok(range);
        }
        self.free_retired()?;
        let words = wanted.saturating_mul(ARENA_UNIT);
        let arena = self.options.arena_words;
        self.arena.take(wanted).ok_or(DataplaneError::ArenaFull { words, arena })
    }

    fn retire(&mut self, range: Range, carried: Vec<Carried>) {
        self.arena.quarantine(range);
        self.retired.push_back(Retired { range, carried });
    }

    /// Asks when nobody reads the retired plans any more, where they take more than a quarter of the arena.
    fn ask_about_retired(&mut self) {
        if self.unread.is_none() && self.arena.waiting() > self.options.arena_words / ARENA_UNIT / 4 {
            self.unread = Some((self.readers.ask(), self.retired.len()));
        }
    }

    /// Frees the plans that nobody reads any more as far as is known, without waiting.
    ///
    /// No word points to a retired plan, so that only a packet that has read the word before may read it. The moment that was
    /// asked for came after the plans counted with it were retired: when it is over, those packets have ended.
    fn free_unread(&mut self) {
        if let Some((moment, count)) = self.unread
            && self.readers.is_over(moment)
        {
            self.unread = None;
            self.free_oldest(count);
        }
    }

    /// Frees all retired plans, after waiting for those who may read them.
    fn free_retired(&mut self) -> Result<(), DataplaneError> {
        if !self.retired.is_empty() {
            self.readers.wait_for_all().map_err(system("membarrier"))?;
            self.unread = None;
            self.free_oldest(self.retired.len());
        }
        Ok(())
    }

    fn free_oldest(&mut self, count: usize) {
        for Retired { range, carried } in self.retired.drain(..count) {
            let words = &self.maps.arena.words;
            for Carried { from, to, count } in carried {
                words[to].fetch_add(words[from].load(Relaxed).wrapping_sub(count), Relaxed);
            }
            self.arena.free(range);
        }
    }

    /// The counters that go on in the next plan.
    fn carry(&self, before: &Live, counters: &BTreeMap<RuleKey, usize>) -> Vec<Carried> {
        let pairs = counters.iter().filter_map(|(key, to)| Some((*before.counters.get(key)?, *to)));
        let count = |from: usize| self.maps.arena.words[from].load(Relaxed);
        pairs.map(|(from, to)| Carried { from, to, count: count(from) }).collect()
    }

    pub(super) fn report_class(&self, class: ClassId) -> Result<ClassReport, DataplaneError> {
        let label = self.class(class)?.label;
        let mut word = [0];
        self.maps.classes.map.read_array(class.0, &mut word).map_err(system("reading a class"))?;
        let [word] = word;
        if word == 0 {
            return Ok(ClassReport { class, label, word, plan: None });
        }
        let (stamp, first) = split(word);
        let words = self.read_plan(first)?;
        let generation = Generation(words[image::GENERATION]);
        let counters = usize::try_from(words[image::COUNTERS]).unwrap_or(usize::MAX);
        let sound = words.len() > image::TABLES && counters <= words.len();
        let digest = if sound { image::digest(&words, counters) } else { 0 };
        let intact = sound && digest == words[image::DIGEST] && stamp.0 == words[image::STAMP];
        Ok(ClassReport { class, label, word, plan: Some(PlanReport { stamp, generation, digest, intact }) })
    }

    /// The words of a plan, read from the kernel; those of its beginning alone where its length makes no sense.
    fn read_plan(&self, first: u32) -> Result<Vec<u64>, DataplaneError> {
        let read = |from: u32, words: &mut [u64]| {
            mapped::read(&self.maps.arena.map, from, words).map_err(system("reading a plan"))
        };
        // Small plans are mapped once.
        const AT_ONCE: u32 = 512;
        let room = self.options.arena_words.saturating_sub(first);
        let mut words = vec![0; room.min(AT_ONCE) as usize];
        read(first, &mut words)?;
        words.resize(words.len().max(image::TABLES), 0);
        let length = words[image::LENGTH];
        let sound = words[image::MAGIC_WORD] == image::MAGIC && length <= image::PLAN_WORDS_MAX as u64;
        match u32::try_from(length) {
            Ok(length) if sound && length <= room => {
                let begun = words.len().min(length as usize);
                words.resize(length as usize, 0);
                if begun < words.len() {
                    read(first + AT_ONCE, &mut words[begun..])?;
                }
            }
            _ => words.truncate(image::TABLES),
        }
        Ok(words)
    }

    pub(super) fn count_rules(&self, class: ClassId) -> Result<Vec<RuleCount>, DataplaneError> {
        let live = self.class(class)?.live.as_ref().ok_or(DataplaneError::NoPlan(class))?;
        let words = self.read_plan(live.range.first * ARENA_UNIT)?;
        let mut counts = Vec::new();
        for (direction, header) in DIRECTIONS {
            let damaged = || DataplaneError::Damaged { what: format!("the plan of class {class}") };
            let number = |place: usize| words.get(header + place).copied().ok_or_else(damaged);
            let rules = number(image::RULES)? & u64::from(u32::MAX);
            let first = usize::try_from(number(image::DIRECTION_COUNTERS)?).map_err(|_| damaged())?;
            for place in 0..=rules {
                let at = first.saturating_add(usize::try_from(place).map_err(|_| damaged())?);
                let count = words.get(at).copied().ok_or_else(damaged)?;
                let rule = match u32::try_from(place) {
                    Ok(rule) if place < rules => RulePlace::Rule(rule),
                    _ => RulePlace::Implicit,
                };
                counts.push(RuleCount { direction, rule, count });
            }
        }
        Ok(counts)
    }
}

/// Where the counter of each rule of a plan is, in words of the arena. Of several rules that say the same in one group,
/// the first decides, and so the first counts.
fn counters_of(plan: &Plan, words: &[u64], first: usize) -> BTreeMap<RuleKey, usize> {
    let mut counters = BTreeMap::new();
    for (direction, header) in DIRECTIONS {
        let offset = usize::try_from(words[header + image::DIRECTION_COUNTERS]).unwrap_or(0);
        let rules = &plan.direction(direction).rules;
        for (place, rule) in rules.iter().enumerate() {
            let key = (direction, Some((rule.group, rule.content)));
            counters.entry(key).or_insert(first + offset + place);
        }
        counters.insert((direction, None), first + offset + rules.len());
    }
    counters
}
