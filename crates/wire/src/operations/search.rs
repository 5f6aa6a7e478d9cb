//! Whether a text that somebody searches for occurs in what people know a thing by.

use std::fmt::{Display, Write as _};

use memchr::memmem::Finder;

/// How many characters a part of an id has at the least: fewer are in some id of many by chance.
const OF_ID_MIN: usize = 4;

/// A text that is searched for, whatever the size of letters. Everything of an account may be looked at: so nothing is
/// allocated for one of it.
pub(super) struct Wanted {
    text: Finder<'static>,
    /// Whether it can occur in an id at all.
    like_id: bool,
    /// Whether it is not in the ids of very many by chance.
    is_long: bool,
}

/// What is reused from one thing to the next.
#[derive(Default)]
pub(super) struct Scratch(String);

impl Scratch {
    /// Room for a text.
    pub(super) fn emptied(&mut self) -> &mut String {
        self.0.clear();
        &mut self.0
    }

    /// A value as people write it.
    pub(super) fn written(&mut self, what: impl Display) -> &[u8] {
        // Writing to a string does not fail.
        let _ = write!(self.emptied(), "{what}");
        self.0.as_bytes()
    }

    fn in_small_letters(&mut self, text: &str) -> &[u8] {
        let own = self.emptied();
        if text.is_ascii() {
            own.push_str(text);
            own.make_ascii_lowercase();
        } else {
            own.push_str(&text.to_lowercase());
        }
        self.0.as_bytes()
    }
}

impl Wanted {
    /// What somebody typed.
    pub(super) fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let like_id = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_long = text.len() >= OF_ID_MIN;
        Self { text: Finder::new(text.as_bytes()).into_owned(), like_id, is_long }
    }

    /// Whether it occurs in what a thing is called or, where it is long enough, in its id.
    pub(super) fn finds(&self, name: &str, id: impl Display, scratch: &mut Scratch) -> bool {
        self.is_in_name(name, scratch) || self.is_long && self.is_in_id(id, scratch)
    }

    /// Whether it occurs in an id. One is written for it: where it cannot occur in any, none is.
    pub(super) fn is_in_id(&self, id: impl Display, scratch: &mut Scratch) -> bool {
        self.like_id && self.is_in(scratch.written(id))
    }

    /// Whether it occurs in a name.
    pub(super) fn is_in_name(&self, name: &str, scratch: &mut Scratch) -> bool {
        self.is_in(scratch.in_small_letters(name))
    }

    /// Whether it occurs in a text of small letters.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.text.find(text).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_whatever_the_size_of_letters() {
        let mut scratch = Scratch::default();
        for (text, name) in
            [("WEB", "the-web-1"), ("-1", "web-1"), ("\u{c4}RGER", "\u{e4}rger"), ("1 b", "a1 B")]
        {
            assert!(Wanted::of(text).is_in_name(name, &mut scratch), "{text} in {name}");
        }
        assert!(!Wanted::of("web2").is_in_name("web-2", &mut scratch));
        assert!(Wanted::of("G-5A").is_in_id("sg-5a7", &mut scratch));
        assert!(!Wanted::of("g_5a").is_in_id("sg_5a7", &mut scratch));
    }

    #[test]
    fn what_is_short_is_looked_for_in_names_alone() {
        let mut scratch = Scratch::default();
        assert!(Wanted::of("5a7b").finds("web", "sg-5a7b", &mut scratch));
        assert!(!Wanted::of("5a7").finds("web", "sg-5a7b", &mut scratch));
        assert!(Wanted::of("we").finds("web", "sg-5a7b", &mut scratch));
    }
}
