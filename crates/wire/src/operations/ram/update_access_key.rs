//! `UpdateAccessKey`.

use model::ram::RamCommand;

use super::parameters::{ACCESS_KEY_ID, USER_OR_CALLER, required};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "UpdateAccessKey",
    family: "access key",
    summary: "Switches an access key on or off.",
    description: "A key that is off signs nothing, from the next request on.",
    methods: Methods::GetOrPost,
    parameters: &[
        ACCESS_KEY_ID,
        Parameter::required(
            "Status",
            Kind::OneOf(&["Active", "Inactive"]),
            "Whether the key may be used.",
            "Inactive",
        ),
        USER_OR_CALLER,
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_VALUE,
        &code::ENTITY_NOT_EXIST_USER,
        &code::ENTITY_NOT_EXIST_ACCESS_KEY,
    ],
    ram: Ram::of("ram:UpdateAccessKey", Access::Update, Resource::UserOrCaller),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::UpdateAccessKey {
        user: call.arguments.boxed("UserName"),
        key: required(call, "UserAccessKeyId"),
        active: call.arguments.text("Status") == Some("Active"),
    }))
}
