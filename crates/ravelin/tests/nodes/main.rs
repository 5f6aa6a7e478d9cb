//! The whole way with real packets: a server, agents on lab nodes, instances on them, and clients that know of no node.
//!
//! Each test has a mount and a network namespace of its own, with everything that it makes in them: nothing is left of it
//! whatever ends it. Needs root; without it each test says `skipped`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "what helps tests is a test")]

#[path = "../common/mod.rs"]
mod common;

mod change;
mod chaos;
mod cut_off;
mod ground;
mod instances;
mod leave;
mod node;
mod site;
mod visibility;
