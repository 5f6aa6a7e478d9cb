//! `ModifyNetworkInterfaceAttribute`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ModifyNetworkInterfaceAttribute",
    family: "network interface",
    summary: "Changes name and description of a network interface.",
    description: "What is not given, or given empty, stays as it is.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "NetworkInterfaceId",
            Kind::Id,
            "The network interface.",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Parameter::optional("NetworkInterfaceName", Kind::form(1, 128, Form::NO_URL), "The name.", "backup"),
        Parameter::optional(
            "Description",
            Kind::form(1, 256, Form::NO_URL),
            "What the interface is for.",
            "Backup traffic",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INTERFACE_NOT_FOUND],
    ram: Ram::all("ens:ModifyNetworkInterfaceAttribute", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::Interface(InterfaceCommand::Modify {
        interface: arguments.required_id("NetworkInterfaceId"),
        name: arguments.boxed("NetworkInterfaceName"),
        description: arguments.boxed("Description"),
    }))
}
