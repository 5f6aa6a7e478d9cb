//! A store in a directory, on the embedded engine.
//!
//! Opening and recovering are one path ([`bring_up`]): check the files without changing them, make what they show
//! durable, open the engine, and compare what it found with what the files said.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    Batch, Identity, Snapshot, Store, StoreError, Table, Visitor,
    directory::Directory,
    engine::{Engine, TREES},
    files, journal,
    journal_batch::Link,
    manifest,
    mark::{self, Mark},
};

/// How often and how long recovery looks whether the last snapshot is let go.
const SNAPSHOT_POLL: Duration = Duration::from_millis(10);
const SNAPSHOT_POLLS: u32 = 500;

/// How much memory the engine may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Cache of blocks read, in bytes.
    pub cache_bytes: u64,
    /// Changes kept in memory until they are written to tables, in bytes; up to three times as much for a moment
    /// while they are written. Decided when a store is created, later values have no effect.
    pub write_buffer_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 8 << 20, write_buffer_bytes: 64 << 20 }
    }
}

/// A store in a directory, on the embedded engine.
pub struct FjallStore {
    directory: Directory,
    options: Options,
    state: State,
    identity: Identity,
    revision: u64,
}

enum State {
    Open(Open),
    /// A write failed. The engine is kept, if it was not closed yet, until recovery can close it.
    Failed(Option<Open>),
}

/// An open engine and what goes with it.
struct Open {
    engine: Arc<Engine>,
    mark: Mark,
    /// Tells snapshots to let go of the engine.
    closing: Arc<AtomicBool>,
}

impl FjallStore {
    /// Opens the store in `directory`; creates it if the directory is missing or empty. The directory is readable by
    /// its owner alone and locked against other processes while the store is open.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Foreign`], [`StoreError::NewerFormat`],
    /// [`StoreError::RestoreUnfinished`], [`StoreError::Damaged`]: see there; the directory is left as it was, except
    /// that damage which only the engine can see is found after the torn end of a journal was dropped.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, StoreError> {
        let directory = Directory::open(directory)?;
        directory.create_engine(|path| create(path, options))?;
        let (open, identity, revision) = bring_up(&directory, options)?;
        Ok(Self { directory, options: *options, state: State::Open(open), identity, revision })
    }

    fn open_state(&self) -> Result<&Open, StoreError> {
        match &self.state {
            State::Open(open) => Ok(open),
            State::Failed(_) => Err(StoreError::NeedsRecovery),
        }
    }

    fn write(&mut self, batch: &Batch, link: Option<Link>) -> Result<(), StoreError> {
        match std::mem::replace(&mut self.state, State::Failed(None)) {
            State::Failed(open) => {
                self.state = State::Failed(open);
                Err(StoreError::NeedsRecovery)
            }
            State::Open(mut open) => match open.engine.write(batch, link) {
                Ok(()) => {
                    if let Some(link) = link {
                        open.mark.acknowledge(link.revision);
                        self.revision = link.revision;
                    }
                    self.state = State::Open(open);
                    Ok(())
                }
                Err(source) => {
                    self.state = State::Failed(Some(open));
                    Err(StoreError::CommitFailed { source })
                }
            },
        }
    }

    /// Closes the engine as soon as no snapshot holds it; gives it back if that takes too long.
    fn close(open: Open) -> Result<(), Box<Open>> {
        open.closing.store(true, Ordering::Release);
        let Open { mut engine, mark, closing } = open;
        for _ in 0..SNAPSHOT_POLLS {
            match Arc::try_unwrap(engine) {
                Ok(engine) => {
                    engine.close();
                    return Ok(());
                }
                Err(shared) => engine = shared,
            }
            thread::sleep(SNAPSHOT_POLL);
        }
        Err(Box::new(Open { engine, mark, closing }))
    }
}

/// Creates an empty store. Its first journal begins with a commit that makes revision 0 out of 0, so that from then on
/// every journal's chain has a beginning.
fn create(path: &Path, options: &Options) -> Result<(), StoreError> {
    let engine = Engine::open(path, options)?;
    let begun = engine.write(&Batch::new(), Some(Link { revision: 0, previous: 0 }));
    engine.close();
    begun.map_err(|source| StoreError::CommitFailed { source })
}

/// Opens the engine of a complete directory.
fn bring_up(directory: &Directory, options: &Options) -> Result<(Open, Identity, u64), StoreError> {
    let path = directory.engine();
    let acknowledged = mark::read(&directory.mark())?;
    manifest::check(&path, TREES)?;
    let journals = journal::check(&path)?;
    let lost = |found: u64| {
        let detail = format!("revision {acknowledged} was acknowledged, but only revision {found} is there");
        StoreError::damaged(&path, detail)
    };
    if let Some(found) = journals.revision.filter(|found| *found < acknowledged) {
        return Err(lost(found));
    }
    journals.renew()?;
    manifest::renew(&path, TREES)?;
    let engine = Engine::open(&path, options)?;
    files::restrict(directory.path())?;
    let revision =
        engine.link().map_err(|source| StoreError::Read { source })?.map_or(0, |link| link.revision);
    let restored_from = engine.restored_from().map_err(|source| StoreError::Read { source })?;
    if revision < acknowledged {
        return Err(lost(revision));
    }
    if let Some(expected) = journals.revision.filter(|expected| *expected != revision) {
        let detail = format!("the journals end with revision {expected}, the engine with {revision}");
        return Err(StoreError::damaged(&path, detail));
    }
    mark::create(&directory.mark(), revision)?;
    let mark = Mark::open(&directory.mark())?;
    let open = Open { engine: Arc::new(engine), mark, closing: Arc::default() };
    Ok((open, Identity { store_id: directory.store_id(), restored_from }, revision))
}

impl Store for FjallStore {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn commit(&mut self, revision: u64, batch: &Batch) -> Result<(), StoreError> {
        self.open_state()?;
        batch.check()?;
        if revision <= self.revision {
            return Err(StoreError::RevisionConflict { current: self.revision, offered: revision });
        }
        self.write(batch, Some(Link { revision, previous: self.revision }))
    }

    fn write_unsynced(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.open_state()?;
        batch.check()?;
        if batch.is_empty() { Ok(()) } else { self.write(batch, None) }
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.open_state()?.engine.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError> {
        let engine = &self.open_state()?.engine;
        engine.scan(&engine.view(), (table, from), &|| Ok(()), visitor)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let open = self.open_state()?;
        Ok(Box::new(FjallSnapshot {
            view: open.engine.view(),
            engine: open.engine.clone(),
            closing: open.closing.clone(),
            identity: self.identity,
            revision: self.revision,
        }))
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        let (State::Open(open) | State::Failed(Some(open))) =
            std::mem::replace(&mut self.state, State::Failed(None))
        else {
            return self.reopen();
        };
        match Self::close(open) {
            Ok(()) => self.reopen(),
            Err(open) => {
                self.state = State::Failed(Some(*open));
                Err(StoreError::SnapshotInUse)
            }
        }
    }
}

impl FjallStore {
    fn reopen(&mut self) -> Result<(), StoreError> {
        let (open, identity, revision) = bring_up(&self.directory, &self.options)?;
        self.state = State::Open(open);
        self.identity = identity;
        self.revision = revision;
        Ok(())
    }
}

struct FjallSnapshot {
    // Declared before the engine: it must be gone when the engine closes.
    view: fjall::Snapshot,
    engine: Arc<Engine>,
    closing: Arc<AtomicBool>,
    identity: Identity,
    revision: u64,
}

impl Snapshot for FjallSnapshot {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn scan(&self, table: Table, from: &[u8], visitor: &mut Visitor<'_>) -> Result<(), StoreError> {
        let go_on =
            || if self.closing.load(Ordering::Acquire) { Err(StoreError::NeedsRecovery) } else { Ok(()) };
        go_on()?;
        self.engine.scan(&self.view, (table, from), &go_on, visitor)
    }
}
