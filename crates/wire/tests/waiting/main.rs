//! Waiting for nodes over HTTP: a server on a socket, with a control plane whose nodes are in this process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod regression;
mod settings;
mod support;
