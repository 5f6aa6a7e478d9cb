//! Counting tests, from what the programs that run them print.

use std::{fmt, ops::AddAssign};

/// How many passed, failed and were skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// That passed.
    pub(super) passed: u64,
    /// That failed.
    pub(super) failed: u64,
    /// That were not run.
    pub(super) skipped: u64,
}

impl Counts {
    /// One that passed.
    pub(super) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    /// One that failed.
    pub(super) const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    /// One that was not run.
    pub(super) const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// Of `cargo test`: `test result: ok. 12 passed; 0 failed; 1 ignored; ...`, once for each program.
    pub(super) fn of_cargo_test(text: &str) -> Option<Self> {
        sum(text.lines().filter(|line| line.starts_with("test result: ")), |line| Self {
            passed: before(line, "passed"),
            failed: before(line, "failed"),
            skipped: before(line, "ignored"),
        })
    }

    /// Of nextest: `Summary [ 1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`.
    pub(super) fn of_nextest(text: &str) -> Option<Self> {
        sum(text.lines().filter(|line| line.trim_start().starts_with("Summary [")), |line| Self {
            passed: before(line, "passed"),
            failed: before(line, "failed") + before(line, "exec failed") + before(line, "timed out"),
            skipped: before(line, "skipped"),
        })
    }

    /// Of pytest: `3 failed, 260 passed, 1 skipped, 2 errors in 13.5s`.
    pub(super) fn of_pytest(text: &str) -> Option<Self> {
        let counts = |line: &str| Self {
            passed: before(line, "passed"),
            failed: before(line, "failed") + before(line, "error") + before(line, "errors"),
            skipped: before(line, "skipped"),
        };
        text.lines().rev().map(counts).find(|counts| *counts != Self::default())
    }

    /// Of Node's test runner: `# pass 24` or `ℹ pass 24`, a line each.
    pub(super) fn of_node(text: &str) -> Option<Self> {
        let value = |name: &str| {
            text.lines().rev().find_map(|line| {
                let mut words = line.split_whitespace();
                let marked = words.next().is_some_and(|mark| mark == "#" || mark == "ℹ");
                let number = (marked && words.next() == Some(name)).then(|| words.next()).flatten()?;
                number.parse::<u64>().ok()
            })
        };
        Some(Self {
            passed: value("pass")?,
            failed: value("fail")? + value("cancelled").unwrap_or(0),
            skipped: value("skipped").unwrap_or(0) + value("todo").unwrap_or(0),
        })
    }
}

fn sum<'a>(lines: impl Iterator<Item = &'a str>, counts: impl Fn(&str) -> Counts) -> Option<Counts> {
    lines.map(counts).fold(None, |total: Option<Counts>, counts| {
        let mut total = total.unwrap_or_default();
        total += counts;
        Some(total)
    })
}

/// The number right before a word; 0 where there is none.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ',', ';', '(', ')']).filter(|word| !word.is_empty()).collect();
    let wanted: Vec<&str> = word.split(' ').collect();
    let found = words.windows(wanted.len() + 1).find(|window| window[1..] == wanted[..]);
    found.and_then(|window| window[0].parse().ok()).unwrap_or(0)
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Option<Counts> {
        Some(Counts { passed, failed, skipped })
    }

    #[test]
    fn cargo_test_counts_each_program() {
        let text = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s\n\
                    test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        assert_eq!(Counts::of_cargo_test(text), counts(15, 2, 1));
        assert_eq!(Counts::of_cargo_test("error: could not compile"), None);
    }

    #[test]
    fn nextest_counts_once() {
        let text =
            "     Summary [   7.123s] 31 tests run: 28 passed (2 slow), 2 failed, 1 timed out, 4 skipped\n";
        assert_eq!(Counts::of_nextest(text), counts(28, 3, 4));
        assert_eq!(Counts::of_nextest("   Compiling ravelin"), None);
    }

    #[test]
    fn pytest_counts_in_its_last_line() {
        assert_eq!(
            Counts::of_pytest("FAILED a - 40 passed\n7 failed, 260 passed in 13.55s\n"),
            counts(260, 7, 0)
        );
        assert_eq!(Counts::of_pytest("2 passed, 1 skipped, 1 error in 1.00s\n\n"), counts(2, 1, 1));
        assert_eq!(Counts::of_pytest("cannot import"), None);
    }

    #[test]
    fn node_counts_a_line_each() {
        assert_eq!(Counts::of_node("1..8\n# tests 24\n# pass 23\n# fail 1\n# skipped 0\n"), counts(23, 1, 0));
        assert_eq!(Counts::of_node("ℹ pass 2\nℹ fail 0\nℹ cancelled 1\nℹ skipped 3\n"), counts(2, 1, 3));
        assert_eq!(Counts::of_node("SyntaxError"), None);
    }
}
