//! Waiting for nodes over HTTP: a server on a socket, with a control plane whose nodes are in this process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod asking;
mod regression;
#[allow(dead_code, missing_docs, unreachable_pub, reason = "it is of the tests of another crate")]
#[path = "../../../control/tests/control/scripted.rs"]
mod scripted;
mod settings;
mod support;
