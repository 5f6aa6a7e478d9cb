//! `CreateAccessKey`.

use model::ram::{RamCommand, RamOutcome};

use super::{
    parameters::USER_OR_CALLER,
    shown::{access_key, one},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "CreateAccessKey",
    family: "access key",
    summary: "Creates an access key.",
    description: "The answer is the only place where the secret is ever shown. A user, and the account's root, may have two keys: enough to replace one by the other without a pause.",
    methods: Methods::GetOrPost,
    parameters: &[USER_OR_CALLER],
    exactly_one: &[],
    answer: &[
        Field::text("AccessKey.AccessKeyId", "LTAI5tExampleExampleEx01"),
        Field::text("AccessKey.AccessKeySecret", "ExampleExampleExampleExample01"),
        Field::text("AccessKey.Status", "Active"),
        Field::text("AccessKey.CreateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::ENTITY_NOT_EXIST_USER,
        &code::LIMIT_EXCEEDED_ACCESS_KEY,
    ],
    ram: Ram::of("ram:CreateAccessKey", Access::Create, Resource::UserOrCaller),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::CreateAccessKey { user: call.arguments.boxed("UserName") }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let Outcome::Ram(RamOutcome::AccessKey(key)) = outcome else { return Answer::new() };
    let mut shown = access_key(key);
    shown.insert("AccessKeySecret".into(), json!(key.secret.reveal()));
    one("AccessKey", shown)
}
