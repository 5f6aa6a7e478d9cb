//! Packets that may still read what was taken out of force.
//!
//! A packet reads its class's word or its device's word once, and what that points to until it is decided. So memory that
//! nothing points to any more may be written again only after every packet that began before that has ended. Linux tells
//! by a membarrier, which takes milliseconds; a thread of its own asks for one ahead, so that changes seldom wait.

use std::{
    io,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Release},
        },
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use super::host;

/// A moment: of what was out of force then, nobody reads anything once it is [over](Readers::is_over).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(u64);

/// Tells when packets have ended.
pub(crate) struct Readers {
    asked: u64,
    /// The latest moment that is over.
    over: Arc<AtomicU64>,
    /// None when this is dropped, which ends the thread.
    ask: Option<Sender<u64>>,
    thread: Option<JoinHandle<()>>,
}

impl Readers {
    /// Starts the thread.
    pub(crate) fn new() -> io::Result<Self> {
        let over = Arc::new(AtomicU64::new(0));
        let (ask, asked) = channel();
        let told = Arc::clone(&over);
        let thread = thread::Builder::new().name("readers".to_owned()).spawn(move || watch(&asked, &told))?;
        Ok(Self { asked: 0, over, ask: Some(ask), thread: Some(thread) })
    }

    /// This moment. What is to be written again must be out of force already.
    pub(crate) fn ask(&mut self) -> Moment {
        self.asked += 1;
        if let Some(ask) = &self.ask {
            // A thread that is gone answers nothing, and then `wait` waits itself.
            let _ = ask.send(self.asked);
        }
        Moment(self.asked)
    }

    /// Whether every packet that began before a moment has ended. Does not wait.
    pub(crate) fn is_over(&self, moment: Moment) -> bool {
        self.over.load(Acquire) >= moment.0
    }

    /// Waits until every packet that began before a moment has ended.
    pub(crate) fn wait(&self, moment: Moment) -> io::Result<()> {
        if self.is_over(moment) { Ok(()) } else { self.wait_for_all() }
    }

    /// Waits until every packet that began before this call has ended.
    pub(crate) fn wait_for_all(&self) -> io::Result<()> {
        host::wait_for_readers()?;
        self.over.fetch_max(self.asked, Release);
        Ok(())
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.ask.take());
        if let Some(thread) = self.thread.take() {
            // It returns, and does not panic.
            let _ = thread.join();
        }
    }
}

/// One membarrier answers everything that was asked before it began.
fn watch(asked: &Receiver<u64>, over: &AtomicU64) {
    while let Ok(first) = asked.recv() {
        let latest = asked.try_iter().last().unwrap_or(first);
        if host::wait_for_readers().is_ok() {
            over.fetch_max(latest, Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_moment_is_over_after_a_wait_and_those_before_it_are_too() {
        let mut readers = Readers::new().unwrap();
        let [first, second] = [readers.ask(), readers.ask()];
        readers.wait(second).unwrap();
        assert!(readers.is_over(first) && readers.is_over(second));
        assert!(!readers.is_over(Moment(3)));
    }

    #[test]
    fn a_moment_is_over_at_last_though_nobody_waits() {
        let mut readers = Readers::new().unwrap();
        let moment = readers.ask();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !readers.is_over(moment) {
            assert!(Instant::now() < deadline, "the thread has not said that it is over");
            thread::yield_now();
        }
    }
}
