//! `DeletePolicyVersion`.

use model::ram::RamCommand;

use super::parameters::{POLICY_NAME, VERSION_ID, required, version};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "DeletePolicyVersion",
    family: "policy",
    summary: "Deletes a version of a policy.",
    description: "The version in force cannot be deleted.",
    methods: Methods::GetOrPost,
    parameters: &[POLICY_NAME, VERSION_ID],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_FORMAT,
        &code::ENTITY_NOT_EXIST_POLICY,
        &code::ENTITY_NOT_EXIST_POLICY_VERSION,
        &code::DELETE_CONFLICT_DEFAULT_VERSION,
    ],
    ram: Ram::of(
        "ram:DeletePolicyVersion",
        Access::Delete,
        Resource::Named { kind: "policy", parameter: "PolicyName" },
    ),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::DeletePolicyVersion {
        name: required(call, "PolicyName"),
        version: version(call),
    }))
}
