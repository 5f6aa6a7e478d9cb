//! Labs with real packets. These tests need root and a kernel with what the dataplane needs; without root they say that
//! they are skipped.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod support;

mod enforcement;
mod leftovers;
mod repair;
