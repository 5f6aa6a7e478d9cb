//! `ravelin reference`: the pages of the reference documentation, from catalogue to directory.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use wire::reference::{Page, pages};

use crate::{cli::ReferenceArguments, output};

/// The name of the subcommand.
pub const COMMAND: &str = "reference";

/// The subcommand, hidden.
pub fn command() -> Command {
    let about = "Write the reference documentation, or see whether it is current";
    ReferenceArguments::augment_args(Command::new(COMMAND).hide(true).about(about))
}

/// Carries the subcommand out.
///
/// # Errors
/// The directory cannot be read or written.
pub fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let arguments = ReferenceArguments::from_arg_matches(matches)?;
    write_all(&arguments.directory, arguments.check)
}

/// Writes the pages into a directory, or names those that are out of date there.
///
/// # Errors
/// The directory cannot be read or written.
fn write_all(directory: &Path, check: bool) -> anyhow::Result<ExitCode> {
    let pages = pages();
    let mut outdated: Vec<PathBuf> = Vec::new();
    for page in &pages {
        let path = directory.join(&page.path);
        if !is_current(&path, page)? {
            outdated.push(path.clone());
            if !check {
                write(&path, page)?;
            }
        }
    }
    let left_over = left_over(directory, &pages)?;
    for path in outdated.iter().chain(left_over.iter().filter(|_| check)) {
        output::line(&path.display().to_string())?;
    }
    if !check {
        // Whoever named the wrong directory has files of their own there: nothing is removed.
        for path in &left_over {
            output::note(&format!("{} is no page: remove it", path.display()));
        }
        output::note(&format!("{} pages, {} of them new or changed", pages.len(), outdated.len()));
        return Ok(ExitCode::SUCCESS);
    }
    let count = outdated.len() + left_over.len();
    if count > 0 {
        output::note(&format!("{count} pages are out of date; `ravelin reference DIR` writes them"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn is_current(path: &Path, page: &Page) -> anyhow::Result<bool> {
    match fs::read(path) {
        Ok(text) => Ok(text == page.text.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write(path: &Path, page: &Page) -> anyhow::Result<()> {
    let problem = || format!("cannot write {}", path.display());
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(problem)?;
    }
    fs::write(path, &page.text).with_context(problem)
}

/// The Markdown files in the directories of pages that are none of the pages: operations that are no more.
fn left_over(directory: &Path, pages: &[Page]) -> anyhow::Result<BTreeSet<PathBuf>> {
    let made: BTreeSet<PathBuf> = pages.iter().map(|page| directory.join(&page.path)).collect();
    let directories: BTreeSet<&Path> = made.iter().filter_map(|path| path.parent()).collect();
    let mut found = BTreeSet::new();
    for directory in directories {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("cannot read {}", directory.display()))?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") && !made.contains(&path) {
                found.insert(path);
            }
        }
    }
    Ok(found)
}
