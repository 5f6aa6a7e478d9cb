//! `ListPolicies`.

use super::{
    parameters::{POLICY_TYPE_WANTED, TAG, tags},
    shown::Policy,
    steps::{MARKER, MAX_ITEMS, cut},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "ListPolicies",
    family: "policy",
    summary: "Lists policies: those that every account has, then the account's own, the oldest first.",
    description: "When `IsTruncated` is true there are more: call again with `Marker`. Where tags are given, policies that have all of them are listed; a tag without a value means any value.",
    methods: Methods::GetOrPost,
    parameters: &[POLICY_TYPE_WANTED, TAG, MARKER, MAX_ITEMS],
    exactly_one: &[],
    answer: &[
        Field::boolean("IsTruncated", "false"),
        Field::text("Marker", "b3duLzE3"),
        Field::text("Policies.Policy[].PolicyName", "edge-operator"),
        Field::text("Policies.Policy[].PolicyType", "Custom"),
        Field::text("Policies.Policy[].Description", "may move instances between groups"),
        Field::text("Policies.Policy[].DefaultVersion", "v1"),
        Field::text("Policies.Policy[].CreateDate", "2026-11-23T12:33:18Z"),
        Field::text("Policies.Policy[].UpdateDate", "2026-11-23T12:33:18Z"),
        Field::integer("Policies.Policy[].AttachmentCount", "1"),
        Field::text("Policies.Policy[].Tags.Tag[].TagKey", "team"),
        Field::text("Policies.Policy[].Tags.Tag[].TagValue", "edge"),
    ],
    errors: &[&code::RAM_NO_PERMISSION, &code::RAM_INVALID_VALUE],
    ram: Ram::of("ram:ListPolicies", Access::Get, Resource::Every { kind: "policy" }),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let wanted = call.arguments.text("PolicyType");
    let fits = |policy: &Policy<'_>| {
        wanted.is_none_or(|wanted| policy.type_name() == wanted) && tags(call).all(|tag| policy.has_tag(tag))
    };
    let list = Policy::all(call, state).filter(|(_, policy)| fits(policy));
    let (mut answer, policies) = cut(call.arguments, list)?;
    let shown = policies.into_iter().map(|policy| {
        let mut shown = policy.counted(call, state);
        shown.insert("Tags".into(), json!({ "Tag": policy.tags() }));
        shown
    });
    let shown: Vec<Answer> = shown.collect();
    answer.insert("Policies".into(), json!({ "Policy": shown }));
    Ok(answer)
}
