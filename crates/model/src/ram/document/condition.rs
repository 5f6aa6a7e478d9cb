//! Conditions: what must be so about a request for a statement to count.
//!
//! The operators are those of the product's page on conditional operators; it has no `IfExists` and no `Null`, and here
//! none is needed: every key that a document may use has a value in every request.

use std::borrow::Cow;

use ipnet::IpNet;

use super::{
    error::{DocumentError, quoted},
    json::Spot,
    pattern::{Case, Pattern},
    request::AccessRequest,
    value,
};

/// The keys, for people.
const KEYS: &str = "acs:SourceIp, acs:SecureTransport, acs:CurrentTime and acs:MFAPresent";

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    SourceIp,
    SecureTransport,
    CurrentTime,
    /// Always false: requests are signed with access keys, and no second factor is part of that. So a statement that
    /// denies what comes without a second factor denies, rather than being passed over.
    MfaPresent,
}

impl Key {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "acs:SourceIp" => Self::SourceIp,
            "acs:SecureTransport" => Self::SecureTransport,
            "acs:CurrentTime" => Self::CurrentTime,
            "acs:MFAPresent" => Self::MfaPresent,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::SourceIp => "acs:SourceIp",
            Self::SecureTransport => "acs:SecureTransport",
            Self::CurrentTime => "acs:CurrentTime",
            Self::MfaPresent => "acs:MFAPresent",
        }
    }

    /// The operators that mean something for the key.
    fn operators(self) -> &'static str {
        match self {
            Self::SourceIp => "IpAddress, NotIpAddress or a String operator",
            Self::SecureTransport | Self::MfaPresent => "Bool or a String operator",
            Self::CurrentTime => "a Date, Numeric or String operator",
        }
    }

    fn takes(self, family: Family) -> bool {
        match family {
            Family::Text(_) | Family::Like => true,
            Family::Ip => self == Self::SourceIp,
            Family::Bool => matches!(self, Self::SecureTransport | Self::MfaPresent),
            Family::Number(_) | Family::Date(_) => self == Self::CurrentTime,
        }
    }

    /// The value as a String operator sees it: an address in its shortest form, `true` or `false`, a time as
    /// `YYYY-MM-DDThh:mm:ssZ`.
    fn text(self, request: &AccessRequest<'_>) -> Cow<'static, str> {
        match self {
            Self::SourceIp => request.source_ip.to_canonical().to_string().into(),
            Self::CurrentTime => request.now.to_text().into(),
            Self::SecureTransport | Self::MfaPresent if self.truth(request) => "true".into(),
            Self::SecureTransport | Self::MfaPresent => "false".into(),
        }
    }

    fn truth(self, request: &AccessRequest<'_>) -> bool {
        self == Self::SecureTransport && request.secure_transport
    }
}

/// How a number or time compares to a value of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Text(Case),
    Like,
    Number(Comparison),
    Date(Comparison),
    Bool,
    Ip,
}

/// Every operator: what it compares, and whether it is the opposite of that.
const OPERATORS: [(&str, Family, bool); 21] = [
    ("StringEquals", Family::Text(Case::Sensitive), false),
    ("StringNotEquals", Family::Text(Case::Sensitive), true),
    ("StringEqualsIgnoreCase", Family::Text(Case::Insensitive), false),
    ("StringNotEqualsIgnoreCase", Family::Text(Case::Insensitive), true),
    ("StringLike", Family::Like, false),
    ("StringNotLike", Family::Like, true),
    ("NumericEquals", Family::Number(Comparison::Equal), false),
    ("NumericNotEquals", Family::Number(Comparison::Equal), true),
    ("NumericLessThan", Family::Number(Comparison::Less), false),
    ("NumericLessThanEquals", Family::Number(Comparison::LessOrEqual), false),
    ("NumericGreaterThan", Family::Number(Comparison::Greater), false),
    ("NumericGreaterThanEquals", Family::Number(Comparison::GreaterOrEqual), false),
    ("DateEquals", Family::Date(Comparison::Equal), false),
    ("DateNotEquals", Family::Date(Comparison::Equal), true),
    ("DateLessThan", Family::Date(Comparison::Less), false),
    ("DateLessThanEquals", Family::Date(Comparison::LessOrEqual), false),
    ("DateGreaterThan", Family::Date(Comparison::Greater), false),
    ("DateGreaterThanEquals", Family::Date(Comparison::GreaterOrEqual), false),
    ("Bool", Family::Bool, false),
    ("IpAddress", Family::Ip, false),
    ("NotIpAddress", Family::Ip, true),
];

/// One operator on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    key: Key,
    test: Test,
    /// Holds if no value matches, instead of if one does.
    negated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Text(Case, Box<[Box<str>]>),
    Like(Box<[Pattern]>),
    Order(Comparison, Box<[i64]>),
    Truth(bool),
    Network(Box<[IpNet]>),
}

impl Condition {
    /// Reads the `Condition` element of a statement. All that come of it must hold.
    pub(super) fn parse_all(element: &Spot<'_>) -> Result<Box<[Self]>, DocumentError> {
        let mut conditions = Vec::new();
        for (operator, keys) in element.object()? {
            let Some((_, family, negated)) = OPERATORS.iter().find(|(name, ..)| *name == operator) else {
                return Err(unknown_operator(element, operator));
            };
            for (key, values) in keys.object()? {
                let Some(key) = Key::parse(key) else {
                    let (place, found) = (keys.place, quoted(key));
                    return Err(DocumentError::UnknownKey { place, found, known: KEYS });
                };
                if !key.takes(*family) {
                    let (place, instead) = (values.place, key.operators());
                    return Err(DocumentError::OperatorForOtherKey { place, key: key.name(), instead });
                }
                conditions.push(Self { key, test: Test::parse(*family, &values)?, negated: *negated });
            }
        }
        Ok(conditions.into_boxed_slice())
    }

    /// Whether it is so of a request.
    pub(super) fn holds(&self, request: &AccessRequest<'_>) -> bool {
        self.any_value_matches(request) != self.negated
    }

    fn any_value_matches(&self, request: &AccessRequest<'_>) -> bool {
        match &self.test {
            Test::Text(case, values) => {
                let text = self.key.text(request);
                values.iter().any(|value| case.equal(value, &text))
            }
            Test::Like(patterns) => {
                let text = self.key.text(request);
                patterns.iter().any(|pattern| pattern.matches(&text))
            }
            Test::Order(comparison, values) => {
                let now = request.now.seconds();
                values.iter().any(|value| comparison.holds(now, *value))
            }
            Test::Truth(wanted) => self.key.truth(request) == *wanted,
            Test::Network(networks) => {
                let address = request.source_ip.to_canonical();
                networks.iter().any(|network| network.contains(&address))
            }
        }
    }
}

impl Test {
    fn parse(family: Family, values: &Spot<'_>) -> Result<Self, DocumentError> {
        let texts = values.texts()?;
        for (spot, text) in &texts {
            if text.contains("${") {
                let (place, found) = (spot.place.clone(), quoted(text));
                return Err(DocumentError::BadValue {
                    place,
                    found,
                    expected: "a text without policy variables",
                });
            }
        }
        Ok(match family {
            Family::Text(case) => Self::Text(case, texts.iter().map(|(_, text)| Box::from(*text)).collect()),
            Family::Like => {
                Self::Like(texts.iter().map(|(_, text)| Pattern::new(text, Case::Sensitive)).collect())
            }
            Family::Number(comparison) => Self::Order(
                comparison,
                all(&texts, value::whole_number, "a whole number of seconds since 1970")?,
            ),
            Family::Date(comparison) => {
                let expected = "a time with seconds and offset, such as \"2026-01-31T17:00:00+08:00\"";
                Self::Order(comparison, all(&texts, value::time_seconds, expected)?)
            }
            Family::Bool => match &*all(&texts, value::truth, "\"true\" or \"false\"")? {
                [truth] => Self::Truth(*truth),
                _ => return Err(DocumentError::OneValueOnly { place: values.place.clone() }),
            },
            Family::Ip => {
                let expected = "an address or a range, such as \"10.0.0.0/8\" or \"2001:db8::/32\"";
                Self::Network(all(&texts, value::network, expected)?)
            }
        })
    }
}

/// Reads every value, or says which one cannot be read.
fn all<T>(
    texts: &[(Spot<'_>, &str)],
    read: fn(&str) -> Option<T>,
    expected: &'static str,
) -> Result<Box<[T]>, DocumentError> {
    let bad = |spot: &Spot<'_>, text| {
        let (place, found) = (spot.place.clone(), quoted(text));
        DocumentError::BadValue { place, found, expected }
    };
    texts.iter().map(|(spot, text)| read(text).ok_or_else(|| bad(spot, text))).collect()
}

fn unknown_operator(element: &Spot<'_>, operator: &str) -> DocumentError {
    let hint = if operator.ends_with("IfExists") || operator == "Null" {
        "; every key has a value here, so there is nothing to ask about that"
    } else {
        ""
    };
    DocumentError::UnknownOperator { place: element.place.clone(), found: quoted(operator), hint }
}
