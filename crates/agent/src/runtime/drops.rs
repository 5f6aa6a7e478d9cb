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
}

impl Default for Samples {
    fn default() -> Self {
        Self { ring: Mutex::default(), last: watch::Sender::new(0) }
    }
}

impl Samples {
    /// Keeps samples, and wakes those who wait.
    pub(crate) fn push(&self, samples: Vec<Drop>) {
        let mut ring = self.ring.lock();
        samples.into_iter().for_each(|sample| ring.push(sample));
        self.last.send_replace(ring.last());
    }

    /// As [`DropRing::after`].
    pub(crate) fn after(&self, place: u64, interface: &str, most: usize) -> Page {
        self.ring.lock().after(place, interface, most)
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
            if interface.is_empty() || drop.network_interface_id == interface {
                page.drops.push(drop.clone());
            }
        }
        page
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
}
