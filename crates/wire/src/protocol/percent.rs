//! The percent encoding of the signatures: only `A-Z a-z 0-9 - _ . ~` stay as they are (RFC 3986, section
//! 2.3).
//!
//! Both signature versions sign decoded values that are encoded again by this rule, whatever the client put
//! on the wire (a blank travels as `+` and is signed as `%20`). This module must not know what it encodes.

const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// `UNRESERVED[byte]` tells whether the byte stays as it is.
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        byte += 1;
    }
    table
};

/// Appends `text`, percent-encoded once.
pub fn encode_into(out: &mut String, text: &str) {
    encode_runs(out, text, "%");
}

/// Appends `text`, percent-encoded twice: what V1 does to a name or a value on its way into the string to
/// sign.
///
/// Encoding twice differs from encoding once only in the percent sign, which becomes `%25`.
pub fn encode_twice_into(out: &mut String, text: &str) {
    encode_runs(out, text, "%25");
}

/// `text`, percent-encoded once.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    encode_into(&mut out, text);
    out
}

/// Copies the runs that stay and writes `escape` and two digits for each byte between them.
///
/// The bytes that stay are ASCII, so a run that is not empty begins and ends between characters.
fn encode_runs(out: &mut String, text: &str, escape: &str) {
    let mut run_start = 0;
    for (index, &byte) in text.as_bytes().iter().enumerate() {
        if UNRESERVED[usize::from(byte)] {
            continue;
        }
        if run_start < index {
            out.push_str(&text[run_start..index]);
        }
        out.push_str(escape);
        out.push(char::from(HEX_UPPER[usize::from(byte >> 4)]));
        out.push(char::from(HEX_UPPER[usize::from(byte & 15)]));
        run_start = index + 1;
    }
    if run_start < text.len() {
        out.push_str(&text[run_start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unreserved_characters_stay() {
        assert_eq!(encode("AZaz09-_.~"), "AZaz09-_.~");
        assert_eq!(encode("a b+c*d/e=f&g%"), "a%20b%2Bc%2Ad%2Fe%3Df%26g%25");
        assert_eq!(encode(""), "");
        assert_eq!(encode("\u{e9}\u{1f600}x"), "%C3%A9%F0%9F%98%80x");
    }

    #[test]
    fn twice_is_once_of_once() {
        for text in ["", "plain", "a b", "100%", "\u{e9}=&\u{1f600}", "\u{e9}\u{e9}"] {
            let mut twice = String::new();
            encode_twice_into(&mut twice, text);
            assert_eq!(twice, encode(&encode(text)));
        }
    }
}
