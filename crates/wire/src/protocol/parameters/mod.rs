//! The parameters of an operation, in whichever dialect the client speaks.
//!
//! Clients send the same list as JSON text (`Ids=["a","b"]`), numbered (`Ids.1=a&Ids.2=b`) or, to a few
//! operations, as a comma list; an object as JSON text or dotted (`SystemDisk.Size=20`); a list of objects as
//! JSON text or numbered and dotted (`Tag.1.Key=k`). All forms are read everywhere. Names are exact and
//! case-sensitive. Must not know which parameters an operation has.

mod dotted;
mod error;
mod json;
mod value;

pub use error::{ParameterCause, ParameterError};
pub use value::{Object, Value};

use super::query::Pairs;

/// The deepest nesting of lists and objects in one parameter.
pub const DEPTH_MAX: usize = 16;

/// The most items in one list, the most fields in one object, and the highest number in a numbered list.
pub const ITEMS_MAX: usize = 1_000;

/// The most values of all kinds in one JSON text.
pub const VALUES_MAX: usize = 20_000;

/// The decoded parameters of one request.
///
/// An empty string at this level counts as not supplied; inside lists and objects it is visible.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    pairs: Pairs,
}

impl Parameters {
    /// The tree view of decoded parameters.
    #[must_use]
    pub fn new(pairs: Pairs) -> Self {
        Self { pairs }
    }

    /// Whether a parameter of this name is supplied, in any form.
    #[must_use]
    pub fn supplied(&self, name: &str) -> bool {
        self.bare(name).is_some() || self.is_dotted(name)
    }

    /// A text.
    ///
    /// # Errors
    /// `ControlCharacter` for a character that cannot be given back in XML.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ParameterError> {
        let Some(text) = self.bare(name) else { return Ok(None) };
        value::check_text(text).map_err(|cause| ParameterError::new(name, cause))?;
        Ok(Some(text))
    }

    /// An integer, in decimal.
    ///
    /// # Errors
    /// `NotInteger`.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ParameterError> {
        let number = self.bare(name).map(value::integer_of).transpose();
        number.map_err(|cause| ParameterError::new(name, cause))
    }

    /// A truth value: `true` or `false` in any case.
    ///
    /// # Errors
    /// `NotBoolean`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ParameterError> {
        let truth = self.bare(name).map(value::boolean_of).transpose();
        truth.map_err(|cause| ParameterError::new(name, cause))
    }

    /// A list of scalars as texts: JSON text or numbered. An empty JSON list is supplied and empty.
    ///
    /// # Errors
    /// [`ParameterError`] naming the list or the item.
    pub fn list(&self, name: &str) -> Result<Option<Vec<String>>, ParameterError> {
        self.tree(name)?.map(|tree| value::texts(name, tree)).transpose()
    }

    /// A list of scalars as texts that may also come as a comma list (`InstanceIds=i-1,i-2`).
    ///
    /// # Errors
    /// [`ParameterError`] naming the list or the item.
    pub fn list_or_commas(&self, name: &str) -> Result<Option<Vec<String>>, ParameterError> {
        match self.text(name)? {
            Some(text) if !text.trim_start().starts_with('[') && !self.is_dotted(name) => {
                let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
                if items.len() > ITEMS_MAX {
                    return Err(ParameterError::new(name, ParameterCause::TooMany));
                }
                Ok(Some(items))
            }
            _ => self.list(name),
        }
    }

    /// An object: JSON text or dotted.
    ///
    /// # Errors
    /// [`ParameterError`] naming the object or the field.
    pub fn object(&self, name: &str) -> Result<Option<Object>, ParameterError> {
        self.tree(name)?.map(|tree| value::object(name, tree)).transpose()
    }

    /// A list of objects: JSON text, numbered and dotted, or numbered JSON texts.
    ///
    /// # Errors
    /// [`ParameterError`] naming the list, the item or the field.
    pub fn objects(&self, name: &str) -> Result<Option<Vec<Object>>, ParameterError> {
        self.tree(name)?.map(|tree| value::objects(name, tree)).transpose()
    }

    /// The parameters as they came, merged and sorted by name.
    #[must_use]
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    fn bare(&self, name: &str) -> Option<&str> {
        self.pairs.get(name).filter(|text| !text.is_empty())
    }

    fn is_dotted(&self, name: &str) -> bool {
        self.pairs.with_prefix(&format!("{name}.")).next().is_some()
    }

    /// What stands under a name: the text of the bare name, or the tree of the dotted ones; both at once
    /// contradict.
    fn tree(&self, name: &str) -> Result<Option<Value>, ParameterError> {
        let prefix = format!("{name}.");
        let mut dotted = self.pairs.with_prefix(&prefix).peekable();
        match (self.bare(name), dotted.peek()) {
            (None, None) => Ok(None),
            (Some(text), None) => Ok(Some(Value::Text(text.to_owned()))),
            (None, Some(_)) => {
                let entries = dotted.map(|(full, value)| (&full[prefix.len()..], value)).collect();
                dotted::build(name, entries, DEPTH_MAX).map(Some)
            }
            (Some(_), Some(_)) => Err(ParameterError::new(name, ParameterCause::Conflict)),
        }
    }
}

#[cfg(test)]
mod tests;
