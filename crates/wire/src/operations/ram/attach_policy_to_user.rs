//! `AttachPolicyToUser`.

use model::ram::RamCommand;

use super::parameters::{POLICY_NAME, POLICY_TYPE, RESOURCE_GROUP_ID, USER_NAME, policy_name, required};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "AttachPolicyToUser",
    family: "attachment",
    summary: "Attaches a policy to a RAM user.",
    description: "It decides from the next request on. The caller must be allowed this for the user and for the policy.",
    methods: Methods::GetOrPost,
    parameters: &[POLICY_NAME, POLICY_TYPE, USER_NAME, RESOURCE_GROUP_ID],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_VALUE,
        &code::ENTITY_NOT_EXIST_USER,
        &code::ENTITY_NOT_EXIST_POLICY,
        &code::ENTITY_EXISTS_ATTACHMENT,
        &code::LIMIT_EXCEEDED_ATTACHMENT,
    ],
    ram: Ram::of("ram:AttachPolicyToUser", Access::Update, Resource::UserAndPolicy),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::AttachPolicy { policy: policy_name(call), user: required(call, "UserName") }))
}
