//! Deletes the flows of bindings that have ended, beside the thread that has ended them: the table is read through for
//! that, and whoever changes what is in force does not wait for it.
//!
//! Nothing is judged by what is left meanwhile. A flow has the number of its binding, which is never used again; it counts
//! in a slot, which is given to another binding only when nothing counts there any more.

use std::{
    collections::BTreeMap,
    io, iter, mem,
    sync::{
        atomic::Ordering::SeqCst,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use super::{mapped::Words, sys::Map};
use crate::layout::{FlowKey, SHARE_WORDS};

/// Bindings by number, each with its slot.
pub(crate) type Slots = BTreeMap<u32, u32>;

enum Task {
    /// To delete the flows of these.
    Sweep(Slots),
    /// To say that what was asked for before is done.
    Tell(Sender<()>),
}

/// Deletes flows. What it was asked for is done when this is dropped.
pub(crate) struct Sweeper {
    /// None when this is dropped, which ends the thread.
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Starts the thread, with the table of flows and the words of shares.
    pub(crate) fn new(flows: Map, shares: Words) -> io::Result<Self> {
        let (tasks, told) = channel();
        let thread =
            thread::Builder::new().name("sweeper".to_owned()).spawn(move || work(&flows, &shares, &told))?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// Deletes the flows of bindings, for which no packet is judged any more. Does not wait.
    pub(crate) fn sweep(&self, ended: Slots) {
        self.give(Task::Sweep(ended));
    }

    /// Waits until everything is deleted that was asked for before.
    pub(crate) fn wait(&self) {
        let (tell, told) = channel();
        self.give(Task::Tell(tell));
        // A thread that is gone deletes nothing more, and says so by this.
        let _ = told.recv();
    }

    fn give(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            let _ = tasks.send(task);
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.tasks.take());
        if let Some(thread) = self.thread.take() {
            // It returns, and does not panic.
            let _ = thread.join();
        }
    }
}

/// The table is read once for all that has ended until then.
fn work(flows: &Map, shares: &Words, tasks: &Receiver<Task>) {
    let mut left = Slots::new();
    while let Ok(first) = tasks.recv() {
        let (mut ended, mut waiting) = (mem::take(&mut left), Vec::new());
        for task in iter::once(first).chain(tasks.try_iter()) {
            match task {
                Task::Sweep(more) => ended.extend(more),
                Task::Tell(whom) => waiting.push(whom),
            }
        }
        // What cannot be deleted is tried again with what ends next, or expires in the kernel. Until then its slot is no other
        // binding's.
        if delete_flows(flows, shares, &ended).is_err() {
            ended.retain(|_, slot| shares[(*slot * SHARE_WORDS) as usize].load(SeqCst) > 0);
            left = ended;
        }
        for whom in waiting {
            // Whoever has given up waiting needs no answer.
            let _ = whom.send(());
        }
    }
}

/// Deletes the flows of bindings. Each one counts down its share once, here or where it expires.
pub(crate) fn delete_flows(flows: &Map, shares: &Words, of: &Slots) -> io::Result<()> {
    if of.is_empty() {
        return Ok(());
    }
    let mut found = Vec::new();
    flows.each(|key, _| {
        if let Some(slot) = of.get(&FlowKey::read(key).id) {
            found.push((key.to_vec(), *slot));
        }
        true
    })?;
    for (key, slot) in found {
        if flows.delete(&key)? {
            shares[(slot * SHARE_WORDS) as usize].fetch_sub(1, SeqCst);
        }
    }
    Ok(())
}
