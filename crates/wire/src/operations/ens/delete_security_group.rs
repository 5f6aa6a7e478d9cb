//! `DeleteSecurityGroup`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DeleteSecurityGroup",
    family: "security group",
    summary: "Deletes a security group.",
    description: "Refused while instances or network interfaces are members; the answer names the first of them.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "SecurityGroupId",
        Kind::Id,
        "The security group.",
        "sg-5vn4n3y4laeb2ii9zxxltlvzi",
    )],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND, &code::DEPENDENCY_VIOLATION],
    ram: Ram::all("ens:DeleteSecurityGroup", Access::Delete),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let group = call.arguments.required_id("SecurityGroupId");
    Ok(Command::SecurityGroup(SecurityGroupCommand::Delete { group }))
}
