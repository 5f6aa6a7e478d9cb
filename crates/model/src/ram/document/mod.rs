//! Policy documents: reading them when they are written, and deciding by them.
//!
//! The language is RAM's, version 1: statements that allow or deny actions on resources, under conditions. Reading is
//! strict. What cannot be understood is refused with its place and reason, because a part that is passed over makes a
//! document mean something else than its author reads in it. Documents are kept as text and read again when they are
//! loaded; what was read is prepared for deciding, which cannot fail.
//!
//! Knows nothing of users or attachments: whose documents count is the caller's business.

mod condition;
mod error;
mod json;
mod pattern;
mod policy;
mod request;
mod resource;
mod system;
mod value;

#[cfg(test)]
mod condition_tests;
#[cfg(test)]
mod policy_tests;

pub use self::{
    error::DocumentError,
    policy::{PolicyDocument, evaluate},
    request::{AccessRequest, DecidedBy, Decision},
    resource::{ResourceName, ResourceOwner},
    system::{SYSTEM_POLICIES, SystemPolicy},
};
