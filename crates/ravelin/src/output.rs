//! How results are printed: tables for people, JSON for programs. Colours only on a terminal.

use std::io::{self, IsTerminal, Write};

use anyhow::Context as _;
use comfy_table::{Cell, ContentArrangement, Table, presets};

use crate::visible;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Writes a line to standard output. A reader that has gone away ends the program quietly, as it does for others.
///
/// # Errors
/// It cannot be written, for another reason: the disk is full.
pub fn line(text: &str) -> anyhow::Result<()> {
    try_line(text).map_or_else(unwritten, Ok)
}

/// What [`line`] does where a line cannot be written.
///
/// # Errors
/// Always, but for a reader that has gone away: that ends the program.
pub fn unwritten(error: io::Error) -> anyhow::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(141);
    }
    Err(error).context(UNWRITABLE)
}

/// Writes a line that cannot be had a second time, a secret, to standard output. Also a reader that has gone away is an
/// error here; `remedy` says what is so, and what to do now.
///
/// # Errors
/// It cannot be written.
pub fn line_once(text: &str, remedy: impl FnOnce() -> String) -> anyhow::Result<()> {
    try_line(text).context(UNWRITABLE).with_context(remedy)
}

/// What went wrong where a result cannot be written.
pub const UNWRITABLE: &str = "cannot write to standard output";

/// Writes a line to standard output, for those who have something to put in order when nobody reads it.
///
/// # Errors
/// It cannot be written.
pub fn try_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", visible::lines(text)).and_then(|()| out.flush())
}

/// Clears the terminal that standard output is, so that what follows stands at its top.
///
/// # Errors
/// It cannot be written.
pub fn clear() -> anyhow::Result<()> {
    // Not as text: there it would be escaped, since nobody may clear a screen by a name.
    write!(io::stdout().lock(), "\u{1b}[2J\u{1b}[H").or_else(unwritten)
}

/// Writes a line for people beside the result.
pub fn note(text: &str) {
    // Nobody can be told that telling failed.
    let _ = writeln!(io::stderr().lock(), "{}", visible::lines(text));
}

/// The blanks between two columns of a table.
pub const GAP: usize = 2;

/// A table with these columns. A cell is one line, whatever is in it, so that none can look like a row.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let one_line = |row: Vec<String>| row.iter().map(|cell| visible::line(cell).into_owned()).collect();
    table_of_lines(columns, rows.into_iter().map(one_line))
}

/// A table with these columns, whose cells may have several lines.
pub fn table_of_lines(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width() + GAP).unwrap_or(u16::MAX));
    table.set_header(columns.iter().map(|column| Cell::new(column.to_uppercase())));
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, u16::try_from(GAP).unwrap_or(0)));
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Wider than anything that is printed: nothing is broken into lines, and nothing is left out.
const UNBOUNDED: usize = 60_000;

/// How wide a table may be: as COLUMNS says, as the terminal is, or as wide as it likes where there is none.
pub fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok();
    let terminal = if io::stdout().is_terminal() { Table::new().width() } else { None };
    width_of(asked.as_deref(), terminal.map(usize::from))
}

fn width_of(asked: Option<&str>, terminal: Option<usize>) -> usize {
    let asked = asked.and_then(|text| text.trim().parse().ok()).filter(|width| *width > 0);
    asked.or(terminal).unwrap_or(UNBOUNDED).min(UNBOUNDED)
}

/// How a word may be marked on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// It matters less.
    Faint,
    /// It matters more.
    Strong,
}

/// The text, marked where standard output is a terminal that knows colours and nobody asked for none.
pub fn marked(text: &str, mark: Mark) -> String {
    let dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    if dumb || !io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text.into();
    }
    painted(text, mark)
}

fn painted(text: &str, mark: Mark) -> String {
    if text.is_empty() {
        return String::new();
    }
    let code = match mark {
        Mark::Good => "32",
        Mark::Bad => "31",
        Mark::Faint => "2",
        Mark::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// The text in lines of at most so many characters, broken between words.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two  three\nfour", 9), "one two\nthree\nfour");
        assert_eq!(wrapped("immeasurable x", 5), "immeasurable\nx");
        assert_eq!(wrapped("", 5), "");
    }

    #[test]
    fn tables_are_as_wide_as_the_terminal_and_unbounded_without_one() {
        assert_eq!(width_of(None, Some(80)), 80);
        assert_eq!(width_of(Some("100"), Some(80)), 100);
        assert_eq!(width_of(Some("100"), None), 100);
        for none in [None, Some(""), Some("0"), Some("wide")] {
            assert_eq!(width_of(none, None), UNBOUNDED, "{none:?}");
        }
    }

    #[test]
    fn a_cell_is_one_line_whatever_is_in_it() {
        let rows = [vec!["web\nsg-2  evil".to_owned(), "a\u{202e}b".to_owned()]];
        let shown = table(&["name", "description"], rows);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(shown.contains("web\\nsg-2  evil  a\\u202eb"), "{shown}");
    }

    #[test]
    fn nothing_is_not_marked() {
        assert_eq!(painted("", Mark::Bad), "");
        assert_eq!(painted("x", Mark::Bad), "\u{1b}[31mx\u{1b}[0m");
    }
}
