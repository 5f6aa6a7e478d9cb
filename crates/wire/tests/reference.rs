//! The reference documentation in the repository is the one that the catalogue gives.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps tests is a test")]

use std::{collections::BTreeSet, fs, path::Path};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");

fn files(directory: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), &format!("{name}/"), found),
            false => {
                found.insert(name);
            }
        }
    }
}

#[test]
fn the_reference_documentation_is_current() {
    let pages = wire::reference::pages();
    let outdated: Vec<&str> = pages
        .iter()
        .filter(|page| {
            fs::read_to_string(Path::new(DIRECTORY).join(&page.path)).ok().as_ref() != Some(&page.text)
        })
        .map(|page| page.path.as_str())
        .collect();
    assert!(
        outdated.is_empty(),
        "out of date, to be written by `ravelin reference docs/reference`: {outdated:?}"
    );
    let mut there = BTreeSet::new();
    files(Path::new(DIRECTORY), "", &mut there);
    let made: BTreeSet<String> = pages.into_iter().map(|page| page.path).collect();
    assert_eq!(there, made, "a page without an operation");
}

/// A link from one page to another leads somewhere, and to a heading that is there.
#[test]
fn the_links_of_the_reference_documentation_lead_somewhere() {
    let pages = wire::reference::pages();
    let mut links = 0;
    for page in &pages {
        for target in
            page.text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
        {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = match file.strip_prefix("../") {
                _ if file.is_empty() => page.path.clone(),
                Some(above) => above.to_owned(),
                None if folder.is_empty() => file.to_owned(),
                None => format!("{folder}/{file}"),
            };
            let aim = pages.iter().find(|other| other.path == path);
            let aim = aim.unwrap_or_else(|| panic!("{}: {target} leads nowhere", page.path));
            let there = heading.is_empty()
                || aim
                    .text
                    .lines()
                    .filter_map(|line| {
                        line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
                    })
                    .any(|title| {
                        let plain: String =
                            title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect();
                        plain.to_lowercase().replace(' ', "-") == heading
                    });
            assert!(there, "{}: {target} has no such heading", page.path);
            links += 1;
        }
    }
    assert!(links > 100, "{links}");
}
