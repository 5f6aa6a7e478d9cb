//! `ModifySecurityGroupAttribute`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ModifySecurityGroupAttribute",
    family: "security group",
    summary: "Changes name and description of a security group.",
    description: "What is not given stays as it is; what is given empty becomes empty.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "SecurityGroupId",
            Kind::Id,
            "The security group.",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::optional("SecurityGroupName", Kind::form(0, 128, Form::GROUP_NAME), "The name.", "web"),
        Parameter::optional(
            "Description",
            Kind::form(0, 256, Form::NO_URL),
            "What the group is for.",
            "Web servers",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND],
    ram: Ram::all("ens:ModifySecurityGroupAttribute", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::SecurityGroup(SecurityGroupCommand::Modify {
        group: arguments.required_id("SecurityGroupId"),
        name: arguments.boxed("SecurityGroupName"),
        description: arguments.boxed("Description"),
    }))
}
