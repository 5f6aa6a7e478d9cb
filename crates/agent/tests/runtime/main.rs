//! The agent as it runs, against a control plane that does what a test tells it, over real sockets and TLS, with a kernel in
//! memory: sessions that are cut, updates that are malformed, older or too large, restarts, renewal.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "what helps tests is a test")]

mod certificates;
mod following;
mod host;
mod kernel;
mod plane;
mod real;
