//! What people see while tasks run. Reports go to standard output, problems to standard error.

use std::io::{self, IsTerminal, Write};

/// Writes a line to standard output.
pub(crate) fn say(text: &str) {
    // A reader that has gone away must not stop the task.
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes a line to standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The text in bold, where standard output is a terminal.
pub(crate) fn bold(text: &str) -> String {
    if io::stdout().is_terminal() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}
