//! Licence expressions (SPDX), as far as crates use them: names, `AND`, `OR`, `WITH` and parentheses. The old `MIT/X11`
//! means `OR`.

/// Whether the licences that are allowed satisfy an expression; None where it cannot be understood.
pub(super) fn is_satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allowed };
    let satisfied = reader.any()?;
    reader.words.is_empty().then_some(satisfied)
}

struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if first.eq_ignore_ascii_case(word) => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    /// Alternatives. `AND` binds tighter than `OR`.
    fn any(&mut self) -> Option<bool> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Some(satisfied)
    }

    fn all(&mut self) -> Option<bool> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Some(satisfied)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let satisfied = self.any()?;
            return self.take(")").then_some(satisfied);
        }
        let (name, rest) = self.words.split_first()?;
        if ["AND", "OR", "WITH", ")"].contains(&name.to_uppercase().as_str()) {
            return None;
        }
        self.words = rest;
        if !self.take("WITH") {
            return Some((self.allowed)(name));
        }
        let (exception, rest) = self.words.split_first()?;
        self.words = rest;
        Some((self.allowed)(&format!("{name} WITH {exception}")))
    }
}

#[cfg(test)]
mod tests {
    use super::is_satisfied;

    fn check(expression: &str) -> Option<bool> {
        is_satisfied(expression, &|name| ["MIT", "Apache-2.0", "ISC"].contains(&name))
    }

    #[test]
    fn alternatives_need_one_and_conjunctions_all() {
        assert_eq!(check("MIT"), Some(true));
        assert_eq!(check("GPL-3.0-only OR MIT"), Some(true));
        assert_eq!(check("Apache-2.0 AND GPL-3.0-only"), Some(false));
        assert_eq!(check("(MIT OR GPL-3.0-only) AND ISC"), Some(true));
        assert_eq!(check("GPL-3.0-only OR MIT AND Zlib"), Some(false));
        assert_eq!(check("MIT/Apache-2.0"), Some(true));
    }

    #[test]
    fn an_exception_is_a_licence_of_its_own() {
        assert_eq!(check("Apache-2.0 WITH LLVM-exception"), Some(false));
        assert_eq!(check("Apache-2.0 WITH LLVM-exception OR MIT"), Some(true));
    }

    #[test]
    fn what_cannot_be_understood_is_not_satisfied() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "OR MIT", "MIT Apache-2.0", "MIT WITH"] {
            assert_eq!(check(expression), None, "{expression}");
        }
    }
}
