//! Which addresses of a vSwitch are taken.

use std::net::Ipv4Addr;

use crate::network::VSwitch;

/// The IPv4 addresses of one vSwitch, a bit each as far as the highest that is taken: an empty /16 costs nothing.
///
/// The network's address, the gateway's and the broadcast address are in no pool: they are never free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPool {
    /// The first address that interfaces may have.
    first: u32,
    size: u32,
    /// Bit n of word m is address 64 m + n. The last word is not zero.
    taken: Vec<u64>,
    free: u32,
}

impl AddressPool {
    /// The pool of a new vSwitch: everything is free.
    pub fn new(vswitch: &VSwitch) -> Self {
        let first = u32::from(vswitch.gateway()).saturating_add(1);
        let size = u32::from(vswitch.cidr.broadcast()).saturating_sub(first);
        Self { first, size, taken: Vec::new(), free: size }
    }

    /// How many addresses are free.
    pub fn free(&self) -> u32 {
        self.free
    }

    /// Whether the address is in the pool and free.
    pub fn is_free(&self, address: Ipv4Addr) -> bool {
        self.position(address).is_some_and(|(word, bit)| self.word(word) & bit == 0)
    }

    /// The lowest free addresses that are not in `besides`, at most `count`.
    pub fn lowest_free(&self, count: usize, besides: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
        let mut found = Vec::with_capacity(count.min(self.free as usize));
        for index in 0..self.size.div_ceil(64) {
            let mut open = !self.word(index as usize);
            while open != 0 && found.len() < count {
                let offset = index * 64 + open.trailing_zeros();
                open &= open - 1;
                let address = Ipv4Addr::from(self.first.saturating_add(offset));
                if offset < self.size && !besides.contains(&address) {
                    found.push(address);
                }
            }
            if found.len() >= count {
                break;
            }
        }
        found
    }

    pub(super) fn take(&mut self, address: Ipv4Addr) {
        if let Some((word, bit)) = self.position(address)
            && self.word(word) & bit == 0
        {
            if self.taken.len() <= word {
                self.taken.resize(word + 1, 0);
            }
            self.taken[word] |= bit;
            self.free -= 1;
        }
    }

    pub(super) fn give_back(&mut self, address: Ipv4Addr) {
        if let Some((word, bit)) = self.position(address)
            && self.word(word) & bit != 0
        {
            self.taken[word] &= !bit;
            self.free += 1;
            while self.taken.last() == Some(&0) {
                self.taken.pop();
            }
        }
    }

    fn word(&self, index: usize) -> u64 {
        self.taken.get(index).copied().unwrap_or(0)
    }

    fn position(&self, address: Ipv4Addr) -> Option<(usize, u64)> {
        let offset = u32::from(address).checked_sub(self.first).filter(|offset| *offset < self.size)?;
        Some(((offset / 64) as usize, 1 << (offset % 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn pool(cidr: &str) -> AddressPool {
        let mut world = World::new();
        let network = world.network("10.0.0.0/8");
        let id = world.vswitch(network, cidr);
        AddressPool::new(world.state.vswitches().get(&id).unwrap())
    }

    #[test]
    fn the_smallest_pool_has_five_addresses() {
        let mut pool = pool("10.0.0.8/29");
        assert_eq!(pool.free(), 5);
        let all: Vec<Ipv4Addr> = (10..=14).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect();
        assert_eq!(pool.lowest_free(9, &[]), all);
        assert_eq!(pool.lowest_free(2, &all[..1]), all[1..3]);
        for other in [8, 9, 15, 16] {
            assert!(!pool.is_free(Ipv4Addr::new(10, 0, 0, other)));
            pool.take(Ipv4Addr::new(10, 0, 0, other));
        }
        all.iter().for_each(|address| pool.take(*address));
        assert_eq!((pool.free(), pool.lowest_free(1, &[]).len()), (0, 0));
    }

    #[test]
    fn what_is_given_back_leaves_no_trace() {
        let mut pool = pool("10.1.0.0/16");
        let empty = pool.clone();
        assert_eq!(pool.free(), 65_533);
        let (low, high) = (Ipv4Addr::new(10, 1, 0, 2), Ipv4Addr::new(10, 1, 255, 254));
        for _ in 0..2 {
            pool.take(high);
            pool.take(low);
        }
        assert_eq!((pool.free(), pool.is_free(high)), (65_531, false));
        assert_eq!(pool.lowest_free(1, &[]), [Ipv4Addr::new(10, 1, 0, 3)]);
        for _ in 0..2 {
            pool.give_back(high);
            pool.give_back(low);
        }
        assert_eq!(pool, empty);
    }
}
