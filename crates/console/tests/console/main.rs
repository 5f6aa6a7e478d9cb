//! The console over real HTTP: who gets in, what is refused, what stands in pages.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod activity;
mod changes;
mod forms;
mod gate;
mod lists;
mod live;
mod map;
mod nodes;
mod pages;
mod people;
mod questions;
mod sessions;
mod support;
