//! Whether a text occurs in what people know an instance by.

use std::{
    cell::OnceCell,
    fmt::{Display, Write as _},
    net::IpAddr,
};

use hashbrown::HashSet;
use memchr::memmem::Finder;
use model::{AccountId, InstanceId, instance::Instance};

use crate::catalogue::prelude::*;

/// A text that is searched for. Every instance of an account may be looked at: so nothing is allocated for one, and what the
/// text cannot occur in is not looked at.
pub(super) struct Search {
    wanted: Finder<'static>,
    /// Whether it can occur in an address at all.
    like_address: bool,
    at: OnceCell<HashSet<InstanceId>>,
}

/// What is reused from one instance to the next.
#[derive(Default)]
pub(super) struct Scratch(String);

impl Scratch {
    /// An address as people write it. Formatting costs several times as much, for each of very many.
    fn address(&mut self, address: IpAddr) -> &[u8] {
        let IpAddr::V4(address) = address else { return self.written(address) };
        self.0.clear();
        for (place, octet) in address.octets().into_iter().enumerate() {
            if place > 0 {
                self.0.push('.');
            }
            for (power, at_least) in [(100, 100), (10, 10), (1, 0)] {
                if octet >= at_least {
                    self.0.push(char::from(b'0' + octet / power % 10));
                }
            }
        }
        self.0.as_bytes()
    }

    fn written(&mut self, what: impl Display) -> &[u8] {
        self.0.clear();
        // Writing to a string does not fail.
        let _ = write!(self.0, "{what}");
        self.0.as_bytes()
    }

    fn in_small_letters(&mut self, text: &str) -> &[u8] {
        self.0.clear();
        if text.is_ascii() {
            self.0.push_str(text);
            self.0.make_ascii_lowercase();
        } else {
            self.0.push_str(&text.to_lowercase());
        }
        self.0.as_bytes()
    }
}

impl Search {
    pub(super) fn of(text: &str) -> Self {
        let wanted = text.to_lowercase();
        let like_address = wanted.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
        Self { wanted: Finder::new(wanted.as_bytes()).into_owned(), like_address, at: OnceCell::new() }
    }

    /// Whether it occurs in an instance's id, name or addresses, whatever the size of letters.
    pub(super) fn finds(&self, instance: &Instance, state: &State, scratch: &mut Scratch) -> bool {
        self.occurs(scratch.written(instance.id))
            || instance.name.as_ref().is_some_and(|name| self.occurs(scratch.in_small_letters(name)))
            || self.like_address && self.is_addressed(instance, state, scratch)
    }

    fn is_addressed(&self, instance: &Instance, state: &State, scratch: &mut Scratch) -> bool {
        let public = instance.public_address;
        public.is_some_and(|address| self.occurs(scratch.address(address.into())))
            || self.at(instance.account, state, scratch).contains(&instance.id)
    }

    fn occurs(&self, text: &[u8]) -> bool {
        self.wanted.find(text).is_some()
    }

    /// The instances in one of whose private addresses it occurs. All addresses are looked at, one after the other as they lie in
    /// memory: to go from each instance to its interfaces would take several times as long.
    fn at(&self, account: AccountId, state: &State, scratch: &mut Scratch) -> &HashSet<InstanceId> {
        self.at.get_or_init(|| {
            let mut found = HashSet::new();
            for (address, id) in state.private_addresses(account) {
                if self.occurs(scratch.address(address)) {
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
            assert_eq!(scratch.address(address.into()), address.to_string().as_bytes());
        }
    }
}
