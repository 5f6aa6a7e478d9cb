//! The target of a Join or Leave.

use model::refusal::Target;

use crate::catalogue::prelude::*;

/// What the call names: an instance or an interface. Validation has seen that it is exactly one.
pub(super) fn target(arguments: &Arguments) -> Target {
    match arguments.id("InstanceId") {
        Some(instance) => Target::Instance(instance),
        None => Target::Interface(arguments.required_id("NetworkInterfaceId")),
    }
}
