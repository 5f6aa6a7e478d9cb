//! `UnbindNetworkInterface`.

use super::parameters::INTERFACE_ID;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "UnbindNetworkInterface",
    family: "node",
    summary: "Ends the binding of a network interface.",
    description: "Its flows are cut, and the device drops what comes from then on.",
    methods: Methods::GetOrPost,
    parameters: &[INTERFACE_ID],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INTERFACE_NOT_FOUND, &code::INTERFACE_NOT_BOUND],
    ram: Ram::all("ravelin:UnbindNetworkInterface", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Node(NodeCommand::Unbind { interface: call.arguments.required_id("NetworkInterfaceId") }))
}
