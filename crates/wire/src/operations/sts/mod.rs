//! The security token service: the operations of API version 2015-04-01.

mod get_caller_identity;

use crate::catalogue::Operation;

pub(super) static OPERATIONS: &[&Operation] = &[&get_caller_identity::OPERATION];
