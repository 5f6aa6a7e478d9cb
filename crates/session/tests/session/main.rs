//! The listener for nodes, on real sockets, with agents and with whoever else comes.

// A test that cannot go on says so by a panic.
#![allow(clippy::panic, clippy::unwrap_used)]

mod certificates;
mod client;
mod connections;
mod following;
mod joining;
mod restart;
mod world;
