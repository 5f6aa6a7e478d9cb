//! `UpdatePolicyDescription`.

use model::ram::{RamCommand, RamOutcome};

use super::{
    parameters::{POLICY_NAME, required},
    shown::{Policy, one},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ram,
    name: "UpdatePolicyDescription",
    family: "policy",
    summary: "Changes the description of a policy.",
    description: "",
    methods: Methods::GetOrPost,
    parameters: &[
        POLICY_NAME,
        Parameter::required(
            "NewDescription",
            Kind::text(1_024),
            "The new description.",
            "may move instances between groups",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::text("Policy.PolicyName", "edge-operator"),
        Field::text("Policy.PolicyType", "Custom"),
        Field::text("Policy.Description", "may move instances between groups"),
        Field::text("Policy.DefaultVersion", "v1"),
        Field::text("Policy.CreateDate", "2026-11-23T12:33:18Z"),
        Field::text("Policy.UpdateDate", "2026-11-23T12:33:18Z"),
    ],
    errors: &[
        &code::RAM_NO_PERMISSION,
        &code::RAM_INVALID_CHARS,
        &code::RAM_INVALID_LENGTH,
        &code::ENTITY_NOT_EXIST_POLICY,
    ],
    ram: Ram::of(
        "ram:UpdatePolicyDescription",
        Access::Update,
        Resource::Named { kind: "policy", parameter: "PolicyName" },
    ),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Ram(RamCommand::UpdatePolicyDescription {
        name: required(call, "PolicyName"),
        description: required(call, "NewDescription"),
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Ram(RamOutcome::Policy(policy)) => one("Policy", Policy::Custom(policy).updated()),
        _ => Answer::new(),
    }
}
