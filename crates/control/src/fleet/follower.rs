//! One node that is connected: what it is told, and what it says.

use std::sync::Arc;

use model::NodeId;
use tokio::sync::Notify;

use super::{Ended, Heard, Told, following::Step, hearing::Counted};
use crate::{
    control::{Control, Core, WeakControl},
    desired::desired,
};

/// One node that is connected. It is told what is wanted of it, and says what became of that. When this is dropped the
/// node is not connected any more.
pub struct Follower {
    core: Arc<Core>,
    /// Not one that keeps the control plane from ending.
    pub(super) control: WeakControl,
    node: NodeId,
    number: u64,
    wake: Arc<Notify>,
}

impl Follower {
    pub(super) fn new(control: &Control, node: NodeId, number: u64, wake: Arc<Notify>) -> Self {
        Self { core: Arc::clone(control.core()), control: control.downgrade(), node, number, wake }
    }

    /// The node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The number of its connection.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// What to tell the node next; waits until there is something. Nothing is lost if the future is dropped before it
    /// is ready.
    ///
    /// # Errors
    /// [`Ended`]: there is nothing to tell any more, and the connection should be closed.
    pub async fn next(&mut self) -> Result<Told, Ended> {
        let told = self.told().await?;
        self.core.fleet.metrics.told(&told);
        Ok(told)
    }

    async fn told(&self) -> Result<Told, Ended> {
        loop {
            let step = self.core.fleet.roster().step(self.node, self.number)?;
            match step {
                Step::Snapshot => {
                    if let Some(told) = self.snapshot().await? {
                        return Ok(told);
                    }
                }
                Step::Delta { from, generation, run, delta } => {
                    return Ok(Told::Delta { from, generation, run, delta });
                }
                Step::Current { generation, run } => return Ok(Told::Current { generation, run }),
                Step::Question { id, question } => return Ok(Told::Question { id, question }),
                Step::Wait => self.wake.notified().await,
            }
        }
    }

    /// Takes a snapshot, and waits until what it shows is on disk. None: it was taken back, or another is needed.
    async fn snapshot(&self) -> Result<Option<Told>, Ended> {
        let (core, node, number) = (&self.core, self.node, self.number);
        let taken = core.shared.with(|published| {
            // Under the lock of the state: what is applied later is collected for the node from here on.
            let begun = core.fleet.roster().begin_snapshot(node, number, published.generation)?;
            Ok(begun.map(|answer_to| {
                (answer_to, desired(&published.state, node), published.generation, published.epoch)
            }))
        });
        let Some((answer_to, desired, generation, epoch)) = taken? else { return Ok(None) };
        if !core.shared.settled(generation, epoch).await.ok_or(Ended::Stopping)? {
            return Ok(None);
        }
        let mut roster = core.fleet.roster();
        let told = roster.tell_snapshot(node, number, (answer_to, generation))?;
        let run = roster.lineage.run_of(generation);
        Ok(told.map(|obey_regression| Told::Snapshot { generation, run, desired, obey_regression }))
    }

    /// Takes in what the node says. What a node that does not follow any more says is passed over.
    pub fn heard(&self, heard: Heard) {
        let fleet = &self.core.fleet;
        let now = self.core.clock.now();
        let of_itself = matches!(heard, Heard::InstanceStates(_) | Heard::Report(_));
        let Ok(counted) = fleet.hear((self.node, self.number), heard, now) else { return };
        fleet.metrics.heard(&counted);
        self.log(&counted);
        if of_itself {
            self.carry_out_reports();
        }
    }

    fn log(&self, counted: &Counted) {
        let node = self.node;
        if counted.impossible {
            tracing::warn!(%node, "a node speaks of a generation that it was never told");
        }
        if counted.regressed {
            tracing::warn!(%node, "a node has confirmed a newer generation, and keeps what it enforces");
        }
        if let Some(reason) = counted.refused {
            tracing::warn!(%node, ?reason, "a node refuses an update");
        }
        if counted.not_in_force {
            tracing::warn!(%node, "an update is not in force everywhere at a node");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let now = self.core.clock.now();
        if self.core.fleet.roster().leave(self.node, self.number, now) {
            tracing::info!(node = %self.node, "a node does not follow any more");
        }
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("node", &self.node).field("number", &self.number).finish()
    }
}
