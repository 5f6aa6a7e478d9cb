//! `JoinSecurityGroup`.

use super::membership::target;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "JoinSecurityGroup",
    family: "security group",
    summary: "Adds an instance or a network interface to a security group.",
    description: "The instance must be Running or Stopped. Joining adds: the groups that the interface is in already stay.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "SecurityGroupId",
            Kind::Id,
            "The security group.",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::optional(
            "InstanceId",
            Kind::Id,
            "The instance; stands for its primary network interface.",
            "i-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::optional(
            "NetworkInterfaceId",
            Kind::Id,
            "One network interface.",
            "eni-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
    ],
    exactly_one: &[&["InstanceId", "NetworkInterfaceId"]],
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
