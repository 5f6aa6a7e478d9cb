//! Reading answers of operations. What is not there is empty: which fields an answer has is its operation's promise.

use serde_json::Value;

/// What stands at a path such as `Permissions.Permission`.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    path.split('.').try_fold(value, |value, name| value.get(name)).unwrap_or(NOTHING)
}

/// The text at a path; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// The whole number at a path.
pub(crate) fn number(value: &Value, path: &str) -> Option<i64> {
    at(value, path).as_i64()
}

/// The whole number at a path; 0 where there is none.
pub(crate) fn count(value: &Value, path: &str) -> u64 {
    at(value, path).as_u64().unwrap_or_default()
}

/// Whether there is `true` at a path.
pub(crate) fn flag(value: &Value, path: &str) -> bool {
    at(value, path).as_bool().unwrap_or_default()
}

/// The list at a path.
pub(crate) fn items<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// The texts of the list at a path.
pub(crate) fn texts<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    items(value, path).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_is_empty() {
        let value = json!({ "A": { "B": ["x", "y"] }, "C": 3, "D": true });
        assert_eq!(texts(&value, "A.B").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!((number(&value, "C"), count(&value, "E"), flag(&value, "D")), (Some(3), 0, true));
        assert_eq!((text(&value, "A.B.C"), items(&value, "C").len()), ("", 0));
    }
}
