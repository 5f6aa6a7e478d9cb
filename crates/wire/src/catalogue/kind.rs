//! Parameters: their types and constraints.

use super::Form;

/// How a parameter travels. Requests are read in every encoding; this is the one that clients use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Plain text.
    Plain,
    /// JSON text in one parameter.
    Json,
    /// `Name.1`, `Name.2`, ..., or `Name.1.Field`.
    Numbered,
    /// `Name.Field`.
    Dotted,
    /// Text with commas.
    Comma,
}

/// The type of a parameter, with its constraint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Text of `min` to `max` characters and some form.
    Text {
        /// The fewest characters.
        min: usize,
        /// The most characters.
        max: usize,
        /// What it must look like besides.
        form: Form,
    },
    /// A password of an instance. Its form is checked, and then it is forgotten: arguments know only that there was one.
    Password,
    /// A resource id: at most 128 bytes of `A-Z a-z 0-9 _ - . *` (contract, decision 10).
    Id,
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of some words, in this very spelling.
    OneOf(&'static [&'static str]),
    /// `YYYY-MM-DDThh:mm:ssZ`.
    Time,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An IPv4 address or CIDR block.
    Ipv4Prefix,
    /// An IPv6 address or CIDR block.
    Ipv6Prefix,
    /// A list.
    List {
        /// Of what.
        of: &'static Kind,
        /// The most items.
        max: usize,
        /// How clients send it.
        encoding: Encoding,
    },
    /// An object.
    Object {
        /// Its fields.
        fields: &'static [Parameter],
        /// How clients send it.
        encoding: Encoding,
    },
    /// A list of objects.
    Objects {
        /// Their fields.
        fields: &'static [Parameter],
        /// The most objects.
        max: usize,
        /// How clients send it.
        encoding: Encoding,
    },
    /// Taken, and without effect here: its description says why.
    Ignored,
}

impl Kind {
    /// Any text of up to `max` characters.
    pub const fn text(max: usize) -> Self {
        Self::Text { min: 1, max, form: Form::ANY }
    }

    /// Text of this form.
    pub const fn form(min: usize, max: usize, form: Form) -> Self {
        Self::Text { min, max, form }
    }

    /// The number of a page, from 1.
    pub const PAGE_NUMBER: Self = Self::Integer { min: 1, max: i32::MAX as i64 };

    /// How clients send it.
    pub fn encoding(&self) -> Encoding {
        match self {
            Self::List { encoding, .. } | Self::Object { encoding, .. } | Self::Objects { encoding, .. } => {
                *encoding
            }
            _ => Encoding::Plain,
        }
    }

    /// The word of the reference pages for the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
            Self::List { .. } => "array",
            Self::Object { .. } => "object",
            Self::Objects { .. } => "array<object>",
            _ => "string",
        }
    }

    /// The constraint in words; empty where there is none worth a word.
    pub fn constraint(&self) -> String {
        match self {
            Self::Text { min, max, form } => {
                let length = if *min <= 1 {
                    format!("up to {max} characters")
                } else {
                    format!("{min} to {max} characters")
                };
                if form.words.is_empty() { length } else { format!("{length}; {}", form.words) }
            }
            Self::Password => Self::form(8, 30, Form::PASSWORD).constraint(),
            Self::Id => "a resource id".into(),
            Self::Integer { min, max } if *max >= i64::from(i32::MAX) => format!("from {min}"),
            Self::Integer { min, max } => format!("{min} to {max}"),
            Self::Boolean => "`true` or `false`".into(),
            Self::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::Time => "UTC, `YYYY-MM-DDThh:mm:ssZ`".into(),
            Self::Ipv4 => "an IPv4 address".into(),
            Self::Ipv6 => "an IPv6 address".into(),
            Self::Ipv4Prefix => "an IPv4 address or CIDR block".into(),
            Self::Ipv6Prefix => "an IPv6 address or CIDR block".into(),
            Self::List { max, encoding, .. } | Self::Objects { max, encoding, .. } => {
                format!("at most {max}; {}", encoding.words())
            }
            Self::Object { encoding, .. } => encoding.words().into(),
            Self::Ignored => "accepted, without effect".into(),
        }
    }
}

impl Encoding {
    /// How it looks on the wire, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Json => "JSON text in one parameter",
            Self::Numbered => "numbered from 1: `Name.1`, `Name.2`",
            Self::Dotted => "dotted: `Name.Field`",
            Self::Comma => "separated by commas",
        }
    }
}

/// A parameter of an operation, or a field of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its name, exact.
    pub name: &'static str,
    /// Its type and constraint.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// What it means.
    pub summary: &'static str,
    /// An example of its value.
    pub example: &'static str,
}

impl Parameter {
    /// One that must be given.
    pub const fn required(
        name: &'static str,
        kind: Kind,
        summary: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, kind, required: true, summary, example }
    }

    /// One that may be given.
    pub const fn optional(
        name: &'static str,
        kind: Kind,
        summary: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, kind, required: false, summary, example }
    }
}
