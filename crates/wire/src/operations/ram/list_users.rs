//! `ListUsers`.

use super::{
    shown::user_with_update,
    steps::{MARKER, MAX_ITEMS, Place, cut},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "ListUsers",
    family: "user",
    summary: "Lists the RAM users of the account, the oldest first.",
    description: "When `IsTruncated` is true there are more: call again with `Marker`.",
    methods: Methods::GetOrPost,
    parameters: &[MARKER, MAX_ITEMS],
    exactly_one: &[],
    answer: &[
        Field::boolean("IsTruncated", "false"),
        Field::text("Marker", "b3duLzE3"),
        Field::text("Users.User[].UserId", "200000000000000001"),
        Field::text("Users.User[].UserName", "alice"),
        Field::text("Users.User[].DisplayName", "Alice"),
        Field::text("Users.User[].MobilePhone", "86-18688880000"),
        Field::text("Users.User[].Email", "alice@example.com"),
        Field::text("Users.User[].Comments", "on call for the edge fleet"),
        Field::text("Users.User[].CreateDate", "2026-11-23T12:33:18Z"),
        Field::text("Users.User[].UpdateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[&code::RAM_NO_PERMISSION, &code::RAM_INVALID_VALUE],
    ram: Ram::of("ram:ListUsers", Access::List, Resource::Every { kind: "user" }),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let users = state.users().oldest_first(call.account);
    let (mut answer, users) = cut(call.arguments, users.map(|user| (Place::Own(user.serial), user)))?;
    let shown: Vec<Answer> = users.into_iter().map(|user| user_with_update(user)).collect();
    answer.insert("Users".into(), json!({ "User": shown }));
    Ok(answer)
}
