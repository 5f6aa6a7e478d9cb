//! The file as it is written, before anything is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{DefinitionError, NetworkKind, Problem};

/// The longest text of the file that a message repeats, in bytes.
const PLACE_BYTES_MAX: usize = 60;

/// A table of named things. Keys keep their place, for messages.
pub(super) type Named<T> = BTreeMap<Spanned<String>, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lab {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) networks: Named<Network>,
    #[serde(default)]
    pub(super) groups: Named<Group>,
    #[serde(default)]
    pub(super) instances: Named<Instance>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    pub(super) kind: NetworkKind,
    pub(super) ipv4: Spanned<String>,
    pub(super) ipv6: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) rules: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instance {
    pub(super) interfaces: Vec<Spanned<Interface>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Interface {
    pub(super) network: Spanned<String>,
    pub(super) addresses: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) groups: Vec<Spanned<String>>,
    #[serde(default = "yes")]
    pub(super) source_check: bool,
}

fn yes() -> bool {
    true
}

/// Reads the text as TOML of this form.
pub(super) fn read(text: &str) -> Result<Lab, DefinitionError> {
    check_length(text.len())?;
    toml::from_str(text).map_err(|error| {
        let (line, place) = match error.span() {
            Some(span) => (line_of(text, span.start), text.get(span)),
            None => (0, None),
        };
        DefinitionError::Syntax(Problem { line, message: with_place(error.message(), place) })
    })
}

/// The message and the text that it is about, where that is short and the message does not have it.
fn with_place(message: &str, place: Option<&str>) -> String {
    let place = place.map(str::trim).unwrap_or_default();
    let short = !place.is_empty() && place.len() <= PLACE_BYTES_MAX && !place.contains('\n');
    if short && !message.contains(place.trim_matches('"')) {
        format!("{message}: {place}")
    } else {
        message.to_owned()
    }
}

/// Whether a file of so many bytes may be a lab's.
pub(super) fn check_length(bytes: usize) -> Result<(), DefinitionError> {
    if bytes as u64 > super::FILE_BYTES_MAX { Err(DefinitionError::TooLarge) } else { Ok(()) }
}

/// The bytes as text.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, DefinitionError> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let message = "the bytes there are no UTF-8, which text of TOML is".to_owned();
        DefinitionError::Syntax(Problem { line, message })
    })
}

/// The line of a place in the text, from 1.
pub(super) fn line_of(text: &str, place: usize) -> usize {
    let before = text.as_bytes().get(..place).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
