//! What people ask before and after changes, against what changes really do.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::panic)]

#[path = "../../../model/tests/world/mod.rs"]
mod world;

mod activity;
#[path = "../fleet/site.rs"]
mod site;
mod walk;
