//! What people fill in: names and values of a query string or of a form.
//!
//! Unlike parameters of the API names may come more than once; then the first counts. Bounded by the server's bounds on
//! addresses and bodies, and by how many values are read.

use wire::protocol::percent;

/// The most values of one form.
const VALUES_MAX: usize = 1_000;
/// The most bytes of a query string in which what was filled in is kept: servers and proxies take no addresses of any length.
const QUERY_BYTES_MAX: usize = 8_000;

/// Names and values, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    values: Vec<(String, String)>,
}

impl Form {
    /// Reads a query string or a body of the type `application/x-www-form-urlencoded`. None where it is malformed.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let mut values = Vec::new();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if values.len() == VALUES_MAX {
                return None;
            }
            let mut sides = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(sides.next().unwrap_or_default())?;
            values.push((name, decode(sides.next().unwrap_or_default())?));
        }
        Some(Self { values })
    }

    /// The first value of this name, without the blanks around it; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The first value of this name, where it is given and not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Everything, in the order in which it came.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A query string of these names and values. What would make it too long is left out.
pub(crate) fn query<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
        let pair = format!("{}={}", percent::encode(name), percent::encode(value));
        if query.len() + pair.len() < QUERY_BYTES_MAX {
            query.extend((!query.is_empty()).then_some('&'));
            query.push_str(&pair);
        }
    }
    query
}

fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(*rest.next()?)? << 4 | digit(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_of_a_name_counts() {
        let form = Form::read(b"a=1+%2B%c3%a4&b=&a=%202%20&c").unwrap();
        assert_eq!(form.get("a"), "1 +\u{e4}");
        assert_eq!(form.pairs().nth(2), Some(("a", " 2 ")));
        assert_eq!((form.given("b"), form.given("c"), form.given("d")), (None, None, None));
        assert_eq!(form.pairs().count(), 4);
    }

    #[test]
    fn a_query_string_says_the_same_as_long_as_there_is_room() {
        let pairs = [("a", "1 +\u{e4}&"), ("b", ""), ("c", "x")];
        let form = Form::read(query(pairs.into_iter()).as_bytes()).unwrap();
        assert_eq!(form.pairs().collect::<Vec<_>>(), [pairs[0], pairs[2]]);
        let long = "\n".repeat(QUERY_BYTES_MAX / 3);
        let pairs = [("a", "1"), ("long", long.as_str()), ("c", "x")];
        assert_eq!(query(pairs.into_iter()), "a=1&c=x");
    }

    #[test]
    fn what_is_malformed_is_no_form() {
        for text in [&b"a=%2"[..], b"a=%zz", b"a=%ff"] {
            assert_eq!(Form::read(text), None);
        }
        assert_eq!(Form::read("a=1&".repeat(VALUES_MAX + 1).as_bytes()), None);
    }
}
