//! Points in time: as they are read, with the exact one beside.

use jiff::Timestamp;
use maud::{Markup, html};

/// A time of an answer, `2026-11-22T03:04:05Z`, as people read it.
pub(crate) fn at(text: &str) -> Markup {
    html! {
        @if !text.is_empty() {
            time datetime=(text) { (plain(text)) }
        }
    }
}

/// The same in words: `2026-11-22 03:04:05 UTC`.
pub(crate) fn plain(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => text.to_owned(),
    }
}

/// A length of time, given in microseconds, in the unit that suits it.
pub(crate) fn microseconds(length: u64) -> String {
    match length {
        0..1_000 => format!("{length} \u{b5}s"),
        1_000..1_000_000 => format!("{}.{} ms", length / 1_000, length % 1_000 / 100),
        _ => format!("{}.{} s", length / 1_000_000, length % 1_000_000 / 100_000),
    }
}

/// A length of time, given in milliseconds.
pub(crate) fn milliseconds(length: u64) -> String {
    match length {
        0..1_000 => format!("{length} ms"),
        1_000..60_000 => format!("{} s", length / 1_000),
        60_000..3_600_000 => format!("{} min", length / 60_000),
        3_600_000..86_400_000 => format!("{} h", length / 3_600_000),
        86_400_000..172_800_000 => "1 day".into(),
        _ => format!("{} days", length / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_unit_that_suits_them() {
        assert_eq!(plain("2026-11-22T03:04:05Z"), "2026-11-22 03:04:05 UTC");
        assert_eq!(plain("soon"), "soon");
        assert_eq!(
            [microseconds(7), microseconds(1_270), microseconds(2_500_000)],
            ["7 \u{b5}s", "1.2 ms", "2.5 s"]
        );
        assert_eq!(
            [milliseconds(999), milliseconds(61_000), milliseconds(90_000_000)],
            ["999 ms", "1 min", "1 day"]
        );
    }
}
