//! Why a policy document is refused when it is written.

/// Why a text is not a policy document. Each variant is one cause; `place` says where, as a path such as
/// `Statement[0].Action[1]`. The message is what `MalformedPolicyDocument` carries. Quoted parts of the document are
/// cut to a bounded length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// More characters than a document may have.
    #[error("the document has {characters} characters; it may have at most {limit}")]
    TooLong {
        /// How many it has.
        characters: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Lists and objects inside each other, deeper than any element needs.
    #[error("the document nests lists and objects more than {limit} deep")]
    TooDeep {
        /// How deep it may nest them.
        limit: usize,
    },
    /// The text is not JSON.
    #[error("the document is not JSON: {reason} at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0: at the end of the line before.
        column: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A JSON value of the wrong type.
    #[error("{place} is {found}; it must be {expected}")]
    WrongType {
        /// Where.
        place: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// An object names the same element twice.
    #[error("{place} has {name} twice")]
    Duplicate {
        /// Where.
        place: String,
        /// Which element.
        name: String,
    },
    /// An element that policy documents do not have.
    #[error("{place} has the unknown element {name}; it may have {known}")]
    UnknownElement {
        /// Where.
        place: String,
        /// Which element.
        name: String,
        /// Those that it may have.
        known: &'static str,
    },
    /// An element that must be there is not.
    #[error("{place} has no {name}")]
    Missing {
        /// Where.
        place: String,
        /// Which element.
        name: &'static str,
    },
    /// Two elements that exclude each other.
    #[error("{place} has both {first} and {second}; it must have one of them")]
    Both {
        /// Where.
        place: String,
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A list or object with nothing in it.
    #[error("{place} is empty")]
    Empty {
        /// Where.
        place: String,
    },
    /// A version of the policy language other than `"1"`.
    #[error("Version is {found}; it must be \"1\"")]
    UnknownVersion {
        /// What it is.
        found: String,
    },
    /// An effect other than `Allow` and `Deny`.
    #[error("{place} is {found}; it must be \"Allow\" or \"Deny\"")]
    UnknownEffect {
        /// Where.
        place: String,
        /// What it is.
        found: String,
    },
    /// Not `*` and not `service:Action`.
    #[error("{place} is {found}, which is not an action: {reason}")]
    BadAction {
        /// Where.
        place: String,
        /// What it is.
        found: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not `*` and not `acs:service:region:account:relative-id`.
    #[error("{place} is {found}, which is not a resource: {reason}")]
    BadResource {
        /// Where.
        place: String,
        /// What it is.
        found: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A condition operator that does not exist.
    #[error("{place} has the unknown operator {found}{hint}")]
    UnknownOperator {
        /// Where.
        place: String,
        /// Which.
        found: String,
        /// What to do about it, or empty.
        hint: &'static str,
    },
    /// A condition key whose value this server does not know. Such a condition would never hold, or always.
    #[error("{place} has the condition key {found}, whose value this server does not know; it knows {known}")]
    UnknownKey {
        /// Where.
        place: String,
        /// Which.
        found: String,
        /// Those that it knows.
        known: &'static str,
    },
    /// An operator that has no meaning for the key.
    #[error("{place} compares {key} with an operator for other keys; use {instead}")]
    OperatorForOtherKey {
        /// Where.
        place: String,
        /// The key.
        key: &'static str,
        /// Operators that have one.
        instead: &'static str,
    },
    /// A value that the operator cannot compare with.
    #[error("{place} is {found}; it must be {expected}")]
    BadValue {
        /// Where.
        place: String,
        /// What it is.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// More than one value where only one makes sense.
    #[error("{place} has more than one value; this operator takes one")]
    OneValueOnly {
        /// Where.
        place: String,
    },
}

/// How many characters of the document an error quotes at most.
const QUOTED_CHARACTERS_MAX: usize = 64;

/// A part of the document as an error quotes it: in quotation marks, without control characters, bounded.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    quoted.extend(text.chars().take(QUOTED_CHARACTERS_MAX).flat_map(char::escape_debug));
    if text.chars().nth(QUOTED_CHARACTERS_MAX).is_some() {
        quoted.push_str("...");
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_are_bounded_and_printable() {
        assert_eq!(quoted("ens:*"), "\"ens:*\"");
        assert_eq!(quoted("a\nb\u{7}"), "\"a\\nb\\u{7}\"");
        let long = quoted(&"x".repeat(500));
        assert!(long.len() == 64 + 5 && long.ends_with("...\""), "{long}");
    }
}
