//! The writer's second thread: it commits a batch while the writer plans the next one.
//!
//! The store goes there with the batch and comes back with the result, so that one thread at a time has it.

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use store::{Batch, Store, StoreError};

/// What the thread is to do.
pub(crate) struct Commit {
    pub(crate) store: Box<dyn Store>,
    pub(crate) revision: u64,
    pub(crate) batch: Batch,
}

/// What it has done.
pub(crate) struct Committed {
    pub(crate) store: Box<dyn Store>,
    /// How long it took.
    pub(crate) result: Result<Duration, StoreError>,
}

/// How far the commit is that was handed over last.
pub(crate) enum Progress {
    /// It has ended.
    Ended(Committed),
    /// It goes on.
    Busy,
    /// The thread panicked; the store is closed.
    Lost,
}

/// The writer's side. When it is dropped, the thread ends, and the store is closed if it is there.
pub(crate) struct Disk {
    commits: Option<Sender<Commit>>,
    committed: Receiver<Committed>,
}

impl Disk {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (commits, queue) = mpsc::channel();
        let (sender, committed) = mpsc::channel();
        thread::Builder::new().name("disk".into()).spawn(move || run(&queue, &sender))?;
        Ok(Self { commits: Some(commits), committed })
    }

    /// Hands a commit over. The one before has ended.
    pub(crate) fn give(&self, commit: Commit) {
        // If the thread has ended, the store is closed here, and waiting says so.
        let _ = self.commits.as_ref().map(|commits| commits.send(commit));
    }

    /// Waits for the commit; none: for however long it takes.
    pub(crate) fn wait(&self, most: Option<Duration>) -> Progress {
        let Some(most) = most else { return self.committed.recv().map_or(Progress::Lost, Progress::Ended) };
        match self.committed.recv_timeout(most) {
            Ok(committed) => Progress::Ended(committed),
            Err(RecvTimeoutError::Timeout) => Progress::Busy,
            Err(RecvTimeoutError::Disconnected) => Progress::Lost,
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.commits = None;
        // Ends with the thread, which lets go of the store first.
        while self.committed.recv().is_ok() {}
    }
}

fn run(commits: &Receiver<Commit>, committed: &Sender<Committed>) {
    while let Ok(Commit { mut store, revision, batch }) = commits.recv() {
        let result = commit(&mut *store, revision, &batch);
        if committed.send(Committed { store, result }).is_err() {
            return;
        }
    }
}

/// Commits a batch and says how long it took.
pub(crate) fn commit(store: &mut dyn Store, revision: u64, batch: &Batch) -> Result<Duration, StoreError> {
    let start = Instant::now();
    store.commit(revision, batch)?;
    Ok(start.elapsed())
}
