//! Why a parameter cannot be read as what the operation wants.

/// A parameter that cannot be read, by name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {field} cannot be read: {cause}")]
pub struct ParameterError {
    /// The field, from the parameter down: `Permissions.2.Priority`. Items are counted from 1 by their
    /// position.
    pub field: String,
    /// What is wrong with it.
    pub cause: ParameterCause,
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterCause {
    /// A text holds a character that cannot be given back in XML 1.0.
    #[error("it holds a control character")]
    ControlCharacter,
    /// A list or an object stands where one value is wanted.
    #[error("it is not a single value")]
    NotScalar,
    /// Not a decimal integer of 64 bits.
    #[error("it is not an integer")]
    NotInteger,
    /// Neither `true` nor `false`.
    #[error("it is neither true nor false")]
    NotBoolean,
    /// Not a list in any dialect.
    #[error("it is not a list")]
    NotList,
    /// Not an object in any dialect.
    #[error("it is not an object")]
    NotObject,
    /// Looks like JSON and is not.
    #[error("it is not well-formed JSON")]
    BadJson,
    /// Nested deeper than [`super::DEPTH_MAX`].
    #[error("it is nested too deep")]
    TooDeep,
    /// More items or values than [`super::ITEMS_MAX`] or [`super::VALUES_MAX`].
    #[error("it has too many items")]
    TooMany,
    /// A JSON object has the same field twice.
    #[error("it has the same field twice")]
    RepeatedField,
    /// A number in a numbered list is not 1 to [`super::ITEMS_MAX`], or is written with leading zeros.
    #[error("its number is out of range")]
    BadNumber,
    /// Supplied in two forms at once, such as `Tag` and `Tag.1.Key`, or `Tag.1` and `Tag.Key`.
    #[error("it is supplied in two forms at once")]
    Conflict,
}

impl ParameterError {
    /// The error of a field.
    #[must_use]
    pub fn new(field: impl Into<String>, cause: ParameterCause) -> Self {
        Self { field: field.into(), cause }
    }
}
