//! `DetachNetworkInterface`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DetachNetworkInterface",
    family: "network interface",
    summary: "Detaches a secondary network interface from its stopped instance.",
    description: "The interface must be InUse and not the primary one; its instance must be Stopped. The answer comes before the work is done: DescribeNetworkInterfaces shows the interface Detaching, then Available. Its security groups stay as they are.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "NetworkInterfaceId",
        Kind::Id,
        "The network interface.",
        "eni-5f6533jbifugr5fo2j1wabcde",
    )],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::ENS_INTERFACE_ERROR,
        &code::INTERFACE_NOT_FOUND,
        &code::INVALID_ENI_STATUS,
        &code::INVALID_ENI_TYPE,
        &code::INVALID_ENS_STATUS,
    ],
    ram: Ram::all("ens:DetachNetworkInterface", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let interface = call.arguments.required_id("NetworkInterfaceId");
    Ok(Command::Interface(InterfaceCommand::Detach { interface }))
}
