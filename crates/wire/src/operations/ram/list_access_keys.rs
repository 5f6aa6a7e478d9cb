//! `ListAccessKeys`.

use model::Actor;

use super::{
    parameters::USER_OR_CALLER,
    shown::{access_key, find_user},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "ListAccessKeys",
    family: "access key",
    summary: "Lists access keys, the oldest first.",
    description: "Secrets are not shown.",
    methods: Methods::GetOrPost,
    parameters: &[USER_OR_CALLER],
    exactly_one: &[],
    answer: &[
        Field::text("AccessKeys.AccessKey[].AccessKeyId", "LTAI5tExampleExampleEx01"),
        Field::text("AccessKeys.AccessKey[].Status", "Active"),
        Field::text("AccessKeys.AccessKey[].CreateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::ENTITY_NOT_EXIST_USER,
    ],
    ram: Ram::of("ram:ListAccessKeys", Access::List, Resource::UserOrCaller),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let owner = match call.actor {
        _ if call.arguments.has("UserName") => Some(find_user(call, state)?.id),
        Actor::User(_, caller) => Some(caller),
        _ => None,
    };
    let shown: Vec<Answer> = state.keys_of(call.account, owner).map(|key| access_key(key)).collect();
    Ok(Answer::from_iter([("AccessKeys".to_owned(), json!({ "AccessKey": shown }))]))
}
