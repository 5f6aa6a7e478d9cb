//! What the control plane is told by its configuration, and where it has the time from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{Limits, Timing, UnixMillis, site::Catalogue};
use serde::{Deserialize, Serialize};

/// The settings of the control plane. Every bound has a default that fits a machine of two cores.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many of what there may be.
    pub limits: Limits,
    /// How long passing states last.
    pub timing: Timing,
    /// The edge sites, images and instance types that are offered.
    pub site: Catalogue,
    /// How much history is kept.
    pub history: HistoryRetention,
    /// The most submissions that wait for the writer; further ones are answered with an overload.
    pub queue_max: usize,
    /// The most commands in one commit.
    pub batch_max: usize,
    /// A commit takes no further commands when its records have this many bytes.
    pub batch_bytes_max: usize,
    /// Whether a submitter that finds nobody else writing commits on its own thread, and batches are answered on the
    /// runtime that submits. It spares changes of threads, and needs one runtime for all that submit without blocking,
    /// with at least two threads, of which at most one is ever held by a commit.
    pub commit_on_submitter: bool,
    /// The most entities that the clock changes in one commit.
    pub advance_max: usize,
    /// How long a read waits for the commit that it depends on.
    pub read_deadline: Duration,
    /// How long a submission waits for its commit, and for the recovery of a failed one.
    pub commit_deadline: Duration,
    /// The pause before the second attempt to recover the store; it doubles with each further one.
    pub recovery_pause: Duration,
    /// The longest pause between two attempts to recover the store.
    pub recovery_pause_max: Duration,
    /// What is kept of nodes.
    pub fleet: FleetSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            timing: Timing::default(),
            site: Catalogue::default(),
            history: HistoryRetention::default(),
            queue_max: 4096,
            batch_max: 256,
            batch_bytes_max: 4 << 20,
            commit_on_submitter: false,
            advance_max: 256,
            read_deadline: Duration::from_secs(5),
            commit_deadline: Duration::from_secs(10),
            recovery_pause: Duration::from_millis(100),
            recovery_pause_max: Duration::from_secs(5),
            fleet: FleetSettings::default(),
        }
    }
}

/// What is kept of nodes, and of what they have confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FleetSettings {
    /// The most generations whose receipts are kept, of those that every node has confirmed and as many of those that
    /// some have not.
    pub receipts_max: usize,
    /// The most nodes in all these receipts together.
    pub receipt_nodes_max: usize,
    /// About how many bytes of changes are kept for one node that cannot be told them yet; then it gets a snapshot.
    pub pending_bytes_max: usize,
    /// As `pending_bytes_max`, for all nodes together.
    pub pending_bytes_total_max: usize,
    /// The most updates that a node is told before it has answered the first of them.
    pub unanswered_max: usize,
    /// The most questions that a node has to answer at the same time; half of them may be such as it may hold back, until
    /// something is dropped.
    pub questions_max: usize,
}

impl Default for FleetSettings {
    fn default() -> Self {
        Self {
            receipts_max: 10_000,
            receipt_nodes_max: 500_000,
            pending_bytes_max: 1 << 20,
            pending_bytes_total_max: 256 << 20,
            unanswered_max: 2,
            questions_max: 16,
        }
    }
}

/// How much history is kept: the newest generations within both bounds, and always the very newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryRetention {
    /// The most generations.
    pub generations_max: usize,
    /// The most bytes of records.
    pub bytes_max: u64,
}

impl Default for HistoryRetention {
    fn default() -> Self {
        Self { generations_max: 50_000, bytes_max: 256 << 20 }
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time now. Later calls may give an earlier time: nothing but time stamps and due times depends on it.
    fn now(&self) -> UnixMillis;
}

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
