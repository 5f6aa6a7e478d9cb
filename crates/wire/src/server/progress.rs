//! How far a connection is with its current request, and until when it may be.
//!
//! Written by whoever sees it happen (the stream, the service), read by the loop that drives the connection. All run in one
//! task, so the orderings are relaxed; atomics are there because the task may move between threads.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{HttpLimits, STREAM_SECONDS_MAX};

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// It was accepted, and nothing has come.
    Fresh,
    /// The head of a request is coming.
    Head,
    /// A request is being read and answered; it has deadlines of its own.
    Serving,
    /// The answer is being sent.
    Answering,
    /// An answer that comes bit by bit is being sent.
    Streaming,
    /// It waits for its next request.
    Waiting,
}

/// How many low bits of the word hold the stage; the milliseconds since the beginning stand above.
const STAGE_BITS: u32 = 3;

/// The progress of one connection.
pub(super) struct Progress {
    begun: Instant,
    word: AtomicU64,
    unread: AtomicBool,
    swallowed: AtomicBool,
    head: Duration,
    answer: Duration,
    idle: Duration,
}

impl Progress {
    pub(super) fn new(limits: &HttpLimits) -> Self {
        Self {
            begun: Instant::now(),
            word: AtomicU64::new(0),
            unread: AtomicBool::new(false),
            swallowed: AtomicBool::new(false),
            head: Duration::from_secs(limits.header_seconds_max),
            answer: Duration::from_secs(limits.answer_seconds_max),
            idle: Duration::from_secs(limits.idle_seconds_max),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.word.load(Ordering::Relaxed) & ((1 << STAGE_BITS) - 1) {
            0 => Stage::Fresh,
            1 => Stage::Head,
            2 => Stage::Serving,
            3 => Stage::Answering,
            5 => Stage::Streaming,
            _ => Stage::Waiting,
        }
    }

    fn since(&self) -> Instant {
        self.begun + Duration::from_millis(self.word.load(Ordering::Relaxed) >> STAGE_BITS)
    }

    fn set(&self, stage: Stage) {
        let bits = match stage {
            Stage::Fresh => 0,
            Stage::Head => 1,
            Stage::Serving => 2,
            Stage::Answering => 3,
            Stage::Waiting => 4,
            Stage::Streaming => 5,
        };
        let milliseconds = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.word.store((milliseconds << STAGE_BITS) | bits, Ordering::Relaxed);
    }

    /// Bytes have come.
    pub(super) fn received(&self) {
        match self.stage() {
            Stage::Waiting => self.set(Stage::Head),
            // The time that the connection was silent counts: one deadline from accept to the first whole head.
            Stage::Fresh => {
                self.word.fetch_or(1, Ordering::Relaxed);
            }
            Stage::Head | Stage::Serving | Stage::Answering | Stage::Streaming => {}
        }
    }

    /// The head of a request is complete.
    pub(super) fn entered(&self) {
        self.set(Stage::Serving);
    }

    /// The answer is there.
    pub(super) fn answered(&self) {
        self.set(Stage::Answering);
    }

    /// The answer begins, and comes bit by bit.
    pub(super) fn streaming(&self) {
        self.set(Stage::Streaming);
    }

    /// Everything that was to be sent is sent.
    pub(super) fn flushed(&self) {
        if self.stage() == Stage::Answering {
            self.set(Stage::Waiting);
        }
    }

    /// Until when the stage may last; `None` where something else sees to that.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.stage() {
            Stage::Fresh | Stage::Head => Some(self.since() + self.head),
            Stage::Serving => None,
            Stage::Answering => Some(self.since() + self.answer),
            Stage::Waiting => Some(self.since() + self.idle),
            Stage::Streaming => Some(self.since() + Duration::from_secs(STREAM_SECONDS_MAX)),
        }
    }

    /// Part of a request will stay unread: the connection ends after the answer, and must not end with a reset.
    pub(super) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// The answer without a body that hyper gives to what it cannot parse was kept back.
    pub(super) fn swallow(&self) {
        self.swallowed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_swallowed(&self) -> bool {
        self.swallowed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_goes_through_its_stages() {
        let progress = Progress::new(&HttpLimits::default());
        assert_eq!(progress.stage(), Stage::Fresh);
        progress.received();
        assert_eq!(progress.stage(), Stage::Head);
        assert_eq!(progress.deadline(), Some(progress.begun + Duration::from_secs(10)));
        progress.entered();
        progress.received();
        progress.flushed();
        assert_eq!((progress.stage(), progress.deadline()), (Stage::Serving, None));
        progress.answered();
        assert_eq!(progress.stage(), Stage::Answering);
        progress.flushed();
        assert_eq!(progress.stage(), Stage::Waiting);
        assert!(progress.deadline() >= Some(progress.begun + Duration::from_secs(75)));
        progress.received();
        assert_eq!(progress.stage(), Stage::Head);
    }
}
