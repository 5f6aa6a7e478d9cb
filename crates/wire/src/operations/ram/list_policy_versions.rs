//! `ListPolicyVersions`.

use super::{
    parameters::{POLICY_NAME, POLICY_TYPE},
    shown::Policy,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "ListPolicyVersions",
    family: "policy",
    summary: "Lists the versions of a policy, the oldest first.",
    description: "",
    methods: Methods::GetOrPost,
    parameters: &[POLICY_NAME, POLICY_TYPE],
    exactly_one: &[],
    answer: &[
        Field::text("PolicyVersions.PolicyVersion[].VersionId", "v1"),
        Field::boolean("PolicyVersions.PolicyVersion[].IsDefaultVersion", "true"),
        Field::text("PolicyVersions.PolicyVersion[].PolicyDocument", "{\"Version\":\"1\",\"Statement\":[]}"),
        Field::text("PolicyVersions.PolicyVersion[].CreateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::RAM_INVALID_VALUE,
        &code::ENTITY_NOT_EXIST_POLICY,
    ],
    ram: Ram::of("ram:ListPolicyVersions", Access::List, Resource::Policy),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let shown = Policy::find(call, state)?.versions();
    Ok(Answer::from_iter([("PolicyVersions".to_owned(), json!({ "PolicyVersion": shown }))]))
}
