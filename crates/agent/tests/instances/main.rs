//! Instances of lab nodes with real packets. These tests need root and a kernel with what the dataplane needs; without root
//! they say that they are skipped. Each node is a network namespace of its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod node;
mod traffic;

mod foreign;
mod journey;
mod kills;
mod networks;
