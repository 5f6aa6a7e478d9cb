//! `LeaveSecurityGroup`: the operation that everything here serves.

use super::membership::{PARAMETERS, TARGETS, target};
use crate::catalogue::prelude::*;

pub(in crate::operations) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "LeaveSecurityGroup",
    family: "security group",
    summary: "Removes an instance or a network interface from a security group.",
    description: "The instance must be Running or Stopped; for an attached network interface the state of its instance decides, one that is not attached may leave at any time. The last group may be left: then nothing new comes in, everything may go out, and replies come in. What the groups that remain permit decides from then on; this server keeps memberships and filters no packet itself: agents do, on the nodes at whose devices the interfaces are bound.",
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
        &code::ENS_INTERFACE_ERROR,
    ],
    ram: Ram::all("ens:LeaveSecurityGroup", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::SecurityGroup(SecurityGroupCommand::Leave {
        group: call.arguments.required_id("SecurityGroupId"),
        target: target(call.arguments),
    }))
}
