//! `DeletePolicy`.

use model::ram::RamCommand;

use super::parameters::{POLICY_NAME, required};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "DeletePolicy",
    family: "policy",
    summary: "Deletes a policy.",
    description: "The policy must be attached to nobody. Its versions that are not in force must be deleted before, or go with it where `CascadingDelete` says so.",
    methods: Methods::GetOrPost,
    parameters: &[
        POLICY_NAME,
        Parameter::optional(
            "CascadingDelete",
            Kind::Boolean,
            "Whether versions that are not in force go with the policy.",
            "false",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_VALUE,
        &code::ENTITY_NOT_EXIST_POLICY,
        &code::DELETE_CONFLICT_POLICY_USER,
        &code::DELETE_CONFLICT_POLICY_VERSION,
    ],
    ram: Ram::of(
        "ram:DeletePolicy",
        Access::Delete,
        Resource::Named { kind: "policy", parameter: "PolicyName" },
    ),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::DeletePolicy {
        name: required(call, "PolicyName"),
        cascade: call.arguments.boolean("CascadingDelete").unwrap_or(false),
    }))
}
