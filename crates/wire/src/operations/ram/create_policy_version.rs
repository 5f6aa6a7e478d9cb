//! `CreatePolicyVersion`.

use model::ram::{RamCommand, RamOutcome};

use super::{
    parameters::{POLICY_DOCUMENT, POLICY_NAME, document, required},
    shown::{one, version},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "CreatePolicyVersion",
    family: "policy",
    summary: "Creates a new version of a policy.",
    description: "A policy may have five versions. The new one is in force where `SetAsDefault` says so, or after SetDefaultPolicyVersion.",
    methods: Methods::GetOrPost,
    parameters: &[
        POLICY_NAME,
        POLICY_DOCUMENT,
        Parameter::optional(
            "SetAsDefault",
            Kind::Boolean,
            "Whether the version is in force at once.",
            "false",
        ),
        ROTATE_STRATEGY,
    ],
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
        &code::RAM_INVALID_VALUE,
        &code::MALFORMED_POLICY_DOCUMENT,
        &code::ENTITY_NOT_EXIST_POLICY,
        &code::LIMIT_EXCEEDED_POLICY_VERSION,
    ],
    ram: Ram::of(
        "ram:CreatePolicyVersion",
        Access::Create,
        Resource::Named { kind: "policy", parameter: "PolicyName" },
    ),
    handler: Handler::Change { command, answer },
};

const ROTATE: &str = "DeleteOldestNonDefaultVersionWhenLimitExceeded";
const ROTATE_STRATEGY: Parameter = Parameter::optional(
    "RotateStrategy",
    Kind::OneOf(&["None", ROTATE]),
    "What happens where there are as many versions as there may be: nothing, or the oldest that is not in force goes.",
    "None",
);

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::CreatePolicyVersion {
        name: required(call, "PolicyName"),
        document: document(call)?,
        set_default: call.arguments.boolean("SetAsDefault").unwrap_or(false),
        rotate: call.arguments.text("RotateStrategy") == Some(ROTATE),
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Ram(RamOutcome::PolicyVersion { version: made, default }) => {
            one("PolicyVersion", version(made, *default))
        }
        _ => Answer::new(),
    }
}
