//! What a caller gave: well-formed, typed values under the names of the catalogue.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use model::{Id, UnixMillis, id};

use super::Operation;

/// A well-formed value.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// Text; ids, addresses and words of a choice too.
    Text(Box<str>),
    /// A whole number.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
    /// A point in time.
    Time(UnixMillis),
    /// A list.
    List(Vec<Argument>),
    /// An object: the fields that were given.
    Object(Arguments),
}

/// Values by name. What was not given is not there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments {
    values: BTreeMap<&'static str, Argument>,
}

impl Arguments {
    pub(super) fn insert(&mut self, name: &'static str, value: Argument) {
        self.values.insert(name, value);
    }

    /// Whether the parameter was given.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The text of a parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Argument::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The text of a parameter that validation has found given; empty if it was not.
    pub fn required_text(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// The text of a parameter, for a command.
    pub fn boxed(&self, name: &str) -> Option<Box<str>> {
        self.text(name).map(Into::into)
    }

    /// The number of a parameter.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(Argument::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// The number of a parameter whose constraint makes it a count; `default` where it was not given.
    pub fn count(&self, name: &str, default: usize) -> usize {
        self.integer(name).and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
    }

    /// The boolean of a parameter.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.values.get(name) {
            Some(Argument::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    /// The time of a parameter.
    pub fn time(&self, name: &str) -> Option<UnixMillis> {
        match self.values.get(name) {
            Some(Argument::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// The IPv4 address of a parameter.
    pub fn ipv4(&self, name: &str) -> Option<Ipv4Addr> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// The IPv6 address of a parameter.
    pub fn ipv6(&self, name: &str) -> Option<Ipv6Addr> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// The id of a parameter. A well-formed id that this service never gave out names nothing that exists: it is the
    /// id with number 0, so that the existence check answers, in its own place in the order of checks.
    pub fn id<K: id::Kind>(&self, name: &str) -> Option<Id<K>> {
        self.text(name).map(known_or_nothing)
    }

    /// The id of a parameter that validation has found given.
    pub fn required_id<K: id::Kind>(&self, name: &str) -> Id<K> {
        known_or_nothing(self.required_text(name))
    }

    /// The ids of a list.
    pub fn ids<K: id::Kind>(&self, name: &str) -> Option<Vec<Id<K>>> {
        Some(self.texts(name)?.into_iter().map(known_or_nothing).collect())
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let Some(Argument::List(items)) = self.values.get(name) else { return None };
        let texts = items.iter().filter_map(|item| match item {
            Argument::Text(text) => Some(&**text),
            _ => None,
        });
        Some(texts.collect())
    }

    /// The fields of an object.
    pub fn object(&self, name: &str) -> Option<&Arguments> {
        match self.values.get(name) {
            Some(Argument::Object(fields)) => Some(fields),
            _ => None,
        }
    }

    /// The objects of a list; none where it was not given.
    pub fn objects(&self, name: &str) -> impl Iterator<Item = &Arguments> {
        let items = match self.values.get(name) {
            Some(Argument::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().filter_map(|item| match item {
            Argument::Object(fields) => Some(fields),
            _ => None,
        })
    }

    /// Whether every name here is a parameter of the operation: validation never lets others in.
    pub fn belong_to(&self, operation: &Operation) -> bool {
        self.values.keys().all(|name| operation.parameter(name).is_some())
    }
}

fn known_or_nothing<K: id::Kind>(text: &str) -> Id<K> {
    text.parse().unwrap_or_else(|_| Id::from_number(0))
}
