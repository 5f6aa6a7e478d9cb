//! The HTTP server on real sockets: what it answers, what it bounds, how it stops.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod limits;
mod protocol;
mod routes;
mod shutdown;
mod support;
mod tls;
