//! Who decides.
//!
//! One thread, the writer, plans every command against the state in memory, makes a batch of what is asked for at the
//! same time, commits it with one synchronisation of the disk, and answers. A [`Control`] is the handle that everybody
//! else has: [`Control::submit`] asks for a change, [`Control::read`] looks at the state. Three promises hold:
//! - what is answered is on disk: changes, and also what a read shows;
//! - a commit that fails is not guessed at: recovery of the store says what is so, and the callers are answered by it;
//! - the numbers of changes (generations) only grow.
//!
//! This crate must not know HTTP, signatures, or how requests and answers are written.

mod access;
pub mod activity;
mod audit;
mod concern;
mod control;
mod desired;
mod entropy;
pub mod findings;
pub mod fleet;
mod history;
mod lineage;
mod load;
mod metrics;
mod nonces;
pub mod past;
mod pending;
pub mod preview;
mod published;
pub mod records;
mod recovery;
mod settings;
mod submission;
pub mod survey;
pub mod traffic;
mod wait;
mod writer;

pub use self::{
    access::Access,
    concern::concern,
    control::{Control, HistoryError, Opened, Phase, Status},
    desired::desired,
    fleet::{Follower, Heard, Hello, Told},
    history::{HistoryRecord, RecordedChange},
    load::{HexKey, OpenError},
    metrics::Sizes,
    nonces::{NONCE_KEEP_MINUTES, NonceRecord},
    published::{Read, Unavailable},
    records::RecordError,
    settings::{Clock, FleetSettings, HistoryRetention, Settings, SystemClock},
    submission::{Failure, Receipt, Submission},
};
