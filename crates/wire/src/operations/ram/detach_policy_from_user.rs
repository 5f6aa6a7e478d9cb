//! `DetachPolicyFromUser`.

use model::ram::RamCommand;

use super::parameters::{POLICY_NAME, POLICY_TYPE, RESOURCE_GROUP_ID, USER_NAME, policy_name, required};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "DetachPolicyFromUser",
    family: "attachment",
    summary: "Detaches a policy from a RAM user.",
    description: "The user loses what the policy allows from the next request on. The caller must be allowed this for the user and for the policy.",
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
        &code::ENTITY_NOT_EXIST_ATTACHMENT,
    ],
    ram: Ram::of("ram:DetachPolicyFromUser", Access::Update, Resource::UserAndPolicy),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::DetachPolicy { policy: policy_name(call), user: required(call, "UserName") }))
}
