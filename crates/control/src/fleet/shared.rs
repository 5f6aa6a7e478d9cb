//! The roster as everybody shares it, and what callers ask of it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use model::{NodeId, Outcome, Plan, Refusal, UnixMillis};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::oneshot,
    time::{self, timeout},
};

use super::{
    Answer, AskError, Ended, Enforced, Enforcement, FollowError, Follower, Heard, Hello, NodeReceipt,
    NodeStanding, Question,
    following::Followed,
    hearing::Counted,
    metrics::FleetMetrics,
    receipts::{Known, Moment},
    roster::{Roster, Staged},
};
use crate::{control::Control, lineage::Lineage, settings::FleetSettings};

/// The roster. Whoever looks at the state and at it locks the state first.
pub(crate) struct Fleet {
    roster: Mutex<Roster>,
    /// Generations after this one are settled: nobody has to lock anything to know.
    settled_after: AtomicU64,
    pub(crate) metrics: FleetMetrics,
    began: Instant,
}

impl Fleet {
    /// A fleet of which nothing is known up to a generation.
    pub(crate) fn new(generation: u64, lineage: Lineage, settings: FleetSettings) -> Self {
        let roster = Mutex::new(Roster::new(generation, lineage, settings));
        // What was before is not known.
        let settled_after = AtomicU64::new(generation);
        Self { roster, settled_after, metrics: FleetMetrics::new(), began: Instant::now() }
    }

    pub(super) fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock()
    }

    pub(super) fn moment(&self, at: UnixMillis) -> Moment {
        Moment { at, running: self.began.elapsed() }
    }

    /// Refuses what is legal as far as the state says, and is not as far as nodes are concerned.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), Refusal> {
        match plan.outcome {
            Outcome::NodeReadmitted(node) if !self.roster().has_regressed(node) => {
                Err(Refusal::NodeNotRegressed(node))
            }
            _ => Ok(()),
        }
    }

    /// Takes up changes that are on disk, up to a generation.
    pub(crate) fn publish(&self, staged: Vec<Staged>, generation: u64, now: UnixMillis) {
        let now = self.moment(now);
        let mut roster = self.roster();
        roster.publish(staged, generation, now);
        self.note_settled(&roster);
    }

    fn note_settled(&self, roster: &Roster) {
        // Before the callers of the changes are answered.
        self.settled_after.store(roster.receipts.settled_after(), Ordering::Release);
    }

    /// The follower with this number says something.
    pub(super) fn hear(
        &self,
        (node, number): (NodeId, u64),
        heard: Heard,
        now: UnixMillis,
    ) -> Result<Counted, Ended> {
        let now = self.moment(now);
        let mut roster = self.roster();
        let counted = roster.hear(node, number, heard, now);
        self.note_settled(&roster);
        counted
    }

    /// Ends all waiting, and lets nobody wait from now on.
    pub(crate) fn stop_waiting(&self) {
        self.roster().stop_waiting();
    }

    /// The state was replaced by what a failed store was found to hold. `staged` is what is on disk of what was not
    /// published, and `forgotten` the last generation of which nothing is known that was not published.
    pub(crate) fn replace(&self, staged: Vec<Staged>, generation: u64, forgotten: u64, now: UnixMillis) {
        let now = self.moment(now);
        let mut roster = self.roster();
        roster.publish(staged, generation, now);
        roster.replace(generation, forgotten);
        self.note_settled(&roster);
    }

    /// Ends all connections and all waiting.
    pub(crate) fn stop(&self) {
        self.roster().stop();
    }
}

impl Control {
    /// Lets a node follow what is wanted of it. It stops following when the follower is dropped; if it follows already,
    /// it does not through the earlier connection any more.
    ///
    /// # Errors
    /// The node does not exist, its certificate is not good, or the control plane is ending.
    pub fn follow(&self, node: NodeId, hello: Hello) -> Result<Follower, FollowError> {
        let core = self.core();
        let now = core.clock.now();
        let (source, generation) = (hello.source, hello.generation);
        let agent_version = hello.agent_version.clone();
        // Both under the lock of the state: if the node is deleted at the same time, its follower learns it.
        let followed = core.shared.with(|published| {
            let found = published.state.nodes().get(&node).ok_or(FollowError::NotFound)?;
            if found.certificate(hello.certificate, now).is_none() {
                return Err(FollowError::Certificate);
            }
            let followed = core.fleet.roster().follow(node, hello, core.fleet.moment(now));
            followed.map_err(|_: Ended| FollowError::Stopping)
        });
        let Followed { number, wake, regressed, found } = followed?;
        let follower = Follower::new(self, node, number, wake);
        core.fleet.metrics.connections.inc();
        core.fleet.metrics.regressions.inc_by(u64::from(found));
        tracing::info!(%node, %source, agent_version, generation, "a node follows");
        if regressed {
            tracing::warn!(
                %node,
                generation,
                "a node holds a generation that this server never gave or has lost: it keeps what it enforces, and is told nothing until ReadmitNode says that what is here counts"
            );
        }
        Ok(follower)
    }

    /// Asks a node something, and waits for its answer.
    ///
    /// # Errors
    /// There is no answer within this time.
    pub async fn ask(
        &self,
        node: NodeId,
        question: Question,
        deadline: Duration,
    ) -> Result<Answer, AskError> {
        let (sender, answer) = oneshot::channel();
        let id = self.core().fleet.roster().ask(node, question, sender)?;
        let _asked = Asked { control: self, node, id };
        match timeout(deadline, answer).await {
            Err(_) => Err(AskError::Deadline),
            Ok(Err(_)) => Err(AskError::NotConnected),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Ok(Ok(Answer::Failed(why)))) => Err(AskError::Failed(why)),
            Ok(Ok(Ok(answer))) => Ok(answer),
        }
    }

    /// How far a generation is in force; none: there is none such on disk.
    pub fn enforcement(&self, generation: u64) -> Option<Enforcement> {
        self.core().fleet.roster().enforcement(generation)
    }

    /// What is known of a generation at one node.
    pub(crate) fn receipt_of(&self, generation: u64, node: NodeId) -> NodeReceipt {
        self.core().fleet.roster().receipt_of(generation, node)
    }

    /// Whether it is known that every node that a generation concerns has confirmed it or was deleted. Costs nearly nothing
    /// where nothing is unconfirmed.
    pub fn is_enforced(&self, generation: u64) -> bool {
        let fleet = &self.core().fleet;
        generation > fleet.settled_after.load(Ordering::Acquire)
            || matches!(fleet.roster().receipts.of(generation), Known::Settled(_))
    }

    /// Waits until a generation is in force at every node that it concerns, for this long at most. A generation that
    /// concerns no node does not wait.
    pub async fn enforced(&self, generation: u64, deadline: Duration) -> Enforced {
        let fleet = &self.core().fleet;
        let waits = {
            let mut roster = fleet.roster();
            let waits = roster.receipts.waiting(generation).filter(|_| !roster.impatient);
            // From here on no wake-up is missed: whoever wakes holds the same lock.
            waits.map(|wait| wait.notified_owned())
        };
        if let Some(waits) = waits {
            // Whether it was woken or not, what counts is what is so then.
            let _ = time::timeout(deadline, waits).await;
        }
        fleet.roster().enforced(generation)
    }

    /// What is known of a node beside the state. Of one that has not connected and that nothing concerned, nothing is.
    pub fn standing(&self, node: NodeId) -> NodeStanding {
        let fleet = &self.core().fleet;
        let now = fleet.moment(self.core().clock.now());
        fleet.roster().slots.get(&node).map(|slot| slot.standing(now)).unwrap_or_default()
    }

    /// Lets nobody wait for nodes any more: whoever does learns at once how far they are. For a server that is stopping.
    pub fn stop_waiting(&self) {
        self.core().fleet.stop_waiting();
    }
}

/// A question that somebody waits for; it is withdrawn when this is dropped.
struct Asked<'a> {
    control: &'a Control,
    node: NodeId,
    id: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.control.core().fleet.roster().withdraw(self.node, self.id);
    }
}
