//! Values inside a parameter, and reading them as what is wanted.
//!
//! A scalar inside JSON may be a number or a string whatever is wanted of it (`"Priority":"1"`), and a string
//! may itself be the JSON text of a list or an object where one of those is wanted. JSON `null` counts as not
//! supplied.

use std::borrow::Cow;

use super::ITEMS_MAX;
use super::error::{ParameterCause, ParameterError};
use super::json;

/// One value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Boolean(bool),
    /// A JSON integer of 64 bits.
    Integer(i64),
    /// Any other JSON number.
    Number(f64),
    /// A text, from JSON or from a dotted name.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object's fields in the order they came (dotted: by name).
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The scalar as text; an integer in decimal.
    fn as_text(&self) -> Result<Cow<'_, str>, ParameterCause> {
        match self {
            Self::Text(text) => check_text(text).map(|()| Cow::Borrowed(text.as_str())),
            Self::Boolean(truth) => Ok(Cow::Borrowed(if *truth { "true" } else { "false" })),
            Self::Integer(number) => Ok(Cow::Owned(number.to_string())),
            Self::Number(number) => Ok(Cow::Owned(number.to_string())),
            Self::Null | Self::List(_) | Self::Object(_) => Err(ParameterCause::NotScalar),
        }
    }
}

/// The fields of one object, with its place in the request for error messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    path: String,
    fields: Vec<(String, Value)>,
}

impl Object {
    /// Where the object stands: `SystemDisk`, `Permissions.2`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The full name of a field, as errors name it.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// The names of the fields, in the order they came.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// A scalar as text. An empty string is visible.
    ///
    /// # Errors
    /// `NotScalar`, `ControlCharacter`.
    pub fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, ParameterError> {
        self.scalar(name, Value::as_text)
    }

    /// An integer, as a JSON number or as text.
    ///
    /// # Errors
    /// `NotInteger`, also for an empty string.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ParameterError> {
        self.scalar(name, |value| match value {
            Value::Integer(number) => Ok(*number),
            Value::Text(text) => integer_of(text),
            _ => Err(ParameterCause::NotInteger),
        })
    }

    /// A truth value, as a JSON truth value or as text.
    ///
    /// # Errors
    /// `NotBoolean`, also for an empty string.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ParameterError> {
        self.scalar(name, |value| match value {
            Value::Boolean(truth) => Ok(*truth),
            Value::Text(text) => boolean_of(text),
            _ => Err(ParameterCause::NotBoolean),
        })
    }

    /// A list of scalars as texts.
    ///
    /// # Errors
    /// [`ParameterError`] naming the list or the item.
    pub fn list(&self, name: &str) -> Result<Option<Vec<String>>, ParameterError> {
        self.get(name).map(|value| texts(&self.field(name), value.clone())).transpose()
    }

    /// An object within the object.
    ///
    /// # Errors
    /// [`ParameterError`] naming the object.
    pub fn object(&self, name: &str) -> Result<Option<Self>, ParameterError> {
        self.get(name).map(|value| object(&self.field(name), value.clone())).transpose()
    }

    /// A list of objects within the object.
    ///
    /// # Errors
    /// [`ParameterError`] naming the list or the item.
    pub fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, ParameterError> {
        self.get(name).map(|value| objects(&self.field(name), value.clone())).transpose()
    }

    /// A field as it came; `None` where it is absent or `null`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.fields.iter().find(|(other, _)| other == name)?;
        (*value != Value::Null).then_some(value)
    }

    fn scalar<'a, T>(
        &'a self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Result<T, ParameterCause>,
    ) -> Result<Option<T>, ParameterError> {
        let read = self.get(name).map(read).transpose();
        read.map_err(|cause| ParameterError::new(self.field(name), cause))
    }
}

/// The value as a list of texts.
pub(super) fn texts(path: &str, value: Value) -> Result<Vec<String>, ParameterError> {
    let items = items(path, value)?.into_iter().enumerate();
    let texts = items.map(|(index, item)| {
        let text = item.as_text().map(Cow::into_owned);
        text.map_err(|cause| ParameterError::new(format!("{path}.{}", index + 1), cause))
    });
    texts.collect()
}

/// The value as a list of objects.
pub(super) fn objects(path: &str, value: Value) -> Result<Vec<Object>, ParameterError> {
    let items = items(path, value)?.into_iter().enumerate();
    items.map(|(index, item)| object(&format!("{path}.{}", index + 1), item)).collect()
}

/// The value as an object.
pub(super) fn object(path: &str, value: Value) -> Result<Object, ParameterError> {
    match expanded(path, value, '{')? {
        Value::Object(fields) => Ok(Object { path: path.to_owned(), fields }),
        _ => Err(ParameterError::new(path, ParameterCause::NotObject)),
    }
}

fn items(path: &str, value: Value) -> Result<Vec<Value>, ParameterError> {
    match expanded(path, value, '[')? {
        Value::List(items) if items.len() > ITEMS_MAX => {
            Err(ParameterError::new(path, ParameterCause::TooMany))
        }
        Value::List(items) => Ok(items),
        _ => Err(ParameterError::new(path, ParameterCause::NotList)),
    }
}

/// A text that opens like the JSON that is wanted is read as JSON; everything else stays.
fn expanded(path: &str, value: Value, opening: char) -> Result<Value, ParameterError> {
    match value {
        Value::Text(text) if text.trim_start().starts_with(opening) => {
            json::parse(&text).map_err(|cause| ParameterError::new(path, cause))
        }
        other => Ok(other),
    }
}

/// Refuses what XML 1.0 has no way to write: it could be stored and never be read back.
pub(super) fn check_text(text: &str) -> Result<(), ParameterCause> {
    let plain = text.chars().all(crate::protocol::encoding::is_xml_character);
    if plain { Ok(()) } else { Err(ParameterCause::ControlCharacter) }
}

pub(super) fn integer_of(text: &str) -> Result<i64, ParameterCause> {
    // The standard parser would take a plus sign, which no client writes.
    if text.starts_with('+') {
        return Err(ParameterCause::NotInteger);
    }
    text.parse().map_err(|_| ParameterCause::NotInteger)
}

pub(super) fn boolean_of(text: &str) -> Result<bool, ParameterCause> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(ParameterCause::NotBoolean)
    }
}
