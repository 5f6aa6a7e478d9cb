//! Publication to nodes and receipts, with nodes that do what they are told in this process.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::panic)]

#[path = "../control/scripted.rs"]
mod scripted;
#[path = "../../../model/tests/world/mod.rs"]
mod world;

mod asking;
mod crowd;
mod following;
mod instances;
mod metrics;
mod recovering;
mod regression;
mod site;
mod waiting;
mod walk;
