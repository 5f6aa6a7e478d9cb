//! `DeleteAccessKey`.

use model::ram::RamCommand;

use super::parameters::{ACCESS_KEY_ID, USER_OR_CALLER, required};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "DeleteAccessKey",
    family: "access key",
    summary: "Deletes an access key.",
    description: "A root that deletes its last key can be given a new one by the operator only.",
    methods: Methods::GetOrPost,
    parameters: &[ACCESS_KEY_ID, USER_OR_CALLER],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::ENTITY_NOT_EXIST_USER,
        &code::ENTITY_NOT_EXIST_ACCESS_KEY,
    ],
    ram: Ram::of("ram:DeleteAccessKey", Access::Delete, Resource::UserOrCaller),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::DeleteAccessKey {
        user: call.arguments.boxed("UserName"),
        key: required(call, "UserAccessKeyId"),
    }))
}
