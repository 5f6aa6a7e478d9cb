//! Completions and man pages, from the command line's own definition.

use std::{fs, path::Path};

use anyhow::Context as _;
use clap::{Command, CommandFactory};

use crate::{cli::Cli, commands, output};

fn command() -> Command {
    let mut command = commands::add_products(Cli::command());
    command.build();
    command
}

/// Prints the completions of a shell.
///
/// # Errors
/// They cannot be written.
pub fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut commands::add_products(Cli::command()), "ravelin", &mut text);
    output::line(String::from_utf8_lossy(&text).trim_end())
}

/// Writes a man page for the program and each of its commands, operations among them.
///
/// # Errors
/// The directory or a page cannot be written.
pub fn write(directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let mut pages = 0;
    write_page(directory, &command(), "ravelin", &mut pages)?;
    output::note(&format!("{pages} man pages in {}; read one with `man -l FILE`", directory.display()));
    Ok(())
}

fn write_page(directory: &Path, command: &Command, name: &str, pages: &mut usize) -> anyhow::Result<()> {
    let path = directory.join(format!("{name}.1"));
    let mut page = Vec::new();
    let manual = clap_mangen::Man::new(command.clone().name(name.to_owned()));
    manual.render(&mut page)?;
    let page = with_values(command, &String::from_utf8_lossy(&page));
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    *pages += 1;
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        write_page(directory, inner, &format!("{name}-{}", inner.get_name()), pages)?;
    }
    Ok(())
}

/// The page, with the value of each option in the line that says how the command is called.
fn with_values(command: &Command, page: &str) -> String {
    let Some((before, synopsis)) = page.split_once(".SH SYNOPSIS\n") else { return page.to_owned() };
    let (line, behind) = synopsis.split_once('\n').unwrap_or((synopsis, ""));
    let mut line = line.to_owned();
    for option in command.get_opts().filter(|option| option.get_action().takes_values()) {
        let Some(name) = option.get_long() else { continue };
        let Some(values) = option.get_value_names() else { continue };
        let values: Vec<&str> = values.iter().map(clap::builder::Str::as_str).collect();
        let written = format!("\\fB\\-\\-{}\\fR", name.replace('-', "\\-"));
        for end in [']', '>'] {
            let whole = format!("{written} \\fI{}\\fR{end}", values.join(" "));
            line = line.replace(&format!("{written}{end}"), &whole);
        }
    }
    format!("{before}.SH SYNOPSIS\n{line}\n{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_in_no_page_and_in_no_completion() {
        assert!(command().get_subcommands().all(|inner| !inner.is_hide_set()));
    }

    #[test]
    fn the_synopsis_has_the_values_of_options() {
        let folder = tempfile::tempdir().unwrap();
        let mut pages = 0;
        write_page(folder.path(), &command(), "ravelin", &mut pages).unwrap();
        let page = fs::read_to_string(folder.path().join("ravelin-agent-status.1")).unwrap();
        let synopsis = page.lines().find(|line| line.contains("json")).unwrap();
        assert!(synopsis.contains("[\\fB\\-\\-socket\\fR \\fIPATH\\fR]"), "{synopsis}");
        assert!(synopsis.contains("[\\fB\\-\\-json\\fR]"), "{synopsis}");
    }
}
