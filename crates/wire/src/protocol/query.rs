//! Decoding query strings and form bodies into parameters.
//!
//! Decides what is one parameter: names are exact and case-sensitive, `+` and `%20` are blanks, and a name
//! that stands in both the query and the form body is taken from the body. A name given twice in the same
//! source is refused: no client sends that, and a V3 signature would not tell the order of the two, so
//! whoever relays the request could choose which one counts. This module must not know what any parameter
//! means.

use std::collections::TryReserveError;

/// Bounds on what one request may carry; the size of the body itself is bounded by whoever reads it.
#[derive(Clone, Copy, Debug)]
pub struct QueryLimits {
    /// How many parameters the query and the form body may have together.
    pub parameters_max: usize,
    /// The longest decoded name, in bytes.
    pub name_bytes_max: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { parameters_max: 1_000, name_bytes_max: 256 }
    }
}

/// Why a query string or a form body is not a set of parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A `%` is not followed by two hexadecimal digits.
    #[error("a percent escape is not followed by two hexadecimal digits")]
    BadEscape,
    /// A decoded name or value is not UTF-8.
    #[error("a parameter is not UTF-8")]
    NotUtf8,
    /// A parameter has no name.
    #[error("a parameter has no name")]
    Unnamed,
    /// A name is longer than the bound.
    #[error("a parameter name is longer than {name_bytes_max} bytes")]
    LongName {
        /// The bound, in bytes.
        name_bytes_max: usize,
    },
    /// There are more parameters than the bound.
    #[error("there are more than {parameters_max} parameters")]
    TooMany {
        /// The bound.
        parameters_max: usize,
    },
    /// A name stands twice in the query, or twice in the form body.
    #[error("the parameter {0} is given twice")]
    Repeated(String),
    /// The text is too long to be held.
    #[error("the parameters are too long")]
    TooLong,
}

impl From<TryReserveError> for QueryError {
    fn from(_: TryReserveError) -> Self {
        Self::TooLong
    }
}

/// Where a parameter stood. The order matters: of two entries with one name the form body's sorts last and
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Query,
    Form,
}

/// One parameter: its name is `text[start..middle]`, its value `text[middle..end]`.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    middle: usize,
    end: usize,
    source: Source,
}

/// The decoded parameters of one request, sorted by the bytes of their names.
///
/// All text lives in one buffer, so that decoding costs two allocations however many parameters there are.
#[derive(Clone, Default)]
pub struct Pairs {
    text: String,
    entries: Vec<Entry>,
}

impl std::fmt::Debug for Pairs {
    /// Names only: values may be passwords and tokens.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.entries.iter().map(|entry| self.name(entry))).finish()
    }
}

impl Pairs {
    /// Decodes the query string (without its `?`) and the form body; either may be empty.
    ///
    /// # Errors
    /// [`QueryError`], whichever cause is met first.
    pub fn decode(query: &[u8], form: &[u8], limits: &QueryLimits) -> Result<Self, QueryError> {
        let mut pairs = Self::default();
        pairs.text.try_reserve(query.len().saturating_add(form.len()))?;
        let mut scratch = Vec::new();
        pairs.read(query, Source::Query, limits, &mut scratch)?;
        pairs.read(form, Source::Form, limits, &mut scratch)?;
        pairs.sort()?;
        Ok(pairs)
    }

    /// The value of a parameter, that of the form body where both sources have it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let after = self.entries.partition_point(|entry| self.name(entry) <= name);
        let entry = self.entries.get(after.checked_sub(1)?)?;
        (self.name(entry) == name).then(|| self.value(entry))
    }

    /// The merged parameters, each name once, sorted by name: what counts, and what V1 signs.
    pub fn merged(&self) -> impl Iterator<Item = (&str, &str)> {
        self.effective(&self.entries)
    }

    /// The merged parameters whose names begin with `prefix`, sorted by name.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let from = self.entries.partition_point(|entry| self.name(entry) < prefix);
        self.effective(&self.entries[from..]).take_while(move |(name, _)| name.starts_with(prefix))
    }

    /// The parameters of the query string alone, sorted by name: what V3 signs.
    pub fn of_query(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_query = self.entries.iter().filter(|entry| entry.source == Source::Query);
        of_query.map(|entry| (self.name(entry), self.value(entry)))
    }

    /// The length of all names and values together, in bytes.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    fn effective<'a>(&'a self, entries: &'a [Entry]) -> impl Iterator<Item = (&'a str, &'a str)> {
        entries.iter().enumerate().filter_map(move |(index, entry)| {
            let name = self.name(entry);
            let overridden = entries.get(index + 1).is_some_and(|next| self.name(next) == name);
            (!overridden).then(|| (name, self.value(entry)))
        })
    }

    fn read(
        &mut self,
        raw: &[u8],
        source: Source,
        limits: &QueryLimits,
        scratch: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        for piece in raw.split(|&byte| byte == b'&').filter(|piece| !piece.is_empty()) {
            if self.entries.len() >= limits.parameters_max {
                return Err(QueryError::TooMany { parameters_max: limits.parameters_max });
            }
            let equals = piece.iter().position(|&byte| byte == b'=');
            let (name, value) = match equals {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &[][..]),
            };
            let start = self.text.len();
            self.text.push_str(decode(name, scratch)?);
            let middle = self.text.len();
            if middle == start {
                return Err(QueryError::Unnamed);
            }
            if middle - start > limits.name_bytes_max {
                return Err(QueryError::LongName { name_bytes_max: limits.name_bytes_max });
            }
            self.text.push_str(decode(value, scratch)?);
            self.entries.push(Entry { start, middle, end: self.text.len(), source });
        }
        Ok(())
    }

    /// Sorts by name, then source, and refuses a name that one source has twice.
    fn sort(&mut self) -> Result<(), QueryError> {
        let text = self.text.as_str();
        let key = |entry: &Entry| (&text[entry.start..entry.middle], entry.source);
        self.entries.sort_unstable_by(|left, right| key(left).cmp(&key(right)));
        match self.entries.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
            Some(pair) => Err(QueryError::Repeated(self.name(&pair[0]).to_owned())),
            None => Ok(()),
        }
    }

    fn name(&self, entry: &Entry) -> &str {
        &self.text[entry.start..entry.middle]
    }

    fn value(&self, entry: &Entry) -> &str {
        &self.text[entry.middle..entry.end]
    }
}

/// Decodes one name or value; `scratch` is only used where there is something to decode.
fn decode<'a>(raw: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<&'a str, QueryError> {
    if !raw.iter().any(|&byte| byte == b'%' || byte == b'+') {
        return std::str::from_utf8(raw).map_err(|_| QueryError::NotUtf8);
    }
    scratch.clear();
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => scratch.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or(QueryError::BadEscape)?;
                scratch.push(hex_digit(digits[0])? << 4 | hex_digit(digits[1])?);
                rest = after;
            }
            _ => scratch.push(byte),
        }
    }
    std::str::from_utf8(scratch).map_err(|_| QueryError::NotUtf8)
}

fn hex_digit(digit: u8) -> Result<u8, QueryError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(QueryError::BadEscape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str, form: &str) -> Pairs {
        Pairs::decode(query.as_bytes(), form.as_bytes(), &QueryLimits::default()).unwrap()
    }

    fn refusal(query: &[u8], form: &[u8]) -> QueryError {
        Pairs::decode(query, form, &QueryLimits::default()).unwrap_err()
    }

    #[test]
    fn blanks_escapes_and_missing_values_are_decoded() {
        let pairs = pairs("Tag.1.Key=a+b&Tag.1.Value=c%26d%2a~&SignatureType=&Bare&&Name=x%20y=z", "");
        assert_eq!(pairs.get("Tag.1.Key"), Some("a b"));
        assert_eq!(pairs.get("Tag.1.Value"), Some("c&d*~"));
        assert_eq!(pairs.get("SignatureType"), Some(""));
        assert_eq!(pairs.get("Bare"), Some(""));
        assert_eq!(pairs.get("Name"), Some("x y=z"));
        assert_eq!(pairs.get("name"), None);
        assert_eq!(pairs.get(""), None);
    }

    #[test]
    fn the_body_wins_on_a_clash_and_the_query_alone_stays_visible() {
        let pairs = pairs("B=query&A=1", "B=form&C=3");
        assert_eq!(pairs.get("B"), Some("form"));
        assert_eq!(pairs.merged().collect::<Vec<_>>(), [("A", "1"), ("B", "form"), ("C", "3")]);
        assert_eq!(pairs.of_query().collect::<Vec<_>>(), [("A", "1"), ("B", "query")]);
    }

    #[test]
    fn a_prefix_selects_its_names_only() {
        let pairs = pairs("Tag.1.Key=k&Tag.1.Value=v&Tag=t&Tags=x&TagKey.1=y", "Tag.1.Key=w");
        let selected: Vec<_> = pairs.with_prefix("Tag.").collect();
        assert_eq!(selected, [("Tag.1.Key", "w"), ("Tag.1.Value", "v")]);
    }

    #[test]
    fn each_bad_input_has_its_error() {
        for bad in [&b"a=%"[..], b"a=%4", b"a=%zz", b"%=1", b"a=%4%31"] {
            assert_eq!(refusal(bad, b""), QueryError::BadEscape);
            assert_eq!(refusal(b"", bad), QueryError::BadEscape);
        }
        for bad in [&b"a=%ff"[..], b"a=\xff", b"%C3=%A9", b"a=%C3&b=%A9"] {
            assert_eq!(refusal(bad, b""), QueryError::NotUtf8);
        }
        assert_eq!(refusal(b"=1", b""), QueryError::Unnamed);
        assert_eq!(refusal(b"a=1&b=2&a=1", b""), QueryError::Repeated("a".to_owned()));
        assert_eq!(refusal(b"a=1", b"a=1&%61=2"), QueryError::Repeated("a".to_owned()));
        let long = format!("{}=1", "n".repeat(257));
        assert_eq!(refusal(long.as_bytes(), b""), QueryError::LongName { name_bytes_max: 256 });
    }

    #[test]
    fn the_bound_counts_both_sources() {
        let many = |count: usize| (0..count).map(|n| format!("p{n}=")).collect::<Vec<_>>().join("&");
        assert_eq!(pairs(&many(500), &many(500)).merged().count(), 500);
        let error = refusal(many(10_000).as_bytes(), b"");
        assert_eq!(error, QueryError::TooMany { parameters_max: 1_000 });
        assert_eq!(refusal(many(500).as_bytes(), many(501).as_bytes()), error);
    }

    #[test]
    fn values_stay_out_of_debug_output() {
        assert_eq!(format!("{:?}", pairs("Password=hunter2", "")), r#"["Password"]"#);
    }
}
