//! Pages of lists.

use crate::catalogue::prelude::*;

/// `PageNumber`, from 1.
pub(super) const PAGE_NUMBER: Parameter =
    Parameter::optional("PageNumber", Kind::PAGE_NUMBER, "Which page; 1 where it is not given.", "1");

/// `PageSize` of lists with pages of up to 100.
pub(super) const PAGE_SIZE: Parameter = Parameter::optional(
    "PageSize",
    Kind::Integer { min: 1, max: 100 },
    "How many entries a page has; 10 where it is not given.",
    "10",
);

/// The page that a call asks for.
pub(super) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// Reads `PageNumber` and `PageSize`.
    pub(super) fn of(arguments: &Arguments, default_size: usize) -> Self {
        let number = arguments.count("PageNumber", 1).max(1);
        Self { number, size: arguments.count("PageSize", default_size).max(1) }
    }

    /// Cuts the page out of everything that was found, and counts it all: `PageNumber`, `PageSize`, `TotalCount` and
    /// the entries of the page.
    pub(super) fn cut<T>(&self, found: impl Iterator<Item = T>) -> (Answer, Vec<T>) {
        let first = (self.number - 1).saturating_mul(self.size);
        let mut entries = Vec::new();
        let mut total = 0usize;
        for entry in found {
            if total >= first && entries.len() < self.size {
                entries.push(entry);
            }
            total += 1;
        }
        (self.head(total), entries)
    }

    /// As [`Page::cut`], where the number of entries is known without looking at them all.
    pub(super) fn cut_counted<T>(&self, found: impl Iterator<Item = T>, total: usize) -> (Answer, Vec<T>) {
        let first = (self.number - 1).saturating_mul(self.size);
        let entries = if first < total { found.skip(first).take(self.size).collect() } else { Vec::new() };
        (self.head(total), entries)
    }

    fn head(&self, total: usize) -> Answer {
        let mut answer = Answer::new();
        answer.insert("PageNumber".into(), json!(self.number));
        answer.insert("PageSize".into(), json!(self.size));
        answer.insert("TotalCount".into(), json!(total));
        answer
    }
}

/// Steps through a list that is ordered from the newest entry to the oldest: `MaxResults` and `NextToken`. They stay
/// right while entries come and go, since the token is the serial of the last entry that was shown.
pub(super) struct Steps {
    size: usize,
    before: u64,
}

/// The steps that a call asks for, if it asks for steps.
pub(super) fn steps(arguments: &Arguments) -> Result<Option<Steps>, Fault> {
    if !arguments.has("MaxResults") && !arguments.has("NextToken") {
        return Ok(None);
    }
    let before = match arguments.text("NextToken") {
        Some(token) => token.parse().map_err(|_| Fault::malformed("NextToken"))?,
        None => u64::MAX,
    };
    Ok(Some(Steps { size: arguments.count("MaxResults", 50).max(1), before }))
}

impl Steps {
    /// Cuts the step out of everything that was found; `NextToken` is there while more follows.
    pub(super) fn cut<T>(
        &self,
        found: impl Iterator<Item = T>,
        serial: impl Fn(&T) -> u64,
    ) -> (Answer, Vec<T>) {
        let mut total = 0usize;
        let mut entries = Vec::new();
        let mut more = false;
        for entry in found {
            total += 1;
            if serial(&entry) < self.before {
                more = entries.len() == self.size;
                if !more {
                    entries.push(entry);
                }
            }
        }
        let mut answer = Answer::new();
        answer.insert("PageNumber".into(), json!(1));
        answer.insert("PageSize".into(), json!(self.size));
        answer.insert("TotalCount".into(), json!(total));
        if let (true, Some(last)) = (more, entries.last()) {
            answer.insert("NextToken".into(), json!(serial(last).to_string()));
        }
        (answer, entries)
    }
}
