//! The file as it is written, before anything is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{DefinitionError, NetworkKind, Problem};

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
    if text.len() as u64 > super::FILE_BYTES_MAX {
        return Err(DefinitionError::TooLarge);
    }
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        DefinitionError::Syntax(Problem { line, message: error.message().to_owned() })
    })
}

/// The line of a place in the text, from 1.
pub(super) fn line_of(text: &str, place: usize) -> usize {
    let before = text.as_bytes().get(..place).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
