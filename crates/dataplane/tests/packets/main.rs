//! Real packets between network namespaces: what a host with bound interfaces lets pass, and what it does not.
//!
//! Every packet carries when it was sent, so that "nothing passes after the switch" is exact: no packet arrives that was
//! sent after the call had returned. Needs root; the namespaces have no names and end with the process.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod adoption;
mod attacks;
mod child;
mod conversation;
mod dhcp;
mod endpoint;
mod flood;
mod fragments;
mod kills;
mod link;
mod malformed;
mod namespace;
mod nat;
mod openstack;
mod revocation;
mod survival;
mod tap;
mod topology;
mod world;
