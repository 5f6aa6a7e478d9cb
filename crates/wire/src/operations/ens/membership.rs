//! What Join and Leave share: who, and which group.

use model::refusal::Target;

use crate::catalogue::prelude::*;

/// The parameters: the group, and one of two targets.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::required("SecurityGroupId", Kind::Id, "The security group.", "sg-5vn4n3y4laeb2ii9zxxltlvzi"),
    Parameter::optional(
        "InstanceId",
        Kind::Id,
        "The instance; stands for its primary network interface.",
        "i-5vn4n3y4laeb2ii9zxxltlvzi",
    ),
    Parameter::optional(
        "NetworkInterfaceId",
        Kind::Id,
        "One network interface.",
        "eni-5vn4n3y4laeb2ii9zxxltlvzi",
    ),
];

/// The targets, of which exactly one is given (contract, decision 1).
pub(super) const TARGETS: &[&[&str]] = &[&["InstanceId", "NetworkInterfaceId"]];

/// What the call names: an instance or an interface. Validation has seen that it is exactly one.
pub(super) fn target(arguments: &Arguments) -> Target {
    match arguments.id("InstanceId") {
        Some(instance) => Target::Instance(instance),
        None => Target::Interface(arguments.required_id("NetworkInterfaceId")),
    }
}
