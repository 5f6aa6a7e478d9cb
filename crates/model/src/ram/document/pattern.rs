//! Texts with wildcards: `*` for any number of characters, `?` for exactly one.
//!
//! Knows nothing of actions or resources. A pattern is prepared once and matched often, so the common shapes (no
//! wildcard, one trailing `*`) cost a comparison.

/// Whether letters of different case are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// They are not.
    Sensitive,
    /// They are, among the letters of ASCII.
    Insensitive,
}

impl Case {
    fn same(self, left: char, right: char) -> bool {
        match self {
            Self::Sensitive => left == right,
            Self::Insensitive => left.eq_ignore_ascii_case(&right),
        }
    }

    /// Whether two texts are the same.
    pub(super) fn equal(self, left: &str, right: &str) -> bool {
        match self {
            Self::Sensitive => left == right,
            Self::Insensitive => left.eq_ignore_ascii_case(right),
        }
    }

    fn is_prefix(self, prefix: &str, text: &str) -> bool {
        match self {
            Self::Sensitive => text.starts_with(prefix),
            Self::Insensitive => text
                .as_bytes()
                .get(..prefix.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes())),
        }
    }
}

/// A text with wildcards, prepared for matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    shape: Shape,
    case: Case,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Anything,
    Exactly(Box<str>),
    Prefix(Box<str>),
    Tokens(Box<[Token]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Many,
    One,
    Char(char),
}

impl Pattern {
    /// Prepares a pattern. Every text is one.
    pub(super) fn new(text: &str, case: Case) -> Self {
        let shape = match text.find(['*', '?']) {
            None => Shape::Exactly(text.into()),
            Some(_) if text.bytes().all(|byte| byte == b'*') => Shape::Anything,
            Some(first) if text[first..].bytes().all(|byte| byte == b'*') => {
                Shape::Prefix(text[..first].into())
            }
            Some(_) => Shape::Tokens(tokens(text)),
        };
        Self { shape, case }
    }

    /// The pattern that every text matches.
    pub(super) fn anything() -> Self {
        Self { shape: Shape::Anything, case: Case::Sensitive }
    }

    /// Whether the whole text matches. Takes at most as many steps as the square of the text's length, whatever the
    /// pattern: nothing before the latest `*` is tried again.
    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Anything => true,
            Shape::Exactly(exact) => self.case.equal(exact, text),
            Shape::Prefix(prefix) => self.case.is_prefix(prefix, text),
            Shape::Tokens(tokens) => matches_tokens(tokens, text, self.case),
        }
    }
}

/// The tokens of a pattern, runs of `*` made one.
fn tokens(text: &str) -> Box<[Token]> {
    let mut tokens = Vec::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' if tokens.last() == Some(&Token::Many) => {}
            '*' => tokens.push(Token::Many),
            '?' => tokens.push(Token::One),
            other => tokens.push(Token::Char(other)),
        }
    }
    tokens.into_boxed_slice()
}

fn matches_tokens(tokens: &[Token], text: &str, case: Case) -> bool {
    let mut at = 0;
    let mut unread = text.chars();
    // The token after the latest `*`, and the text that begins where that `*` could end next.
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let here = unread.clone();
        match (tokens.get(at), unread.next()) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                at += 1;
                retry = Some((at, here.clone()));
                unread = here;
            }
            (Some(Token::One), Some(_)) => at += 1,
            (Some(Token::Char(wanted)), Some(found)) if case.same(*wanted, found) => at += 1,
            _ => {
                let Some((token, from)) = retry.as_mut() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (at, unread) = (*token, from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a pattern means, said as shortly as possible.
    fn reference(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                reference(rest, text) || text.split_first().is_some_and(|(_, tail)| reference(pattern, tail))
            }
            (Some(('?', rest)), Some((_, tail))) => reference(rest, tail),
            (Some((wanted, rest)), Some((found, tail))) => wanted == found && reference(rest, tail),
            _ => false,
        }
    }

    #[test]
    fn matches_by_table() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "anything", true),
            ("?", "", false),
            ("?", "é", true),
            ("ens:Describe*", "ens:DescribeInstances", true),
            ("ens:Describe*", "ens:ListTagResources", false),
            ("ens:*Group", "ens:LeaveSecurityGroup", true),
            ("ens:*Group", "ens:DescribeSecurityGroups", false),
            ("ens:*Security*s", "ens:DescribeSecurityGroups", true),
            ("instance/i-?", "instance/i-1", true),
            ("instance/i-?", "instance/i-12", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("*?", "", false),
            ("*?", "a", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Pattern::new(pattern, Case::Sensitive).matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn case_matters_only_where_it_is_asked_for() {
        for pattern in ["ENS:leaveSecurityGroup", "ENS:leave*", "*leaveSECURITYgroup", "EN?:leave*"] {
            assert!(Pattern::new(pattern, Case::Insensitive).matches("ens:LeaveSecurityGroup"), "{pattern}");
            assert!(!Pattern::new(pattern, Case::Sensitive).matches("ens:LeaveSecurityGroup"), "{pattern}");
        }
        assert!(!Pattern::new("é*", Case::Insensitive).matches("É"));
        assert!(!Pattern::new("longer than the text*", Case::Insensitive).matches("é"));
    }

    #[test]
    fn many_wildcards_on_a_long_text_end() {
        let pattern = Pattern::new(&"*a".repeat(2_000), Case::Sensitive);
        assert!(!pattern.matches(&format!("{}b", "a".repeat(1_999))));
        assert!(pattern.matches(&"a".repeat(2_000)));
    }

    proptest! {
        #[test]
        fn equals_the_reference(pattern in "[ab*?é]{0,8}", text in "[abé]{0,10}") {
            let (chars, letters): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern::new(&pattern, Case::Sensitive).matches(&text), reference(&chars, &letters));
        }

        #[test]
        fn ignoring_case_is_matching_in_lower_case(pattern in "[aAb*?]{0,8}", text in "[aAbB]{0,10}") {
            let lower = Pattern::new(&pattern.to_ascii_lowercase(), Case::Sensitive);
            let either = Pattern::new(&pattern, Case::Insensitive);
            prop_assert_eq!(either.matches(&text), lower.matches(&text.to_ascii_lowercase()));
        }
    }
}
