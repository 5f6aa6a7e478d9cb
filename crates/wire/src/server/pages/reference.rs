//! The reference documentation, as the repository has it, served by the program that it describes.

use super::{Page, REFERENCE_PATH, markdown::render};
use crate::{catalogue::Operation, reference};

/// The page of the reference that stands at this address below [`REFERENCE_PATH`]; nothing where there is none.
pub(in crate::server) fn reference_page(address: &str) -> Option<Page> {
    let file = if address.is_empty() { "README.md".to_owned() } else { format!("{address}.md") };
    let page = reference::page(&file)?;
    let folder = file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let rendered = render(&page.text, &folder);
    Some(Page::html(200, &rendered.title, &rendered.body))
}

/// The address of an operation's page.
pub(super) fn address(operation: &Operation) -> String {
    format!("{REFERENCE_PATH}{}", reference::path(operation).trim_end_matches(".md"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the links of a page lead, without fragments.
    fn links(body: &str) -> impl Iterator<Item = &str> {
        let targets = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        targets.filter_map(|target| target.split('#').next()).filter(|target| !target.is_empty())
    }

    #[test]
    fn every_page_is_served_and_its_links_lead_to_others() {
        for page in reference::pages() {
            let address = page.path.trim_end_matches(".md");
            let address = if address == "README" { "" } else { address };
            let served = reference_page(address).unwrap();
            for target in links(&served.body) {
                let known = match target.strip_prefix(REFERENCE_PATH) {
                    Some("README") | None => {
                        ["/", "/errors", "/release-notes", "/reference/", "/style.css"].contains(&target)
                    }
                    Some(other) => reference_page(other).is_some(),
                };
                assert!(known, "{address}: {target}");
            }
            assert!(!served.body.contains("](") && !served.body.contains("| ---"), "{address}");
        }
    }

    #[test]
    fn what_is_no_page_is_none() {
        for address in
            ["nope", "ens/Nope", "ens/LeaveSecurityGroup.md", "nope/LeaveSecurityGroup", "../README", "ens/"]
        {
            assert!(reference_page(address).is_none(), "{address}");
        }
    }
}
