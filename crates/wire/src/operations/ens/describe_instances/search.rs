//! Whether a text occurs in what people know an instance by.

use std::{cell::OnceCell, net::IpAddr};

use hashbrown::HashSet;
use model::{AccountId, InstanceId, instance::Instance};

pub(super) use super::super::search::Scratch;
use super::super::search::Wanted;
use crate::catalogue::prelude::*;

/// A text that is searched for. Every instance of an account may be looked at: so nothing is allocated for one, and what the
/// text cannot occur in is not looked at.
pub(super) struct Search {
    wanted: Wanted,
    /// Whether it can occur in an address at all.
    like_address: bool,
    at: OnceCell<HashSet<InstanceId>>,
}

/// An address as people write it. Formatting costs several times as much, for each of very many.
fn written(address: IpAddr, scratch: &mut Scratch) -> &[u8] {
    let IpAddr::V4(address) = address else { return scratch.written(address) };
    let text = scratch.emptied();
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        for (power, at_least) in [(100, 100), (10, 10), (1, 0)] {
            if octet >= at_least {
                text.push(char::from(b'0' + octet / power % 10));
            }
        }
    }
    text.as_bytes()
}

impl Search {
    pub(super) fn of(text: &str) -> Self {
        let wanted = text.to_lowercase();
        let like_address = wanted.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
        Self { wanted: Wanted::of(&wanted), like_address, at: OnceCell::new() }
    }

    /// Whether it occurs in an instance's id, name or addresses, whatever the size of letters.
    pub(super) fn finds(&self, instance: &Instance, state: &State, scratch: &mut Scratch) -> bool {
        self.wanted.is_in_id(instance.id, scratch)
            || instance.name.as_ref().is_some_and(|name| self.wanted.is_in_name(name, scratch))
            || self.like_address && self.is_addressed(instance, state, scratch)
    }

    fn is_addressed(&self, instance: &Instance, state: &State, scratch: &mut Scratch) -> bool {
        let public = instance.public_address;
        public.is_some_and(|address| self.wanted.is_in(written(address.into(), scratch)))
            || self.at(instance.account, state, scratch).contains(&instance.id)
    }

    /// The instances in one of whose private addresses it occurs. All addresses are looked at, one after the other as they lie in
    /// memory: to go from each instance to its interfaces would take several times as long.
    fn at(&self, account: AccountId, state: &State, scratch: &mut Scratch) -> &HashSet<InstanceId> {
        self.at.get_or_init(|| {
            let mut found = HashSet::new();
            for (address, id) in state.private_addresses(account) {
                if self.wanted.is_in(written(address, scratch)) {
                    found.extend(state.interfaces().get(&id).and_then(|interface| interface.instance));
                }
            }
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn addresses_are_written_as_everywhere() {
        let mut scratch = Scratch::default();
        for octet in 0..=u8::MAX {
            let address = Ipv4Addr::new(octet, 255 - octet, 0, octet / 2);
            assert_eq!(written(address.into(), &mut scratch), address.to_string().as_bytes());
        }
    }
}
