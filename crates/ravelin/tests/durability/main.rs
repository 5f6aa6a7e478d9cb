//! Nothing acknowledged is lost, and nothing is half done: under kill -9 at random moments, and under faults of the disk
//! below the store.

#[path = "../common/mod.rs"]
mod common;
mod disk;
mod kills;
mod workload;
