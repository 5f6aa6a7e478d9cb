//! The state as everybody shares it, and how it is read without showing what is not on disk.
//!
//! The writer applies a command as soon as it is planned, so that the next one is planned against it; the commit comes
//! after. A read therefore remembers the generation that it saw, and answers when that one is durable. A failed commit
//! takes changes back: then the epoch changes, and what was seen in another epoch is looked at again.

use std::sync::atomic::{AtomicU64, Ordering};

use model::{Changes, Entity, State, change::Change};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::{access, control::Phase};

/// An answer from the state, and the generation that it is true of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read<T> {
    /// The answer.
    pub value: T,
    /// The last durable generation that it depends on.
    pub generation: u64,
}

/// The state cannot be shown, because the commit that it depends on does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the state cannot be shown at present: a write to disk does not end")]
pub struct Unavailable;

/// The state and how far it is.
pub(crate) struct Published {
    pub(crate) state: State,
    /// The last generation in it, durable or not.
    pub(crate) generation: u64,
    /// The last one that changed what [`access::Access`] shows.
    access_generation: u64,
    /// How often changes were taken back.
    pub(crate) epoch: u64,
    /// How many memberships there are.
    pub(crate) memberships: usize,
}

/// What waiting readers wait for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Durability {
    durable: u64,
    epoch: u64,
    pub(crate) phase: Phase,
}

/// Which part of the state a read looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Access,
}

/// What a read saw.
pub(crate) struct Seen<T> {
    pub(crate) value: T,
    pub(crate) generation: u64,
    epoch: u64,
    pub(crate) durable: bool,
}

/// The state, its durability and its readers. Only the writer changes it.
pub(crate) struct Shared {
    published: RwLock<Published>,
    /// Of the present epoch. It changes back to an earlier number, and the epoch changes, under the lock alone.
    durable: AtomicU64,
    durability: watch::Sender<Durability>,
}

impl Shared {
    pub(crate) fn new(state: State, memberships: usize, generation: u64) -> Self {
        let durability = Durability { durable: generation, epoch: 0, phase: Phase::Serving };
        Self {
            published: RwLock::new(Published {
                state,
                generation,
                access_generation: generation,
                epoch: 0,
                memberships,
            }),
            durable: AtomicU64::new(generation),
            durability: watch::Sender::new(durability),
        }
    }

    /// Looks at the state as it is, durable or not: for the writer, and for sizes.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Published) -> T) -> T {
        look(&self.published.read())
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.durability.borrow().phase
    }

    /// Reads once. Where the answer is not `durable`, [`Shared::settle`] waits for it.
    pub(crate) fn look<T>(&self, part: Part, f: &impl Fn(&State) -> T) -> Seen<T> {
        let published = self.published.read();
        let value = f(&published.state);
        let generation = match part {
            Part::Whole => published.generation,
            Part::Access => published.access_generation,
        };
        // Under the lock the epoch stands still, so that the number means the same as the one in the state.
        let durable = generation <= self.durable();
        Seen { value, generation, epoch: published.epoch, durable }
    }

    /// Waits until what was seen is durable; looks again where it was taken back.
    pub(crate) async fn settle<T>(
        &self,
        part: Part,
        f: impl Fn(&State) -> T,
        mut seen: Seen<T>,
    ) -> Result<Read<T>, Unavailable> {
        loop {
            let Seen { generation, epoch, .. } = seen;
            if seen.durable {
                return Ok(Read { value: seen.value, generation });
            }
            if self.settled(generation, epoch).await.ok_or(Unavailable)? {
                seen.durable = true;
            } else {
                seen = self.look(part, &f);
            }
        }
    }

    /// Waits until what was seen at a generation, in an epoch, is durable. False: it was taken back. None: it never
    /// will be either.
    pub(crate) async fn settled(&self, generation: u64, epoch: u64) -> Option<bool> {
        let mut durability = self.durability.subscribe();
        let waited = durability
            .wait_for(|now| now.epoch != epoch || now.durable >= generation || now.phase == Phase::Stopped);
        let now = *waited.await.ok()?;
        if now.epoch != epoch {
            return Some(false);
        }
        (now.durable >= generation).then_some(true)
    }

    /// Waits for a phase.
    pub(crate) async fn until(&self, phase: Phase) {
        // The sender lives as long as `self`, so that there always is an answer.
        let _ = self.durability.subscribe().wait_for(|now| now.phase == phase).await;
    }

    /// Applies what was planned against this very state. Readers wait for `generation` from now on.
    pub(crate) fn apply(&self, changes: &Changes, generation: u64) {
        let concerns_access = access::concerned(changes);
        let mut published = self.published.write();
        // First the number: should the rest panic, nobody is shown the half of it.
        published.generation = generation;
        if concerns_access {
            published.access_generation = generation;
        }
        published.apply(changes);
    }

    /// Everything up to this generation is on disk.
    pub(crate) fn set_durable(&self, generation: u64) {
        self.durable.store(generation, Ordering::Release);
        self.durability.send_modify(|durability| durability.durable = generation);
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.durability.send_modify(|durability| durability.phase = phase);
    }

    /// Takes back what was applied after the last durable generation, so that readers see that one again.
    pub(crate) fn take_back<'a>(&self, applied: impl DoubleEndedIterator<Item = &'a Changes>) {
        let mut published = self.published.write();
        for changes in applied.rev() {
            let inverse =
                |change: &Change| Change { before: change.after.clone(), after: change.before.clone() };
            published.apply(&Changes(changes.0.iter().rev().map(inverse).collect()));
        }
        let durable = self.durable();
        published.generation = durable;
        published.access_generation = published.access_generation.min(durable);
        published.epoch += 1;
        self.announce(&published);
    }

    /// Puts the state that recovery found in place of the one here.
    pub(crate) fn replace(&self, state: State, memberships: usize, generation: u64) {
        let mut published = self.published.write();
        let old = std::mem::replace(&mut published.state, state);
        published.generation = generation;
        published.access_generation = generation;
        published.memberships = memberships;
        published.epoch += 1;
        self.durable.store(generation, Ordering::Release);
        self.announce(&published);
        drop(published);
        // A large state takes its time to go: readers need not wait for it.
        drop(old);
    }

    fn announce(&self, published: &Published) {
        self.durability.send_modify(|durability| {
            durability.durable = published.generation;
            durability.epoch = published.epoch;
        });
    }
}

impl Published {
    fn apply(&mut self, changes: &Changes) {
        for Change { before, after } in &changes.0 {
            self.memberships += after.as_ref().map_or(0, memberships);
            self.memberships -= before.as_ref().map_or(0, memberships);
        }
        self.state.apply(changes);
    }
}

/// How many memberships an entity stands for.
pub(crate) fn memberships(entity: &Entity) -> usize {
    match entity {
        Entity::Interface(interface) => interface.groups.len(),
        _ => 0,
    }
}
