//! `GetPolicy`.

use super::{
    parameters::{POLICY_NAME, POLICY_TYPE},
    shown::{Policy, one},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "GetPolicy",
    family: "policy",
    summary: "Shows a policy and its version in force.",
    description: "`Policy.PolicyDocument` is there for old clients; it is the document of `DefaultPolicyVersion`.",
    methods: Methods::GetOrPost,
    parameters: &[POLICY_NAME, POLICY_TYPE],
    exactly_one: &[],
    answer: &[
        Field::text("Policy.PolicyName", "edge-operator"),
        Field::text("Policy.PolicyType", "Custom"),
        Field::text("Policy.Description", "may move instances between groups"),
        Field::text("Policy.DefaultVersion", "v1"),
        Field::text("Policy.CreateDate", "2026-11-23T12:33:18Z"),
        Field::text("Policy.UpdateDate", "2026-11-23T12:33:18Z"),
        Field::integer("Policy.AttachmentCount", "1"),
        Field::text("Policy.PolicyDocument", "{\"Version\":\"1\",\"Statement\":[]}"),
        Field::text("DefaultPolicyVersion.VersionId", "v1"),
        Field::boolean("DefaultPolicyVersion.IsDefaultVersion", "true"),
        Field::text("DefaultPolicyVersion.PolicyDocument", "{\"Version\":\"1\",\"Statement\":[]}"),
        Field::text("DefaultPolicyVersion.CreateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_VALUE,
        &code::ENTITY_NOT_EXIST_POLICY,
    ],
    ram: Ram::of("ram:GetPolicy", Access::Get, Resource::Policy),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let policy = Policy::find(call, state)?;
    let mut shown = policy.counted(call, state);
    let version = policy.default_version().unwrap_or_default();
    shown.extend(
        version.get("PolicyDocument").map(|document| ("PolicyDocument".to_owned(), document.clone())),
    );
    let mut answer = one("Policy", shown);
    answer.insert("DefaultPolicyVersion".into(), Value::Object(version));
    Ok(answer)
}
