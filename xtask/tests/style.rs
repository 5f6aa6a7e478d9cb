//! Rules of the tree that no other tool checks: how long files are, which words are in none, and that modules say what
//! they are for.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The most lines of a source file.
const LINES_MAX: usize = 700;
/// What is longer on purpose, with the reason.
const LONG: &[(&str, &str)] = &[];

/// Directories that are not ours, or made.
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "__pycache__", "ravelin-data"];
/// Files that a program writes: they follow its rules.
const WRITTEN_BY_PROGRAMS: &[&str] = &["Cargo.lock", "package-lock.json", "requirements.txt"];

/// Marks of what is not done yet. In two parts, so that this file is none that has them.
const UNDONE: &[(&str, &str)] =
    &[("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("unimplement", "ed!"), ("tod", "o!(")];
/// Paths of somebody's machine.
const PATHS: &[(&str, &str)] =
    &[("/wo", "rk/"), ("/ho", "me/"), ("/ro", "ot/"), ("/Use", "rs/"), ("/op", "t/wheels")];
/// Hosts that packages come from: which one is everybody's own setting.
const REGISTRIES: &[(&str, &str)] = &[
    ("pypi.", "org"),
    ("python", "hosted"),
    ("npm", "js."),
    ("index.crates", ".io"),
    ("static.crates", ".io"),
];

struct File {
    /// The path within the tree.
    path: String,
    text: String,
}

fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("a parent").to_owned()
}

/// Every file of the tree that is text.
fn files() -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory that can be read") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if SKIPPED.contains(&name.as_str()) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(&root).expect("within the tree").to_string_lossy().into_owned();
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 50, "the tree has more files than {}", found.len());
    found
}

fn is_source(path: &str) -> bool {
    [".rs", ".py", ".js", ".sh", ".c", ".h"].iter().any(|ending| path.ends_with(ending))
}

fn is_written_by_a_program(path: &str) -> bool {
    WRITTEN_BY_PROGRAMS.iter().any(|name| path.ends_with(name))
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn files_are_short() {
    let long = files().into_iter().filter(|file| is_source(&file.path)).filter_map(|file| {
        let lines = file.text.lines().count();
        let allowed = LONG.iter().any(|(path, _)| *path == file.path);
        (lines > LINES_MAX && !allowed)
            .then(|| format!("{} has {lines} lines, {LINES_MAX} are enough", file.path))
    });
    assert_none(&long.collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_undone() {
    assert_none(&occurrences(UNDONE, |_| true));
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    // What clients once sent, and what the vendor published, is kept as it was.
    assert_none(&occurrences(PATHS, |path| {
        !path.contains("/captures/") && !path.contains("/catalogue/ens-ops.json")
    }));
}

#[test]
fn no_registry_is_written_down() {
    assert_none(&occurrences(REGISTRIES, |_| true));
}

fn occurrences(words: &[(&str, &str)], looked_at: impl Fn(&str) -> bool) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|(first, second)| format!("{first}{second}")).collect();
    let mut found = Vec::new();
    for file in files() {
        if is_written_by_a_program(&file.path) || !looked_at(&file.path) {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            for word in words.iter().filter(|word| stands_in(line, word)) {
                found.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    found
}

/// Whether a word stands in a line, not as a part of a longer word or path.
fn stands_in(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '-';
    let whole_before = word.starts_with(|c: char| c.is_alphanumeric() || c == '/');
    let whole_after = word.chars().all(|c| c.is_ascii_uppercase());
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let is_part = whole_before && before.is_some_and(joins) || whole_after && after.is_some_and(joins);
        !is_part
    })
}

#[test]
fn modules_say_what_they_are_for() {
    let silent = files().into_iter().filter(|file| {
        let of_ours = file.path.starts_with("crates/") || file.path.starts_with("xtask/");
        // A file of unit tests is for the module beside it.
        of_ours
            && file.path.ends_with(".rs")
            && !file.path.ends_with("tests.rs")
            && !file.text.starts_with("//!")
    });
    let silent: Vec<String> = silent.map(|file| format!("{} does not begin with `//!`", file.path)).collect();
    assert_none(&silent);
}

/// The targets of a Markdown text's links and images, those in code left out.
fn link_targets(text: &str) -> Vec<&str> {
    let mut in_block = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        // What stands between backticks is every second piece.
        for piece in line.split('`').step_by(2).filter(|_| !in_block) {
            let after = piece.match_indices("](").map(|(at, opening)| &piece[at + opening.len()..]);
            found.extend(after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target));
        }
    }
    found
}

#[test]
fn links_between_documents_lead_to_files() {
    let root = root();
    let mut looked_at = 0;
    let mut broken = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".md")) {
        let folder = root.join(&file.path).parent().expect("a folder").to_owned();
        for target in link_targets(&file.text) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            looked_at += 1;
            if !folder.join(path).exists() {
                broken.push(format!("{}: {target} leads nowhere", file.path));
            }
        }
    }
    assert!(looked_at > 100, "the documents have more links than {looked_at}");
    assert_none(&broken);
}

#[test]
fn links_are_found_outside_of_code_alone() {
    let text = "See [one](a.md#b) and ![two](c.svg).\n`[no](d)`\n```sh\n[no](e)\n```\n[three](f)";
    assert_eq!(link_targets(text), ["a.md#b", "c.svg", "f"]);
}

#[test]
fn words_are_found_where_they_stand_alone() {
    assert!(stands_in("// NOTE: later", "NOTE"));
    assert!(!stands_in("NOTES and FOOTNOTE", "NOTE"));
    assert!(stands_in("see /somewhere/else", "/somewhere/"));
    assert!(!stands_in("a/somewhere/else", "/somewhere/"));
}
