//! `GetPolicyVersion`.

use super::{
    parameters::{POLICY_NAME, POLICY_TYPE, VERSION_ID, version},
    shown::{Policy, one},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "GetPolicyVersion",
    family: "policy",
    summary: "Shows a version of a policy.",
    description: "",
    methods: Methods::GetOrPost,
    parameters: &[POLICY_NAME, POLICY_TYPE, VERSION_ID],
    exactly_one: &[],
    answer: &[
        Field::text("PolicyVersion.VersionId", "v1"),
        Field::boolean("PolicyVersion.IsDefaultVersion", "true"),
        Field::text("PolicyVersion.PolicyDocument", "{\"Version\":\"1\",\"Statement\":[]}"),
        Field::text("PolicyVersion.CreateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_FORMAT,
        &code::RAM_INVALID_VALUE,
        &code::ENTITY_NOT_EXIST_POLICY,
        &code::ENTITY_NOT_EXIST_POLICY_VERSION,
    ],
    ram: Ram::of("ram:GetPolicyVersion", Access::Get, Resource::Policy),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let shown = Policy::find(call, state)?.version(version(call));
    let shown = shown.ok_or_else(|| Fault::of(&code::ENTITY_NOT_EXIST_POLICY_VERSION))?;
    Ok(one("PolicyVersion", shown))
}
