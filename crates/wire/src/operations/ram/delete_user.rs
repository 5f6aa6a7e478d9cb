//! `DeleteUser`.

use model::ram::RamCommand;

use super::parameters::{USER_NAME, required};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "DeleteUser",
    family: "user",
    summary: "Deletes a RAM user.",
    description: "The user must have neither access keys nor policies.",
    methods: Methods::GetOrPost,
    parameters: &[USER_NAME],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::ENTITY_NOT_EXIST_USER,
        &code::DELETE_CONFLICT_USER_ACCESS_KEY,
        &code::DELETE_CONFLICT_USER_POLICY,
    ],
    ram: Ram::of("ram:DeleteUser", Access::Delete, Resource::Named { kind: "user", parameter: "UserName" }),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::DeleteUser { name: required(call, "UserName") }))
}
