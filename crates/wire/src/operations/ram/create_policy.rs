//! `CreatePolicy`.

use model::ram::{RamCommand, RamOutcome};

use super::{
    parameters::{POLICY_DOCUMENT, POLICY_NAME, TAG, document, new_tags, required},
    shown::{Policy, one},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "CreatePolicy",
    family: "policy",
    summary: "Creates a policy.",
    description: "A policy decides nothing until it is attached to a user. Two names that differ in capital letters alone count as one.",
    methods: Methods::GetOrPost,
    parameters: &[
        POLICY_NAME,
        POLICY_DOCUMENT,
        Parameter::optional(
            "Description",
            Kind::text(1_024),
            "What the policy is for.",
            "may move instances between groups",
        ),
        TAG,
    ],
    exactly_one: &[],
    answer: &[
        Field::text("Policy.PolicyName", "edge-operator"),
        Field::text("Policy.PolicyType", "Custom"),
        Field::text("Policy.Description", "may move instances between groups"),
        Field::text("Policy.DefaultVersion", "v1"),
        Field::text("Policy.CreateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::MALFORMED_POLICY_DOCUMENT,
        &code::ENTITY_EXISTS_POLICY,
        &code::LIMIT_EXCEEDED_POLICY,
        &code::QUOTA_EXCEEDED,
    ],
    ram: Ram::of("ram:CreatePolicy", Access::Create, Resource::Every { kind: "policy" }),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::CreatePolicy {
        name: required(call, "PolicyName"),
        description: required(call, "Description"),
        document: document(call)?,
        tags: new_tags(call),
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Ram(RamOutcome::Policy(policy)) => one("Policy", Policy::Custom(policy).created()),
        _ => Answer::new(),
    }
}
