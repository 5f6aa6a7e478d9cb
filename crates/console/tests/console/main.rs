//! The console over real HTTP: who gets in, what is refused, what stands in pages.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod changes;
mod forms;
mod gate;
mod live;
mod nodes;
mod pages;
mod people;
mod questions;
mod sessions;
mod support;
