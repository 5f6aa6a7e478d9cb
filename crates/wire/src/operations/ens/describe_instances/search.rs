//! Whether a text occurs in what people know an instance by.

use std::{
    cell::OnceCell,
    collections::HashSet,
    fmt::{Display, Write as _},
};

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
            || self.like_address && self.at(instance.account, state, scratch).contains(&instance.id)
    }

    fn occurs(&self, text: &[u8]) -> bool {
        self.wanted.find(text).is_some()
    }

    /// The instances in one of whose addresses it occurs. All addresses are looked at, one after the other as they lie in
    /// memory: to go from each instance to its interfaces would take several times as long.
    fn at(&self, account: AccountId, state: &State, scratch: &mut Scratch) -> &HashSet<InstanceId> {
        self.at.get_or_init(|| {
            let mut found = HashSet::new();
            for (address, id) in state.private_addresses(account) {
                if self.occurs(scratch.written(address)) {
                    found.extend(state.interfaces().get(&id).and_then(|interface| interface.instance));
                }
            }
            for (address, id) in state.public_addresses() {
                if self.occurs(scratch.written(address)) {
                    found.insert(id);
                }
            }
            found
        })
    }
}
