//! `AuthorizeSecurityGroup`.

use model::rule::Direction;

use super::rule::{add, old_dialect, old_rule};
use crate::catalogue::prelude::*;

pub(in crate::operations) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "AuthorizeSecurityGroup",
    family: "security group",
    summary: "Adds one ingress rule, IPv4.",
    description: "The rule must not be there yet: rules are the same when everything but their description is equal.",
    methods: Methods::GetOrPost,
    parameters: &old_dialect("SourceCidrIp", "The IPv4 source."),
    exactly_one: &[],
    answer: &[],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND, &code::RULE_DUPLICATED, &code::RULE_LIMIT],
    ram: Ram::all("ens:AuthorizeSecurityGroup", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(add(call, vec![old_rule(call.arguments, Direction::Ingress)?]))
}
