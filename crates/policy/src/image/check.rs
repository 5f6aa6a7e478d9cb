//! Whether words are a plan, every offset of it looked at.

use model::rule::Direction;
use thiserror::Error;

use super::{
    ADDRESS_ENTRY_WORDS, COUNTERS, DIGEST, DIRECTION_COUNTERS, GENERATION, HEADER_WORDS, IMPLICIT, LENGTH,
    LOCAL, LOCAL_PORTS, LOW, MAGIC, MAGIC_WORD, PROTOCOLS, REMOTE, REMOTE_PORTS, RULES, STAMP,
    TABLE_ENTRIES_MAX, TABLES, VERDICTS, digest, halves, header_of, index,
};
use crate::{class::RULES_MAX, packet::ProtocolKind, plan::row_words};

/// Why words are not a plan. What has such words in the arena drops everything; write the class again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImageError {
    /// They do not begin with the magic number.
    #[error(
        "the plan does not begin with its magic number: there is none here, or it was overwritten; load the class again"
    )]
    Magic,
    /// There are not as many as they say.
    #[error("the plan says that it has {said} words, but {found} are there; load the class again")]
    Length {
        /// What they say.
        said: u64,
        /// How many there are.
        found: usize,
    },
    /// The digest is another one.
    #[error(
        "the plan's digest is {found:016x}, but its words have {computed:016x}: they were changed; load the class again"
    )]
    Digest {
        /// What they say.
        found: u64,
        /// What they have.
        computed: u64,
    },
    /// The number of rules or the length of a row does not fit.
    #[error("{} rules in rows of {row_words} words cannot be: at most {RULES_MAX}, 64 a word; load the class again", .rules)]
    Rules {
        /// How many rules they say.
        rules: usize,
        /// How many words of a row they say.
        row_words: usize,
    },
    /// A table, row or other part lies outside of where it may.
    #[error("the {part} of the plan's {direction:?} rules lies outside of the plan; load the class again")]
    Outside {
        /// Of which direction.
        direction: Direction,
        /// Which part.
        part: &'static str,
    },
    /// A table is not ascending, or does not begin at 0.
    #[error(
        "the {part} of the plan's {direction:?} rules is not in ascending order from 0; load the class again"
    )]
    Order {
        /// Of which direction.
        direction: Direction,
        /// Which table.
        part: &'static str,
    },
    /// A word has a value that it cannot have.
    #[error("the {part} of the plan's {direction:?} rules has an impossible value; load the class again")]
    Value {
        /// Of which direction.
        direction: Direction,
        /// Which part.
        part: &'static str,
    },
}

/// What words that are a plan say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Its length in words.
    pub words: usize,
    /// Its digest.
    pub digest: u64,
    /// The control plane's generation.
    pub generation: u64,
    /// The stamp of the switch that it was made for.
    pub stamp: u64,
    /// What comes in.
    pub ingress: DirectionSummary,
    /// What goes out.
    pub egress: DirectionSummary,
}

/// What is said of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectionSummary {
    /// The number of rules.
    pub rules: usize,
    /// The offset of the first counter: one a rule, and one for where no rule matches.
    pub counters: usize,
}

/// Looks at all words: length, digest, and that nothing points to where it may not. `words` may be longer than the plan.
///
/// # Errors
/// [`ImageError`].
pub fn check(words: &[u64]) -> Result<Summary, ImageError> {
    if words.get(MAGIC_WORD) != Some(&MAGIC) {
        return Err(ImageError::Magic);
    }
    let found = words.len();
    let said = words.get(LENGTH).copied().unwrap_or(0);
    let length_error = ImageError::Length { said, found };
    let words = words.get(..index(said)).filter(|words| words.len() >= TABLES).ok_or(length_error)?;
    let counters = index(words[COUNTERS]);
    let computed = digest(words, counters);
    if words[DIGEST] != computed {
        return Err(ImageError::Digest { found: words[DIGEST], computed });
    }
    let direction = |direction| Checked::new(words, direction, counters).and_then(|part| part.check());
    let (ingress, egress) = (direction(Direction::Ingress)?, direction(Direction::Egress)?);
    let rules = ingress.rules + egress.rules;
    if rules > RULES_MAX {
        return Err(ImageError::Rules { rules, row_words: row_words(rules) });
    }
    let last = egress.counters + egress.rules + 1;
    if ingress.counters != counters || egress.counters != counters + ingress.rules + 1 || last != words.len()
    {
        return Err(ImageError::Outside { direction: Direction::Egress, part: "counters" });
    }
    let (generation, stamp) = (words[GENERATION], words[STAMP]);
    Ok(Summary { words: words.len(), digest: computed, generation, stamp, ingress, egress })
}

/// A direction that is being looked at.
struct Checked<'a> {
    direction: Direction,
    /// Everything before the counters.
    words: &'a [u64],
    header: &'a [u64],
    rules: usize,
    row_words: usize,
}

impl<'a> Checked<'a> {
    fn new(words: &'a [u64], direction: Direction, counters: usize) -> Result<Self, ImageError> {
        let outside = ImageError::Outside { direction, part: "counters" };
        let header = &words[header_of(direction)..][..HEADER_WORDS];
        let words = words.get(..counters).filter(|words| words.len() >= TABLES).ok_or(outside)?;
        let (rules, own_row_words) = halves(header[RULES]);
        if rules > RULES_MAX || own_row_words != row_words(rules) {
            return Err(ImageError::Rules { rules, row_words: own_row_words });
        }
        Ok(Self { direction, words, header, rules, row_words: own_row_words })
    }

    fn check(&self) -> Result<DirectionSummary, ImageError> {
        if self.header[IMPLICIT] > 1 {
            return Err(self.value("implicit end"));
        }
        let summary =
            DirectionSummary { rules: self.rules, counters: index(self.header[DIRECTION_COUNTERS]) };
        if self.rules == 0 {
            let used = [REMOTE, LOCAL, REMOTE_PORTS, LOCAL_PORTS, VERDICTS].map(|word| self.header[word]);
            return if used == [0; 5] { Ok(summary) } else { Err(self.value("header without rules")) };
        }
        self.addresses(REMOTE, "table of remote addresses")?;
        self.addresses(LOCAL, "table of local addresses")?;
        self.ports(REMOTE_PORTS, "table of remote ports")?;
        self.ports(LOCAL_PORTS, "table of local ports")?;
        for row in &self.header[PROTOCOLS..][..ProtocolKind::ALL.len()] {
            self.row(*row, "row of a protocol")?;
        }
        let verdicts = self.part(self.header[VERDICTS], self.rules, "list of verdicts")?;
        if verdicts.iter().any(|verdict| *verdict > 1) {
            return Err(self.value("list of verdicts"));
        }
        Ok(summary)
    }

    fn addresses(&self, word: usize, part: &'static str) -> Result<(), ImageError> {
        let (table, _) = self.table(word, ADDRESS_ENTRY_WORDS, part)?.as_chunks::<ADDRESS_ENTRY_WORDS>();
        let ascending = table.is_sorted_by(|a, b| a[..2] < b[..2]);
        if !ascending || table.first().is_none_or(|first| first[..2] != [0, 0]) {
            return Err(ImageError::Order { direction: self.direction, part });
        }
        table.iter().try_for_each(|entry| self.row(entry[2], part))
    }

    fn ports(&self, word: usize, part: &'static str) -> Result<(), ImageError> {
        let table = self.table(word, 1, part)?;
        let ascending = table.is_sorted_by(|a, b| a >> 32 < b >> 32);
        if !ascending || table.first().is_none_or(|first| first >> 32 != 0) {
            return Err(ImageError::Order { direction: self.direction, part });
        }
        if table.last().is_some_and(|last| last >> 32 > u64::from(u16::MAX)) {
            return Err(self.value(part));
        }
        table.iter().try_for_each(|entry| self.row(entry & LOW, part))
    }

    fn table(&self, word: usize, entry_words: usize, part: &'static str) -> Result<&'a [u64], ImageError> {
        let (entries, offset) = halves(self.header[word]);
        if entries > TABLE_ENTRIES_MAX {
            return Err(self.value(part));
        }
        self.part(offset as u64, entries * entry_words, part)
    }

    /// A row lies between the headers and the counters, and has no bits beyond the rules.
    fn row(&self, offset: u64, part: &'static str) -> Result<(), ImageError> {
        let row = self.part(offset, self.row_words, part)?;
        let beyond = match self.rules % 64 {
            0 => 0,
            used => u64::MAX << used,
        };
        if row.last().is_some_and(|last| last & beyond != 0) { Err(self.value(part)) } else { Ok(()) }
    }

    fn part(&self, offset: u64, length: usize, part: &'static str) -> Result<&'a [u64], ImageError> {
        let begin = index(offset);
        let end = begin.checked_add(length);
        let words = end.filter(|_| begin >= TABLES).and_then(|end| self.words.get(begin..end));
        words.ok_or(ImageError::Outside { direction: self.direction, part })
    }

    fn value(&self, part: &'static str) -> ImageError {
        ImageError::Value { direction: self.direction, part }
    }
}
