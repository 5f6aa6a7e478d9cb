//! Time stamps of the wire: `YYYY-MM-DDThh:mm:ssZ`, always UTC, never anything else.
//!
//! This module must not know what time it is: the time is always an argument.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Parses a time stamp, strictly, into seconds since the Unix epoch; `None` for anything but the one
/// documented form.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = bytes.len() == shape.len()
        && bytes.iter().zip(shape).all(
            |(&byte, &form)| {
                if form == b'd' { byte.is_ascii_digit() } else { byte == form }
            },
        );
    if !fits {
        return None;
    }
    let number = |at: usize, digits: usize| {
        bytes[at..at + digits].iter().fold(0i16, |sum, digit| sum * 10 + i16::from(digit - b'0'))
    };
    let small = |at: usize| i8::try_from(number(at, 2)).ok();
    let civil =
        DateTime::new(number(0, 4), small(5)?, small(8)?, small(11)?, small(14)?, small(17)?, 0).ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_second())
}

/// Writes seconds since the Unix epoch in the form of the wire; seconds outside the years -9999 to 9999 give
/// the nearest time that can be written.
#[must_use]
pub fn format(unix_seconds: i64) -> String {
    let nearest = if unix_seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let moment = Timestamp::from_second(unix_seconds).unwrap_or(nearest);
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_form_is_read_and_written() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2016-02-23T12:46:24Z"), Some(1_456_231_584));
        assert_eq!(format(1_456_231_584), "2016-02-23T12:46:24Z");
        assert_eq!(parse("2024-02-29T23:59:59Z").map(format).as_deref(), Some("2024-02-29T23:59:59Z"));
    }

    #[test]
    fn every_other_form_is_refused() {
        for text in [
            "",
            "2016-02-23T12:46:24",
            "2016-02-23t12:46:24z",
            "2016-02-23 12:46:24Z",
            "2016-02-23T12:46:24+00:00",
            "2016-02-23T12:46:24.0Z",
            "2016-2-23T12:46:24Z",
            "2016-02-30T12:46:24Z",
            "2016-13-01T12:46:24Z",
            "2016-02-23T24:00:00Z",
            "2016-02-23T12:60:00Z",
            "2016-12-31T23:59:60Z",
            "2016-02-23T12:46:2\u{666}Z",
            "1456231584",
            "-016-02-23T12:46:24Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_beyond_the_calendar_do_not_panic() {
        assert!(format(i64::MAX).starts_with("9999-12-3"));
        assert!(format(i64::MIN).starts_with("-9999"));
    }
}
