//! Connections whose handshake has not ended yet: where an address has too many, the one that has waited longest goes.
//!
//! Whoever opens connections and says nothing would otherwise keep out every other process of that address, among them the
//! agent of the node behind it. One that has said something goes after all those that have not.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The connections, by what their addresses are counted as.
#[derive(Default)]
pub(crate) struct Newcomers {
    next: AtomicU64,
    each: Mutex<HashMap<IpAddr, Vec<Entry>>>,
}

struct Entry {
    number: u64,
    silent: bool,
    displaced: Arc<Notify>,
}

/// One of them, for as long as its handshake lasts.
pub(crate) struct Newcomer {
    newcomers: Arc<Newcomers>,
    whose: IpAddr,
    number: u64,
    displaced: Arc<Notify>,
}

impl Newcomers {
    /// Adds a connection.
    pub(crate) fn enter(self: &Arc<Self>, whose: IpAddr) -> Newcomer {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let displaced = Arc::new(Notify::new());
        let entry = Entry { number, silent: true, displaced: Arc::clone(&displaced) };
        self.each.lock().entry(whose).or_default().push(entry);
        Newcomer { newcomers: Arc::clone(self), whose, number, displaced }
    }

    /// Has the one of an address that has waited longest end, the silent ones first. False: there is none.
    pub(crate) fn displace(&self, whose: IpAddr) -> bool {
        let mut each = self.each.lock();
        let Some(entries) = each.get_mut(&whose) else { return false };
        // They are in the order in which they came.
        let place = entries.iter().position(|entry| entry.silent).unwrap_or(0);
        let entry = entries.remove(place);
        if entries.is_empty() {
            each.remove(&whose);
        }
        entry.displaced.notify_one();
        true
    }
}

impl Newcomer {
    /// It has said something.
    pub(crate) fn heard(&self) {
        let mut each = self.newcomers.each.lock();
        let mut entries = each.get_mut(&self.whose).into_iter().flatten();
        if let Some(entry) = entries.find(|entry| entry.number == self.number) {
            entry.silent = false;
        }
    }

    /// Resolves when it has to end for another one.
    pub(crate) async fn displaced(&self) {
        self.displaced.notified().await;
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let mut each = self.newcomers.each.lock();
        if let Some(entries) = each.get_mut(&self.whose) {
            entries.retain(|entry| entry.number != self.number);
            if entries.is_empty() {
                each.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_one_that_has_waited_longest_in_silence_goes_first() {
        let newcomers = Arc::<Newcomers>::default();
        let (here, there) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from([192, 0, 2, 1]));
        let [first, second, third] = [(); 3].map(|()| newcomers.enter(here));
        let other = newcomers.enter(there);
        first.heard();
        for displaced in [&second, &third, &first] {
            assert_eq!(displaced.displaced().now_or_never(), None);
            assert!(newcomers.displace(here));
            assert_eq!(displaced.displaced().now_or_never(), Some(()));
        }
        assert!(!newcomers.displace(here));
        assert_eq!(other.displaced().now_or_never(), None);
        drop((first, second, third, other));
        assert!(newcomers.each.lock().is_empty());
    }
}
