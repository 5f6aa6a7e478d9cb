//! `JoinSecurityGroup`.

use super::membership::{PARAMETERS, TARGETS, target};
use crate::catalogue::prelude::*;

pub(in crate::operations) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "JoinSecurityGroup",
    family: "security group",
    summary: "Adds an instance or a network interface to a security group.",
    description: "The instance must be Running or Stopped. Joining adds: the groups that the interface is in already stay.",
    methods: Methods::GetOrPost,
    parameters: PARAMETERS,
    exactly_one: TARGETS,
    answer: &[],
    errors: &[
        &code::SECURITY_GROUP_NOT_FOUND,
        &code::RULE_DUPLICATED,
        &code::RULE_LIMIT,
        &code::RULE_NOT_FOUND,
        &code::INCORRECT_INSTANCE_STATUS,
        &code::INSTANCE_NOT_FOUND,
        &code::INTERFACE_NOT_FOUND,
        &code::GROUP_LIMIT,
        &code::MEMBER_LIMIT,
    ],
    ram: Ram::all("ens:JoinSecurityGroup", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::SecurityGroup(SecurityGroupCommand::Join {
        group: call.arguments.required_id("SecurityGroupId"),
        target: target(call.arguments),
    }))
}
