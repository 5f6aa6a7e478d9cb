//! How many connections are open, and from where.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The places for connections.
pub(super) struct Seats {
    taken: AtomicUsize,
    most: usize,
    per_address: Option<PerAddress>,
    left: Notify,
}

struct PerAddress {
    most: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Seats {
    pub(super) fn new(most: usize, per_address_most: Option<usize>) -> Arc<Self> {
        let per_address = per_address_most.map(|most| PerAddress { most, taken: Mutex::default() });
        Arc::new(Self { taken: AtomicUsize::new(0), most, per_address, left: Notify::new() })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Takes one, unless all are taken or the address has as many as it may have.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let next = |taken: usize| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok()?;
        // From here on dropping the seat gives the place back.
        let mut seat = Seat { seats: Arc::clone(self), address: None };
        if let Some(per_address) = &self.per_address {
            let mut taken = per_address.taken.lock();
            let count = taken.entry(address).or_default();
            if *count >= per_address.most {
                drop(taken);
                return None;
            }
            *count += 1;
            seat.address = Some(address);
        }
        Some(seat)
    }

    /// Resolves once none is taken.
    pub(super) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            if self.taken() == 0 {
                return;
            }
            left.await;
        }
    }
}

/// The place of one connection, given back when it is dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: Option<IpAddr>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let (Some(per_address), Some(address)) = (&self.seats.per_address, self.address) {
            let mut taken = per_address.taken.lock();
            if let Some(count) = taken.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    taken.remove(&address);
                }
            }
        }
        if self.seats.taken.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.seats.left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn a_place_is_free_again_once_its_connection_ends() {
        let seats = Seats::new(2, Some(1));
        let first = seats.take(ONE).unwrap();
        assert!(seats.take(ONE).is_none());
        let second = seats.take(OTHER).unwrap();
        assert_eq!(seats.taken(), 2);
        drop(first);
        let third = seats.take(ONE).unwrap();
        drop((second, third));
        assert_eq!(seats.taken(), 0);
        assert!(seats.per_address.as_ref().unwrap().taken.lock().is_empty());
    }
}
