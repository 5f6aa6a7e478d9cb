//! The protocol against the outside world: published vectors, captured requests of the official clients,
//! generated requests, and every bad input with its error.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod captures;
mod properties;
mod refusals;
mod support;
mod vectors;
