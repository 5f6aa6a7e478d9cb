//! A step of the tests, and what came of it.

use std::fmt;

use super::{World, counts::Counts};

/// A step.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// How it is called with `--only`.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) summary: &'static str,
    /// Does it.
    pub(super) run: fn(&World<'_>) -> anyhow::Result<Outcome>,
}

/// What came of a step.
pub(super) struct Outcome {
    /// How many of its tests passed, failed and were skipped.
    pub(super) counts: Counts,
    /// Why, in the last two cases.
    pub(super) reason: Option<String>,
}

impl Outcome {
    /// It passed, or it failed with what it printed saying why.
    pub(super) fn of(success: bool) -> Self {
        if success { Self { counts: Counts::PASSED, reason: None } } else { Self::failed("see above") }
    }

    /// It failed.
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self { counts: Counts::FAILED, reason: Some(reason.into()) }
    }

    /// It was not run.
    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self { counts: Counts::SKIPPED, reason: Some(reason.into()) }
    }

    /// A program that runs tests ended like this, and printed these counts. One that fails without a failed test (it
    /// did not even begin) has failed once.
    pub(super) fn of_tests(success: bool, counts: Option<Counts>) -> Self {
        match counts {
            Some(counts) if success == (counts.failed == 0) => {
                Self { counts, reason: (!success).then(|| "see above".to_owned()) }
            }
            Some(counts) if !success => Self {
                counts: Counts { failed: counts.failed.max(1), ..counts },
                reason: Some("see above".into()),
            },
            Some(_) => Self::failed("it says that all went well, and counts a failed test"),
            None if success => Self::failed("it counts no tests"),
            None => Self::failed("see above"),
        }
    }

    /// One word for it.
    pub(super) fn word(&self) -> &'static str {
        match self.counts {
            Counts { failed: 1.., .. } => "FAILED",
            Counts { passed: 0, skipped: 1.., .. } => "skipped",
            _ => "passed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.fmt(f)?;
        self.reason.iter().try_for_each(|reason| write!(f, " ({reason})"))
    }
}
