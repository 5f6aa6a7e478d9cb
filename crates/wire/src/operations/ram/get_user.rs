//! `GetUser`.

use super::{
    parameters::USER_NAME,
    shown::{find_user, one, user_with_update},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "GetUser",
    family: "user",
    summary: "Shows a RAM user.",
    description: "`LastLoginDate` is always empty: there is no console to log in to.",
    methods: Methods::GetOrPost,
    parameters: &[USER_NAME],
    exactly_one: &[],
    answer: &[
        Field::text("User.UserId", "200000000000000001"),
        Field::text("User.UserName", "alice"),
        Field::text("User.DisplayName", "Alice"),
        Field::text("User.MobilePhone", "86-18688880000"),
        Field::text("User.Email", "alice@example.com"),
        Field::text("User.Comments", "on call for the edge fleet"),
        Field::text("User.CreateDate", "2026-11-23T12:33:18Z"),
        Field::text("User.UpdateDate", "2026-11-23T12:33:18Z"),
        Field::text("User.LastLoginDate", ""),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::ENTITY_NOT_EXIST_USER,
    ],
    ram: Ram::of("ram:GetUser", Access::Get, Resource::Named { kind: "user", parameter: "UserName" }),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let mut shown = user_with_update(find_user(call, state)?);
    shown.insert("LastLoginDate".into(), json!(""));
    Ok(one("User", shown))
}
