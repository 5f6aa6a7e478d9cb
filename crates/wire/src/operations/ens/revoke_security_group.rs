//! `RevokeSecurityGroup`.

use model::rule::Direction;

use super::rule::{old_dialect, old_rule, remove};
use crate::catalogue::prelude::*;

pub(in crate::operations) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "RevokeSecurityGroup",
    family: "security group",
    summary: "Removes one ingress rule, IPv4.",
    description: "A rule is its content: protocol, ports, policy, priority and addresses must be those it was added with. What is not given has the same default as when adding.",
    methods: Methods::GetOrPost,
    parameters: &old_dialect("SourceCidrIp", "The IPv4 source."),
    exactly_one: &[],
    answer: &[],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND, &code::RULE_NOT_FOUND],
    ram: Ram::all("ens:RevokeSecurityGroup", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(remove(call, vec![old_rule(call.arguments, Direction::Ingress)?]))
}
