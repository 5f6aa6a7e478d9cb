//! Characters that are not seen, made visible: whoever may name something must not be able to write over the terminal, add a
//! row to a table, or have text read in another order than it is.
//!
//! They are written as JSON escapes (`\u202e`), so that JSON stays the JSON that it is.

use std::{borrow::Cow, fmt::Write as _};

/// The marks that this program itself makes on a terminal, without their first character. In what others wrote they do nothing
/// but colour it.
const MARKS: [&str; 5] = ["[0m", "[1m", "[2m", "[31m", "[32m"];

/// The text of many lines with everything unseen in it escaped, but line ends, tabs and marks.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

/// The text as one line: line ends and tabs are escaped, too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_hidden = |character| is_unseen(character) && !is_kept(character);
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for (place, character) in text.char_indices() {
        let is_mark = || {
            let rest = text.get(place + 1..).unwrap_or_default();
            character == '\u{1b}' && MARKS.iter().any(|mark| rest.starts_with(mark))
        };
        if !is_hidden(character) || is_mark() {
            shown.push(character);
        } else {
            put_escape(&mut shown, character);
        }
    }
    Cow::Owned(shown)
}

fn put_escape(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                // Writing to memory does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
}

/// Whether a character is not seen, or changes how others are: control characters, those that set the direction of text, those
/// without width, and ends of lines and paragraphs.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_escaped_and_all_else_is_as_it_was() {
        for (text, shown) in [
            ("web, Größe 日本", "web, Größe 日本"),
            ("a\u{202e}b\u{200b}c", "a\\u202eb\\u200bc"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{9b}31m", "\\u009b31m"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!((&*line(text), &*lines(text)), (shown, shown));
        }
        assert_eq!((&*line("a\r\n\tb"), &*lines("a\n\tb")), ("a\\r\\n\\tb", "a\n\tb"));
    }

    #[test]
    fn json_stays_what_it_is() {
        let value = serde_json::json!({ "Description": "a\u{202e}\u{e0041}\n\u{1b}" });
        let printed = lines(&serde_json::to_string_pretty(&value).unwrap()).into_owned();
        assert!(printed.is_ascii());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
    }
}
