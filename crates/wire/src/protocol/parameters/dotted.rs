//! Dotted and numbered names into a tree: `1.Key=k` and `1.Value=v` under `Tag` are a list with one object.

use std::collections::BTreeMap;

use super::ITEMS_MAX;
use super::error::{ParameterCause, ParameterError};
use super::value::Value;

/// What stands under one name segment: the rest of the name after it, where there is one, and the value.
type Entries<'a> = Vec<(Option<&'a str>, &'a str)>;

/// The tree of the entries (names without the prefix `path.`) under `path`.
///
/// Segments that are all numbers make a list, in the order of the numbers; gaps are closed. Segments that are
/// all names make an object. A mixture of both contradicts itself.
pub(super) fn build(
    path: &str,
    entries: Vec<(&str, &str)>,
    depth_left: usize,
) -> Result<Value, ParameterError> {
    let fail = |cause| ParameterError::new(path, cause);
    let depth_left = depth_left.checked_sub(1).ok_or_else(|| fail(ParameterCause::TooDeep))?;
    let mut children: BTreeMap<&str, Entries<'_>> = BTreeMap::new();
    for (name, value) in entries {
        let (segment, rest) = match name.split_once('.') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (name, None),
        };
        children.entry(segment).or_default().push((rest, value));
    }
    let numbered =
        children.keys().filter(|segment| segment.bytes().all(|byte| byte.is_ascii_digit())).count();
    if numbered == 0 {
        let fields = children.into_iter().map(|(segment, entries)| {
            Ok((segment.to_owned(), child(&format!("{path}.{segment}"), entries, depth_left)?))
        });
        return Ok(Value::Object(fields.collect::<Result<_, _>>()?));
    }
    if numbered < children.len() {
        return Err(fail(ParameterCause::Conflict));
    }
    let mut items = BTreeMap::new();
    for (segment, entries) in children {
        let path = format!("{path}.{segment}");
        let number = number(segment).ok_or_else(|| ParameterError::new(&path, ParameterCause::BadNumber))?;
        items.insert(number, child(&path, entries, depth_left)?);
    }
    Ok(Value::List(items.into_values().collect()))
}

fn child(path: &str, entries: Entries<'_>, depth_left: usize) -> Result<Value, ParameterError> {
    if let [(None, text)] = entries[..] {
        return Ok(Value::Text(text.to_owned()));
    }
    let below: Option<Vec<_>> = entries.into_iter().map(|(rest, value)| Some((rest?, value))).collect();
    match below {
        Some(below) => build(path, below, depth_left),
        None => Err(ParameterError::new(path, ParameterCause::Conflict)),
    }
}

/// A number of a list: 1 to the bound, without leading zeros, so that no two names mean the same item.
fn number(segment: &str) -> Option<usize> {
    if segment.starts_with('0') {
        return None;
    }
    segment.parse().ok().filter(|number| (1..=ITEMS_MAX).contains(number))
}
