//! The promises of the control plane, against stores that fail on demand and against one on disk.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

mod clock;
mod durability;
mod failed_commit;
mod history;
mod interleaving;
mod nodes;
mod opening;
mod queue;
mod reads;
mod scripted;
mod seed;
mod world;
