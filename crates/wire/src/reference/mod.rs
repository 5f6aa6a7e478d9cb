//! The reference documentation, printed from the operation catalogue.
//!
//! Pure: the catalogue goes in, pages come out; the same catalogue gives the same bytes. Who writes the pages to disk, or
//! serves them, is not known here.

mod calls;
mod common;
mod errors;
mod example;
mod index;
mod markdown;
mod operation;
mod release_notes;

pub use self::{
    calls::command,
    example::{answer, arguments, given},
    markdown::anchor,
    operation::{indented, path},
};
use crate::catalogue;

/// A page of the reference documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it stands below the documentation's directory, such as `ens/LeaveSecurityGroup.md`.
    pub path: String,
    /// Markdown; it ends with a line break.
    pub text: String,
}

impl Page {
    fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text }
    }
}

/// The page that stands at a path such as `ens/LeaveSecurityGroup.md`, without making the others.
pub fn page(path: &str) -> Option<Page> {
    let text = match path {
        "README.md" => index::page(),
        "common.md" => common::page(),
        "error-codes.md" => errors::page(),
        "release-notes.md" => release_notes::page(),
        _ => operation::page(catalogue::all().find(|operation| operation::path(operation) == path)?),
    };
    Some(Page::new(path, text))
}

/// Every page: the index, one an operation, the error codes, the release notes, what all operations share.
pub fn pages() -> Vec<Page> {
    let mut pages = vec![
        Page::new("README.md", index::page()),
        Page::new("common.md", common::page()),
        Page::new("error-codes.md", errors::page()),
        Page::new("release-notes.md", release_notes::page()),
    ];
    pages.extend(
        catalogue::all().map(|operation| Page::new(operation::path(operation), operation::page(operation))),
    );
    pages
}
