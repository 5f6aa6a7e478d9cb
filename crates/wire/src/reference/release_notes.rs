//! The release notes of the API.

use super::operation::path;
use crate::catalogue::{
    self,
    release_notes::{RELEASES, Release},
};

/// The page.
pub(super) fn page() -> String {
    let mut text = String::from("# Release notes of the API\n\nThe newest release first.\n");
    for release in RELEASES {
        text.push_str(&section(release));
    }
    text
}

fn section(release: &Release) -> String {
    let mut text = format!("\n## {} ({})\n\n{}\n", release.version, release.date, release.summary);
    for (product, names) in release.added {
        let links: Vec<String> = names
            .iter()
            .map(|name| {
                let operation = catalogue::find(*product, name);
                operation.map_or_else(|| (*name).into(), |operation| format!("[{name}]({})", path(operation)))
            })
            .collect();
        if !links.is_empty() {
            text.push_str(&format!(
                "\nAdded to {} ({}): {}.\n",
                product.name(),
                product.version(),
                links.join(", ")
            ));
        }
    }
    text
}
