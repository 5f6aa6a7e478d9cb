//! The last packets that were dropped, as samples.

use std::collections::VecDeque;

use parking_lot::Mutex;
use protocol::node::Drop;
use tokio::sync::watch;

/// How many are kept.
const KEPT_MAX: usize = 10_000;

/// The last samples, each with its place: places are counted from 1, and never used again by this process.
#[derive(Debug, Default)]
pub(crate) struct DropRing {
    kept: VecDeque<Drop>,
    /// The place of the newest one.
    last: u64,
}

/// The last samples, for those who add and those who wait for some.
#[derive(Debug)]
pub(crate) struct Samples {
    ring: Mutex<DropRing>,
    last: watch::Sender<u64>,
    /// This process: places are counted anew by another one. Never 0.
    process: u64,
}

/// From where on samples are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SamplesFrom {
    /// The last ones.
    Latest,
    /// Those after a place of a process; 0: of whichever.
    After { process: u64, place: u64 },
}

impl Samples {
    /// Of a process with this number.
    pub(crate) fn of(process: u64) -> Self {
        Self { ring: Mutex::default(), last: watch::Sender::new(0), process: process.max(1) }
    }

    /// The number of the process.
    pub(crate) fn process(&self) -> u64 {
        self.process
    }

    /// Whether a place is one of another process, which says nothing about those that are here.
    pub(crate) fn is_elsewhere(&self, from: SamplesFrom) -> bool {
        matches!(from, SamplesFrom::After { process, .. } if process != 0 && process != self.process)
    }

    /// Keeps samples, and wakes those who wait.
    pub(crate) fn push(&self, samples: Vec<Drop>) {
        let mut ring = self.ring.lock();
        samples.into_iter().for_each(|sample| ring.push(sample));
        self.last.send_replace(ring.last());
    }

    /// Those that are wanted, of one interface or of all.
    pub(crate) fn page(&self, from: SamplesFrom, interface: &str, most: usize) -> Page {
        let ring = self.ring.lock();
        match from {
            SamplesFrom::Latest => ring.latest(interface, most),
            SamplesFrom::After { .. } if self.is_elsewhere(from) => ring.after(0, interface, most),
            SamplesFrom::After { place, .. } => ring.after(place, interface, most),
        }
    }

    /// Told whenever there are more.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }
}

/// A part of them.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) drops: Vec<Drop>,
    /// The place of the last one that was looked at.
    pub(crate) next: u64,
    /// How many after the asked place are not kept any more.
    pub(crate) lost: u64,
}

fn is_of(drop: &Drop, interface: &str) -> bool {
    interface.is_empty() || drop.network_interface_id == interface
}

impl DropRing {
    /// Keeps a sample, in place of the oldest one where there are many.
    pub(crate) fn push(&mut self, drop: Drop) {
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(drop);
        self.last += 1;
    }

    /// The place of the newest one; 0 where there was none.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Those after a place, of one interface or of all. A place that is not reached yet is one of an earlier process: what
    /// follows is everything.
    pub(crate) fn after(&self, place: u64, interface: &str, most: usize) -> Page {
        let before_first = self.last - self.kept.len() as u64;
        let place = if place > self.last { 0 } else { place };
        let lost = if place == 0 { 0 } else { before_first.saturating_sub(place) };
        let passed = usize::try_from(place.saturating_sub(before_first)).unwrap_or(usize::MAX);
        let mut page = Page { drops: Vec::new(), next: place.max(before_first), lost };
        for drop in self.kept.iter().skip(passed) {
            if page.drops.len() == most {
                return page;
            }
            page.next += 1;
            if is_of(drop, interface) {
                page.drops.push(drop.clone());
            }
        }
        page
    }

    /// The last ones, the oldest of them first.
    pub(crate) fn latest(&self, interface: &str, most: usize) -> Page {
        let newest_first = self.kept.iter().rev().filter(|drop| is_of(drop, interface)).take(most);
        let mut drops: Vec<Drop> = newest_first.cloned().collect();
        drops.reverse();
        Page { drops, next: self.last, lost: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(interface: &str, at_ms: u64) -> Drop {
        Drop { at_ms, network_interface_id: interface.into(), ..Drop::default() }
    }

    fn times(page: &Page) -> Vec<u64> {
        page.drops.iter().map(|drop| drop.at_ms).collect()
    }

    #[test]
    fn whoever_goes_on_where_they_were_sees_each_once() {
        let mut ring = DropRing::default();
        assert_eq!(ring.after(0, "", 10), Page { drops: vec![], next: 0, lost: 0 });
        for at in 1..=7 {
            ring.push(dropped(if at % 2 == 0 { "eni-a" } else { "eni-b" }, at));
        }
        let first = ring.after(0, "", 3);
        assert_eq!((times(&first), first.next, first.lost), (vec![1, 2, 3], 3, 0));
        let rest = ring.after(first.next, "", 10);
        assert_eq!((times(&rest), rest.next), (vec![4, 5, 6, 7], 7));
        assert!(times(&ring.after(rest.next, "", 10)).is_empty());
        let of_one = ring.after(1, "eni-a", 2);
        assert_eq!((times(&of_one), of_one.next), (vec![2, 4], 4), "where the page is full it ends");
        assert_eq!(times(&ring.after(4, "eni-a", 2)), [6]);
        assert_eq!(times(&ring.after(99, "", 10)).len(), 7, "a place of an earlier process");
    }

    #[test]
    fn what_is_not_kept_any_more_is_counted() {
        let mut ring = DropRing::default();
        for at in 0..KEPT_MAX as u64 + 5 {
            ring.push(dropped("eni-a", at));
        }
        let page = ring.after(2, "", 1);
        assert_eq!((times(&page), page.lost, page.next), (vec![5], 3, 6));
        assert_eq!(ring.after(0, "", 1).lost, 0, "nobody asked for those");
    }

    #[test]
    fn the_last_ones_are_those_after_which_one_goes_on() {
        let mut ring = DropRing::default();
        assert_eq!(ring.latest("", 10), Page { drops: vec![], next: 0, lost: 0 });
        for at in 1..=7 {
            ring.push(dropped(if at % 2 == 0 { "eni-a" } else { "eni-b" }, at));
        }
        let last = ring.latest("eni-a", 2);
        assert_eq!((times(&last), last.next, last.lost), (vec![4, 6], 7, 0));
        assert!(ring.after(last.next, "eni-a", 10).drops.is_empty());
        assert_eq!(times(&ring.latest("", 2)), [6, 7]);
    }

    /// It may have counted beyond the place already, and so nothing else tells the two apart.
    #[test]
    fn a_place_of_another_process_is_none_here() {
        let samples = Samples::of(7);
        samples.push((1..=5).map(|at| dropped("eni-a", at)).collect());
        let page = |process, place| {
            let from = SamplesFrom::After { process, place };
            (times(&samples.page(from, "eni-a", 10)), samples.is_elsewhere(from))
        };
        assert_eq!(page(7, 3), (vec![4, 5], false));
        assert_eq!(page(0, 3), (vec![4, 5], false), "whoever does not know of processes");
        assert_eq!(page(6, 3), (vec![1, 2, 3, 4, 5], true));
        assert!(!samples.is_elsewhere(SamplesFrom::Latest));
        assert_eq!(Samples::of(0).process(), 1, "0 is no process");
    }
}
