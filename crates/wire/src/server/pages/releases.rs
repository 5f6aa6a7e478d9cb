//! The release notes of the API.

use super::{
    Page,
    errors::item,
    html::{escape, prose},
};
use crate::catalogue::{self, release_notes::RELEASES};

/// The release notes, the newest first.
pub(in crate::server) fn release_notes() -> Page {
    let mut body = String::new();
    for release in RELEASES {
        body.push_str(&format!(
            "<h2>{} <span class=\"soft\"><time datetime=\"{date}\">{date}</time></span></h2>\n<p>{}</p>\n",
            escape(release.version),
            prose(release.summary),
            date = escape(release.date),
        ));
        for (product, names) in release.added {
            if names.is_empty() {
                continue;
            }
            body.push_str(&format!(
                "<h3>Added to {} {}</h3>\n<ul>\n",
                escape(product.name()),
                escape(product.version())
            ));
            for name in *names {
                match catalogue::find(*product, name) {
                    Some(operation) => body.push_str(&item(operation)),
                    None => body.push_str(&format!("<li><code>{}</code></li>\n", escape(name))),
                }
            }
            body.push_str("</ul>\n");
        }
    }
    Page::html(200, "Release notes", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page() {
        let page = release_notes();
        for operation in catalogue::all() {
            assert!(page.body.contains(&format!("<code>{}</code>", operation.name)), "{}", operation.name);
        }
    }
}
