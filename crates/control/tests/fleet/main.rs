//! Publication to nodes and receipts, with nodes that do what they are told in this process.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "../../../model/tests/world/mod.rs"]
mod world;

mod following;
mod instances;
mod site;
