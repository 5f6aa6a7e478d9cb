//! Whether a text occurs in what people know an instance by.

use std::fmt::{Display, Write as _};

use memchr::memmem::Finder;
use model::instance::Instance;

use crate::catalogue::prelude::*;

/// A text that is searched for. Every instance of an account may be looked at: so nothing is allocated for one, and what the
/// text cannot occur in is not looked at.
pub(super) struct Search {
    wanted: Finder<'static>,
    /// Whether it can occur in an address at all.
    like_address: bool,
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
        Self { wanted: Finder::new(wanted.as_bytes()).into_owned(), like_address }
    }

    /// Whether it occurs in an instance's id, name or addresses, whatever the size of letters.
    pub(super) fn finds(&self, instance: &Instance, state: &State, scratch: &mut Scratch) -> bool {
        let occurs = |text: &[u8]| self.wanted.find(text).is_some();
        if occurs(scratch.written(instance.id))
            || instance.name.as_ref().is_some_and(|name| occurs(scratch.in_small_letters(name)))
        {
            return true;
        }
        if !self.like_address {
            return false;
        }
        if instance.public_address.is_some_and(|address| occurs(scratch.written(address))) {
            return true;
        }
        instance.interfaces().filter_map(|id| state.interfaces().get(&id)).any(|interface| {
            interface.addresses().any(|address| occurs(scratch.written(address)))
                || interface.ipv6_addresses.iter().any(|address| occurs(scratch.written(address)))
        })
    }
}
