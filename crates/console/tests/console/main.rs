//! The console over real HTTP: who gets in, what is refused, what stands in pages.

mod changes;
mod live;
mod pages;
mod sessions;
mod support;
