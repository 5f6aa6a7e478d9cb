//! `ListPoliciesForUser`.

use super::{
    parameters::USER_NAME,
    shown::{Policy, find_user},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "ListPoliciesForUser",
    family: "attachment",
    summary: "Lists the policies that are attached to a RAM user, in the order of attachment.",
    description: "",
    methods: Methods::GetOrPost,
    parameters: &[USER_NAME],
    exactly_one: &[],
    answer: &[
        Field::text("Policies.Policy[].PolicyName", "edge-operator"),
        Field::text("Policies.Policy[].PolicyType", "Custom"),
        Field::text("Policies.Policy[].Description", "may move instances between groups"),
        Field::text("Policies.Policy[].DefaultVersion", "v1"),
        Field::text("Policies.Policy[].AttachDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::ENTITY_NOT_EXIST_USER,
    ],
    ram: Ram::of(
        "ram:ListPoliciesForUser",
        Access::List,
        Resource::Named { kind: "user", parameter: "UserName" },
    ),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let attached = find_user(call, state)?.policies.iter().filter_map(|attachment| {
        let mut shown = Policy::named(call, state, &attachment.policy)?.brief();
        shown.insert("AttachDate".into(), json!(attachment.attached_at.to_text()));
        Some(shown)
    });
    let shown: Vec<Answer> = attached.collect();
    Ok(Answer::from_iter([("Policies".to_owned(), json!({ "Policy": shown }))]))
}
