//! `ListEntitiesForPolicy`.

use model::ram::User;

use super::{
    parameters::{POLICY_NAME, POLICY_TYPE},
    shown::Policy,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "ListEntitiesForPolicy",
    family: "attachment",
    summary: "Lists the RAM users that a policy is attached to.",
    description: "There are neither groups nor roles here: their lists are always empty.",
    methods: Methods::GetOrPost,
    parameters: &[POLICY_NAME, POLICY_TYPE],
    exactly_one: &[],
    answer: &[
        Field::text("Users.User[].UserId", "200000000000000001"),
        Field::text("Users.User[].UserName", "alice"),
        Field::text("Users.User[].DisplayName", "Alice"),
        Field::text("Users.User[].AttachDate", "2026-11-23T12:33:18Z"),
        Field::text("Groups.Group[].GroupName", ""),
        Field::text("Groups.Group[].Comments", ""),
        Field::text("Groups.Group[].AttachDate", ""),
        Field::text("Roles.Role[].RoleId", ""),
        Field::text("Roles.Role[].RoleName", ""),
        Field::text("Roles.Role[].Arn", ""),
        Field::text("Roles.Role[].Description", ""),
        Field::text("Roles.Role[].AttachDate", ""),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_VALUE,
        &code::ENTITY_NOT_EXIST_POLICY,
    ],
    ram: Ram::of("ram:ListEntitiesForPolicy", Access::List, Resource::Policy),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let policy = Policy::find(call, state)?.name();
    let shown = |user: &User| {
        let attachment = user.policies.iter().find(|own| own.policy == policy);
        json!({
            "UserId": user.id.to_string(),
            "UserName": user.name,
            "DisplayName": user.display_name,
            "AttachDate": attachment.map_or(user.created_at, |own| own.attached_at).to_text(),
        })
    };
    let users: Vec<Value> = state.attached_to(call.account, &policy).map(|user| shown(user)).collect();
    let mut answer = Answer::new();
    answer.insert("Users".into(), json!({ "User": users }));
    answer.insert("Groups".into(), json!({ "Group": [] }));
    answer.insert("Roles".into(), json!({ "Role": [] }));
    Ok(answer)
}
