//! Every promise of SPECIFICATION.md names a test that exists.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what helps tests is a test")]

use std::{fs, path::Path};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The numbered promises: number and text, joined over lines.
fn promises(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let numbered = line.split_once(". ").and_then(|(number, rest)| Some((number.parse().ok()?, rest)));
        if let Some((number, rest)) = numbered {
            found.push((number, rest.to_owned()));
        } else if let (true, Some((_, promise))) = (line.starts_with("   "), found.last_mut()) {
            promise.push(' ');
            promise.push_str(line.trim());
        }
    }
    found
}

fn exists(source: &str, path: &str, name: &str) -> bool {
    let declared = match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("py") => format!("def {name}("),
        Some("js") => format!("test('{name}'"),
        _ => format!("fn {name}("),
    };
    source.contains(&declared)
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let text = fs::read_to_string(Path::new(ROOT).join("SPECIFICATION.md")).unwrap();
    let promises = promises(&text);
    assert!(promises.len() > 50, "{}", promises.len());
    let mut wrong = Vec::new();
    for (place, (number, promise)) in promises.iter().enumerate() {
        if *number != place + 1 {
            wrong.push(format!("{number} stands in place {}", place + 1));
        }
        let Some((_, tests)) = promise.split_once("Test: ") else {
            wrong.push(format!("{number} names no test"));
            continue;
        };
        // A path, then the tests in that file; then perhaps another path.
        let (mut path, mut source, mut named) = ("", String::new(), 0);
        for word in quoted(tests) {
            if word.contains('/') {
                path = word;
                source = fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_default();
                if source.is_empty() {
                    wrong.push(format!("{number}: there is no {path}"));
                }
            } else {
                named += 1;
                if !exists(&source, path, word) {
                    wrong.push(format!("{number}: {path} has no test {word}"));
                }
            }
        }
        if named == 0 {
            wrong.push(format!("{number} names no test"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
