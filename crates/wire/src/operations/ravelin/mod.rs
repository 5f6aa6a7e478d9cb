//! Ravelin's own operations, of API version 2026-11-22: what ENS does not have.

mod transfer_instance;

use crate::catalogue::Operation;

pub(super) static OPERATIONS: &[&Operation] = &[&transfer_instance::OPERATION];
