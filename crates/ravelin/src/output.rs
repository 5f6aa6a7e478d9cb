//! How results are printed: tables for people, JSON for programs. Colours only on a terminal.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, ContentArrangement, Table, presets};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Writes a line to standard output. A reader that has gone away ends the program quietly, as it does for others.
pub fn line(text: &str) {
    if let Err(error) = try_line(text)
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        std::process::exit(141);
    }
}

/// Writes a line to standard output, for those who have something to put in order when nobody reads it.
///
/// # Errors
/// It cannot be written.
pub fn try_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// Writes a line for people beside the result.
pub fn note(text: &str) {
    // Nobody can be told that telling failed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A table with these columns.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|column| Cell::new(column.to_uppercase())));
    for row in rows {
        table.add_row(row);
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// How wide a table may be: as the terminal is, or 160 characters where there is none.
pub fn width() -> usize {
    Table::new().width().map_or(160, usize::from)
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

/// The text, marked where standard output is a terminal and nobody asked for no colour.
pub fn marked(text: &str, mark: Mark) -> String {
    if !io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text.into();
    }
    let code = match mark {
        Mark::Good => "32",
        Mark::Bad => "31",
        Mark::Faint => "2",
        Mark::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
