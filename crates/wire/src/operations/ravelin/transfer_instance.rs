//! `TransferInstance`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "TransferInstance",
    family: "instance",
    summary: "Moves an instance to other hardware of its edge site.",
    description: "The instance must be Running or Stopped. It is Transferring for a while, in which it can neither join nor leave security groups, and then as it was before. An instance that a lab node runs goes to another lab node of the account at its edge site as soon as the first one says that it is gone there; without another one it is made anew where it was. Elsewhere the provider moves instances when it must, and nobody can ask for it.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "InstanceId",
        Kind::Id,
        "The instance.",
        "i-5vn4n3y4laeb2ii9zxxltlvzi",
    )],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INSTANCE_ID_NOT_FOUND, &code::INCORRECT_INSTANCE_STATUS],
    ram: Ram::all("ravelin:TransferInstance", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let instance = call.arguments.required_id("InstanceId");
    Ok(Command::Instance(InstanceCommand::Transfer { instance }))
}
