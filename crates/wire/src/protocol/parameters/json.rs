//! JSON text into values, within bounds that are checked while reading, so that a small text cannot become a
//! large tree.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::error::ParameterCause;
use super::value::Value;
use super::{DEPTH_MAX, ITEMS_MAX, VALUES_MAX};

/// Reads a whole JSON text.
pub(super) fn parse(text: &str) -> Result<Value, ParameterCause> {
    let bounds = Bounds { values_left: Cell::new(VALUES_MAX), broken: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Reader { depth_left: DEPTH_MAX, bounds: &bounds }.deserialize(&mut deserializer);
    match read.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(_) => Err(bounds.broken.get().unwrap_or(ParameterCause::BadJson)),
    }
}

/// What is left of the bounds, and which one was broken, since the reader's error type cannot say it.
struct Bounds {
    values_left: Cell<usize>,
    broken: Cell<Option<ParameterCause>>,
}

#[derive(Clone, Copy)]
struct Reader<'b> {
    depth_left: usize,
    bounds: &'b Bounds,
}

impl Reader<'_> {
    fn break_off<E: Error>(&self, cause: ParameterCause) -> E {
        self.bounds.broken.set(Some(cause));
        E::custom(cause)
    }

    /// The reader of what is inside a list or an object.
    fn inside<E: Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(self.break_off(ParameterCause::TooDeep)),
        }
    }

    /// Refuses the item that would be one too many.
    fn check_count<E: Error>(&self, count: usize) -> Result<(), E> {
        let values_left = self.bounds.values_left.get();
        if count > ITEMS_MAX || values_left == 0 {
            return Err(self.break_off(ParameterCause::TooMany));
        }
        self.bounds.values_left.set(values_left - 1);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        // Beyond 64 bits with sign nothing here is an integer any more: kept as what it is nearest to.
        Ok(i64::try_from(number).map_or(Value::Number(number as f64), Value::Integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(inside)? {
            items.push(item);
            self.check_count(items.len())?;
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut fields: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if fields.iter().any(|(other, _)| *other == name) {
                return Err(self.break_off(ParameterCause::RepeatedField));
            }
            fields.push((name, map.next_value_seed(inside)?));
            self.check_count(fields.len())?;
        }
        Ok(Value::Object(fields))
    }
}
