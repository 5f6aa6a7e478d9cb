//! What people ask before and after they change something: previews, explanations, events and the past, over HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod events;
mod explain;
mod findings;
mod past;
mod preview;
mod scene;
#[allow(dead_code, reason = "shared with another test, which needs the rest")]
#[path = "../waiting/support.rs"]
mod support;
