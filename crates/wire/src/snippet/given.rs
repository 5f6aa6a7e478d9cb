//! Parameters with values, and how clients put them on the wire.

use serde_json::{Map, Number, Value, json};

use crate::catalogue::{Encoding, Kind, Parameter};

/// A parameter with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The parameter.
    pub parameter: &'static Parameter,
    /// Its value: a list for lists, an object for objects, a number or a truth value where the text that was given is one,
    /// otherwise a text. It need not be well-formed: that is for the server to say.
    pub value: Value,
}

/// A parameter with the value that a text means: items of lists stand each on a line of its own, objects are JSON text. None
/// where the text is empty.
///
/// # Errors
/// The text should be JSON and is none, or an object in it has a field that the parameter does not have; the words say what
/// is wrong.
pub fn given(parameter: &'static Parameter, text: &str) -> Result<Option<Given>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value = match parameter.kind {
        Kind::List { .. } => {
            let items: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            json!(items)
        }
        Kind::Object { .. } => json_of(text, Value::is_object, "an object: {\"Name\": ...}")?,
        Kind::Objects { .. } => json_of(text, Value::is_array, "a list of objects: [{\"Name\": ...}]")?,
        _ => scalar(parameter.kind, text),
    };
    match unknown_field(parameter.kind, &value) {
        Some(name) => Err(format!("{} has no field {name:?}", parameter.name)),
        None => Ok(Some(Given { parameter, value })),
    }
}

/// The first field of an object in a value that its parameter does not declare. Names of fields become names in copies; those
/// that the catalogue has mean nothing to a shell or to Python.
pub(super) fn unknown_field(kind: Kind, value: &Value) -> Option<&str> {
    match (kind, value) {
        (Kind::Objects { .. }, Value::Array(items)) => {
            items.iter().find_map(|item| unknown_field(kind, item))
        }
        (Kind::Object { fields, .. } | Kind::Objects { fields, .. }, Value::Object(given)) => {
            given.iter().find_map(|(name, value)| match fields.iter().find(|field| field.name == name) {
                Some(field) => unknown_field(field.kind, value),
                None => Some(name.as_str()),
            })
        }
        (_, Value::Array(items)) => items.iter().find_map(|item| unknown_field(kind, item)),
        // What should be no object is one: whatever it has is unknown.
        (_, Value::Object(given)) => given.keys().next().map(String::as_str),
        _ => None,
    }
}

fn json_of(text: &str, is_right: fn(&Value) -> bool, expected: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value) if is_right(&value) => Ok(value),
        Ok(_) => Err(format!("it is not {expected}")),
        Err(error) => Err(format!("it is not JSON ({error}); it should be {expected}")),
    }
}

/// The value of a text that stands for a number, a truth value or itself.
pub(super) fn scalar(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Integer { .. } => {
            text.trim().parse::<i64>().map(Number::from).map_or_else(|_| text.into(), Value::Number)
        }
        Kind::Boolean if text == "true" => true.into(),
        Kind::Boolean if text == "false" => false.into(),
        _ => text.into(),
    }
}

/// The parameters as clients put them on the wire.
#[must_use]
pub fn pairs(given: &[Given]) -> Vec<(String, String)> {
    given.iter().flat_map(on_the_wire).collect()
}

pub(super) fn on_the_wire(given: &Given) -> Vec<(String, String)> {
    let name = given.parameter.name;
    match (given.parameter.kind, &given.value) {
        (Kind::List { encoding: Encoding::Comma, .. }, Value::Array(items)) if can_have_commas(items) => {
            vec![(name.into(), with_commas(items))]
        }
        (
            Kind::List { encoding: Encoding::Numbered, .. }
            | Kind::Objects { encoding: Encoding::Numbered, .. },
            Value::Array(_),
        )
        | (Kind::Object { encoding: Encoding::Dotted, .. }, Value::Object(_)) => dotted(name, &given.value),
        (_, value) => vec![(name.into(), text(value))],
    }
}

/// `Name.1.Field=...`: numbers for what stands in lists, names for fields.
pub(super) fn dotted(prefix: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(n, item)| dotted(&format!("{prefix}.{}", n + 1), item)).collect()
        }
        Value::Object(fields) => by_field(prefix, fields),
        scalar => vec![(prefix.into(), text(scalar))],
    }
}

fn by_field(prefix: &str, fields: &Map<String, Value>) -> Vec<(String, String)> {
    fields.iter().flat_map(|(name, value)| dotted(&format!("{prefix}.{name}"), value)).collect()
}

/// A text as it is, everything else as JSON text.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}

/// Whether commas between the items are read as what separates them: not where an item has some itself, or looks like JSON.
pub(super) fn can_have_commas(items: &[Value]) -> bool {
    let plain =
        |text: &str| !text.contains(',') && text.trim() == text && !text.starts_with('[') && !text.is_empty();
    !items.is_empty() && items.iter().all(|item| item.as_str().is_some_and(plain))
}

pub(super) fn with_commas(items: &[Value]) -> String {
    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}
