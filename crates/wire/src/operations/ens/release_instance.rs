//! `ReleaseInstance`.

use super::instance::instance;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ReleaseInstance",
    family: "instance",
    summary: "Releases an instance, a network or a vSwitch.",
    description: "Which one it is, the id says. The instance must be Running, Stopped or Expired, and not protected by DeletionProtection. It leaves its security groups at once, is Releasing for a while, and then does not exist any more; its secondary network interfaces stay. Networks and vSwitches are deleted under the conditions of DeleteNetwork and DeleteVSwitch. There are no other resources here that could be released: every other id is InstanceIdNotFound.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "InstanceId",
        Kind::Id,
        "The instance, network or vSwitch.",
        "i-5vn4n3y4laeb2ii9zxxltlvzi",
    )],
    exactly_one: &[],
    answer: &[Field::text("ResourceType", "instance")],
    errors: &[
        &code::INSTANCE_ID_NOT_FOUND,
        &code::INCORRECT_INSTANCE_STATUS,
        &code::DELETION_PROTECTED,
        &code::NETWORK_NOT_FOUND,
        &code::VSWITCH_NOT_FOUND,
        &code::DEPENDENCY_VIOLATION,
    ],
    ram: Ram::all("ens:ReleaseInstance", Access::Delete),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let id = call.arguments.required_text("InstanceId");
    if let Ok(network) = id.parse() {
        return Ok(Command::Network(NetworkCommand::Delete { network }));
    }
    if let Ok(vswitch) = id.parse() {
        return Ok(Command::Network(NetworkCommand::DeleteVSwitch { vswitch }));
    }
    Ok(Command::Instance(InstanceCommand::Release { instance: instance(call), charge: None }))
}

fn answer(call: &Call<'_>, _: &Outcome) -> Answer {
    let resource_type = match call.arguments.required_text("InstanceId").split('-').next() {
        Some("n") => "network",
        Some("vsw") => "vswitch",
        _ => "instance",
    };
    let mut answer = Answer::new();
    answer.insert("ResourceType".into(), json!(resource_type));
    answer
}
