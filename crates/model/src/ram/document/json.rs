//! Reading JSON strictly: every element keeps its place, and one that is there twice is seen.
//!
//! Knows JSON, and nothing of policies beyond the names of the errors.

use std::{collections::HashSet, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::{DocumentError, quoted};

/// How deep lists and objects may be inside each other. A document needs six: itself, its statements, one of them, its
/// conditions, one operator, a list of values.
const DEPTH_MAX: usize = 8;

/// A JSON value in which objects keep every element, also one that is there twice.
pub(super) enum Node {
    Null,
    Bool,
    Number,
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    /// Reads a text that is one JSON value.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        // Before parsing, so that a text cannot choose how deep the parser calls itself.
        if depth(text) > DEPTH_MAX {
            return Err(DocumentError::TooDeep { limit: DEPTH_MAX });
        }
        serde_json::from_str(text).map_err(|error| DocumentError::NotJson {
            line: error.line(),
            column: error.column(),
            reason: if error.is_eof() { "it ends too early" } else { "something else was expected" },
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false without quotation marks",
            Self::Number => "a number without quotation marks",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// How deep brackets outside of texts are inside each other.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Bool)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut object = Vec::new();
        while let Some(element) = elements.next_entry()? {
            object.push(element);
        }
        Ok(Node::Object(object))
    }
}

/// A value and where it is in the document.
#[derive(Clone)]
pub(super) struct Spot<'n> {
    /// The path, such as `Statement[0].Effect`.
    pub(super) place: String,
    node: &'n Node,
}

impl<'n> Spot<'n> {
    /// The whole document.
    pub(super) fn root(node: &'n Node) -> Self {
        Self { place: "the document".to_owned(), node }
    }

    fn inside(&self, name: &str, node: &'n Node) -> Self {
        let place = match self.place.as_str() {
            "the document" => name.to_owned(),
            place => format!("{place}.{name}"),
        };
        Self { place, node }
    }

    fn wrong_type(&self, expected: &'static str) -> DocumentError {
        DocumentError::WrongType { place: self.place.clone(), expected, found: self.node.kind() }
    }

    /// The text that is here.
    pub(super) fn text(&self) -> Result<&'n str, DocumentError> {
        match self.node {
            Node::Text(text) => Ok(text),
            _ => Err(self.wrong_type("a text in quotation marks")),
        }
    }

    /// The elements of the list that is here; at least one.
    pub(super) fn list(&self) -> Result<Vec<Spot<'n>>, DocumentError> {
        let Node::List(elements) = self.node else { return Err(self.wrong_type("a list")) };
        if elements.is_empty() {
            return Err(DocumentError::Empty { place: self.place.clone() });
        }
        let spot = |(index, node)| Spot { place: format!("{}[{index}]", self.place), node };
        Ok(elements.iter().enumerate().map(spot).collect())
    }

    /// The texts that are here: one, or a list of at least one.
    pub(super) fn texts(&self) -> Result<Vec<(Spot<'n>, &'n str)>, DocumentError> {
        match self.node {
            Node::Text(text) => Ok(vec![(self.clone(), text)]),
            Node::List(_) => {
                self.list()?.into_iter().map(|spot| spot.text().map(|text| (spot.clone(), text))).collect()
            }
            _ => Err(self.wrong_type("a text or a list of texts")),
        }
    }

    /// The elements of the object that is here, each once; at least one.
    pub(super) fn object(&self) -> Result<Vec<(&'n str, Spot<'n>)>, DocumentError> {
        let Node::Object(elements) = self.node else { return Err(self.wrong_type("an object")) };
        if elements.is_empty() {
            return Err(DocumentError::Empty { place: self.place.clone() });
        }
        let mut seen = HashSet::new();
        let mut spots = Vec::with_capacity(elements.len());
        for (name, node) in elements {
            if !seen.insert(name.as_str()) {
                return Err(DocumentError::Duplicate { place: self.place.clone(), name: quoted(name) });
            }
            spots.push((name.as_str(), self.inside(&short(name), node)));
        }
        Ok(spots)
    }
}

/// A name as a path shows it: bounded and printable, so that a path is, too.
fn short(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '/');
    if name.len() <= 64 && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_texts() {
        assert_eq!(depth(r#"{"a":["[[[[\"[[",{}]}"#), 3);
        assert_eq!(depth("]]]]"), 0);
    }

    #[test]
    fn too_deep_is_refused_before_it_is_parsed() {
        let text = format!("{}{}", "[".repeat(3_000), "]".repeat(3_000));
        assert!(matches!(Node::parse(&text), Err(DocumentError::TooDeep { limit: 8 })));
    }

    #[test]
    fn errors_say_where() {
        let error = Node::parse("{\"a\":\n 1,}").err();
        assert!(matches!(error, Some(DocumentError::NotJson { line: 2, .. })), "{error:?}");
        let error = Node::parse("{\"a\":").err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("the document is not JSON: it ends too early at line 1, column 5"));
    }
}
