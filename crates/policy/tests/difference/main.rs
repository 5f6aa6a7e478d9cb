//! The difference of two policies is exact, minimal and canonical.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod bounds;
mod check;
mod exact;
mod examples;
mod meaning;
mod small;
