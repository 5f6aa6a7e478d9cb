//! How many connections are open, and whose.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Places for connections: so many in all, and so many for each address or node.
pub(crate) struct Seats<K> {
    most: usize,
    most_each: usize,
    taken: AtomicUsize,
    taken_each: Mutex<HashMap<K, usize>>,
    left: Notify,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All are taken.
    All,
    /// This address or node has as many as it may have.
    Own,
}

impl<K: Copy + Eq + Hash> Seats<K> {
    pub(crate) fn new(most: usize, most_each: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_each,
            taken: AtomicUsize::new(0),
            taken_each: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    pub(crate) fn take(self: &Arc<Self>, whose: K) -> Result<Seat<K>, Full> {
        self.take_of(whose, self.most_each)
    }

    /// As [`take`](Self::take), for one that takes the place of another, which is about to be given back.
    pub(crate) fn replace(self: &Arc<Self>, whose: K) -> Result<Seat<K>, Full> {
        self.take_of(whose, usize::MAX)
    }

    fn take_of(self: &Arc<Self>, whose: K, most_each: usize) -> Result<Seat<K>, Full> {
        let next = |taken: usize| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).map_err(|_| Full::All)?;
        // From here on dropping the seat gives the place back.
        let mut seat = Seat { seats: Arc::clone(self), whose: None };
        let mut each = self.taken_each.lock();
        let count = each.entry(whose).or_default();
        if *count >= most_each {
            drop(each);
            return Err(Full::Own);
        }
        *count += 1;
        seat.whose = Some(whose);
        Ok(seat)
    }

    /// Resolves once fewer than this many are taken.
    pub(crate) async fn fewer_than(&self, many: usize) {
        loop {
            let left = self.left.notified();
            if self.taken() < many {
                return;
            }
            left.await;
        }
    }

    /// Resolves once there is a place, for whomever.
    pub(crate) async fn free(&self) {
        self.fewer_than(self.most).await;
    }
}

/// The place of one connection, given back when it is dropped.
pub(crate) struct Seat<K: Copy + Eq + Hash> {
    seats: Arc<Seats<K>>,
    whose: Option<K>,
}

impl<K: Copy + Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        if let Some(whose) = self.whose {
            let mut each = self.seats.taken_each.lock();
            if let Some(count) = each.get_mut(&whose) {
                *count -= 1;
                if *count == 0 {
                    each.remove(&whose);
                }
            }
        }
        self.seats.taken.fetch_sub(1, Ordering::AcqRel);
        self.seats.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_place_is_free_again_once_its_connection_ends() {
        let seats = Seats::new(2, 1);
        let first = seats.take(1).ok().unwrap();
        assert_eq!(seats.take(1).err(), Some(Full::Own));
        let second = seats.take(2).ok().unwrap();
        assert_eq!((seats.take(3).err(), seats.taken()), (Some(Full::All), 2));
        assert_eq!(seats.replace(1).err(), Some(Full::All));
        assert_eq!(seats.free().now_or_never(), None);
        drop(first);
        assert_eq!(seats.free().now_or_never(), Some(()));
        let third = seats.take(1).ok().unwrap();
        drop((second, third));
        assert_eq!(seats.taken(), 0);
        assert!(seats.taken_each.lock().is_empty());
    }
}
