//! The words of a line, and what is wrong with one of them.

use std::{borrow::Cow, fmt, str::SplitWhitespace};

use model::rule::Direction;
use thiserror::Error;

/// The most characters of a word that an error repeats.
const SHOWN_MAX: usize = 48;

/// A word is not what stands in its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: expected {expected}", place = Place(self))]
pub struct TextError {
    /// Which word, from 1; one more than there are where the text ends too early.
    pub word: usize,
    /// The word, its beginning if it is long; none where the text ends too early.
    pub found: Option<String>,
    /// What should stand there.
    pub expected: Cow<'static, str>,
}

struct Place<'a>(&'a TextError);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.found {
            Some(found) => write!(f, "word {} is {found:?}", self.0.word),
            None => write!(f, "the text ends before word {}", self.0.word),
        }
    }
}

/// Words, read from left to right.
pub(super) struct Words<'a> {
    rest: SplitWhitespace<'a>,
    current: Option<&'a str>,
    /// The number of the current word, from 1.
    number: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut rest = text.split_whitespace();
        let current = rest.next();
        Self { rest, current, number: 1 }
    }

    /// The current word; the next one is it then.
    pub(super) fn next(&mut self, expected: &'static str) -> Result<Word<'a>, TextError> {
        let text = self.current.ok_or_else(|| self.error(expected))?;
        let word = Word { text, number: self.number };
        self.current = self.rest.next();
        self.number += 1;
        Ok(word)
    }

    /// The current word, as far as `read` makes something of it.
    pub(super) fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, TextError> {
        let word = self.next(expected)?;
        read(word.text).ok_or_else(|| word.error(expected))
    }

    /// Passes over the current word if it is this one.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let is = self.current == Some(word);
        if is {
            self.current = self.rest.next();
            self.number += 1;
        }
        is
    }

    /// The current word.
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.current
    }

    /// That the current word, or the end, is not what stands here.
    pub(super) fn error(&self, expected: impl Into<Cow<'static, str>>) -> TextError {
        let found = self.current.map(shown);
        TextError { word: self.number, found, expected: expected.into() }
    }

    /// That there are no more words.
    pub(super) fn end(&self, expected: impl Into<Cow<'static, str>>) -> Result<(), TextError> {
        if self.current.is_none() { Ok(()) } else { Err(self.error(expected)) }
    }
}

/// One word.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    number: usize,
}

impl Word<'_> {
    pub(super) fn error(self, expected: impl Into<Cow<'static, str>>) -> TextError {
        TextError { word: self.number, found: Some(shown(self.text)), expected: expected.into() }
    }
}

fn shown(word: &str) -> String {
    word.chars().take(SHOWN_MAX).collect()
}

/// Reads `ingress` or `egress`.
pub(super) fn direction(words: &mut Words<'_>) -> Result<Direction, TextError> {
    words.read("`ingress` or `egress`", |word| match word {
        "ingress" => Some(Direction::Ingress),
        "egress" => Some(Direction::Egress),
        _ => None,
    })
}

/// The word for a direction.
pub(super) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

/// A number in plain decimal: no sign, no leading zero.
pub(super) fn plain_number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let plain = text == "0" || !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
